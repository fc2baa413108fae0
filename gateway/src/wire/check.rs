//! Whether a request may speak as it does to this rpc. Looked at before anything of it is read.

use errors::{Fault, Reason};
use http::header::{CONTENT_ENCODING, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Version};
use prost::Message;
use tonic::{Code, Status};

use super::{Codec, Protocol, essence_of, query};
use crate::endpoint::Endpoint;
use crate::failure::Failure;

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// Checks method, version, content type and encodings.
///
/// # Errors
/// 405, 415, `INVALID_REQUEST`; `UNIMPLEMENTED` for encodings.
pub(crate) fn check(protocol: Protocol, endpoint: &Endpoint, parts: &Parts) -> Result<(), Failure> {
    check_method(endpoint, parts)?;
    check_version(protocol, parts)?;
    check_content_type(protocol, endpoint, parts)?;
    check_encoding(protocol, parts)
}

/// There is no such rpc.
pub(crate) fn unknown() -> Failure {
    let fault = Fault::new(Reason::UnknownRoute, "there is no such rpc");
    // gRPC's word for it, which the table of reasons keeps for HTTP's.
    with_code(fault, Code::Unimplemented).with_http_status(StatusCode::NOT_FOUND)
}

fn with_code(fault: Fault, code: Code) -> Failure {
    let mut wire = errors::rpc_status(&Status::from(fault));
    wire.code = code as i32;
    let message = wire.message.clone();
    Status::with_details(code, message, wire.encode_to_vec().into()).into()
}

fn check_method(endpoint: &Endpoint, parts: &Parts) -> Result<(), Failure> {
    let is_get = parts.method == Method::GET || parts.method == Method::HEAD;
    if parts.method == Method::POST || (is_get && endpoint.is_safe) {
        return Ok(());
    }
    let allow = if endpoint.is_safe {
        "GET, HEAD, POST"
    } else {
        "POST"
    };
    Err(Failure::method_not_allowed(allow))
}

fn check_version(protocol: Protocol, parts: &Parts) -> Result<(), Failure> {
    let refuse = |message: &str| Err(Fault::new(Reason::InvalidRequest, message).into());
    match protocol {
        Protocol::Grpc(_) if parts.version != Version::HTTP_2 => {
            refuse("gRPC needs HTTP/2; gRPC-Web and Connect take HTTP/1.1")
        }
        Protocol::Grpc(_) | Protocol::GrpcWeb { .. } => Ok(()),
        Protocol::Connect(_) | Protocol::ConnectStream(_) => {
            let header = parts.headers.get("connect-protocol-version");
            let in_query = query::value_of(parts.uri.query().unwrap_or_default(), "connect");
            let is_known = header.is_none_or(|version| version == "1")
                && in_query.is_none_or(|version| version == "v1");
            if is_known {
                return Ok(());
            }
            refuse("the version of the Connect protocol must be 1")
        }
    }
}

// Connect says by the content type whether there are streams, and must not be misunderstood.
fn check_content_type(
    protocol: Protocol,
    endpoint: &Endpoint,
    parts: &Parts,
) -> Result<(), Failure> {
    let is_streaming =
        endpoint.method.is_client_streaming() || endpoint.method.is_server_streaming();
    let (is_fine, takes) = match protocol {
        Protocol::Grpc(_) | Protocol::GrpcWeb { .. } => return Ok(()),
        Protocol::ConnectStream(_) | Protocol::Connect(_) if is_streaming => (
            matches!(protocol, Protocol::ConnectStream(_)),
            "application/connect+proto, application/connect+json",
        ),
        Protocol::ConnectStream(_) | Protocol::Connect(_) => (
            matches!(protocol, Protocol::Connect(_)) && says_its_codec(parts),
            "application/proto, application/json",
        ),
    };
    if is_fine {
        return Ok(());
    }
    let message = format!("this rpc takes {takes}, application/grpc and application/grpc-web");
    let failure = Failure::from(Fault::new(Reason::UnsupportedMediaType, message));
    Err(failure.with_header(ACCEPT_POST, takes))
}

fn says_its_codec(parts: &Parts) -> bool {
    if parts.method != Method::POST {
        return query::codec_of(parts.uri.query().unwrap_or_default()).is_some();
    }
    let essence = essence_of(&parts.headers);
    let name = essence.strip_prefix("application/");
    name.and_then(Codec::of_name).is_some()
}

fn check_encoding(protocol: Protocol, parts: &Parts) -> Result<(), Failure> {
    let name = match protocol {
        Protocol::Connect(_) => CONTENT_ENCODING.as_str(),
        Protocol::ConnectStream(_) => "connect-content-encoding",
        Protocol::GrpcWeb { .. } | Protocol::Grpc(_) => "grpc-encoding",
    };
    let in_query = query::value_of(parts.uri.query().unwrap_or_default(), "compression");
    let in_header = text_of(&parts.headers, name);
    let given = [in_header, in_query.as_deref()];
    let is_plain = |encoding: &str| encoding.is_empty() || encoding == "identity";
    if given.into_iter().flatten().all(is_plain) {
        return Ok(());
    }
    let message = "requests must not be compressed: the only encoding taken is 'identity'";
    let fault = Fault::new(Reason::UnsupportedMediaType, message);
    let accepted = match protocol {
        Protocol::Connect(_) => "accept-encoding",
        Protocol::ConnectStream(_) => "connect-accept-encoding",
        Protocol::GrpcWeb { .. } | Protocol::Grpc(_) => "grpc-accept-encoding",
    };
    let failure =
        with_code(fault, Code::Unimplemented).with_http_status(StatusCode::NOT_IMPLEMENTED);
    Err(failure.with_header(HeaderName::from_static(accepted), "identity"))
}

fn text_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}
