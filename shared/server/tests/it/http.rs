//! M6: connections that are silent or slow are cut, and none of them holds the shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::{get, post};
use bytes::Bytes;
use server::{HttpApp, HttpSettings, Readiness, ServeError, Shutdown, Sockets};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::stage::{PATIENCE, anywhere, until};

struct Site {
    addr: SocketAddr,
    shutdown: Shutdown,
    dropped: Arc<AtomicUsize>,
    started: Arc<AtomicUsize>,
    serving: JoinHandle<Result<(), ServeError>>,
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Site {
    async fn open(settings: HttpSettings, drain: Duration) -> Self {
        let (dropped, started) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (drops, starts) = (Arc::clone(&dropped), Arc::clone(&started));
        let hang = move || {
            let guard = CountDrop(Arc::clone(&drops));
            starts.fetch_add(1, Ordering::SeqCst);
            async move {
                std::future::pending::<()>().await;
                drop(guard);
            }
        };
        let router = Router::new()
            .route(
                "/peer",
                get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()),
            )
            .route(
                "/upload",
                post(async |body: Result<Bytes, _>| match body {
                    Ok(bytes) => (StatusCode::OK, bytes.len().to_string()),
                    Err::<Bytes, axum::extract::rejection::BytesRejection>(_) => {
                        (StatusCode::REQUEST_TIMEOUT, String::new())
                    }
                }),
            )
            .route(
                "/panic",
                get(async || -> &'static str { panic!("ordered to") }),
            )
            .route("/hang", get(hang));
        let sockets = Sockets::bind(anywhere()).await.unwrap();
        let addr = sockets.addr();
        let shutdown = Shutdown::new(drain);
        let app = HttpApp::new("site", router, Readiness::new(), settings);
        let serving = tokio::spawn(app.serve(sockets, shutdown.clone()));
        Self {
            addr,
            shutdown,
            dropped,
            started,
            serving,
        }
    }

    async fn hasty() -> Self {
        let settings = HttpSettings {
            header_timeout: Duration::from_millis(200),
            body_timeout: Duration::from_millis(200),
            ..HttpSettings::default()
        };
        Self::open(settings, Duration::from_secs(1)).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

/// What the server sent until it closed the connection.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let closed = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    let _ = closed.expect("the server closes the connection");
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_silent_connection_is_cut() {
    let site = Site::hasty().await;
    assert_eq!(until_closed(site.connect().await).await, "");
}

#[tokio::test]
async fn half_a_preface_is_cut() {
    let site = Site::hasty().await;
    assert_eq!(until_closed(site.send("PRI * HTTP/2.0").await).await, "");
}

#[tokio::test]
async fn a_slow_head_is_cut() {
    let site = Site::hasty().await;
    let mut stream = site.send("GET /peer HTTP/1.1\r\nhost: site\r\n").await;
    let drip = async {
        // One byte now and then does not buy more time.
        while stream.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(30)).await;
        }
    };
    timeout(PATIENCE, drip)
        .await
        .expect("the server closes the connection");
}

#[tokio::test]
async fn a_slow_body_is_cut() {
    let site = Site::hasty().await;
    let head = "POST /upload HTTP/1.1\r\nhost: site\r\ncontent-length: 1000\r\n\r\nsome";
    let answer = until_closed(site.send(head).await).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_body_that_moves_is_not_cut() {
    let site = Site::hasty().await;
    let head =
        "POST /upload HTTP/1.1\r\nhost: site\r\nconnection: close\r\ncontent-length: 8\r\n\r\n";
    let mut stream = site.send(head).await;
    for _ in 0..8 {
        sleep(Duration::from_millis(50)).await;
        stream.write_all(b"x").await.unwrap();
    }
    let answer = until_closed(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let settings = HttpSettings {
        idle_timeout: Duration::from_millis(200),
        ..HttpSettings::default()
    };
    let site = Site::open(settings, Duration::from_secs(1)).await;
    let started = Instant::now();
    let stream = site.send("GET /peer HTTP/1.1\r\nhost: site\r\n\r\n").await;
    let peer = stream.local_addr().unwrap().to_string();
    let answer = until_closed(stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with(&peer),
        "{answer}"
    );
    // The header timeout of ten seconds would have closed it much later.
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_stalled_upload_does_not_hold_the_shutdown() {
    let site = Site::open(HttpSettings::default(), Duration::from_millis(500)).await;
    let head = "POST /upload HTTP/1.1\r\nhost: site\r\ncontent-length: 1000\r\n\r\nsome";
    let upload = site.send(head).await;
    let silent = site.connect().await;
    sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    site.shutdown.trigger();
    timeout(PATIENCE, site.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    // The body's own limit of ten seconds would have held it much longer.
    assert!(started.elapsed() < Duration::from_secs(5));
    drop((upload, silent));
}

#[tokio::test]
async fn a_handler_ends_when_its_client_leaves() {
    let site = Site::open(HttpSettings::default(), Duration::from_secs(1)).await;
    let stream = site.send("GET /hang HTTP/1.1\r\nhost: site\r\n\r\n").await;
    until(&site.started, 1).await;
    drop(stream);
    until(&site.dropped, 1).await;
}

#[tokio::test]
async fn a_panic_is_one_requests_500() {
    let site = Site::open(HttpSettings::default(), Duration::from_secs(1)).await;
    let request = "GET /panic HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n";
    let answer = until_closed(site.send(request).await).await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    let request = "GET /peer HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n";
    let answer = until_closed(site.send(request).await).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn one_address_does_not_take_all_the_places() {
    let settings = HttpSettings {
        max_per_address: 1,
        ..HttpSettings::default()
    };
    let site = Site::open(settings, Duration::from_secs(1)).await;
    let first = site.connect().await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(until_closed(site.connect().await).await, "");
    // Its place is free again once it is gone.
    drop(first);
    sleep(Duration::from_millis(100)).await;
    let request = "GET /peer HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n";
    let answer = until_closed(site.send(request).await).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn connections_above_the_cap_are_closed() {
    let settings = HttpSettings {
        max_connections: 1,
        ..HttpSettings::default()
    };
    let site = Site::open(settings, Duration::from_secs(1)).await;
    let _first = site.connect().await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(until_closed(site.connect().await).await, "");
}
