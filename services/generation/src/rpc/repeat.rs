//! The key of a call that may be a repeated one, and the mark on the answer of one that is.

use errors::Fault;
use identity::idempotency;
use prost::Message;
use ring::digest::{Context, SHA256};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Response};

use crate::domain::repeats::{Keyed, Placed};

/// The key a call carries. What is asked is compared as the message it is, so its JSON may be spelt
/// otherwise, and one key never names calls of two rpcs.
pub(super) fn keyed<T: Message>(rpc: &str, request: &Request<T>) -> Result<Option<Keyed>, Fault> {
    let metadata = request.metadata();
    let key = idempotency::read(metadata.as_ref())
        .map_err(|problem| Fault::field(idempotency::KEY, problem))?;
    Ok(key.map(|key| Keyed {
        key,
        request: digest(rpc, request.get_ref()),
        replay_only: is_replay_only(metadata),
    }))
}

fn is_replay_only(metadata: &MetadataMap) -> bool {
    metadata.contains_key(idempotency::REPLAY_ONLY)
}

fn digest(rpc: &str, message: &impl Message) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(rpc.as_bytes());
    context.update(&[0]);
    context.update(&message.encode_to_vec());
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// The answer, marked when it was given before.
pub(super) fn answer<T, M>(placed: Placed<T>, encode: impl FnOnce(T) -> M) -> Response<M> {
    match placed {
        Placed::New(made) => Response::new(encode(made)),
        Placed::Again(known) => {
            let mut response = Response::new(encode(known));
            let mark = MetadataValue::from_static("true");
            response.metadata_mut().insert(idempotency::REPLAYED, mark);
            response
        }
    }
}
