//! The members of a service over real sockets: moved, ended, silent, and back.

use std::net::SocketAddr;
use std::time::Duration;

use errors::Reason;
use futures::future::join_all;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Code;
use tonic::transport::{Channel, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::server::{HealthReporter, health_reporter};

use super::members::Members;
use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

/// A server whose health service knows itself and one name more.
struct Process {
    addr: SocketAddr,
    reporter: HealthReporter,
    /// What ends with it ends with all its connections.
    runtime: Option<Runtime>,
}

impl Process {
    /// Ends it without a word; where it was.
    fn end(self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server as bare as can be, whose health the test sets"
)]
async fn process(addr: &str, name: &str) -> Process {
    let listener = TcpListener::bind(addr).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (reporter, health) = health_reporter();
    let serving = tonic_health::ServingStatus::Serving;
    reporter.set_service_status(name, serving).await;
    let server = Server::builder().add_service(health);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let listener = listener.into_std().unwrap();
    runtime.spawn(async move {
        let incoming = TcpListenerStream::new(TcpListener::from_std(listener).unwrap());
        let _ = server.serve_with_incoming(incoming).await;
    });
    Process {
        addr,
        reporter,
        runtime: Some(runtime),
    }
}

/// Whether a call was answered by the process of this name; none when nobody answered.
async fn is_at(link: &Link, name: &str) -> Option<bool> {
    let service = name.to_owned();
    let mut health = HealthClient::new(link.clone());
    match health.check(HealthCheckRequest { service }).await {
        Ok(_) => Some(true),
        Err(status) if status.code() == Code::NotFound => Some(false),
        Err(_) => None,
    }
}

async fn count_at(link: &Link, name: &str) -> usize {
    let mut count = 0;
    for _ in 0..60 {
        count += usize::from(is_at(link, name).await == Some(true));
    }
    count
}

async fn within_patience(what: &str, mut probe: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !probe().await {
        assert!(Instant::now() < end, "{what}: it did not happen");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn takes_addresses_and_nothing_else() {
    for peer in [
        "127.0.0.1:50051",
        "auth:50051",
        "http://[::1]:50051",
        "10.0.0.1:1, http://10.0.0.2:1",
    ] {
        assert!(connect(peer).is_ok(), "{peer}");
    }
    for peer in [
        "",
        "auth",
        "https://auth:50051",
        "ftp://auth:1",
        "a b:1",
        "auth:99999",
        "auth:1,",
    ] {
        assert!(connect(peer).is_err(), "{peer}");
    }
}

#[tokio::test]
async fn a_name_leads_where_it_resolves_to() {
    let one = process("127.0.0.1:0", "one").await;
    let link = Link::to(&format!("localhost:{}", one.addr.port())).unwrap();
    assert_eq!(is_at(&link, "one").await, Some(true));
    // What the address was resolved to is asked for by its name.
    sleep(Duration::from_millis(100)).await;
    assert_eq!(is_at(&link, "one").await, Some(true));
}

#[tokio::test]
async fn calls_are_spread_over_those_that_serve() {
    let (one, two) = (
        process("127.0.0.1:0", "one").await,
        process("127.0.0.2:0", "two").await,
    );
    let peer = connect_peer(&format!("{},{}", one.addr, two.addr)).unwrap();
    let both = async || {
        let count = count_at(&peer.calls, "one").await;
        (10..50).contains(&count)
    };
    within_patience("both are used", both).await;
    // One says that it does not serve any more, and again that it does.
    let refusing = tonic_health::ServingStatus::NotServing;
    two.reporter.set_service_status("", refusing).await;
    let only_one = async || count_at(&peer.calls, "one").await == 60;
    within_patience("one is left", only_one).await;
    assert_eq!(count_at(&peer.streams, "one").await, 60);
    let serving = tonic_health::ServingStatus::Serving;
    two.reporter.set_service_status("", serving).await;
    within_patience("both are used again", both).await;
}

#[tokio::test]
async fn who_is_away_is_left_out_until_it_is_back() {
    let (one, two) = (
        process("127.0.0.1:0", "one").await,
        process("127.0.0.2:0", "two").await,
    );
    let peer = connect_peer(&format!("{},{}", one.addr, two.addr)).unwrap();
    let uses_two = async || count_at(&peer.calls, "two").await > 0;
    within_patience("both are used", uses_two).await;
    let place = two.end();
    peer.standing.look_again().await;
    assert_eq!(count_at(&peer.calls, "one").await, 60);
    let again = process(&place.to_string(), "two").await;
    within_patience("it is used again", uses_two).await;
    // Without anybody, nobody waits; and the first who is back is enough.
    let place = one.end();
    again.end();
    peer.standing.look_again().await;
    let fault = peer.standing.check("file").unwrap_err();
    assert_eq!(fault.reason, Reason::Unavailable);
    assert!(fault.retry_after.is_some());
    let began = Instant::now();
    assert_eq!(is_at(&peer.calls, "one").await, None);
    assert!(began.elapsed() < Duration::from_secs(1));
    let _back = process(&place.to_string(), "one").await;
    let is_back = async || peer.standing.check("file").is_ok();
    within_patience("somebody is back", is_back).await;
    assert_eq!(count_at(&peer.calls, "one").await, 60);
}

#[tokio::test]
async fn who_says_nothing_is_left_out() {
    let one = process("127.0.0.1:0", "one").await;
    // Connections are made here, and nothing is ever said.
    let silent = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let places = format!("{},{}", one.addr, silent.local_addr().unwrap());
    let peer = connect_peer(&places).unwrap();
    let answered = async || {
        let calls = (0..20).map(|_| timeout(Duration::from_secs(1), is_at(&peer.calls, "one")));
        let answers = join_all(calls).await;
        answers.into_iter().all(|answer| answer == Ok(Some(true)))
    };
    within_patience("nobody waits for it", answered).await;
}

#[tokio::test]
async fn what_moves_is_followed_and_what_runs_is_finished() {
    let (one, two) = (
        process("127.0.0.1:0", "one").await,
        process("127.0.0.2:0", "two").await,
    );
    let (channel, changes) = Channel::balance_channel(CHANGES);
    let link = Link::over("", channel);
    let places = place::read(&format!("localhost:{}", one.addr.port())).unwrap();
    let mut members = Members::new(places, vec![changes], Standing::default());
    members.move_to(0, &[one.addr]);
    let service = "one".to_owned();
    let mut health = HealthClient::new(link.clone());
    let watched = health.watch(HealthCheckRequest { service }).await;
    let mut watched = watched.unwrap().into_inner();
    assert!(watched.message().await.unwrap().is_some());
    members.move_to(0, &[two.addr, one.addr]);
    let both = async || (10..50).contains(&count_at(&link, "two").await);
    within_patience("both are used", both).await;
    members.move_to(0, &[two.addr]);
    assert_eq!(count_at(&link, "two").await, 60);
    let refusing = tonic_health::ServingStatus::NotServing;
    one.reporter.set_service_status("one", refusing).await;
    let told = timeout(PATIENCE, watched.message()).await.unwrap();
    assert!(told.unwrap().is_some());
}
