//! How a message is written inside of a protocol: as it goes to the services, or as ProtoJSON.

use std::sync::LazyLock;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use transcoding::{Options, json};

use crate::failure::Failure;
use crate::pipeline::fault_of;
use errors::Fault;

/// As the specification of ProtoJSON has it, which generated clients read: 64-bit integers are
/// texts, and fields that hold their default are left out.
static OPTIONS: LazyLock<Options> = LazyLock::new(|| Options {
    unknown_any_as_base64: true,
    ..Options::default()
});

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Protobuf: bytes that pass unread.
    Proto,
    /// ProtoJSON.
    Json,
}

impl Codec {
    /// `proto` or `json`.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "proto" => Some(Self::Proto),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// What follows `application/grpc`: nothing, `+proto` or `+json`.
    pub(super) fn of_suffix(suffix: &str) -> Option<Self> {
        match suffix.strip_prefix('+') {
            Some(name) => Self::of_name(name),
            None => suffix.is_empty().then_some(Self::Proto),
        }
    }

    /// A request as the services take it.
    ///
    /// # Errors
    /// Every wrong field of a JSON text.
    pub(crate) fn request(self, input: &MessageDescriptor, bytes: Bytes) -> Result<Bytes, Failure> {
        match self {
            Self::Proto => Ok(bytes),
            Self::Json => {
                let message = json::parse(input, &bytes, &OPTIONS).map_err(fault_of)?;
                Ok(message.encode_to_vec().into())
            }
        }
    }

    /// A reply as the client takes it.
    ///
    /// # Errors
    /// `INTERNAL` when it breaks its contract.
    pub(super) fn reply(self, output: &MessageDescriptor, bytes: Bytes) -> Result<Bytes, Failure> {
        match self {
            Self::Proto => Ok(bytes),
            Self::Json => {
                let message =
                    DynamicMessage::decode(output.clone(), bytes).map_err(Fault::internal)?;
                let text = json::print(&message, &OPTIONS).map_err(Fault::internal)?;
                Ok(text.into())
            }
        }
    }
}
