//! What is dialled, followed and read: against listeners that count who comes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails a test by stopping it"
)]

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use egress::{Client, Failure, Limits, Names, Policy, Refusal};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LIMITS: Limits = Limits {
    time: Duration::from_millis(1_500),
    body: 1_000,
};
// Stands for the public Internet: nothing but this one address may be dialled.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const PRIVATE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A resolver that answers as it is told, one answer after the other; the last for ever.
struct Script(Mutex<VecDeque<Vec<IpAddr>>>);

impl Names for Script {
    fn addresses(&self, _name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut left = self.0.lock().unwrap();
        let answer = match left.len() {
            1 => left[0].clone(),
            _ => left.pop_front().unwrap(),
        };
        async move { Ok(answer) }.boxed()
    }
}

/// Answers every connection alike and counts them.
struct Site {
    port: u16,
    visits: Arc<AtomicUsize>,
}

impl Site {
    async fn open(answer: &'static str) -> Self {
        let listener = TcpListener::bind((PUBLIC, 0)).await.unwrap();
        Self::serve(listener, answer)
    }

    fn serve(listener: TcpListener, answer: &'static str) -> Self {
        let port = listener.local_addr().unwrap().port();
        let visits = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&visits);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, answer));
            }
        });
        Self { port, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, answer: &str) {
    let mut request = vec![0; 4_096];
    let _ = stream.read(&mut request).await;
    if answer.is_empty() {
        return std::future::pending().await;
    }
    let _ = stream.write_all(answer.as_bytes()).await;
    if answer.contains("chunked") {
        // Never ends: a byte now and then, or as many as are taken.
        let piece = if answer.contains("x-slow") {
            "1\r\nx\r\n"
        } else {
            "5\r\nxxxxx\r\n"
        };
        while stream.write_all(piece.as_bytes()).await.is_ok() {
            if answer.contains("x-slow") {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nfine";

fn client(rules: &str, answers: &[&[Ipv4Addr]]) -> Client {
    let lists = answers
        .iter()
        .map(|list| list.iter().map(|one| IpAddr::from(*one)).collect());
    let script = Arc::new(Script(Mutex::new(lists.collect())));
    Client::with_names(rules.parse().unwrap(), script).unwrap()
}

// A public site and a private one on the same port, one of those that names may lead to. What comes
// there wants TLS and gets none: who came is counted, and that is all.
async fn two_sites() -> (Site, Site) {
    for port in 8_000..9_000 {
        let public = TcpListener::bind((PUBLIC, port)).await;
        let private = TcpListener::bind((PRIVATE, port)).await;
        if let (Ok(public), Ok(private)) = (public, private) {
            return (Site::serve(public, FINE), Site::serve(private, FINE));
        }
    }
    panic!("no port is free");
}

async fn get(client: &Client, url: &str) -> Result<egress::Reply, Failure> {
    let target = client.target(url).map_err(Failure::Refused)?;
    client.send(client.get(&target), LIMITS).await
}

fn is_private(outcome: &Result<egress::Reply, Failure>) -> bool {
    matches!(outcome, Err(Failure::Refused(Refusal::Private)))
}

#[tokio::test]
async fn a_name_that_turns_inward_is_not_followed() {
    let (public, private) = two_sites().await;
    let client = client("127.0.0.2", &[&[PUBLIC], &[PUBLIC], &[PRIVATE]]);
    let url = format!("https://hooks.example:{}/", public.port);
    let target = client.target(&url).unwrap();
    assert_eq!(client.look(&target).await, Ok(()));
    let first = client.send(client.get(&target), LIMITS).await;
    assert!(matches!(first, Err(Failure::Broken(_))), "{first:?}");
    for _ in 0..3 {
        let later = client.send(client.get(&target), LIMITS).await;
        assert!(is_private(&later), "{later:?}");
    }
    assert_eq!(client.look(&target).await, Err(Refusal::Private));
    assert_eq!((public.visits(), private.visits()), (1, 0));
}

#[tokio::test]
async fn of_a_mixed_answer_only_the_public_part_is_dialled() {
    let (public, private) = two_sites().await;
    let client = client("127.0.0.2", &[&[PRIVATE, PUBLIC, PRIVATE]]);
    let url = format!("https://hooks.example:{}/", public.port);
    for _ in 0..3 {
        let outcome = get(&client, &url).await;
        assert!(matches!(outcome, Err(Failure::Broken(_))), "{outcome:?}");
    }
    assert_eq!((public.visits(), private.visits()), (3, 0));
}

#[tokio::test]
async fn addresses_in_any_spelling_are_not_dialled() {
    let (_, private) = two_sites().await;
    let client = client("", &[&[PRIVATE]]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "localhost",
        "a.example",
    ] {
        let outcome = get(&client, &format!("https://{host}:{}/", private.port)).await;
        assert!(is_private(&outcome), "{host}: {outcome:?}");
    }
    assert_eq!(private.visits(), 0);
}

#[tokio::test]
async fn the_systems_own_names_are_checked_too() {
    let (_, private) = two_sites().await;
    // A name the first look lets pass, which the system's resolver takes for this machine.
    let client = Client::new(Policy::default()).unwrap();
    let url = format!("https://ip6-loopback.:{}/", private.port);
    assert!(is_private(&get(&client, &url).await));
    assert_eq!(private.visits(), 0);
}

#[tokio::test]
async fn what_the_operator_allows_is_reached() {
    let site = Site::open(FINE).await;
    let by_address = client("127.0.0.0/8", &[&[PRIVATE]]);
    let reply = get(&by_address, &format!("http://127.0.0.2:{}/", site.port))
        .await
        .unwrap();
    assert_eq!((reply.status.as_u16(), reply.is_whole), (200, true));
    assert_eq!(&reply.body[..], b"fine");
    let by_name = client("*.internal", &[&[PUBLIC]]);
    let url = format!("http://hooks.internal:{}/", site.port);
    assert!(get(&by_name, &url).await.is_ok());
    assert_eq!(site.visits(), 2);
}

#[tokio::test]
async fn redirects_are_told_and_not_followed() {
    let (_, private) = two_sites().await;
    for status in [301, 302, 303, 307, 308] {
        let text = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: http://127.0.0.1:{}/\r\ncontent-length: 0\r\n\r\n",
            private.port
        );
        let site = Site::open(text.leak()).await;
        // Even where it may be gone.
        let client = client("127.0.0.0/8", &[&[PRIVATE]]);
        let reply = get(&client, &format!("http://127.0.0.2:{}/", site.port))
            .await
            .unwrap();
        assert_eq!(reply.status.as_u16(), status);
    }
    assert_eq!(private.visits(), 0);
}

#[tokio::test]
async fn long_and_slow_bodies_are_cut() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";
    for (more, least, most) in [("", 1_000, 1_000), ("x-slow: 1\r\n", 5, 100)] {
        let site = Site::open(format!("{head}{more}\r\n").leak()).await;
        let client = client("127.0.0.2", &[&[PRIVATE]]);
        let begin = Instant::now();
        let reply = get(&client, &format!("http://127.0.0.2:{}/", site.port))
            .await
            .unwrap();
        assert!(
            !reply.is_whole && (least..=most).contains(&reply.body.len()),
            "{reply:?}"
        );
        assert!(begin.elapsed() < LIMITS.time * 2);
    }
}

#[tokio::test]
async fn silence_and_endless_headers_end() {
    let silent = Site::open("").await;
    let line = "x-more: 0123456789012345678901234567890123456789\r\n";
    let headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", line.repeat(40_000));
    let endless = Site::open(headers.leak()).await;
    let client = client("127.0.0.2", &[&[PRIVATE]]);
    let begin = Instant::now();
    let outcome = get(&client, &format!("http://127.0.0.2:{}/", endless.port)).await;
    assert!(matches!(outcome, Err(Failure::Broken(_))), "{outcome:?}");
    let outcome = get(&client, &format!("http://127.0.0.2:{}/", silent.port)).await;
    assert!(
        matches!(outcome, Err(Failure::Broken(_) | Failure::Slow(_))),
        "{outcome:?}"
    );
    assert!(begin.elapsed() < LIMITS.time * 3);
}
