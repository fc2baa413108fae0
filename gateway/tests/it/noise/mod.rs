//! Noise on the wire: requests of every protocol, bent at random, over real sockets. Whatever comes, the
//! gateway answers or hangs up in time, never with a fault of its own, and serves the next one.
//!
//! Tests always bend the same way; `make fuzz` takes a seed and as long as it is told.

mod dice;
mod seeds;

use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::house::House;
use dice::Dice;

/// How many there are in a test.
const REQUESTS: u64 = 400;
/// How many at once.
const AT_ONCE: usize = 8;
/// Longer than any time limit of the gateway here.
const PATIENCE: Duration = Duration::from_secs(10);

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

#[tokio::test]
async fn whatever_comes_it_answers_and_lives_on() {
    let limits = [
        ("BOTTEGA_HTTP_HEADER_TIMEOUT", "500ms"),
        ("BOTTEGA_HTTP_BODY_TIMEOUT", "500ms"),
    ];
    let house = House::with(&limits).await;
    let seed = setting("BOTTEGA_FUZZ_SEED").unwrap_or(7);
    let seconds = setting("BOTTEGA_FUZZ_SECONDS");
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let seeds = seeds::all(&house.token());
    let numbers = (0_u64..).take_while(|number| match end {
        Some(end) => Instant::now() < end,
        None => *number < REQUESTS,
    });
    let sent = stream::iter(numbers).map(|number| {
        let mut dice = Dice::new(seed ^ (number << 20));
        let request = dice.bend(&seeds);
        exchange(house.addr, seed, number, request)
    });
    let answered = sent.buffer_unordered(AT_ONCE);
    let counts = answered.fold((0_u64, 0_u64), |(all, answered), is_answered| {
        std::future::ready((all + 1, answered + u64::from(is_answered)))
    });
    let (all, answered) = counts.await;
    // Most noise is still a request.
    assert!(answered * 2 > all, "{answered} of {all} were answered");
    assert_eq!(
        house.get("/v1/files/f-1").send().await.unwrap().status(),
        200
    );
    if seconds.is_some() {
        eprintln!("{all} requests, {answered} answered, seed {seed}");
    }
}

/// Sends a request and looks at what comes back; whether that was an answer.
async fn exchange(addr: SocketAddr, seed: u64, number: u64, request: Vec<u8>) -> bool {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    let talk = async {
        // It may hang up before it has read everything.
        let write = async {
            let _ = writing.write_all(&request).await;
            let _ = writing.shutdown().await;
        };
        let (_, _) = tokio::join!(write, reading.read_to_end(&mut answer));
    };
    let name = format!("seed {seed}, request {number}");
    let shown = || String::from_utf8_lossy(&request).into_owned();
    assert!(
        timeout(PATIENCE, talk).await.is_ok(),
        "{name} hangs: {}",
        shown()
    );
    if let Some(problem) = problem_of(&answer) {
        let answer = String::from_utf8_lossy(&answer);
        panic!("{name}: {problem}\n{}\n\n{answer}", shown());
    }
    answer.starts_with(b"HTTP/1.")
}

/// What is wrong with an answer.
fn problem_of(answer: &[u8]) -> Option<String> {
    if answer.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(answer);
    let Some(status) = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)) else {
        // A request may have been bent into HTTP/2's preface.
        return None;
    };
    let status: u16 = status.parse().ok()?;
    if matches!(status, 500 | 502) || text.contains("panic") {
        return Some(format!("{status} is a fault of ours"));
    }
    let (head, body) = text.split_once("\r\n\r\n")?;
    let is_json = head.contains("content-type: application/json\r\n");
    let is_whole = !head.contains("transfer-encoding") && !head.contains("content-encoding");
    // The answer to a HEAD has none; what follows it is another answer.
    let is_empty = body.is_empty() || head.contains("content-length: 0");
    if status < 400 || !is_json || !is_whole || is_empty {
        return None;
    }
    // A second answer may follow on the same connection.
    let mut values = serde_json::Deserializer::from_str(body).into_iter::<Value>();
    let first = values.next()?.ok();
    let is_error =
        first.is_some_and(|body| body["error"]["code"] == status || body["code"].is_string());
    (!is_error).then(|| "the body is no error".to_owned())
}
