//! M3: streams, calls and connections are bounded, and who comes too many is told so at once.

use std::collections::BTreeMap;
use std::time::Duration;

use errors::{Reason, from_status};
use identity::Role;
use server::GrpcSettings;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Code;

use crate::stage::{PATIENCE, Stage, until};
use crate::wire::{Frames, literals};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];

#[tokio::test]
async fn a_thousand_calls_at_once_find_the_room_there_is() {
    let settings = GrpcSettings {
        max_concurrent: 64,
        ..GrpcSettings::default()
    };
    let stage = Stage::with(settings, Duration::from_secs(2)).await;
    let client = stage.usage();
    let mut calls = Vec::new();
    for _ in 0..1_000 {
        let (mut client, order) = (client.clone(), stage.order("sleep:1500"));
        calls.push(tokio::spawn(async move { client.reserve(order).await }));
    }
    let (mut served, mut shed) = (0, 0);
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => served += 1,
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable);
                let fault = from_status(status);
                assert_eq!(fault.reason, Reason::Overloaded);
                assert!(fault.retry_after.is_some());
                shed += 1;
            }
        }
    }
    assert_eq!((served, shed), (64, 936));
    // The room is given back.
    assert!(stage.usage().reserve(stage.order("")).await.is_ok());
}

#[tokio::test]
async fn services_find_room_when_users_do_not() {
    let settings = GrpcSettings {
        max_concurrent: 8,
        ..GrpcSettings::default()
    };
    let stage = Stage::with(settings, Duration::from_secs(1)).await;
    for held in 1..=7 {
        let (mut client, order) = (stage.usage(), stage.order("hang"));
        tokio::spawn(async move { client.reserve(order).await });
        until(&stage.seen.started, held).await;
    }
    let request = stage.request(Role::User, Default::default());
    let refused = stage.usage().get_usage(request).await.unwrap_err();
    assert_eq!(from_status(refused).reason, Reason::Overloaded);
    assert!(stage.usage().reserve(stage.order("")).await.is_ok());
}

#[tokio::test]
async fn a_handler_nobody_waits_for_keeps_its_place() {
    let settings = GrpcSettings {
        max_concurrent: 1,
        ..GrpcSettings::default()
    };
    let stage = Stage::with(settings, Duration::from_secs(1)).await;
    let (mut client, order) = (stage.usage(), stage.order("sleep:500"));
    let call = tokio::spawn(async move { client.reserve(order).await });
    until(&stage.seen.started, 1).await;
    call.abort();
    // Give the reset a moment to arrive: the place must stay taken after it.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let refused = stage.usage().reserve(stage.order("")).await.unwrap_err();
    assert_eq!(from_status(refused).reason, Reason::Overloaded);
    until(&stage.seen.finished, 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(stage.usage().reserve(stage.order("")).await.is_ok());
}

#[tokio::test]
async fn streams_above_the_advertised_limit_are_refused() {
    let settings = GrpcSettings {
        max_streams: 10,
        ..GrpcSettings::default()
    };
    let stage = Stage::with(settings, Duration::from_secs(1)).await;
    let mut frames = Frames::connect(stage.addr).await;
    assert_eq!(advertised(&mut frames).await.get(&3), Some(&10));
    let bearer = format!("Bearer {}", stage.token(Role::Service));
    let block = literals(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/bottega.usage.v1.UsageService/Reserve"),
        (":authority", "stage"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("authorization", &bearer),
    ]);
    for stream in 0..15 {
        // END_HEADERS, but no end of the stream: each call stays open.
        frames.send(HEADERS, 0x4, 2 * stream + 1, &block).await;
    }
    for _ in 0..5 {
        let reset = loop {
            let frame = timeout(PATIENCE, frames.next()).await.unwrap();
            if frame.kind == RST_STREAM {
                break frame;
            }
        };
        assert_eq!(reset.payload, REFUSED_STREAM);
    }
}

#[tokio::test]
async fn a_client_that_takes_no_answer_loses_its_place() {
    let settings = GrpcSettings {
        max_concurrent: 1,
        write_timeout: Duration::from_millis(200),
        ..GrpcSettings::default()
    };
    let stage = Stage::with(settings, Duration::from_secs(1)).await;
    let mut frames = Frames::connect(stage.addr).await;
    // INITIAL_WINDOW_SIZE 0: no stream may send us any data.
    frames.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await;
    let block = literals(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/bottega.auth.v1.AuthService/GetJwks"),
        (":authority", "stage"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]);
    frames.send(HEADERS, 0x4, 1, &block).await;
    // An empty message, and the end of the stream.
    frames.send(DATA, 0x1, 1, &[0; 5]).await;
    let reset = async { while frames.next().await.kind != RST_STREAM {} };
    timeout(PATIENCE, reset).await.expect("the stream is reset");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(stage.usage().reserve(stage.order("")).await.is_ok());
}

async fn advertised(frames: &mut Frames) -> BTreeMap<u16, u32> {
    let frame = timeout(PATIENCE, frames.next()).await.unwrap();
    assert_eq!(frame.kind, SETTINGS);
    let setting = |bytes: &[u8]| {
        let id = u16::from_be_bytes([bytes[0], bytes[1]]);
        (
            id,
            u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]),
        )
    };
    frame.payload.chunks_exact(6).map(setting).collect()
}

#[tokio::test]
async fn connections_above_the_limit_are_closed() {
    let settings = GrpcSettings {
        max_connections: 2,
        ..GrpcSettings::default()
    };
    let stage = Stage::with(settings, Duration::from_secs(1)).await;
    let first = TcpStream::connect(stage.addr).await.unwrap();
    let _second = TcpStream::connect(stage.addr).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut third = TcpStream::connect(stage.addr).await.unwrap();
    let read = timeout(PATIENCE, third.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    drop(first);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(stage.usage().reserve(stage.order("")).await.is_ok());
}

#[tokio::test]
async fn connections_that_say_nothing_are_cut() {
    let settings = GrpcSettings {
        handshake: Duration::from_millis(200),
        ..GrpcSettings::default()
    };
    let stage = Stage::with(settings, Duration::from_secs(1)).await;
    let mut silent = TcpStream::connect(stage.addr).await.unwrap();
    // The server offers its settings first; after them it hears nothing and closes.
    let closed = timeout(PATIENCE, silent.read_to_end(&mut Vec::new())).await;
    assert!(closed.is_ok(), "still open");
}
