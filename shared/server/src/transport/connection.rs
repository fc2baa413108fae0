//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::server::{Connected, TcpConnectInfo};
use tower::ServiceExt;

use super::activity::Activity;
use super::body::{Moving, Watched};
use super::socket::Socket;
use super::stream::{Handover, Streams};
use super::{Limits, Protocol};
use crate::{Shutdown, Tls};

// After a goodbye, a connection without requests gets this long to close by itself.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) struct Connection {
    pub(super) builder: Arc<Builder<Streams>>,
    pub(super) router: Router,
    pub(super) limits: Arc<Limits>,
    pub(super) tls: Option<Tls>,
    pub(super) shutdown: Shutdown,
}

pub(super) fn builder(limits: &Limits) -> Builder<Streams> {
    let mut builder = Builder::new(Streams {
        patience: limits.write,
    });
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams)
        .keep_alive_interval(limits.keepalive)
        .keep_alive_timeout(limits.keepalive / 2);
    match limits.protocol {
        Protocol::Http2 => builder.http2_only(),
        Protocol::Any => builder,
    }
}

impl Connection {
    /// Serves the connection's requests until it ends, says goodbye, or is cut.
    pub(super) async fn run(self, stream: TcpStream) {
        // Answers are small and somebody waits for them.
        let _ = stream.set_nodelay(true);
        let Ok(peer) = stream.peer_addr() else {
            return;
        };
        let info = stream.connect_info();
        let Some(tls) = self.tls.clone() else {
            return self.serve(stream, peer, info).await;
        };
        // Who is slow here is no better than who is slow later.
        let handshake = tokio::select! {
            done = timeout(self.limits.handshake, tls.accept(stream)) => done,
            () = self.shutdown.triggered() => return,
        };
        match handshake {
            Ok(Ok(stream)) => self.serve(stream, peer, info).await,
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("server_handshakes_failed_total", "server" => self.limits.name)
                    .increment(1);
            }
        }
    }

    async fn serve<S>(self, stream: S, peer: SocketAddr, info: TcpConnectInfo)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Activity::new();
        let body_patience = self.limits.body;
        let requests = activity.clone();
        let router = self.router;
        let service = service_fn(move |request: Request<Incoming>| {
            let request = prepare(request, peer, info.clone(), body_patience);
            answer(router.clone(), request, requests.clone())
        });
        let socket = Socket::new(stream, activity.clone(), self.limits.write);
        let socket = TokioIo::new(socket);
        let mut connection = pin!(self.builder.serve_connection(socket, service));
        tokio::select! {
            // How a connection ended is the peer's affair; requests were logged one by one.
            _ = connection.as_mut() => return,
            () = activity.silent(self.limits.handshake) => return,
            () = activity.quiet(self.limits.idle) => {}
            () = self.shutdown.triggered() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection.as_mut() => {}
            () = activity.quiet(GOODBYE) => {}
        }
    }
}

fn prepare(
    request: Request<Incoming>,
    peer: SocketAddr,
    info: TcpConnectInfo,
    body_patience: Option<Duration>,
) -> Request<Body> {
    let mut request = request.map(|body| match body_patience {
        Some(patience) => Body::new(Moving::new(body, patience)),
        None => Body::new(body),
    });
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(info);
    request
}

// The future is dropped when the client leaves, and the handler with it, unless a layer runs it in
// a task of its own.
fn answer(
    router: Router,
    request: Request<Body>,
    activity: Activity,
) -> Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>> {
    Box::pin(async move {
        let under_way = activity.begin();
        let response = router.oneshot(request).await?;
        Ok(response.map(|body| Watched::wrap(body, under_way, Handover::current())))
    })
}
