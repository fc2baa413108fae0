//! The gRPC server behind both: it answers what it is sent, and is measured with neither.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::post_service;
use axum::serve::ListenerExt;
use bytes::Bytes;
use contracts::google::api::HttpBody;
use futures::stream;
use prost::Message;
use tonic::server::Grpc;
use tonic::{Response, Status};
use tower::service_fn;

use super::raw::Raw;

const MESSAGES: usize = 1_000;
const MIB: usize = 1024 * 1024;

/// Opens it on a free port.
///
/// # Errors
/// No port is free.
pub async fn open() -> anyhow::Result<SocketAddr> {
    let content = HttpBody {
        content_type: "application/octet-stream".to_owned(),
        data: vec![7; MIB],
        extensions: Vec::new(),
    };
    let content = Bytes::from(content.encode_to_vec());
    let same = service_fn(|request: Request| unary(request, None));
    let bytes = service_fn(move |request: Request| unary(request, Some(content.clone())));
    let many = service_fn(streamed);
    let router = Router::new()
        .route("/bench.v1.Echo/Post", post_service(same))
        .route("/bench.v1.Echo/Get", post_service(same))
        .route("/bench.v1.Echo/Stream", post_service(many))
        .route("/bench.v1.Echo/Download", post_service(bytes));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    // What is answered in two pieces must not wait for the first to be acknowledged.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    #[expect(clippy::disallowed_methods, reason = "it is no server of ours")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(addr)
}

async fn unary(request: Request, content: Option<Bytes>) -> Result<impl IntoResponse, Infallible> {
    let service = service_fn(move |request: tonic::Request<Bytes>| {
        let reply = content.clone().unwrap_or_else(|| request.into_inner());
        async move { Ok::<_, Status>(Response::new(reply)) }
    });
    Ok(Grpc::new(Raw).unary(service, request).await)
}

async fn streamed(request: Request) -> Result<impl IntoResponse, Infallible> {
    let service = service_fn(|request: tonic::Request<Bytes>| {
        let message = request.into_inner();
        let messages = std::iter::repeat_n(message, MESSAGES).map(Ok::<_, Status>);
        async move { Ok::<_, Status>(Response::new(stream::iter(messages))) }
    });
    Ok(Grpc::new(Raw).server_streaming(service, request).await)
}

/// Its descriptors, with all they import.
///
/// # Errors
/// The contract is not where the benchmark was built.
pub fn descriptors() -> anyhow::Result<Vec<u8>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler = protox::Compiler::new([here.join("proto"), here.join("../proto")])?;
    compiler.include_imports(true);
    compiler.open_file("bench/v1/echo.proto")?;
    Ok(compiler.encode_file_descriptor_set())
}
