//! Calls a service with bytes, within a deadline.

use bytes::Bytes;
use errors::{Fault, Reason};
use futures::Stream;
use http::uri::PathAndQuery;
use server::Link;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status, Streaming};

use super::codec::{BytesCodec, Piece};
use super::deadline::Deadline;

/// How large a single reply may be; services page and cut theirs far below.
const MAX_REPLY_BYTES: usize = 64 * 1024 * 1024;

/// One call about to be made.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    pub(crate) link: Link,
    pub(crate) path: PathAndQuery,
    pub(crate) metadata: MetadataMap,
    pub(crate) deadline: Deadline,
}

impl Upstream {
    /// One message there, one back.
    pub(crate) async fn unary(self, message: Bytes) -> Result<Response<Bytes>, Status> {
        let request = self.request(tokio_stream::once(Piece::Message(message)));
        self.client_streaming(request).await
    }

    /// Pieces there, one message back.
    pub(crate) async fn upload<S>(self, pieces: S) -> Result<Response<Bytes>, Status>
    where
        S: Stream<Item = Piece> + Send + 'static,
    {
        let request = self.request(pieces);
        self.client_streaming(request).await
    }

    /// One message there, a stream back. Answers as soon as the service has accepted the call.
    pub(crate) async fn stream(self, message: Bytes) -> Result<Response<Streaming<Bytes>>, Status> {
        let deadline = self.deadline;
        let request = self.request(tokio_stream::once(Piece::Message(message)));
        let call = async {
            let mut grpc = self.grpc().await?;
            grpc.streaming(request, self.path.clone(), BytesCodec).await
        };
        settle(deadline, deadline.limit(call).await)
    }

    async fn client_streaming<S>(self, request: Request<S>) -> Result<Response<Bytes>, Status>
    where
        S: Stream<Item = Piece> + Send + 'static,
    {
        let deadline = self.deadline;
        let call = async {
            let mut grpc = self.grpc().await?;
            grpc.client_streaming(request, self.path.clone(), BytesCodec)
                .await
        };
        settle(deadline, deadline.limit(call).await)
    }

    async fn grpc(&self) -> Result<Grpc<Link>, Status> {
        let mut grpc = Grpc::new(self.link.clone()).max_decoding_message_size(MAX_REPLY_BYTES);
        grpc.ready()
            .await
            .map_err(|error| Status::from_error(error.into()))?;
        Ok(grpc)
    }

    fn request<S>(&self, stream: S) -> Request<S> {
        let mut request = Request::new(stream);
        *request.metadata_mut() = self.metadata.clone();
        if let Some(left) = self.deadline.left() {
            request.set_timeout(left);
        }
        request
    }
}

/// The error of a call that took too long.
pub(crate) fn past_deadline() -> Status {
    Fault::new(
        Reason::DeadlineExceeded,
        "the call took longer than its deadline",
    )
    .into()
}

// tonic answers an expired deadline with CANCELLED; callers are told what it was.
fn settle<T>(deadline: Deadline, outcome: Option<Result<T, Status>>) -> Result<T, Status> {
    match outcome {
        None => Err(past_deadline()),
        Some(Err(status)) if status.code() == Code::Cancelled && deadline.is_past() => {
            Err(past_deadline())
        }
        Some(result) => result,
    }
}
