//! The transcoding crate between HTTP and a gRPC server, behind the suite's own listener, and nothing else: what
//! `bench --only transcoding` measures. Usage: transcode DESCRIPTORS GRPC_URL ADDRESS ADMIN_ADDRESS.

#[path = "../transcoding/raw.rs"]
mod raw;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use contracts::google::api::HttpBody;
use futures::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use mimalloc::MiMalloc;
use prost::Message;
use prost_reflect::DescriptorPool;
use raw::Raw;
use server::{HttpApp, HttpSettings, Readiness, Shutdown, Sockets};
use tonic::Streaming;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use transcoding::{Options, Route, Router};

// As in the suite's own binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

struct Gateway {
    router: Router,
    upstream: Channel,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [descriptors, upstream, addr, admin] = arguments.as_slice() else {
        return Err(anyhow!(
            "usage: transcode DESCRIPTORS GRPC_URL ADDRESS ADMIN_ADDRESS"
        ));
    };
    let pool = DescriptorPool::decode(std::fs::read(descriptors)?.as_slice())?;
    let gateway = Gateway {
        router: Router::new(&pool, Options::default(), |_| true)?,
        upstream: Endpoint::from_shared(upstream.clone())?.connect().await?,
    };
    let listen = config::Listen {
        addr: addr.parse()?,
        admin: admin.parse()?,
    };
    let sockets = Sockets::bind(listen).await?;
    let app = axum::Router::new()
        .fallback(answer)
        .with_state(Arc::new(gateway));
    let app = HttpApp::new("transcode", app, Readiness::new(), HttpSettings::default());
    let shutdown = Shutdown::new(Duration::from_secs(1));
    Ok(app.serve(sockets, shutdown).await?)
}

async fn answer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    transcode(&gateway, request).await.unwrap_or_else(|error| {
        let mut response = Response::new(Body::from(format!("{error:#}")));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

async fn transcode(gateway: &Gateway, request: Request) -> anyhow::Result<Response> {
    let (parts, body) = request.into_parts();
    let found = (gateway.router.find(&parts.method, parts.uri.path()))
        .map_err(|error| anyhow!("no route: {error:?}"))?;
    let body = body.collect().await?.to_bytes();
    let json = (!body.is_empty()).then_some(body.as_ref());
    let message = (found.bind(parts.uri.query(), json))
        .map_err(|invalid| anyhow!("not taken: {invalid:?}"))?;
    let message = tonic::Request::new(Bytes::from(message.encode_to_vec()));
    let rpc = &found.route.method;
    let path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
    let path = PathAndQuery::from_maybe_shared(path)?;
    let mut upstream = Grpc::new(gateway.upstream.clone());
    upstream.ready().await?;
    if rpc.is_server_streaming() {
        let messages = upstream.server_streaming(message, path, Raw).await?;
        return Ok(array(found.route, messages.into_inner()));
    }
    let reply = upstream.unary(message, path, Raw).await?.into_inner();
    if found.route.returns_http_body() {
        let content = HttpBody::decode(reply)?;
        let content_type = HeaderValue::from_str(&content.content_type)?;
        return Ok(respond(content_type, Body::from(content.data)));
    }
    Ok(respond(
        HeaderValue::from_static("application/json"),
        Body::from(json_of(&found.route, &reply)?),
    ))
}

fn json_of(route: &Route, reply: &[u8]) -> anyhow::Result<Vec<u8>> {
    let message = route.decode_reply(reply).context("the reply")?;
    route.encode(&message).context("the reply")
}

/// The messages as an array of JSON, each as it comes.
fn array(route: Arc<Route>, messages: Streaming<Bytes>) -> Response {
    let elements = messages.enumerate().map(move |(place, message)| {
        let mut element = vec![if place == 0 { b'[' } else { b',' }];
        element.extend(json_of(&route, &message?)?);
        anyhow::Ok(Bytes::from(element))
    });
    let end = stream::once(async { anyhow::Ok(Bytes::from_static(b"]")) });
    respond(
        HeaderValue::from_static("application/json"),
        Body::from_stream(elements.chain(end)),
    )
}

fn respond(content_type: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
