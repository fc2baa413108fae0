//! Rpcs by their own names: gRPC, gRPC-Web and Connect, through the same steps as the JSON API.

mod connect;
mod connect_streams;
mod grpc;
mod grpc_streams;
mod reflection;
mod web;

use bytes::{BufMut, Bytes, BytesMut};
use errors::Reason;
use reqwest::{RequestBuilder, Response};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::house::House;

pub const GET_FILE: &str = "/bottega.file.v1.FileService/GetFile";
pub const CREATE_FILE: &str = "/bottega.file.v1.FileService/CreateFile";
pub const WATCH: &str = "/bottega.generation.v1.GenerationService/WatchGeneration";
pub const CREATE: &str = "/bottega.generation.v1.GenerationService/CreateGeneration";

/// A gRPC channel to the gateway.
pub async fn channel(house: &House) -> Channel {
    let endpoint = Channel::from_shared(house.url("")).unwrap();
    endpoint.connect().await.unwrap()
}

/// A gRPC request with the user's token.
pub fn signed<T>(house: &House, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let token = format!("Bearer {}", house.token()).parse().unwrap();
    request.metadata_mut().insert("authorization", token);
    request
}

/// The reason a status carries.
pub fn reason_of(status: &Status) -> Option<Reason> {
    errors::reason_of(&errors::rpc_status(status))
}

/// A call over HTTP/1.1 with the user's token.
pub fn call(
    house: &House,
    rpc: &str,
    content_type: &str,
    body: impl Into<Bytes>,
) -> RequestBuilder {
    let request = house.post(rpc).header("content-type", content_type);
    request.body(body.into())
}

/// A message in its envelope.
pub fn seal(flags: u8, message: &[u8]) -> Bytes {
    let mut sealed = BytesMut::new();
    sealed.put_u8(flags);
    sealed.put_u32(message.len().try_into().unwrap());
    sealed.put_slice(message);
    sealed.freeze()
}

/// The flags and messages of a body.
pub fn open(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while !body.is_empty() {
        let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
        found.push((body[0], body[5..5 + length].to_vec()));
        body = &body[5 + length..];
    }
    found
}

/// The envelopes of an answer, which must be a 200 of this content type.
pub async fn opened(answer: Response, content_type: &str) -> Vec<(u8, Vec<u8>)> {
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], content_type);
    assert!(answer.headers().contains_key("x-request-id"));
    open(&answer.bytes().await.unwrap())
}
