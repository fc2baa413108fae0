//! gRPC without tonic's client, which keeps rules of its own; and bare HTTP/2 frames.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use contracts::generation::v1::WatchGenerationRequest;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use identity::Role;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::stage::Stage;

pub struct Wire(SendRequest<Full<Bytes>>);

/// How a call ended.
pub struct Answer {
    pub code: Code,
    pub headers: HeaderMap,
}

impl Wire {
    pub async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Calls an rpc with a bare message.
    pub async fn call(&mut self, rpc: &str, headers: &[(&str, &str)], message: Vec<u8>) -> Answer {
        let mut request = Request::post(format!("http://stage/{rpc}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(framed(&message))).unwrap();
        self.0.ready().await.unwrap();
        let response = self.0.send_request(request).await.unwrap();
        let headers = response.headers().clone();
        let body = response.into_body().collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status = trailers
            .get("grpc-status")
            .or(headers.get("grpc-status"))
            .unwrap();
        Answer {
            code: Code::from_bytes(status.as_bytes()),
            headers,
        }
    }

    pub async fn reserve(&mut self, stage: &Stage, order: &str, more: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", stage.token(Role::Service));
        let headers = [&[("authorization", bearer.as_str())], more].concat();
        let message = stage.order(order).into_inner().encode_to_vec();
        self.call("bottega.usage.v1.UsageService/Reserve", &headers, message)
            .await
    }

    pub async fn watch(&mut self, stage: &Stage, id: &str, more: &[(&str, &str)]) -> Code {
        let bearer = format!("Bearer {}", stage.token(Role::User));
        let headers = [&[("authorization", bearer.as_str())], more].concat();
        let message = WatchGenerationRequest {
            id: id.to_owned(),
            after_sequence: 0,
        };
        let rpc = "bottega.generation.v1.GenerationService/WatchGeneration";
        self.call(rpc, &headers, message.encode_to_vec()).await.code
    }
}

// gRPC over HTTP/2: a flag, four bytes of length, the message.
fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(message);
    frame.freeze()
}

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An HTTP/2 connection that sends what it likes.
pub struct Frames(TcpStream);

/// Kind, stream and payload of a frame (RFC 9113 section 4.1).
pub struct Frame {
    pub kind: u8,
    pub payload: Vec<u8>,
}

impl Frames {
    /// Connects and offers empty SETTINGS.
    pub async fn connect(addr: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(PREFACE).await.unwrap();
        let mut frames = Self(stream);
        frames.send(4, 0, 0, &[]).await;
        frames
    }

    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let mut frame = BytesMut::new();
        frame.put_uint(u64::try_from(payload.len()).unwrap(), 3);
        frame.put_u8(kind);
        frame.put_u8(flags);
        frame.put_u32(stream);
        frame.put_slice(payload);
        self.0.write_all(&frame).await.unwrap();
    }

    pub async fn next(&mut self) -> Frame {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.unwrap();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await.unwrap();
        Frame {
            kind: head[3],
            payload,
        }
    }
}

/// Headers as HPACK literals without an index (RFC 7541 section 6.2.2).
pub fn literals(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    let text = |text: &str| {
        // Lengths below 127 take one byte; longer ones the rest in sevens of bits.
        let length = text.len();
        let mut bytes = Vec::new();
        if length < 127 {
            bytes.push(u8::try_from(length).unwrap());
        } else {
            bytes.push(127);
            let mut rest = length - 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    for (name, value) in headers {
        block.push(0);
        block.extend(text(name));
        block.extend(text(value));
    }
    block
}
