//! The messages of google.protobuf as JSON; values out of their range fail to print.

use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

use super::print::{Printer, unprintable};
use crate::EncodeError;
use crate::well_known::{WellKnown, base64, duration, mask, parts_of, timestamp};

impl Printer<'_> {
    pub(super) fn well_known(
        &mut self,
        kind: WellKnown,
        message: &DynamicMessage,
    ) -> Result<(), EncodeError> {
        match kind {
            WellKnown::Any => self.any(message),
            WellKnown::Timestamp => {
                let (seconds, nanos) = parts_of(message);
                let text = timestamp::format(seconds, nanos);
                self.text(&text.ok_or_else(|| unprintable(message, "it is out of range"))?);
                Ok(())
            }
            WellKnown::Duration => {
                let (seconds, nanos) = parts_of(message);
                let text = duration::format(seconds, nanos);
                self.text(&text.ok_or_else(|| unprintable(message, "it is out of range"))?);
                Ok(())
            }
            WellKnown::FieldMask => self.mask(message),
            WellKnown::Value => self.any_value(message),
            WellKnown::Empty => {
                self.out.extend_from_slice(b"{}");
                Ok(())
            }
            WellKnown::Struct | WellKnown::ListValue | WellKnown::Wrapper => {
                match message.descriptor().get_field(1) {
                    Some(field) => self.field_value(&field, &message.get_field(&field)),
                    None => Err(unprintable(message, "it has no field 1")),
                }
            }
        }
    }

    fn mask(&mut self, message: &DynamicMessage) -> Result<(), EncodeError> {
        let paths = message.get_field_by_number(1);
        let paths = paths
            .as_ref()
            .and_then(|value| value.as_list())
            .unwrap_or_default();
        let text = mask::format(paths.iter().filter_map(Value::as_str));
        let reason = "a path does not come back from lowerCamelCase";
        self.text(&text.ok_or_else(|| unprintable(message, reason))?);
        Ok(())
    }

    fn any_value(&mut self, message: &DynamicMessage) -> Result<(), EncodeError> {
        let Some((field, value)) = message.fields().next() else {
            // A Value with nothing in it; null is the nearest there is.
            self.out.extend_from_slice(b"null");
            return Ok(());
        };
        if let Value::F64(number) = value
            && !number.is_finite()
        {
            return Err(unprintable(message, "it is not a finite number"));
        }
        self.field_value(&field, value)
    }

    fn any(&mut self, message: &DynamicMessage) -> Result<(), EncodeError> {
        let url = message.get_field_by_number(1);
        let url = url
            .as_ref()
            .and_then(|value| value.as_str())
            .unwrap_or_default();
        let bytes = message.get_field_by_number(2);
        let bytes = bytes.as_ref().and_then(|value| value.as_bytes());
        let bytes = bytes.map(|bytes| bytes.as_ref()).unwrap_or_default();
        if url.is_empty() && bytes.is_empty() {
            self.out.extend_from_slice(b"{}");
            return Ok(());
        }
        self.out.extend_from_slice(b"{\"@type\":");
        self.text(url);
        match payload_of(message, url, bytes) {
            Ok(payload) => match WellKnown::of(&payload.descriptor()) {
                None => self.fields(&payload, false)?,
                Some(WellKnown::Empty) => {}
                Some(_) => {
                    self.out.extend_from_slice(b",\"value\":");
                    self.message(&payload)?;
                }
            },
            Err(_) if self.options.unknown_any_as_base64 => {
                self.out.extend_from_slice(b",\"value\":");
                self.text(&base64::encode(bytes));
            }
            Err(error) => return Err(error),
        }
        self.out.push(b'}');
        Ok(())
    }
}

fn payload_of(
    any: &DynamicMessage,
    url: &str,
    bytes: &[u8],
) -> Result<DynamicMessage, EncodeError> {
    let name = url.rsplit_once('/').map(|(_, name)| name);
    let pool = any.descriptor();
    let pool = pool.parent_pool();
    let descriptor = name
        .and_then(|name| pool.get_message_by_name(name))
        .ok_or_else(|| unprintable(any, format!("{url:?} is not the URL of a known type")))?;
    DynamicMessage::decode(descriptor, bytes)
        .map_err(|error| unprintable(any, format!("its value does not decode: {error}")))
}
