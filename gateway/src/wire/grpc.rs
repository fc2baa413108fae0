//! gRPC's way to say how a call ended: in trailers, of HTTP or in the last envelope of gRPC-Web.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use prost::Message;
use tonic::Status;

use super::envelope::seal;

/// The flag of the envelope that holds trailers.
const TRAILERS: u8 = 0x80;

/// The trailers of a call that went well, or how it did not.
pub(super) fn trailers(outcome: Result<(), &Status>) -> HeaderMap {
    let status = match outcome {
        Ok(()) => Status::ok(""),
        // What else the status carries, e.g. a service's metadata, is not for clients.
        Err(status) => {
            let wire = errors::rpc_status(status);
            let details = if wire.details.is_empty() {
                Bytes::new()
            } else {
                wire.encode_to_vec().into()
            };
            Status::with_details(status.code(), wire.message, details)
        }
    };
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        let code = HeaderValue::from(status.code() as i32);
        trailers.insert(Status::GRPC_STATUS, code);
    }
    trailers
}

/// The same as the last envelope of a gRPC-Web body.
pub(super) fn sealed_trailers(outcome: Result<(), &Status>) -> Bytes {
    let mut lines = BytesMut::new();
    for (name, value) in &trailers(outcome) {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            lines.put_slice(part);
        }
    }
    seal(TRAILERS, &lines)
}

#[cfg(test)]
mod tests {
    use errors::Fault;

    use super::*;

    #[test]
    fn trailers_hold_code_message_and_details_and_nothing_else() {
        assert_eq!(trailers(Ok(()))["grpc-status"], "0");
        let mut status = Status::from(Fault::field("id", "must be ü"));
        status
            .metadata_mut()
            .insert("x-internal", "secret".parse().unwrap());
        let found = trailers(Err(&status));
        assert_eq!(found["grpc-status"], "3");
        assert!(found["grpc-message"].to_str().unwrap().contains("%C3%BC"));
        assert!(found.contains_key("grpc-status-details-bin"));
        assert_eq!(found.len(), 3);
        let sealed = sealed_trailers(Ok(()));
        assert_eq!(&sealed[..], b"\x80\0\0\0\x10grpc-status: 0\r\n");
    }
}
