//! Puts raw bytes where a request message keeps them.

use bytes::Bytes;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use transcoding::HttpBodySlot;

/// Fills the message's `google.api.HttpBody`. An empty media type is left unset.
pub(crate) fn fill_slot(
    message: &mut DynamicMessage,
    slot: &HttpBodySlot,
    content_type: &str,
    data: Bytes,
) {
    match slot {
        HttpBodySlot::Whole => fill(message, content_type, data),
        HttpBodySlot::Field(field) => {
            if let Some(descriptor) = field.kind().as_message() {
                let mut inner = DynamicMessage::new(descriptor.clone());
                fill(&mut inner, content_type, data);
                message.set_field(field, Value::Message(inner));
            }
        }
    }
}

fn fill(body: &mut DynamicMessage, content_type: &str, data: Bytes) {
    let descriptor = body.descriptor();
    if let Some(field) = descriptor.get_field_by_name("content_type")
        && !content_type.is_empty()
    {
        body.set_field(&field, Value::String(content_type.to_owned()));
    }
    if let Some(field) = descriptor.get_field_by_name("data") {
        body.set_field(&field, Value::Bytes(data));
    }
}
