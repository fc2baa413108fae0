//! What providers made is looked at before anybody sees it: what is refused is paid, not shown, on record, and
//! an admin may say otherwise.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use contracts::generation::v1::Generation;
use contracts::generation::v1::generation::Status as State;
use contracts::policy::v1::policy::Meter::{Generations, Microusd as Money};
use errors::Reason;
use generation::domain::provider::Spent;
use generation::domain::routing::Entry;
use serde_json::{Value, json};
use testkit::TestDb;
use types::Microusd;

use crate::money::{reservation_of, resolved};
use crate::safety::{allow, list};
use crate::support::suite::{Options, User, order};
use crate::support::usage::Held;
use crate::support::{Play, Scripted, Suite, on_both, rows};

on_both!(
    what_is_refused_is_paid_and_not_shown,
    an_admin_lets_what_comes_of_a_prompt_pass,
    while_nobody_looks_a_result_waits,
    results_are_shown_to_nobody_unless_that_is_wanted,
);

const FINE: &str = "";
const AWAY: &str = "away";

// Finds all words fine, and pictures as it is told; then fine.
#[derive(Default)]
struct Judge {
    asked: Mutex<Vec<Value>>,
    pictures: Mutex<VecDeque<&'static str>>,
}

async fn judge(
    Shared(judge): Shared<Arc<Judge>>,
    Json(asked): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let category = match asked["input"].is_string() {
        true => FINE,
        false => judge.pictures.lock().unwrap().pop_front().unwrap_or(FINE),
    };
    judge.asked.lock().unwrap().push(asked["input"].clone());
    if category == AWAY {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({})));
    }
    let is_flagged = category != FINE;
    let result = json!({"flagged": is_flagged, "categories": {category: is_flagged}});
    (StatusCode::OK, Json(json!({"results": [result]})))
}

struct Scene {
    suite: Suite,
    provider: Arc<Scripted>,
    judge: Arc<Judge>,
}

async fn scene(
    db: TestDb,
    pictures: impl IntoIterator<Item = &'static str>,
    setting: Option<(&str, &str)>,
) -> Scene {
    let judging = Arc::new(Judge {
        pictures: Mutex::new(pictures.into_iter().collect()),
        ..Judge::default()
    });
    let router = Router::new().route("/v1/moderations", post(judge));
    let router = router.with_state(Arc::clone(&judging));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a stub needs no limits")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    let plays = vec![Play::PaintFor(Spent::money(Microusd(4_000))); 9];
    let provider = Arc::new(Scripted::new("fake", 5_000).plays(plays));
    let base = ("BOTTEGA_MODERATION_BASE_URL", url.as_str());
    let settings = [Some(base), setting].into_iter().flatten();
    let settings = settings.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let options = Options {
        settings: settings.collect::<BTreeMap<_, _>>(),
        ..Options::default()
    };
    let entries = vec![Entry::ready(provider.clone(), true)];
    Scene {
        suite: Suite::start(db, entries, options).await,
        provider,
        judge: judging,
    }
}

impl Scene {
    async fn made(&self, user: &User, prompt: &str) -> Generation {
        let made = user.create(order(prompt)).await.unwrap();
        user.finished(&made.id).await
    }

    fn asked(&self) -> Vec<Value> {
        self.judge.asked.lock().unwrap().clone()
    }

    fn kept(&self) -> usize {
        self.suite.peers.files.lock().unwrap().len()
    }
}

fn reason(generation: &Generation) -> &str {
    generation.error.as_ref().map_or("", |error| &error.reason)
}

async fn what_is_refused_is_paid_and_not_shown(db: TestDb) {
    let scene = scene(db, ["violence"], None).await;
    let user = scene.suite.user();
    let refused = scene.made(&user, "a battle").await;
    assert_eq!(refused.status(), State::Failed);
    assert_eq!(reason(&refused), Reason::ResultRefused.as_str_name());
    let told = refused.error.clone().unwrap().message;
    assert_eq!(
        told,
        "what was made breaks the rule moderation/violence; it is not shown"
    );
    assert!(refused.outputs.is_empty());
    assert_eq!((scene.kept(), scene.provider.sends()), (0, 1));
    // The picture itself was seen, after the words.
    let asked = scene.asked();
    assert_eq!((asked.len(), &asked[0]), (2, &json!("a battle")));
    let url = asked[1][0]["image_url"]["url"].as_str().unwrap();
    assert!(url.starts_with("data:image/png;base64,iVBOR"), "{url}");
    assert_eq!(asked[1][0]["type"], "image_url");
    // It cost what its provider says, and is no generation.
    let reservation = reservation_of(&refused);
    assert_eq!(resolved(&scene.suite, reservation).await, Held::Settled);
    assert_eq!(
        scene.suite.peers.usage.actuals(reservation),
        [(Generations, 0), (Money, 4_000)]
    );
    assert_eq!(refused.cost_microusd, 4_000);
    let id = refused.id.parse().unwrap();
    rows::assert_whole_story(&scene.suite.db, id).await;
    let attempts = rows::attempts_of(&scene.suite.db, id).await;
    assert_eq!(attempts[0].error_class.as_deref(), Some("refused_result"));
    let record = list(&scene.suite).await;
    assert_eq!(record.len(), 1);
    assert_eq!(record[0].generation_id, refused.id);
    let (prompt, rule) = (&record[0].prompt, &record[0].rule);
    assert_eq!(
        (prompt.as_str(), rule.as_str()),
        ("a battle", "moderation/violence")
    );
    // The words are fine; another picture of them may be, too.
    let made = scene.made(&user, "a battle").await;
    assert_eq!((made.status(), scene.kept()), (State::Completed, 1));
}

async fn an_admin_lets_what_comes_of_a_prompt_pass(db: TestDb) {
    let answers = [
        "violence",
        "violence",
        "violence",
        "sexual/minors",
        "sexual/minors",
    ];
    let scene = scene(db, answers, None).await;
    let (user, other) = (scene.suite.user(), scene.suite.user());
    scene.made(&user, "a battle").await;
    let mine = list(&scene.suite).await.remove(0);
    let allowed = allow(&scene.suite, &mine.id, "history").await.unwrap();
    assert_eq!(allowed.generation_id, mine.generation_id);
    assert_eq!(
        scene.made(&user, "A Battle").await.status(),
        State::Completed
    );
    assert_eq!(
        reason(&scene.made(&other, "a battle").await),
        "RESULT_REFUSED"
    );
    // Nobody lets this pass.
    assert_eq!(
        reason(&scene.made(&user, "a battle").await),
        "RESULT_REFUSED"
    );
    scene.made(&user, "a beach").await;
    let worst = list(&scene.suite).await.remove(0);
    assert_eq!(worst.rule, "moderation/sexual/minors");
    let kept = errors::from_status(allow(&scene.suite, &worst.id, "").await.unwrap_err());
    assert_eq!(kept.reason, Reason::ContentRefused);
}

async fn while_nobody_looks_a_result_waits(db: TestDb) {
    let strict = scene(db, [AWAY, AWAY, FINE], None).await;
    let user = strict.suite.user();
    assert_eq!(strict.made(&user, "a fox").await.status(), State::Completed);
    assert_eq!((strict.asked().len(), strict.provider.sends()), (4, 1));
    let away = Some(("BOTTEGA_MODERATION_WHEN_AWAY", "allow"));
    let lenient = scene(TestDb::sqlite("generation").await, [AWAY], away).await;
    let user = lenient.suite.user();
    assert_eq!(
        lenient.made(&user, "a fox").await.status(),
        State::Completed
    );
    assert_eq!(lenient.asked().len(), 2);
}

async fn results_are_shown_to_nobody_unless_that_is_wanted(db: TestDb) {
    let off = Some(("BOTTEGA_MODERATION_RESULTS", "off"));
    let scene = scene(db, ["violence"], off).await;
    let user = scene.suite.user();
    assert_eq!(scene.made(&user, "a fox").await.status(), State::Completed);
    assert_eq!(scene.asked(), [json!("a fox")]);
}
