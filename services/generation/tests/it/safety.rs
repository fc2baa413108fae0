//! What may not be asked for: who says so, what that costs (nothing), and who may say otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use contracts::generation::v1::moderation_service_client::ModerationServiceClient;
use contracts::generation::v1::{
    AllowPromptRequest, ListModerationDecisionsRequest, ModerationDecision,
};
use errors::{Fault, Reason};
use generation::domain::ports::Tasks;
use generation::domain::routing::Entry;
use generation::domain::safety::Decisions;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use testkit::TestDb;
use tonic::Status;

use crate::support::suite::{Options, User, order};
use crate::support::{Scripted, Suite, on_both};

on_both!(
    what_breaks_a_rule_costs_nothing,
    words_are_made_plain_before_they_are_sent,
    an_admin_lets_a_prompt_pass_for_its_owner,
    a_moderation_service_is_asked,
    while_it_is_away_a_policy_holds,
    old_refusals_are_forgotten,
);

async fn suite(db: TestDb, settings: &[(&str, &str)]) -> (Suite, Arc<Scripted>) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let owned = settings
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let options = Options {
        settings: owned.collect::<BTreeMap<_, _>>(),
        ..Options::default()
    };
    let entries = vec![Entry::ready(provider.clone(), true)];
    (Suite::start(db, entries, options).await, provider)
}

async fn refused(user: &User, prompt: &str) -> Fault {
    errors::from_status(user.create(order(prompt)).await.unwrap_err())
}

pub async fn list(suite: &Suite) -> Vec<ModerationDecision> {
    let request = suite.as_admin(ListModerationDecisionsRequest::default());
    let mut client = ModerationServiceClient::new(suite.channel());
    let answer = client.list_moderation_decisions(request).await;
    answer.unwrap().into_inner().decisions
}

pub async fn allow(suite: &Suite, id: &str, note: &str) -> Result<ModerationDecision, Status> {
    let request = suite.as_admin(AllowPromptRequest {
        id: id.to_owned(),
        note: note.to_owned(),
    });
    let mut client = ModerationServiceClient::new(suite.channel());
    let answer = client.allow_prompt(request).await?;
    Ok(answer.into_inner().decision.unwrap())
}

const DENY: (&str, &str) = ("BOTTEGA_MODERATION_DENY", "# ours\nacme corp\n/wid+get/");

async fn what_breaks_a_rule_costs_nothing(db: TestDb) {
    let (suite, provider) = suite(db, &[DENY]).await;
    let user = suite.user();
    for (prompt, rule) in [
        ("the ＡＣＭＥ c\u{200b}orp tower", "deny-list/2"),
        ("a widddget", "deny-list/3"),
        ("a naked child", "sexual/minors"),
    ] {
        let fault = refused(&user, prompt).await;
        assert_eq!(fault.reason, Reason::ContentRefused);
        assert_eq!(fault.metadata["rule"], rule);
        // Which rule, and not what it says.
        let told = fault.message.to_lowercase();
        assert!(!told.contains("acme") && !told.contains("wid"), "{told}");
    }
    assert!(suite.peers.usage.reservations.lock().unwrap().is_empty());
    user.create(order("a fox")).await.unwrap();
    let refused = list(&suite).await;
    let rules: Vec<&str> = refused.iter().map(|one| one.rule.as_str()).collect();
    assert_eq!(rules, ["sexual/minors", "deny-list/3", "deny-list/2"]);
    assert_eq!(refused[2].prompt, "the ACME corp tower");
    assert_eq!(refused[2].owner_id, user.id.to_string());
    assert!(provider.sends() <= 1);
    // Not for users.
    let request = user.request(ListModerationDecisionsRequest::default());
    let mut client = ModerationServiceClient::new(suite.channel());
    let status = client.list_moderation_decisions(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
}

async fn words_are_made_plain_before_they_are_sent(db: TestDb) {
    let (suite, provider) = suite(db, &[]).await;
    let user = suite.user();
    let made = user
        .create(order("a ﬁne f\u{200b}ox <lora:x:1>"))
        .await
        .unwrap();
    assert_eq!(made.image.unwrap().prompt, "a fine fox");
    user.finished(&made.id).await;
    assert_eq!(provider.orders.lock().unwrap()[0].spec.prompt, "a fine fox");
    let fault = refused(&user, "<lora:x:1> \u{200b}").await;
    assert_eq!(fault.violations[0].field, "image.prompt");
}

async fn an_admin_lets_a_prompt_pass_for_its_owner(db: TestDb) {
    let (suite, _) = suite(db, &[DENY]).await;
    let (user, other) = (suite.user(), suite.user());
    for _ in 0..2 {
        refused(&user, "the acme corp tower").await;
    }
    refused(&other, "the acme corp tower").await;
    let found = list(&suite).await;
    assert_eq!(found.len(), 2, "one for each owner and prompt");
    let mine = &found[1];
    assert_eq!(mine.owner_id, user.id.to_string());
    let long = "x".repeat(501);
    let wrong = errors::from_status(allow(&suite, "me", &long).await.unwrap_err());
    assert_eq!(wrong.violations.len(), 2);
    let allowed = allow(&suite, &mine.id, "their own brand").await.unwrap();
    assert_eq!(allowed.note, "their own brand");
    assert!(allowed.allowed_at.is_some() && !allowed.allowed_by.is_empty());
    // The first word on it stands.
    assert_eq!(allow(&suite, &mine.id, "again").await.unwrap(), allowed);
    user.create(order("the ACME corp tower")).await.unwrap();
    refused(&user, "the acme corp tower at night").await;
    assert_eq!(
        refused(&other, "the acme corp tower").await.reason,
        Reason::ContentRefused
    );
    // Nobody lets this pass.
    refused(&user, "a naked child").await;
    let worst = list(&suite).await.into_iter().next().unwrap();
    assert_eq!(worst.rule, "sexual/minors");
    let kept = errors::from_status(allow(&suite, &worst.id, "art").await.unwrap_err());
    assert_eq!(kept.reason, Reason::ContentRefused);
    assert!(
        kept.message.ends_with("which nobody may allow"),
        "{}",
        kept.message
    );
    assert!(list(&suite).await[0].allowed_at.is_none());
    refused(&user, "a naked child").await;
    let unknown = allow(&suite, &uuid::Uuid::now_v7().to_string(), "").await;
    let unknown = errors::from_status(unknown.unwrap_err());
    assert_eq!(unknown.message, "no such decision");
}

type Log = Arc<Mutex<Vec<Value>>>;

async fn judge(State(log): State<Log>, Json(asked): Json<Value>) -> (StatusCode, Json<Value>) {
    let words = asked["input"].as_str().unwrap().to_owned();
    log.lock().unwrap().push(asked);
    if words == "garbage" {
        return (StatusCode::OK, Json(json!({"results": []})));
    }
    if words == "down" {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({})));
    }
    let flagged = words.contains("gore");
    let result = json!({
        "flagged": flagged,
        "categories": {"violence": flagged, "violence/graphic": flagged, "illicit": null},
        "category_scores": {"violence": 0.7, "violence/graphic": 0.9, "illicit": null},
    });
    let body = json!({"id": "m", "model": "omni", "results": [result]});
    (StatusCode::OK, Json(body))
}

async fn moderator() -> (String, Log) {
    let log = Log::default();
    let router = Router::new().route("/v1/moderations", post(judge));
    let router = router.with_state(Arc::clone(&log));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a stub needs no limits")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, log)
}

async fn a_moderation_service_is_asked(db: TestDb) {
    let (url, log) = moderator().await;
    let (suite, _) = suite(db, &[("BOTTEGA_MODERATION_BASE_URL", &url), DENY]).await;
    let user = suite.user();
    user.create(order("a fox")).await.unwrap();
    let fault = refused(&user, "much gore").await;
    assert_eq!(fault.metadata["rule"], "moderation/violence/graphic");
    let asked = log.lock().unwrap().clone();
    let expected = json!({"model": "omni-moderation-latest", "input": "a fox"});
    assert_eq!(asked[0], expected);
    // What breaks a rule of ours needs no second opinion.
    refused(&user, "acme corp").await;
    assert_eq!(log.lock().unwrap().len(), 2);
    assert_eq!(list(&suite).await.len(), 2);
}

async fn while_it_is_away_a_policy_holds(db: TestDb) {
    let (url, _) = moderator().await;
    let base = ("BOTTEGA_MODERATION_BASE_URL", url.as_str());
    let (strict, _) = suite(db, &[base]).await;
    let user = strict.user();
    for prompt in ["down", "garbage"] {
        let fault = refused(&user, prompt).await;
        assert_eq!(fault.reason, Reason::Unavailable);
        assert!(fault.message.starts_with("the moderation service"));
    }
    assert!(strict.peers.usage.reservations.lock().unwrap().is_empty());
    assert!(list(&strict).await.is_empty());
    let away = ("BOTTEGA_MODERATION_WHEN_AWAY", "allow");
    let (lenient, _) = suite(TestDb::sqlite("generation").await, &[base, away, DENY]).await;
    let user = lenient.user();
    user.create(order("down")).await.unwrap();
    assert_eq!(
        refused(&user, "acme corp").await.reason,
        Reason::ContentRefused
    );
}

async fn old_refusals_are_forgotten(db: TestDb) {
    let (suite, _) = suite(db, &[DENY]).await;
    let user = suite.user();
    refused(&user, "acme corp one").await;
    refused(&user, "acme corp two").await;
    let second = list(&suite).await[0].id.clone();
    allow(&suite, &second, "").await.unwrap();
    let (store, days) = (suite.store(), Duration::from_hours(90 * 24));
    assert_eq!(store.sweep_decisions(days, 10).await.unwrap(), 0);
    let old = "UPDATE moderation_decisions SET created_at = 0";
    suite.db.write().execute_unprepared(old).await.unwrap();
    assert_eq!(store.sweep_decisions(days, 10).await.unwrap(), 1);
    let left: Vec<String> = list(&suite).await.into_iter().map(|one| one.id).collect();
    assert_eq!(left, [second]);
    let none = store.list(
        user.id,
        Default::default(),
        types::PageRequest::parse(0, "").unwrap(),
    );
    assert!(none.await.unwrap().items.is_empty());
}
