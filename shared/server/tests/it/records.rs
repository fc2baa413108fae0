//! Every call is counted, logged and carries an id, also one that was refused at the door.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use contracts::generation::v1::WatchGenerationRequest;
use contracts::usage::v1::GetUsageRequest;
use identity::Role;
use tonic::Request;
use tracing_subscriber::fmt::MakeWriter;

use crate::stage::Stage;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The test's one thread logs here while the guard lives.
fn listen(log: &Log) -> tracing::subscriber::DefaultGuard {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::set_default(subscriber)
}

#[tokio::test]
async fn a_refused_call_is_counted_and_logged_with_its_id() {
    let log = Log::default();
    let _listening = listen(&log);
    let stage = Stage::open().await;
    let mut request = Request::new(GetUsageRequest {});
    request
        .metadata_mut()
        .insert("x-request-id", "find-me".parse().unwrap());
    let status = stage.usage().get_usage(request).await.unwrap_err();
    assert_eq!(status.metadata().get("x-request-id").unwrap(), "find-me");
    let numbers = telemetry::metrics_handle().render();
    let counted = r#"grpc_server_calls_total{rpc="bottega.usage.v1.UsageService/GetUsage",code="UNAUTHENTICATED"}"#;
    assert!(numbers.contains(counted), "{numbers}");
    let text = log.text();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("find-me"))
        .collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(
        lines[0].contains("UNAUTHENTICATED") && lines[0].contains("duration_ms"),
        "{text}"
    );
}

#[tokio::test]
async fn an_internal_cause_is_logged_once_and_never_sent() {
    let log = Log::default();
    let _listening = listen(&log);
    let stage = Stage::open().await;
    let status = stage
        .usage()
        .reserve(stage.order("fail"))
        .await
        .unwrap_err();
    let id = status
        .metadata()
        .get("x-request-id")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    assert!(!format!("{status:?}").contains("db-7"));
    let text = log.text();
    let causes: Vec<&str> = text.lines().filter(|line| line.contains("db-7")).collect();
    assert_eq!(causes.len(), 1, "{text}");
    assert!(
        causes[0].contains("ERROR") && causes[0].contains(&id),
        "{text}"
    );
}

#[tokio::test]
async fn an_id_reaches_handlers_and_streams() {
    let stage = Stage::open().await;
    let mut order = stage.order("request-id");
    order
        .metadata_mut()
        .insert("x-request-id", "abc-1".parse().unwrap());
    let answer = stage.usage().reserve(order).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "abc-1");
    assert_eq!(answer.into_inner().reservation_id, "abc-1");

    let message = WatchGenerationRequest {
        id: "id".to_owned(),
        after_sequence: 0,
    };
    let mut request = stage.request(Role::User, message);
    request
        .metadata_mut()
        .insert("x-request-id", "abc-2".parse().unwrap());
    let mut events = stage
        .generations()
        .watch_generation(request)
        .await
        .unwrap()
        .into_inner();
    let event = events.message().await.unwrap().unwrap().event.unwrap();
    assert_eq!(event.message, "abc-2");
}

#[tokio::test]
async fn an_id_nobody_should_log_is_replaced() {
    let stage = Stage::open().await;
    let long = "x".repeat(129);
    for id in ["a b", long.as_str()] {
        let mut order = stage.order("request-id");
        order
            .metadata_mut()
            .insert("x-request-id", id.parse().unwrap());
        let answer = stage.usage().reserve(order).await.unwrap().into_inner();
        assert_eq!(answer.reservation_id.len(), 36, "{id}");
    }
}

#[tokio::test]
async fn made_up_rpcs_do_not_fill_the_metrics() {
    let stage = Stage::open().await;
    let mut wire = crate::wire::Wire::connect(stage.addr).await;
    for number in 0..20 {
        wire.call(&format!("acme.v1.Anvil/Drop{number}"), &[], Vec::new())
            .await;
    }
    let numbers = telemetry::metrics_handle().render();
    assert!(!numbers.contains("Anvil"), "{numbers}");
    assert!(numbers.contains(r#"rpc="unknown""#), "{numbers}");
}
