//! The messages of google.protobuf that are not written as objects of their fields.

use std::borrow::Cow;
use std::collections::HashMap;

use prost::Message as _;
use prost_reflect::{DynamicMessage, MapKey, MessageDescriptor, Value};

use super::read::Reader;
use super::tree::Node;
use crate::well_known::{WellKnown, duration, mask, of_parts, timestamp};

impl Reader<'_> {
    pub(super) fn well_known(
        &mut self,
        kind: WellKnown,
        descriptor: &MessageDescriptor,
        node: &Node<'_>,
    ) -> Option<DynamicMessage> {
        match kind {
            WellKnown::Any => self.any(descriptor, node),
            WellKnown::Timestamp | WellKnown::Duration => self.time(kind, descriptor, node),
            WellKnown::FieldMask => self.mask(descriptor, node),
            WellKnown::Struct => match node {
                Node::Object(members) => self.structure(descriptor, members),
                _ => self.bad("must be an object"),
            },
            WellKnown::ListValue => match node {
                Node::List(items) => self.list_value(descriptor, items),
                _ => self.bad("must be a list"),
            },
            WellKnown::Value => self.any_value(descriptor, node),
            WellKnown::Empty => match node {
                Node::Object(members) => Some(self.members(descriptor, members, None)),
                _ => self.bad("must be an empty object"),
            },
            WellKnown::Wrapper => {
                let field = descriptor.get_field(1)?;
                let value = self.scalar(&field.kind(), node)?;
                self.of_field(descriptor, 1, value)
            }
        }
    }

    fn time(
        &mut self,
        kind: WellKnown,
        descriptor: &MessageDescriptor,
        node: &Node<'_>,
    ) -> Option<DynamicMessage> {
        let is_timestamp = kind == WellKnown::Timestamp;
        let parts = match node {
            Node::Text(text) if is_timestamp => timestamp::parse(text),
            Node::Text(text) => duration::parse(text),
            _ => None,
        };
        match parts {
            Some((seconds, nanos)) => Some(of_parts(descriptor, seconds, nanos)),
            None if is_timestamp => self.bad(timestamp::EXPECTED),
            None => self.bad(duration::EXPECTED),
        }
    }

    fn mask(&mut self, descriptor: &MessageDescriptor, node: &Node<'_>) -> Option<DynamicMessage> {
        let paths = match node {
            Node::Text(text) => mask::parse(text, false),
            _ => None,
        };
        let Some(paths) = paths else {
            return self.bad(mask::EXPECTED);
        };
        let paths = paths.into_iter().map(Value::String).collect();
        self.of_field(descriptor, 1, Value::List(paths))
    }

    /// `{"@type": ..., fields}`, or `{"@type": ..., "value": ...}` for what is not an object.
    fn any(&mut self, descriptor: &MessageDescriptor, node: &Node<'_>) -> Option<DynamicMessage> {
        let Node::Object(members) = node else {
            return self.bad("must be an object with \"@type\"");
        };
        if members.is_empty() {
            return Some(DynamicMessage::new(descriptor.clone()));
        }
        let mut types = members.iter().filter(|(name, _)| name == "@type");
        let (Some((_, Node::Text(url))), None) = (types.next(), types.next()) else {
            return self.bad("must have one \"@type\", a type URL");
        };
        let name = url.rsplit_once('/').map(|(_, name)| name);
        let payload = name.and_then(|name| descriptor.parent_pool().get_message_by_name(name));
        let Some(payload) = payload else {
            return self.at("@type", |reader| {
                reader.bad("is not the URL of a known type")
            });
        };
        let inner = self.apart(|reader| reader.payload(&payload, members))?;
        let mut any = self.of_field(descriptor, 1, Value::String(url.clone().into_owned()))?;
        any.try_set_field_by_number(2, Value::Bytes(inner.encode_to_vec().into()))
            .ok()?;
        Some(any)
    }

    fn payload(
        &mut self,
        payload: &MessageDescriptor,
        members: &[(Cow<'_, str>, Node<'_>)],
    ) -> Option<DynamicMessage> {
        let is_plain = match WellKnown::of(payload) {
            None => true,
            // Written bare by most, with an empty "value" by some.
            Some(WellKnown::Empty) => members.iter().all(|(name, _)| name != "value"),
            Some(_) => false,
        };
        if is_plain {
            return Some(self.members(payload, members, Some("@type")));
        }
        let mut value = None;
        for (name, node) in members {
            match name.as_ref() {
                "@type" => {}
                "value" if value.is_none() => value = Some(node),
                "value" => return self.at("value", |reader| reader.bad("must be given only once")),
                other => self.unknown(other),
            }
        }
        match value {
            Some(node) => self.at("value", |reader| reader.message(payload, node)),
            None => self.bad("must have its content under \"value\""),
        }
    }

    fn any_value(
        &mut self,
        descriptor: &MessageDescriptor,
        node: &Node<'_>,
    ) -> Option<DynamicMessage> {
        let (number, value) = match node {
            Node::Null => (1, Value::EnumNumber(0)),
            #[expect(
                clippy::cast_precision_loss,
                reason = "google.protobuf.Value is a double"
            )]
            Node::Unsigned(value) => (2, Value::F64(*value as f64)),
            #[expect(
                clippy::cast_precision_loss,
                reason = "google.protobuf.Value is a double"
            )]
            Node::Signed(value) => (2, Value::F64(*value as f64)),
            Node::Float(value) => (2, Value::F64(*value)),
            Node::Text(text) => (3, Value::String(text.clone().into_owned())),
            Node::Bool(value) => (4, Value::Bool(*value)),
            Node::Object(members) => {
                let inner = descriptor.get_field(5)?.kind();
                let inner = inner.as_message()?;
                let structure = self.deeper(1, |reader| reader.structure(inner, members))?;
                (5, Value::Message(structure))
            }
            Node::List(items) => {
                let inner = descriptor.get_field(6)?.kind();
                let inner = inner.as_message()?;
                let list = self.deeper(1, |reader| reader.list_value(inner, items))?;
                (6, Value::Message(list))
            }
        };
        self.of_field(descriptor, number, value)
    }

    fn structure(
        &mut self,
        descriptor: &MessageDescriptor,
        members: &[(Cow<'_, str>, Node<'_>)],
    ) -> Option<DynamicMessage> {
        let entry = descriptor.get_field(1)?.kind();
        let value_kind = entry.as_message()?.map_entry_value_field().kind();
        let value_kind = value_kind.as_message()?;
        let mut map = HashMap::with_capacity(members.len());
        for (name, node) in members {
            self.at_key(name, |reader| {
                // An entry and its value are two messages on the wire.
                let value = reader.deeper(2, |inner| inner.any_value(value_kind, node));
                let Some(value) = value.map(Value::Message) else {
                    return;
                };
                if map
                    .insert(MapKey::String(name.clone().into_owned()), value)
                    .is_some()
                {
                    reader.bad::<()>("must be given only once");
                }
            });
        }
        self.of_field(descriptor, 1, Value::Map(map))
    }

    fn list_value(
        &mut self,
        descriptor: &MessageDescriptor,
        items: &[Node<'_>],
    ) -> Option<DynamicMessage> {
        let kind = descriptor.get_field(1)?.kind();
        let kind = kind.as_message()?;
        let mut values = Vec::with_capacity(items.len());
        for (index, node) in items.iter().enumerate() {
            let value = self.at_index(index, |reader| {
                reader.deeper(1, |inner| inner.any_value(kind, node))
            });
            values.extend(value.map(Value::Message));
        }
        self.of_field(descriptor, 1, Value::List(values))
    }

    /// A message with one field set.
    fn of_field(
        &mut self,
        descriptor: &MessageDescriptor,
        number: u32,
        value: Value,
    ) -> Option<DynamicMessage> {
        let mut message = DynamicMessage::new(descriptor.clone());
        match message.try_set_field_by_number(number, value) {
            Ok(()) => Some(message),
            Err(_) => self.bad("cannot take this value"),
        }
    }
}
