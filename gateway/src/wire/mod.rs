//! What a request speaks, told by its head alone: the JSON API, or one of the rpc protocols, which
//! all call `/package.Service/Method`. The way of a request is the same for all of them; only how
//! messages are read and how answers are written differs, and that is here.

mod base64_text;
mod check;
mod codec;
mod connect;
mod envelope;
mod grpc;
mod query;
mod reply;

use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Uri};

use crate::failure::Failure;

pub(crate) use check::{check, unknown};
pub(crate) use codec::Codec;
pub(crate) use envelope::Envelopes;
pub(crate) use query::message_of;

/// What a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Routes of `google.api.http`, JSON.
    Api,
    /// An rpc by its own name.
    Rpc(Protocol),
}

/// One of the rpc protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Connect without streams: the body is the message.
    Connect(Codec),
    /// Connect with streams: enveloped messages, the last of which says how it ended.
    ConnectStream(Codec),
    /// gRPC-Web: enveloped messages, the last of which holds the trailers; as base64 if asked for.
    GrpcWeb { codec: Codec, text: bool },
    /// gRPC over HTTP/2.
    Grpc(Codec),
}

impl Wire {
    /// Reads it off the head. Whatever is sent to an rpc's own path, and is nothing else, is Connect.
    pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let content_type = essence_of(headers);
        let protocol = Protocol::of_content_type(&content_type);
        match protocol {
            Some(protocol) if method == Method::POST => Self::Rpc(protocol),
            _ if is_rpc_path(uri.path()) => {
                let codec = query::codec_of(uri.query().unwrap_or_default());
                Self::Rpc(Protocol::Connect(codec.unwrap_or(Codec::Json)))
            }
            _ => Self::Api,
        }
        .with_connect_body(&content_type, uri.path())
    }

    fn with_connect_body(self, content_type: &str, path: &str) -> Self {
        let codec = content_type
            .strip_prefix("application/")
            .and_then(Codec::of_name);
        match (self, codec) {
            (Self::Rpc(Protocol::Connect(_)), Some(codec)) if is_rpc_path(path) => {
                Self::Rpc(Protocol::Connect(codec))
            }
            (other, _) => other,
        }
    }

    /// What a refused request is answered.
    pub(crate) fn refuse(self, failure: Failure, request_id: &str) -> Response {
        match self {
            Self::Api => failure.respond(request_id),
            Self::Rpc(protocol) => reply::refusal(protocol, failure, request_id),
        }
    }
}

impl Protocol {
    /// The protocols whose name is in the content type; Connect without streams has none of its own.
    fn of_content_type(content_type: &str) -> Option<Self> {
        let rest = content_type.strip_prefix("application/")?;
        if let Some(name) = rest.strip_prefix("connect+") {
            return Some(Self::ConnectStream(Codec::of_name(name)?));
        }
        if let Some(rest) = rest.strip_prefix("grpc-web-text") {
            let codec = Codec::of_suffix(rest)?;
            return Some(Self::GrpcWeb { codec, text: true });
        }
        if let Some(rest) = rest.strip_prefix("grpc-web") {
            let codec = Codec::of_suffix(rest)?;
            return Some(Self::GrpcWeb { codec, text: false });
        }
        Some(Self::Grpc(Codec::of_suffix(rest.strip_prefix("grpc")?)?))
    }

    /// The `Content-Type` of its answers.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Connect(Codec::Proto) => "application/proto",
            Self::Connect(Codec::Json) => "application/json",
            Self::ConnectStream(Codec::Proto) => "application/connect+proto",
            Self::ConnectStream(Codec::Json) => "application/connect+json",
            Self::GrpcWeb { codec, text } => match (codec, text) {
                (Codec::Proto, false) => "application/grpc-web+proto",
                (Codec::Json, false) => "application/grpc-web+json",
                (Codec::Proto, true) => "application/grpc-web-text+proto",
                (Codec::Json, true) => "application/grpc-web-text+json",
            },
            Self::Grpc(Codec::Proto) => "application/grpc",
            Self::Grpc(Codec::Json) => "application/grpc+json",
        }
    }

    /// How messages are written.
    pub(crate) const fn codec(self) -> Codec {
        match self {
            Self::Connect(codec)
            | Self::ConnectStream(codec)
            | Self::GrpcWeb { codec, .. }
            | Self::Grpc(codec) => codec,
        }
    }

    /// Whether bodies are base64.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::GrpcWeb { text: true, .. })
    }
}

/// The content type in small letters, without parameters.
fn essence_of(headers: &HeaderMap) -> String {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given.and_then(|text| text.split(';').next());
    essence.unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether this is `/package.Service/Method`. No route of the JSON API looks like it.
fn is_rpc_path(path: &str) -> bool {
    let is_name = |text: &str| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !text.is_empty() && text.bytes().all(letters)
    };
    let rpc = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    rpc.is_some_and(|(service, method)| {
        is_name(method) && service.contains('.') && service.split('.').all(is_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/a.v1.B/C";

    fn wire(method: &Method, uri: &str, content_type: &str) -> Wire {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        Wire::of(method, &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn the_content_type_tells_the_protocol() {
        use Codec::{Json, Proto};
        for (content_type, protocol) in [
            ("application/grpc", Protocol::Grpc(Proto)),
            ("application/grpc+proto", Protocol::Grpc(Proto)),
            ("application/grpc+json", Protocol::Grpc(Json)),
            (
                "application/grpc-web",
                Protocol::GrpcWeb {
                    codec: Proto,
                    text: false,
                },
            ),
            (
                "Application/gRPC-Web-Text+proto; charset=utf-8",
                Protocol::GrpcWeb {
                    codec: Proto,
                    text: true,
                },
            ),
            ("application/connect+json", Protocol::ConnectStream(Json)),
            ("application/connect+proto", Protocol::ConnectStream(Proto)),
            ("application/proto", Protocol::Connect(Proto)),
            ("application/json", Protocol::Connect(Json)),
            // Nothing anybody speaks; refused as Connect refuses.
            ("application/grpc+thrift", Protocol::Connect(Json)),
            ("text/plain", Protocol::Connect(Json)),
        ] {
            let found = wire(&Method::POST, PATH, content_type);
            assert_eq!(found, Wire::Rpc(protocol), "{content_type}");
        }
    }

    #[test]
    fn the_json_api_keeps_its_paths() {
        for path in [
            "/v1/files",
            "/.well-known/jwks.json",
            "/",
            "/a.b/c/d",
            "/a.b/",
        ] {
            let found = wire(&Method::POST, path, "application/json");
            assert_eq!(found, Wire::Api, "{path}");
        }
        // Who speaks gRPC is answered in it wherever it knocks.
        let found = wire(&Method::POST, "/v1/files", "application/grpc");
        assert_eq!(found, Wire::Rpc(Protocol::Grpc(Codec::Proto)));
        let found = wire(&Method::GET, "/v1/files", "application/grpc");
        assert_eq!(found, Wire::Api);
    }

    #[test]
    fn a_get_names_its_codec_in_the_query() {
        let found = Wire::of(
            &Method::GET,
            &format!("{PATH}?connect=v1&encoding=proto&message=")
                .parse()
                .unwrap(),
            &HeaderMap::new(),
        );
        assert_eq!(found, Wire::Rpc(Protocol::Connect(Codec::Proto)));
    }
}
