//! Calls a service with bytes, within a deadline.

use std::time::Duration;

use bytes::Bytes;
use errors::{Fault, Reason};
use futures::Stream;
use http::uri::PathAndQuery;
use server::Link;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status, Streaming};

use super::codec::{BytesCodec, Piece};
use super::deadline::Deadline;
use super::{Peer, goes_again};

/// How large a single reply may be; services page and cut theirs far below.
const MAX_REPLY_BYTES: usize = 64 * 1024 * 1024;
/// How often a call that met nobody is made again: the first time, whom it met may still have been going.
const REPEATS: usize = 2;
/// A service that takes longer than this, and longer than the deadline, may not be there at all.
const PATIENT: Duration = Duration::from_secs(1);

/// One call about to be made.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    pub(crate) link: Link,
    pub(crate) path: PathAndQuery,
    pub(crate) metadata: MetadataMap,
    pub(crate) deadline: Deadline,
    pub(crate) peer: Peer,
    /// Whether making the call twice does what making it once does.
    pub(crate) is_repeatable: bool,
    pub(crate) began: Instant,
}

impl Upstream {
    /// One message there, one back. Made again when it met nobody.
    pub(crate) async fn unary(self, message: Bytes) -> Result<Response<Bytes>, Status> {
        self.peer.retries.count();
        let send = || {
            let request = self.request(tokio_stream::once(Piece::Message(message.clone())));
            self.client_streaming(request)
        };
        for _ in 0..REPEATS {
            match send().await {
                Err(status) if self.goes_again(&status).await => {}
                outcome => return outcome,
            }
        }
        send().await
    }

    /// Pieces there, one message back.
    pub(crate) async fn upload<S>(self, pieces: S) -> Result<Response<Bytes>, Status>
    where
        S: Stream<Item = Piece> + Send + 'static,
    {
        let request = self.request(pieces);
        self.client_streaming(request).await
    }

    /// One message there, a stream back. Answers as soon as the service has accepted the call; until then
    /// it is made again when it met nobody.
    pub(crate) async fn stream(self, message: Bytes) -> Result<Response<Streaming<Bytes>>, Status> {
        self.peer.retries.count();
        let send = || async {
            let request = self.request(tokio_stream::once(Piece::Message(message.clone())));
            let call = async {
                let mut grpc = self.grpc().await?;
                grpc.streaming(request, self.path.clone(), BytesCodec).await
            };
            self.settle(self.deadline.limit(call).await)
        };
        for _ in 0..REPEATS {
            match send().await {
                Err(status) if self.goes_again(&status).await => {}
                outcome => return outcome,
            }
        }
        send().await
    }

    async fn goes_again(&self, status: &Status) -> bool {
        goes_again(&self.peer, self.deadline, self.is_repeatable, status).await
    }

    async fn client_streaming<S>(&self, request: Request<S>) -> Result<Response<Bytes>, Status>
    where
        S: Stream<Item = Piece> + Send + 'static,
    {
        let call = async {
            let mut grpc = self.grpc().await?;
            grpc.client_streaming(request, self.path.clone(), BytesCodec)
                .await
        };
        self.settle(self.deadline.limit(call).await)
    }

    async fn grpc(&self) -> Result<Grpc<Link>, Status> {
        self.peer.standing.check(self.peer.name)?;
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

    // Who hurries says nothing about the service.
    fn suspect_if_patient(&self) {
        if self.began.elapsed() > PATIENT {
            self.peer.standing.suspect();
        }
    }

    // tonic answers an expired deadline with CANCELLED; callers are told what it was.
    fn settle<T>(&self, outcome: Option<Result<T, Status>>) -> Result<T, Status> {
        match outcome {
            None => {
                self.suspect_if_patient();
                Err(past_deadline())
            }
            Some(Err(status)) if status.code() == Code::Cancelled && self.deadline.is_past() => {
                Err(past_deadline())
            }
            Some(result) => result,
        }
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
