//! A response's body that ends in a proper status when its call must end or its stream panics.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use errors::Fault;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use telemetry::{RequestContext, context};
use tonic::Status;
use tracing::Span;

use super::limit::End;
use crate::http::panic_message;

type Polled = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

pub(super) struct Guarded {
    body: Body,
    end: End,
    // Made when the body first has to wait: most never do.
    reached: Option<Pin<Box<dyn Future<Output = Fault> + Send>>>,
    // Streams are polled by the connection's task, which knows nothing of the request.
    context: Arc<RequestContext>,
    span: Span,
    over: bool,
}

impl Guarded {
    pub(super) fn wrap(response: Response, end: End, context: RequestContext) -> Response {
        response.map(|body| {
            Body::new(Self {
                body,
                end,
                reached: None,
                context: Arc::new(context),
                span: Span::current(),
                over: false,
            })
        })
    }

    fn poll_body(&mut self, task: &mut Context<'_>) -> Result<Polled, Fault> {
        let body = Pin::new(&mut self.body);
        let poll = || self.span.in_scope(|| body.poll_frame(task));
        catch_unwind(AssertUnwindSafe(|| {
            context::scope_sync(&self.context, poll)
        }))
        .map_err(|panic| Fault::internal(format!("panic in a stream: {}", panic_message(&*panic))))
    }

    fn finish(&mut self, fault: Fault) -> Polled {
        self.over = true;
        self.body = Body::empty();
        let status = Status::from(fault);
        if let Some(cause) = std::error::Error::source(&status) {
            self.span
                .in_scope(|| tracing::error!(%cause, "a stream failed"));
        }
        let mut trailers = HeaderMap::new();
        match status.add_header(&mut trailers) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(unwritable) => Poll::Ready(Some(Err(axum::Error::new(unwritable)))),
        }
    }
}

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        match this.poll_body(task) {
            Err(panicked) => return this.finish(panicked),
            Ok(Poll::Ready(frame)) => return Poll::Ready(frame),
            Ok(Poll::Pending) => {}
        }
        let end = &this.end;
        let reached = this
            .reached
            .get_or_insert_with(|| Box::pin(end.clone().reached()));
        match reached.as_mut().poll(task) {
            Poll::Ready(fault) => this.finish(fault),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
