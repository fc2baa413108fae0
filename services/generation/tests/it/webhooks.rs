//! Users' own servers are told how generations end.

use std::time::{Duration, Instant};

use contracts::generation::v1::webhook_delivery::State;
use contracts::generation::v1::{
    DeleteWebhookRequest, ListWebhooksRequest, RedeliverWebhookRequest,
};
use errors::Reason;
use futures::future::join_all;
use generation::domain::provider::ErrorClass;
use generation::domain::webhook::ports::{Lane, Mail};
use generation::store::entity::{deliveries, webhooks};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use testkit::TestDb;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::receiver::Receiver;
use crate::support::suite::order;
use crate::support::webhooks::{Desk, hurry, start};
use crate::support::{Play, on_both};

on_both!(
    ends_are_told,
    only_what_is_asked_for_is_told,
    what_fails_is_tried_again_under_the_same_id,
    secrets_change_with_an_overlap,
    what_is_gone_is_disabled,
    an_owner_is_told_of_what_is_disabled,
    private_places_are_not_told,
    a_user_has_ten_at_most_and_only_their_own,
    the_log_pages_and_sends_again,
    a_silent_receiver_delays_nobody,
    one_postman_at_a_time,
);

fn reason(status: Status) -> Reason {
    errors::from_status(status).reason
}

async fn ends_are_told(db: TestDb) {
    let (_suite, desk) = start(db, []).await;
    let receiver = Receiver::answering([]).await;
    let made = desk.create(&receiver.url, &[]).await.unwrap();
    let webhook = made.webhook.unwrap();
    assert!(
        webhook.enabled && webhook.event_types.len() == 5,
        "{webhook:?}"
    );
    let generation = desk.user.create(order("a fox")).await.unwrap();
    let done = desk.user.finished(&generation.id).await;
    let event = receiver.events(1).await.remove(0);
    assert!(event.is_signed_with(&made.secret));
    assert!(event.body.len() < 20_000);
    let (last, body) = (
        desk.user.watch(&done.id, 0).await.unwrap().len(),
        event.json(),
    );
    let bare = done.id.replace('-', "");
    assert_eq!(event.id, format!("evt_{bare}_{last}"));
    assert_eq!(body["type"], "generation.completed");
    assert_eq!(body["data"]["id"], done.id);
    assert_eq!(body["data"]["status"], "COMPLETED");
    assert_eq!(body["data"]["sequence"], last);
    assert_eq!(body["data"]["costMicrousd"], 5_000);
    let file = &body["data"]["outputs"][0]["fileId"];
    assert_eq!(*file, done.outputs[0].file_id);
    assert_eq!(body["timestamp"], body["data"]["completedAt"]);
    let told = desk
        .newest(&webhook.id, |one| one.state() == State::Delivered)
        .await;
    assert_eq!((told.attempts, &told.generation_id), (1, &done.id));
    assert_eq!(told.event_id, event.id);
}

async fn only_what_is_asked_for_is_told(db: TestDb) {
    let (suite, desk) = start(db, [Play::Fail(ErrorClass::Policy, None), Play::Hang]).await;
    let receiver = Receiver::answering([]).await;
    let types = ["generation.failed", "generation.cancelled"];
    desk.create(&receiver.url, &types).await.unwrap();
    let stranger = Desk::of(&suite, suite.user());
    let failed = desk.user.create(order("a fox")).await.unwrap();
    desk.user.finished(&failed.id).await;
    let cancelled = desk.user.create(order("a hare")).await.unwrap();
    desk.user
        .until(&cancelled.id, |one| one.progress == 10)
        .await;
    desk.user.cancel(&cancelled.id).await.unwrap();
    for user in [&desk.user, &stranger.user] {
        let done = user.create(order("an owl")).await.unwrap();
        user.finished(&done.id).await;
    }
    let events = receiver.events(2).await;
    let told: Vec<_> = events.iter().map(|one| one.json()).collect();
    assert_eq!(told[0]["type"], "generation.failed");
    assert_eq!(told[0]["data"]["error"]["reason"], "CONTENT_POLICY");
    assert_eq!(told[1]["type"], "generation.cancelled");
    assert_eq!(told[1]["data"]["id"], cancelled.id);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(receiver.log().len(), 2);
}

async fn what_fails_is_tried_again_under_the_same_id(db: TestDb) {
    let (suite, desk) = start(db, []).await;
    let receiver = Receiver::answering([500, 302]).await;
    let webhook = desk
        .create(&receiver.url, &[])
        .await
        .unwrap()
        .webhook
        .unwrap();
    desk.test(&webhook.id).await.unwrap();
    for (tries, status) in [(1, 500), (2, 302)] {
        let failed = desk.newest(&webhook.id, |one| one.attempts == tries).await;
        assert_eq!(
            (failed.state(), failed.last_status),
            (State::Pending, status)
        );
        assert_eq!(failed.last_error, format!("HTTP {status}"));
        assert!(desk.get(&webhook.id).await.unwrap().failing_since.is_some());
        hurry(&suite).await;
    }
    let taken = desk
        .newest(&webhook.id, |one| one.state() == State::Delivered)
        .await;
    assert_eq!(taken.attempts, 3);
    assert!(desk.get(&webhook.id).await.unwrap().failing_since.is_none());
    let log = receiver.events(3).await;
    assert!(
        log.iter()
            .all(|one| one.id == taken.event_id && one.body == log[0].body)
    );
}

async fn secrets_change_with_an_overlap(db: TestDb) {
    let (_suite, desk) = start(db, []).await;
    let receiver = Receiver::answering([]).await;
    let made = desk.create(&receiver.url, &[]).await.unwrap();
    let id = made.webhook.unwrap().id;
    let second = desk.rotate(&id, None).await;
    desk.test(&id).await.unwrap();
    let both = receiver.events(1).await.remove(0);
    assert!(both.is_signed_with(&made.secret) && both.is_signed_with(&second));
    let third = desk.rotate(&id, Some(0)).await;
    desk.test(&id).await.unwrap();
    let one = receiver.events(2).await.remove(1);
    assert!(one.is_signed_with(&third) && !one.is_signed_with(&second));
    assert_eq!(one.signatures.len(), 1);
}

async fn what_is_gone_is_disabled(db: TestDb) {
    let (suite, desk) = start(db, []).await;
    let receiver = Receiver::answering([410]).await;
    let id = desk.made(&receiver.url).await;
    desk.test(&id).await.unwrap();
    desk.newest(&id, |one| one.attempts == 1).await;
    let gone = desk.get(&id).await.unwrap();
    assert!(
        !gone.enabled && gone.disabled_reason.contains("410"),
        "{gone:?}"
    );
    assert_eq!(
        reason(desk.test(&id).await.unwrap_err()),
        Reason::WrongState
    );
    let done = desk.user.create(order("a fox")).await.unwrap();
    desk.user.finished(&done.id).await;
    let again = desk.enable(&id).await;
    assert!(again.enabled && again.disabled_reason.is_empty());
    hurry(&suite).await;
    // What waited is sent; what happened meanwhile was never written.
    desk.newest(&id, |one| one.state() == State::Delivered)
        .await;
    assert_eq!(receiver.log().len(), 2);
}

async fn an_owner_is_told_of_what_is_disabled(db: TestDb) {
    let (suite, desk) = start(db, []).await;
    let (gone, heard, deaf) = (
        Receiver::answering([410]).await,
        Receiver::answering([]).await,
        Receiver::answering([]).await,
    );
    let id = desk.made(&gone.url).await;
    let listening = desk
        .create(&heard.url, &["webhook.disabled"])
        .await
        .unwrap();
    desk.create(&deaf.url, &["generation.completed"])
        .await
        .unwrap();
    let stranger = Desk::of(&suite, suite.user());
    let elsewhere = Receiver::answering([]).await;
    stranger.made(&elsewhere.url).await;
    desk.test(&id).await.unwrap();
    let event = heard.events(1).await.remove(0);
    assert!(event.is_signed_with(&listening.secret));
    let body = event.json();
    assert_eq!(body["type"], "webhook.disabled");
    assert_eq!(body["data"]["webhookId"], id.as_str());
    assert_eq!(body["data"]["url"], gone.url.as_str());
    assert!(body["data"]["reason"].as_str().unwrap().contains("410"));
    assert!(!desk.get(&id).await.unwrap().enabled);
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(
        (heard.log().len(), deaf.log().len(), elsewhere.log().len()),
        (1, 0, 0)
    );
}

async fn private_places_are_not_told(db: TestDb) {
    let (suite, desk) = start(db, []).await;
    let private = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = private.local_addr().unwrap().port();
    let hidden = format!("http://127.0.0.2:{port}/");
    for url in [
        &hidden,
        "https://127.0.0.2/",
        "https://localhost/",
        "https://169.254.169.254/latest",
        "https://[::ffff:127.0.0.2]/",
        "https://example.com:6379/",
        "http://example.com/",
        "file:///etc/passwd",
        "",
    ] {
        let refused = errors::from_status(desk.create(url, &[]).await.unwrap_err());
        assert_eq!(refused.violations[0].field, "url", "{url}");
    }
    // One that was let in by other rules than today's.
    let receiver = Receiver::answering([]).await;
    let id = desk.made(&receiver.url).await;
    webhooks::Entity::update_many()
        .col_expr(webhooks::Column::Url, Expr::value(hidden))
        .exec(suite.db.write())
        .await
        .unwrap();
    desk.test(&id).await.unwrap();
    let failed = desk.newest(&id, |one| one.attempts == 1).await;
    assert!(failed.last_error.contains("https://"), "{failed:?}");
    let visit = tokio::time::timeout(Duration::from_millis(100), private.accept()).await;
    assert!(visit.is_err(), "somebody came");
}

async fn a_user_has_ten_at_most_and_only_their_own(db: TestDb) {
    let (suite, desk) = start(db, []).await;
    let receiver = Receiver::answering([]).await;
    let made = join_all((0..14).map(|_| desk.create(&receiver.url, &[]))).await;
    let (made, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (10, 4));
    for status in refused {
        assert_eq!(reason(status.unwrap_err()), Reason::WrongState);
    }
    let id = made[0].as_ref().unwrap().webhook.clone().unwrap().id;
    let stranger = Desk::of(&suite, suite.user());
    let refused = stranger.get(&id).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(stranger.test(&id).await.unwrap_err().code(), Code::NotFound);
    let delete = |desk: &Desk| desk.user.request(DeleteWebhookRequest { id: id.clone() });
    let theirs = stranger
        .client
        .clone()
        .delete_webhook(delete(&stranger))
        .await;
    assert_eq!(theirs.unwrap_err().code(), Code::NotFound);
    let mine = desk.client.clone().delete_webhook(delete(&desk)).await;
    mine.unwrap();
    let list = desk.user.request(ListWebhooksRequest {});
    let left = desk.client.clone().list_webhooks(list).await.unwrap();
    assert_eq!(left.into_inner().webhooks.len(), 9);
    let wrong = desk.create(&receiver.url, &["generation.started"]).await;
    let wrong = errors::from_status(wrong.unwrap_err());
    assert_eq!(wrong.violations[0].field, "eventTypes[0]");
}

async fn the_log_pages_and_sends_again(db: TestDb) {
    let (_suite, desk) = start(db, []).await;
    let receiver = Receiver::answering([]).await;
    let id = desk.made(&receiver.url).await;
    for _ in 0..3 {
        desk.test(&id).await.unwrap();
    }
    receiver.events(3).await;
    let (first, token) = desk.log(&id, "").await;
    let (rest, end) = desk.log(&id, &token).await;
    assert_eq!((first.len(), rest.len(), end.as_str()), (2, 1, ""));
    desk.newest(&id, |one| one.state() == State::Delivered)
        .await;
    let request = desk.user.request(RedeliverWebhookRequest {
        webhook_id: id.clone(),
        id: rest[0].id.clone(),
    });
    let again = desk.client.clone().redeliver_webhook(request).await;
    let again = again.unwrap().into_inner().delivery.unwrap();
    assert_eq!((again.state(), again.attempts), (State::Pending, 0));
    let log = receiver.events(4).await;
    assert_eq!(log[3].id, rest[0].event_id);
    assert_eq!(log[3].body, log[0].body);
}

async fn a_silent_receiver_delays_nobody(db: TestDb) {
    let (_suite, desk) = start(db, []).await;
    let silent = Receiver::answering([0; 9]).await;
    let fine = Receiver::answering([]).await;
    for _ in 0..9 {
        let webhook = desk.create(&silent.url, &[]).await.unwrap().webhook;
        desk.test(&webhook.unwrap().id).await.unwrap();
    }
    silent.events(9).await;
    let id = desk.made(&fine.url).await;
    let begin = Instant::now();
    desk.test(&id).await.unwrap();
    fine.events(1).await;
    assert!(begin.elapsed() < Duration::from_secs(2));
}

async fn one_postman_at_a_time(db: TestDb) {
    let (mut suite, desk) = start(db, []).await;
    let receiver = Receiver::answering([]).await;
    let id = desk.made(&receiver.url).await;
    let id: Uuid = id.parse().unwrap();
    suite.stop().await;
    let event = deliveries::Model {
        id: Uuid::now_v7(),
        webhook_id: id,
        event_id: "evt_1".to_owned(),
        event_type: "webhook.test".to_owned(),
        task_id: None,
        body: "{}".to_owned(),
        state: "pending".to_owned(),
        tries: 0,
        due_at: 0,
        last_status: None,
        last_error: None,
        created_at: 0,
        ended_at: None,
    };
    let row = event.into_active_model();
    let inserted = deliveries::Entity::insert(row);
    inserted
        .exec_without_returning(suite.db.write())
        .await
        .unwrap();
    let store = suite.store();
    let lease = Duration::from_millis(300);
    let takes = join_all((0..8).map(|_| store.take(Lane::Sound, 5, lease))).await;
    let rounds: Vec<_> = takes.into_iter().flat_map(Result::unwrap).collect();
    let [first] = rounds[..] else {
        panic!("{rounds:?}")
    };
    let (_, sent) = store.next(&first).await.unwrap().unwrap();
    // Whoever held it is gone: another goes on, with the same event, and the first finds nothing.
    tokio::time::sleep(lease).await;
    let second = store.take(Lane::Sound, 5, lease).await.unwrap()[0];
    let (_, again) = store.next(&second).await.unwrap().unwrap();
    assert_eq!(sent.event_id, again.event_id);
    assert_eq!(store.next(&first).await.unwrap(), None);
    store.leave(&first, Duration::ZERO).await.unwrap();
    let third = store.take(Lane::Sound, 5, lease).await.unwrap();
    assert_eq!(third, [], "the first gave back what it did not hold");
    webhooks::Entity::delete_many()
        .filter(webhooks::Column::Id.eq(id))
        .exec(suite.db.write())
        .await
        .unwrap();
    assert_eq!(store.next(&second).await.unwrap(), None);
}
