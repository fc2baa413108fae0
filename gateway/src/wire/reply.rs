//! Answers in the words of each protocol.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use prost_reflect::MethodDescriptor;
use tonic::Status;

use super::envelope::seal;
use super::{Protocol, base64_text, connect, grpc};
use crate::failure::{Failure, Refused, in_words, reason_name};
use crate::layers::language;
use crate::upstream::pass_back;

impl Protocol {
    /// One message of an answer.
    ///
    /// # Errors
    /// `INTERNAL` when it breaks its contract.
    pub(crate) fn message(
        self,
        rpc: &MethodDescriptor,
        bytes: Bytes,
    ) -> Result<Frame<Bytes>, Failure> {
        let message = self.codec().reply(&rpc.output(), bytes)?;
        Ok(match self {
            Self::Connect(_) => Frame::data(message),
            Self::ConnectStream(_) | Self::GrpcWeb { .. } | Self::Grpc(_) => {
                self.data(seal(0, &message))
            }
        })
    }

    /// What ends an answer of envelopes.
    pub(crate) fn end(self, outcome: Result<(), &Status>) -> Frame<Bytes> {
        match self {
            Self::Connect(_) => Frame::data(Bytes::new()),
            Self::ConnectStream(_) => Frame::data(connect::end(outcome)),
            Self::GrpcWeb { .. } => self.data(grpc::sealed_trailers(outcome)),
            Self::Grpc(_) => Frame::trailers(grpc::trailers(outcome)),
        }
    }

    fn data(self, bytes: Bytes) -> Frame<Bytes> {
        Frame::data(if self.is_text() {
            base64_text::write(&bytes)
        } else {
            bytes
        })
    }

    /// The headers of an answer.
    pub(crate) fn headers(self, metadata: &tonic::metadata::MetadataMap) -> HeaderMap {
        let mut headers = pass_back(metadata);
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type()));
        headers
    }

    /// The answer to a call of one message.
    ///
    /// # Errors
    /// `INTERNAL` when the reply breaks its contract.
    pub(crate) fn unary(
        self,
        rpc: &MethodDescriptor,
        replied: tonic::Response<Bytes>,
    ) -> Result<Response, Failure> {
        let (metadata, bytes, _) = replied.into_parts();
        let message = self.message(rpc, bytes)?;
        let body = match (self, message.into_data()) {
            (Self::Connect(_), Ok(message)) => Body::from(message),
            (_, Ok(message)) => frames([Frame::data(message), self.end(Ok(()))]),
            (_, Err(_)) => Body::empty(),
        };
        let mut response = Response::new(body);
        *response.headers_mut() = self.headers(&metadata);
        Ok(response)
    }
}

/// What a refused call is answered.
pub(super) fn refusal(protocol: Protocol, failure: Failure, request_id: &str) -> Response {
    let mut told = failure.tell(request_id);
    told.status = in_words(told.status, language::current());
    let http = told.http;
    let mut response = match protocol {
        // A client that does not speak Connect's streams must not take a 200 for success.
        Protocol::ConnectStream(_) if http == StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            plain(http, &told.status)
        }
        Protocol::Connect(_) => plain(http, &told.status),
        Protocol::ConnectStream(_) | Protocol::GrpcWeb { .. } => {
            let mut response = Response::new(frames([protocol.end(Err(&told.status))]));
            let kind = HeaderValue::from_static(protocol.content_type());
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        Protocol::Grpc(_) => {
            let mut response = Response::new(Body::empty());
            *response.headers_mut() = grpc::trailers(Err(&told.status));
            let kind = HeaderValue::from_static(protocol.content_type());
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
    };
    for (name, value) in &told.headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
        .extensions_mut()
        .insert(Refused(reason_name(&told.status)));
    response
}

fn plain(http: StatusCode, status: &Status) -> Response {
    let mut response = Response::new(Body::from(connect::error(status).to_string()));
    *response.status_mut() = http;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn frames<const N: usize>(frames: [Frame<Bytes>; N]) -> Body {
    let frames = frames.map(Ok::<_, std::convert::Infallible>);
    Body::new(StreamBody::new(stream::iter(frames)))
}
