//! What an outbox delivers counts once, delivered several times, at once and in any order.

use testkit::TestDb;
use types::ReservationId;
use usage::domain::clerk::Instruction;
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::rules::Amounts;

use crate::books::{Books, race, user};
use crate::dice::Dice;

const ORDERS: usize = 100;
const TIMES: usize = 3;

// Even ones were sold, odd ones came to nothing.
fn end(place: usize, id: ReservationId) -> Instruction {
    match place % 2 {
        0 => Instruction::Settle(id, Amounts::from([(Meter::Microusd, 30)]).into()),
        _ => Instruction::Release(id),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deliveries_come_twice_and_in_no_order() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:1000+$1").await;
        let other = match test.name() {
            "postgres" => Books::open(&test, "free:1000+$1").await,
            _ => books.clone(),
        };
        let owner = user();
        let mut deliveries = Vec::new();
        for place in 0..ORDERS {
            let money = [(Meter::Generations, 1), (Meter::Microusd, 40)];
            let ask = books.ask_for(owner, money);
            books.reserve(&ask).await.unwrap();
            for _ in 0..TIMES {
                deliveries.extend([Instruction::Confirm(ask.id), end(place, ask.id)]);
            }
        }
        let mut dice = Dice::new(11);
        for place in (1..deliveries.len()).rev() {
            deliveries.swap(place, dice.index(place + 1));
        }
        let outcomes = race(deliveries.len(), |place| {
            let books = [&books, &other][place % 2].clone();
            let delivery = deliveries[place].clone();
            async move { books.post(delivery).await }
        });
        for outcome in outcomes.await {
            // A confirmation may come after the end of what came to nothing.
            let is_taken = matches!(outcome, Ok(_) | Err(Error::WrongState(_)));
            assert!(is_taken, "{}: {outcome:?}", test.name());
        }
        let (sold, spent) = (50, 50 * 30);
        assert_eq!(books.recorded("1").await, sold);
        assert_eq!(books.recorded("amount").await, spent);
        assert_eq!(books.standing_of(owner, 0).await, (sold, 0, 950));
        assert_eq!(books.standing_of(owner, 1).await, (spent, 0, 998_500));
        assert_eq!(books.disagreements().await, 0);
    }
}
