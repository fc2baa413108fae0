//! Bodies that hold something while they last, and bodies that must not stand still.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::activity::UnderWay;
use super::stream::Handover;

/// A response's body that keeps something alive until its end or its drop.
pub(crate) struct Held<T> {
    body: Body,
    held: Option<T>,
}

impl<T: Send + Unpin + 'static> Held<T> {
    pub(crate) fn wrap(body: Body, held: T) -> Body {
        Body::new(Self {
            body,
            held: Some(held),
        })
    }
}

impl<T: Unpin> http_body::Body for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() {
            self.held = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response's body that says when its peer takes nothing, and keeps the connection from being
/// idle while it lasts.
pub(super) struct Watched {
    body: Body,
    under_way: Option<UnderWay>,
    handover: Option<Handover>,
}

impl Watched {
    pub(super) fn wrap(body: Body, under_way: UnderWay, handover: Option<Handover>) -> Body {
        Body::new(Self {
            body,
            under_way: Some(under_way),
            handover,
        })
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(handover) = &self.handover {
            handover.asked();
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match (&frame, &self.handover) {
            (Some(_), Some(handover)) => handover.handed(),
            (Some(_), None) => {}
            (None, _) => self.under_way = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body stopped arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body stopped arriving")]
pub struct BodyStalled;

/// A request's body that fails with [`BodyStalled`] when nothing arrives for a while. Time counts
/// only while somebody waits for it.
pub(super) struct Moving {
    body: Incoming,
    patience: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Moving {
    pub(super) fn new(body: Incoming, patience: Duration) -> Self {
        Self {
            body,
            patience,
            alarm: None,
            waiting: false,
        }
    }
}

impl http_body::Body for Moving {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.waiting = false;
            return Poll::Ready(frame.map(|result| result.map_err(Into::into)));
        }
        let patience = this.patience;
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep(patience)));
        if !this.waiting {
            this.waiting = true;
            alarm.as_mut().reset(Instant::now() + patience);
        }
        ready!(alarm.as_mut().poll(context));
        Poll::Ready(Some(Err(BodyStalled.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
