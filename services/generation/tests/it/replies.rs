//! The replies as clients read them, ids and times left out.

use std::sync::Arc;

use contracts::generation::v1::generation::Status as State;
use contracts::generation::v1::provider::State as Ready;
use contracts::generation::v1::{Generation, ListGenerationsRequest, ListProvidersRequest};
use generation::domain::provider::Model;
use generation::domain::routing::{Entry, Limits};
use testkit::TestDb;
use types::Microusd;
use uuid::Uuid;

use crate::support::suite::{Options, order};
use crate::support::{Scripted, Suite, on_both};

on_both!(
    the_main_job,
    lists,
    the_providers,
    a_newcomer_gets_a_drawing
);

fn redacted(mut generation: Generation) -> Generation {
    assert!(Uuid::try_parse(&generation.id).is_ok());
    assert!(generation.created_at.is_some() && generation.updated_at.is_some());
    "(id)".clone_into(&mut generation.id);
    generation.created_at = None;
    generation.updated_at = None;
    generation.completed_at = generation
        .completed_at
        .map(|_| prost_types::Timestamp::default());
    for output in &mut generation.outputs {
        "(file)".clone_into(&mut output.file_id);
    }
    generation
}

async fn the_main_job(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let user = suite.user();
    let session = "0199a5a0-0000-7000-8000-000000000001";
    let mut wanted = order("A fox at dawn, by the river");
    wanted.session_id = session.to_owned();
    let image = wanted.image.as_mut().unwrap();
    image.negative_prompt = "rain".to_owned();
    image.seed = Some(7);
    let made = user.create(wanted).await.unwrap();
    insta::assert_debug_snapshot!("accepted", redacted(made.clone()));
    let done = user.finished(&made.id).await;
    insta::assert_debug_snapshot!("completed", redacted(done.clone()));
    let mut events = user.watch(&made.id, 0).await.unwrap();
    for event in &mut events {
        assert!(event.created_at.take().is_some());
    }
    insta::assert_debug_snapshot!("events", events);
    let file = done.outputs[0].file_id.parse().unwrap();
    let kept = suite.peers.files.lock().unwrap()[&file].clone();
    assert_eq!(kept.owner, user.id);
    assert_eq!(kept.name, "A fox at dawn by the river.png");
    assert_eq!(
        (kept.session.as_str(), kept.content_type.as_str()),
        (session, "image/png")
    );
    assert_eq!(kept.bytes, testkit::pictures::png(64, 64));
    // Without a seed one is drawn, told, and used.
    let drawn = user.create(order("a hare")).await.unwrap();
    user.finished(&drawn.id).await;
    let used = provider.orders.lock().unwrap().last().unwrap().spec.seed;
    assert_eq!(drawn.image.unwrap().seed, Some(used));
}

async fn lists(db: TestDb) {
    let provider = Arc::new(Scripted::new("fake", 5_000));
    let suite = Suite::with(db, &provider).await;
    let (user, other) = (suite.user(), suite.user());
    let mut ids = Vec::new();
    for _ in 0..3 {
        let made = user.create(order("a fox")).await.unwrap();
        user.finished(&made.id).await;
        ids.insert(0, made.id);
        other.create(order("a hare")).await.unwrap();
    }
    let list = |status: State, session: &str, size: i32, token: &str| {
        let request = user.request(ListGenerationsRequest {
            status: status.into(),
            session_id: session.to_owned(),
            page_size: size,
            page_token: token.to_owned(),
        });
        let mut client = user.client.clone();
        async move { client.list_generations(request).await }
    };
    let first = list(State::Unspecified, "", 2, "")
        .await
        .unwrap()
        .into_inner();
    let rest = list(State::Completed, "", 2, &first.next_page_token)
        .await
        .unwrap();
    let rest = rest.into_inner();
    assert_eq!(rest.next_page_token, "");
    let found: Vec<Generation> = [first.generations, rest.generations].concat();
    assert_eq!(
        found.iter().map(|one| &one.id).collect::<Vec<_>>(),
        ids.iter().collect::<Vec<_>>()
    );
    assert!(found.iter().all(|one| one.outputs.len() == 1));
    let none = list(State::Failed, "", 0, "").await.unwrap().into_inner();
    assert!(none.generations.is_empty());
    let session = Uuid::now_v7().to_string();
    let none = list(State::Unspecified, &session, 0, "")
        .await
        .unwrap()
        .into_inner();
    assert!(none.generations.is_empty());
    let wrong = list(State::Unspecified, "mine", 101, "").await.unwrap_err();
    let fields: Vec<String> = (errors::from_status(wrong).violations.into_iter())
        .map(|one| one.field)
        .collect();
    assert_eq!(fields, ["sessionId", "pageSize"]);
    let foreign = other.get(&ids[0]).await.unwrap_err();
    assert_eq!(foreign.code(), tonic::Code::NotFound);
}

async fn the_providers(db: TestDb) {
    let fake = Entry::ready(Arc::new(Scripted::new("fake", 5_000)), true);
    let absent = Entry {
        name: "absent".to_owned(),
        models: vec![Model {
            name: "absent-1".to_owned(),
            price_per_image: Microusd(39_000),
            price_as_of: "2026-11-01".to_owned(),
            takes_input_images: true,
        }],
        is_procedural: false,
        is_automatic: true,
        limits: Limits::default(),
        provider: None,
    };
    let suite = Suite::start(db, vec![fake, absent], Options::default()).await;
    let user = suite.user();
    let request = user.request(ListProvidersRequest {});
    let listed = user.client.clone().list_providers(request).await.unwrap();
    insta::assert_debug_snapshot!("providers", listed.into_inner().providers);
}

async fn a_newcomer_gets_a_drawing(db: TestDb) {
    let suite = Suite::out_of_the_box(db).await;
    let user = suite.user();
    let made = user.create(order("a fox at dawn")).await.unwrap();
    let done = user.finished(&made.id).await;
    assert_eq!(done.status(), State::Completed, "{:?}", done.error);
    assert_eq!((done.provider.as_str(), done.cost_microusd), ("sketch", 0));
    assert_eq!((done.outputs[0].width, done.outputs[0].height), (64, 64));
    let request = user.request(ListProvidersRequest {});
    let listed = user.client.clone().list_providers(request).await.unwrap();
    for provider in listed.into_inner().providers {
        let is_drawing = provider.name == "sketch";
        assert_eq!(provider.procedural, is_drawing);
        assert_eq!(provider.state() == Ready::Available, is_drawing);
        assert!(!provider.models.is_empty());
    }
}
