//! The network fails as it is told, and only then.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use testkit::{FaultProxy, Moment, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);
const NEVER: Duration = Duration::from_millis(200);

/// A server that says everything again, and how many bytes it heard.
async fn echo() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let heard = Arc::new(AtomicUsize::new(0));
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let hears = Arc::clone(&hears);
            tokio::spawn(async move {
                let mut piece = [0; 1024];
                while let Ok(length @ 1..) = client.read(&mut piece).await {
                    hears.fetch_add(length, Ordering::SeqCst);
                    client.write_all(&piece[..length]).await.unwrap();
                }
            });
        }
    });
    (addr, heard)
}

async fn proxied() -> (FaultProxy, TcpStream, Arc<AtomicUsize>) {
    let (server, heard) = echo().await;
    let proxy = FaultProxy::start(server).await;
    let client = TcpStream::connect(proxy.addr()).await.unwrap();
    (proxy, client, heard)
}

/// What comes back when this is said; an error when the connection ends instead.
async fn say(client: &mut TcpStream, words: &str) -> Result<String, ErrorKind> {
    let kind = |error: std::io::Error| error.kind();
    client.write_all(words.as_bytes()).await.map_err(kind)?;
    let mut answer = vec![0; words.len()];
    let heard = timeout(SOON, client.read_exact(&mut answer)).await;
    heard.unwrap().map_err(kind)?;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn it_passes_everything_and_ends_when_the_client_does() {
    let (_proxy, mut client, _) = proxied().await;
    assert_eq!(say(&mut client, "hello").await.unwrap(), "hello");
    client.write_all(b"bye").await.unwrap();
    client.shutdown().await.unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "bye");
}

#[tokio::test]
async fn a_slow_network_is_slow_until_it_is_not() {
    let (proxy, mut client, _) = proxied().await;
    proxy.set(Network::Slow(NEVER));
    let began = Instant::now();
    say(&mut client, "hello").await.unwrap();
    assert!(began.elapsed() >= NEVER);
}

#[tokio::test]
async fn a_blackhole_holds_everything_back() {
    let (proxy, mut client, heard) = proxied().await;
    say(&mut client, "hello").await.unwrap();
    proxy.set(Network::Blackhole);
    let nothing = timeout(NEVER, say(&mut client, "anybody")).await;
    assert!(nothing.is_err() && heard.load(Ordering::SeqCst) == 5);
    // A connection comes to stand, for all the client knows, and says as little.
    let mut other = TcpStream::connect(proxy.addr()).await.unwrap();
    assert!(timeout(NEVER, say(&mut other, "hello")).await.is_err());
    proxy.set(Network::Passes);
    let mut answer = [0; 7];
    let late = timeout(SOON, client.read_exact(&mut answer)).await;
    late.unwrap().unwrap();
    assert_eq!(&answer, b"anybody");
}

#[tokio::test]
async fn nobody_listens_and_then_somebody_does() {
    let (proxy, mut client, _) = proxied().await;
    say(&mut client, "hello").await.unwrap();
    proxy.set(Network::Refuses);
    let mut byte = [0];
    let ended = timeout(SOON, client.read(&mut byte)).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let refused = async {
        while TcpStream::connect(proxy.addr()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, refused).await.unwrap();
    proxy.set(Network::Passes);
    let again = async {
        loop {
            if let Ok(client) = TcpStream::connect(proxy.addr()).await {
                return client;
            }
            tokio::task::yield_now().await;
        }
    };
    let mut client = timeout(SOON, again).await.unwrap();
    assert_eq!(say(&mut client, "back").await.unwrap(), "back");
}

#[tokio::test]
async fn connections_are_reset_and_new_ones_pass() {
    let (proxy, mut client, _) = proxied().await;
    say(&mut client, "hello").await.unwrap();
    proxy.reset();
    let mut byte = [0];
    let ended = timeout(SOON, client.read(&mut byte)).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let mut client = TcpStream::connect(proxy.addr()).await.unwrap();
    say(&mut client, "hello").await.unwrap();
}

#[tokio::test]
async fn connections_are_stranded_and_new_ones_pass() {
    let (proxy, mut client, _) = proxied().await;
    say(&mut client, "hello").await.unwrap();
    proxy.strand();
    assert!(timeout(NEVER, say(&mut client, "anybody")).await.is_err());
    let mut client = TcpStream::connect(proxy.addr()).await.unwrap();
    say(&mut client, "hello").await.unwrap();
}

#[tokio::test]
async fn an_answer_is_cut_at_its_byte() {
    let (proxy, mut client, heard) = proxied().await;
    proxy.set(Network::Cuts(7));
    say(&mut client, "hello").await.unwrap();
    client.write_all(b"hello").await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(SOON, client.read_to_end(&mut rest)).await;
    // A reset may overtake what came before it.
    assert!(ended.unwrap().is_err() && b"he".starts_with(&rest));
    assert_eq!(heard.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn each_moment_has_its_outcome() {
    for (moment, arrived, answered) in [
        (Moment::Before, 5, false),
        (Moment::Forwarded, 11, false),
        (Moment::Replied, 11, true),
    ] {
        let (proxy, mut client, heard) = proxied().await;
        let at = Arc::new(AtomicUsize::new(0));
        let (hears, noted) = (Arc::clone(&heard), Arc::clone(&at));
        let act = move || noted.store(hears.load(Ordering::SeqCst), Ordering::SeqCst);
        let done = proxy.once(b"COMMIT", moment, act);
        assert_eq!(say(&mut client, "BEGIN").await.unwrap(), "BEGIN");
        let answer = say(&mut client, "COMMIT").await;
        assert_eq!(answer.is_ok(), answered, "{moment:?}");
        timeout(SOON, done).await.unwrap().unwrap();
        assert_eq!(at.load(Ordering::SeqCst), arrived, "{moment:?}");
        // Once, and never again.
        let mut client = TcpStream::connect(proxy.addr()).await.unwrap();
        assert_eq!(say(&mut client, "COMMIT").await.unwrap(), "COMMIT");
    }
}

#[tokio::test]
async fn bytes_are_found_in_two_pieces() {
    let (proxy, mut client, _) = proxied().await;
    let mut done = proxy.once(b"COMMIT", Moment::Replied, || {});
    say(&mut client, "..COM").await.unwrap();
    assert!(done.try_recv().is_err());
    say(&mut client, "MIT").await.unwrap();
    done.try_recv().unwrap();
}
