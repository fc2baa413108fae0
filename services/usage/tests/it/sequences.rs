//! Random instructions, one after another, against the plain model of the books: the same answers, the
//! same sums, and after each the books agree with themselves.

use std::collections::HashMap;
use std::time::Duration;

use testkit::TestDb;
use time::macros::datetime;
use types::{Clock, Microusd, ReservationId, UserId};
use usage::domain::clerk::Instruction;
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::price::{Quantity, Unit, Work};
use usage::domain::reservation::Amendment;
use usage::domain::rules::Amounts;
use usage::domain::scope::Purpose;
use uuid::Uuid;

use crate::books::{Books, HOLD, user};
use crate::dice::Dice;
use crate::model::{MONEY, Model, Word};

const STEPS: u64 = 250;
const DAY: Duration = Duration::from_secs(86_400);

fn word(outcome: &Result<usage::domain::clerk::Done, Error>) -> Word {
    match outcome {
        Ok(done) if done.is_repeat => Word::Repeat,
        Ok(_) => Word::Done,
        Err(Error::OverLimit(_)) => Word::Over,
        Err(Error::OperationMismatch) => Word::Mismatch,
        Err(Error::NotFound(_)) => Word::Missing,
        Err(Error::WrongState(_)) => Word::Wrong,
        Err(error) => panic!("{error:?}"),
    }
}

fn amendment(id: ReservationId, money: i64) -> Amendment {
    let picture = Quantity {
        unit: Unit::Image,
        count: 1,
        size: String::new(),
        quality: String::new(),
    };
    Amendment {
        id,
        purpose: Purpose {
            provider: "gemini".to_owned(),
            ..Purpose::default()
        },
        work: Some(Work {
            quantities: vec![picture],
            list: Some((Microusd(money), "2026-11-01".to_owned())),
            permille: None,
        }),
    }
}

// What to ask next, and what the model says of it.
fn next(
    dice: &mut Dice,
    books: &Books,
    owners: &[UserId],
    model: &mut Model,
) -> (Instruction, Word) {
    let now = books.clock.now();
    // Few ids, so that instructions meet each other's reservations.
    let id = ReservationId(Uuid::from_u128(dice.below(40).into()));
    let owner = owners[dice.index(owners.len())];
    match dice.below(12) {
        0..=2 => {
            let (units, money) = (1 + dice.amount(3), dice.amount(4) * 60);
            let amounts = [(Meter::Generations, units), (Meter::Microusd, money)];
            let mut ask = books.ask_for(owner, amounts);
            ask.id = id;
            let until = now.plus(HOLD).micros();
            let word = model.reserve(id, owner, (units, money), until);
            (Instruction::Reserve(ask), word)
        }
        3 | 4 => {
            let money = dice.amount(6) * 55;
            let instruction = Instruction::Amend(amendment(id, money));
            (instruction, model.amend(id, money))
        }
        5 => (
            Instruction::Confirm(id),
            model.confirm(id, now.plus(DAY).micros()),
        ),
        6 => (
            Instruction::Extend(id, HOLD * 2),
            model.extend(id, now.plus(HOLD * 2).micros()),
        ),
        7 | 8 => {
            let (units, money) = (dice.amount(5), dice.amount(7) * 40);
            let actuals = Amounts::from([(Meter::Generations, units), (Meter::Microusd, money)]);
            (
                Instruction::Settle(id, actuals.into()),
                model.settle(id, units, money),
            )
        }
        9 => (Instruction::Release(id), model.release(id)),
        10 => (Instruction::Suspend(id), model.suspend(id)),
        _ => (Instruction::Expire(id), model.expire(id, now.micros())),
    }
}

async fn compare(books: &Books, owners: &[UserId], model: &Model) {
    for owner in owners {
        let (used, held, _) = books.standing(*owner).await;
        assert_eq!((used, held), model.units(*owner));
    }
    let global = "FROM counters WHERE subject = 'global' AND meter = 'MICROUSD'";
    let sum = |column| format!("SELECT COALESCE(SUM({column}), 0) AS n {global}");
    let money = (
        books.number(&sum("used")).await,
        books.number(&sum("held")).await,
    );
    assert_eq!(money, model.money());
    assert_eq!(books.recorded("amount").await, model.charged);
    let balance = |account| {
        format!(
            "SELECT COALESCE(SUM(debits - credits), 0) AS n FROM accounts WHERE account = '{account}'"
        )
    };
    assert_eq!(books.number(&balance("platform:loss")).await, model.loss);
    assert_eq!(
        books.number(&balance("platform:suspense")).await,
        model.suspended
    );
    assert_eq!(books.disagreements().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_are_the_model() {
    for seed in [7, 1_848] {
        for test in TestDb::both("usage").await {
            let books = Books::open(&test, "free:12").await;
            books.at(datetime!(2026-11-02 12:00 UTC));
            books.budget(("global", ""), Meter::Microusd, MONEY).await;
            let owners = [user(), user(), user()];
            let (mut dice, mut model) = (Dice::new(seed), Model::default());
            let mut said = HashMap::new();
            for step in 0..STEPS {
                match dice.below(30) {
                    // A day passes; a clock is set back.
                    0 => books.clock.advance(DAY),
                    1 => books.at(books.clock.now().utc() - Duration::from_secs(400)),
                    _ => books.clock.advance(Duration::from_secs(dice.below(300))),
                }
                let (instruction, expected) = next(&mut dice, &books, &owners, &mut model);
                let outcome = books.post(instruction.clone()).await;
                let name = test.name();
                assert_eq!(
                    word(&outcome),
                    expected,
                    "{name} {seed} {step}: {instruction:?}"
                );
                *said.entry(format!("{expected:?}")).or_insert(0) += 1;
                compare(&books, &owners, &model).await;
            }
            assert_eq!(said.len(), 6, "some outcome never came: {said:?}");
        }
    }
}

// The comparison can fail: each sum that is kept, one off.
#[tokio::test]
async fn every_sum_that_is_off_is_seen() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:12").await;
        books.budget(("global", ""), Meter::Microusd, MONEY).await;
        let owner = user();
        let money = [(Meter::Generations, 1), (Meter::Microusd, 50)];
        let (settled, held) = (books.ask_for(owner, money), books.ask_for(owner, money));
        books.reserve(&settled).await.unwrap();
        books.reserve(&held).await.unwrap();
        books.settle(settled.id).await.unwrap();
        assert_eq!(books.disagreements().await, 0, "{}", test.name());
        for (table, column) in [
            ("counters", "held"),
            ("accounts", "debits"),
            ("accounts", "credits"),
            ("usage_daily", "records"),
            ("usage_daily", "units"),
            ("usage_daily", "charged"),
            ("spend_minutes", "microusd"),
        ] {
            books
                .sql(&format!("UPDATE {table} SET {column} = {column} + 1"))
                .await;
            assert!(
                books.disagreements().await > 0,
                "{}: {table}.{column}",
                test.name()
            );
            books
                .sql(&format!("UPDATE {table} SET {column} = {column} - 1"))
                .await;
        }
        books.sql("DELETE FROM accounts").await;
        assert!(books.disagreements().await > 0);
    }
}
