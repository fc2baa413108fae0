//! The way to another service: straight into it where it runs in this process, else over a connection.
//!
//! The call is the same either way: it passes every layer of the service, with the same metadata,
//! deadline and messages; only HTTP/2 and the socket are left out.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::task::{Context, Poll};

use axum::Router;
use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::{Frame, SizeHint};
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::{Service, ServiceExt};

use crate::connect::{InvalidPeer, connect};
use crate::{Shutdown, Sockets};

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

// The services of this process, by where they listen.
static HERE: LazyLock<RwLock<HashMap<SocketAddr, Home>>> = LazyLock::new(RwLock::default);

#[derive(Clone)]
struct Home {
    router: Router,
    shutdown: Shutdown,
}

/// Keeps a service listed as long as it lives.
pub(crate) struct Listed(SocketAddr);

/// Has the links of this process come straight to this service, until its switch is thrown.
pub(crate) fn list(sockets: &Sockets, router: &Router, shutdown: &Shutdown) -> Listed {
    let addr = sockets.dialled();
    let home = Home {
        router: router.clone(),
        shutdown: shutdown.clone(),
    };
    let mut here = HERE.write().unwrap_or_else(PoisonError::into_inner);
    here.insert(addr, home);
    Listed(addr)
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut here = HERE.write().unwrap_or_else(PoisonError::into_inner);
        here.remove(&self.0);
    }
}

/// The way to a service; clones are the same way.
#[derive(Clone)]
pub struct Link {
    addr: Option<SocketAddr>,
    channel: Channel,
    // Found when it was asked whether a call can be made.
    home: Option<Home>,
}

impl Link {
    /// The way to `host:port` or `http://host:port`, as [`connect`] takes it.
    ///
    /// # Errors
    /// The text is no address.
    pub fn to(peer: &str) -> Result<Self, InvalidPeer> {
        Ok(Self::over(peer, connect(peer)?))
    }

    /// The way to a peer where this channel leads, unless the peer is in this process.
    pub(crate) fn over(peer: &str, channel: Channel) -> Self {
        let addr = peer.strip_prefix("http://").unwrap_or(peer);
        Self {
            addr: addr.parse().ok(),
            channel,
            home: None,
        }
    }

    fn find_home(&self) -> Option<Home> {
        let here = HERE.read().unwrap_or_else(PoisonError::into_inner);
        let home = here.get(self.addr.as_ref()?)?;
        // A service that stops takes nothing new; its closed door says so.
        (!home.shutdown.is_triggered()).then(|| home.clone())
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Service<Request<Body>> for Link {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.home = self.find_home();
        match self.home {
            Some(_) => Poll::Ready(Ok(())),
            None => self.channel.poll_ready(context),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        match self.home.take() {
            Some(home) => Box::pin(async move { Ok(visit(home.router, request).await) }),
            None => Box::pin(self.channel.call(request)),
        }
    }
}

async fn visit(router: Router, mut request: Request<Body>) -> Response<Body> {
    // What one side knows is not told to the other but by headers.
    *request.extensions_mut() = Extensions::default();
    let token = CancellationToken::new();
    let left = token.clone().cancelled_owned();
    let caller = token.drop_guard();
    let request = request.map(|body| {
        axum::body::Body::new(Sent {
            body,
            left: Box::pin(left),
        })
    });
    let answered: Result<_, Infallible> = router.oneshot(request).await;
    let Ok(response) = answered;
    response.map(|body| {
        Body::new(Received {
            body,
            _caller: caller,
        })
    })
}

// A request's messages; they break off when the caller leaves, as a connection's do.
struct Sent {
    body: Body,
    left: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        match self.left.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Status::cancelled("the caller left")))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// An answer's messages; who drops them has left.
struct Received {
    body: axum::body::Body,
    _caller: DropGuard,
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use axum::routing::post;
    use futures::stream;
    use http_body_util::{BodyExt, StreamBody};
    use tokio::sync::mpsc;

    use super::*;

    // What a handler in a task of its own, as those of services are, finds of a body that never ends.
    #[tokio::test]
    async fn a_body_breaks_off_when_its_caller_leaves() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let tell = Arc::new(tell);
        let handler = move |request: axum::extract::Request| {
            let tell = Arc::clone(&tell);
            async move {
                let reading = tokio::spawn(async move {
                    let read = request.into_body().collect().await;
                    let _ = tell.send(read.map(http_body_util::Collected::to_bytes));
                });
                let _ = reading.await;
            }
        };
        let router = Router::new().route("/", post(handler));
        let first = Ok::<_, Status>(Frame::data(Bytes::from_static(b"first")));
        let endless = stream::StreamExt::chain(stream::iter([first]), stream::pending());
        let request = Request::post("/").body(Body::new(StreamBody::new(endless)));
        let call = tokio::spawn(visit(router.clone(), request.unwrap()));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(told.try_recv().is_err());
        call.abort();
        let read = told.recv().await.unwrap();
        assert!(read.unwrap_err().to_string().contains("the caller left"));

        let whole = Body::new(http_body_util::Full::new(Bytes::from_static(b"whole")));
        let request = Request::post("/").body(whole).unwrap();
        let answer = visit(router, request).await;
        assert_eq!(told.recv().await.unwrap().unwrap(), "whole");
        assert_eq!(answer.status(), http::StatusCode::OK);
    }
}
