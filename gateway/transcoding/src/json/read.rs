//! Walks a JSON tree along a descriptor and builds the message, noting every fault with its path.

use std::borrow::Cow;
use std::collections::HashMap;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::read_value::{describe_kind, map_key};
use super::tree::Node;
use crate::behavior::Behaviors;
use crate::error::Faults;
use crate::well_known::WellKnown;
use crate::{InvalidKind, Options};

/// protobuf decoders give up below 100 nested messages, so what lies deeper could be sent but
/// never be read.
const MAX_WIRE_DEPTH: usize = 99;

/// Longer map keys are cut in a path.
const MAX_SHOWN: usize = 64;

pub(super) struct Reader<'r> {
    pub(super) options: &'r Options,
    faults: &'r mut Faults,
    // JSON paths that are given outside of the body.
    elsewhere: &'r [String],
    path: String,
    wire_depth: usize,
}

impl<'r> Reader<'r> {
    pub(super) fn new(options: &'r Options, faults: &'r mut Faults) -> Self {
        Self {
            options,
            faults,
            elsewhere: &[],
            path: String::new(),
            wire_depth: 0,
        }
    }

    /// With fields that are given outside of the body, by their JSON paths: they may be required.
    pub(super) fn beside(mut self, elsewhere: &'r [String]) -> Self {
        self.elsewhere = elsewhere;
        self
    }

    /// Any message; `None` when the fault is noted (or, with unknown values ignored, passed over).
    pub(super) fn message(
        &mut self,
        descriptor: &MessageDescriptor,
        node: &Node<'_>,
    ) -> Option<DynamicMessage> {
        if let Some(kind) = WellKnown::of(descriptor) {
            return self.well_known(kind, descriptor, node);
        }
        match node {
            Node::Object(members) => Some(self.members(descriptor, members, None)),
            _ => self.bad("must be an object"),
        }
    }

    /// The members of an object as the fields of a message; `skip` is not a field but belongs to
    /// the notation (`@type`).
    pub(super) fn members(
        &mut self,
        descriptor: &MessageDescriptor,
        members: &[(Cow<'_, str>, Node<'_>)],
        skip: Option<&str>,
    ) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        let mut seen: Vec<u32> = Vec::with_capacity(members.len().min(32));
        for (name, node) in members {
            if self.faults.is_full() {
                break;
            }
            if skip == Some(name.as_ref()) {
                continue;
            }
            let found = descriptor
                .get_field_by_json_name(name)
                .or_else(|| descriptor.get_field_by_name(name));
            let Some(field) = found else {
                self.unknown(name);
                continue;
            };
            if seen.contains(&field.number()) {
                self.at(field.json_name(), |reader| {
                    reader.bad::<()>("must be given only once")
                });
                continue;
            }
            seen.push(field.number());
            self.field_into(&mut message, &field, node);
        }
        self.require(descriptor, members);
        message
    }

    // Fields the contract calls REQUIRED must be given, even where what is absent reads as zero.
    fn require(&mut self, descriptor: &MessageDescriptor, members: &[(Cow<'_, str>, Node<'_>)]) {
        let behaviors = Behaviors::of_pool(Some(descriptor.parent_pool()));
        for field in descriptor.fields() {
            let is_given = members.iter().any(|(name, node)| {
                let is_it = name == field.json_name() || name == field.name();
                is_it && !matches!(node, Node::Null)
            });
            if is_given || !behaviors.of(&field).required {
                continue;
            }
            self.at(field.json_name(), |reader| {
                if !reader.elsewhere.contains(&reader.path) {
                    reader.bad::<()>("must be given");
                }
            });
        }
    }

    /// Reads one field into its message.
    pub(super) fn field_into(
        &mut self,
        message: &mut DynamicMessage,
        field: &FieldDescriptor,
        node: &Node<'_>,
    ) {
        self.at(field.json_name(), |reader| {
            let Some(value) = reader.field(field, node) else {
                return;
            };
            if let Some(other) = oneof_rival(message, field) {
                reader.bad::<()>(format!(
                    "cannot be given together with {}",
                    other.json_name()
                ));
            } else if message.try_set_field(field, value).is_err() {
                reader.bad::<()>("cannot take this value");
            }
        });
    }

    fn field(&mut self, field: &FieldDescriptor, node: &Node<'_>) -> Option<Value> {
        if field.is_list() || field.is_map() {
            return match node {
                Node::Null => None,
                _ if field.is_list() => self.list(&field.kind(), node),
                _ => self.map(&field.kind(), node),
            };
        }
        let kind = field.kind();
        if *node == Node::Null && !takes_null(&kind) {
            return None;
        }
        self.value(&kind, node)
    }

    /// One value: a singular field, an element, a map's value.
    pub(super) fn value(&mut self, kind: &Kind, node: &Node<'_>) -> Option<Value> {
        match kind {
            Kind::Message(descriptor) => self
                .deeper(1, |reader| reader.message(descriptor, node))
                .map(Value::Message),
            _ => self.scalar(kind, node),
        }
    }

    fn list(&mut self, kind: &Kind, node: &Node<'_>) -> Option<Value> {
        let Node::List(items) = node else {
            return self.bad(format!("must be a list, each item {}", describe_kind(kind)));
        };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if self.faults.is_full() {
                break;
            }
            let value = self.at_index(index, |reader| reader.element(kind, item));
            list.extend(value);
        }
        Some(Value::List(list))
    }

    fn map(&mut self, entry: &Kind, node: &Node<'_>) -> Option<Value> {
        let Some(entry) = entry.as_message().filter(|entry| entry.is_map_entry()) else {
            return self.bad("is not a map");
        };
        let Node::Object(members) = node else {
            return self.bad("must be an object");
        };
        let key_kind = entry.map_entry_key_field().kind();
        let value_kind = entry.map_entry_value_field().kind();
        let mut map: HashMap<MapKey, Value> = HashMap::with_capacity(members.len());
        for (name, item) in members {
            if self.faults.is_full() {
                break;
            }
            self.at_key(name, |reader| {
                let Some(key) = map_key(&key_kind, name) else {
                    reader.bad::<()>(format!("must have {} as its key", describe_kind(&key_kind)));
                    return;
                };
                if map.contains_key(&key) {
                    reader.bad::<()>("must be given only once");
                    return;
                }
                // The entry is a message of its own on the wire.
                if let Some(value) = reader.deeper(1, |inner| inner.element(&value_kind, item)) {
                    map.insert(key, value);
                }
            });
        }
        Some(Value::Map(map))
    }

    fn element(&mut self, kind: &Kind, node: &Node<'_>) -> Option<Value> {
        if *node == Node::Null && !takes_null(kind) {
            return self.bad("must not be null");
        }
        self.value(kind, node)
    }

    /// Goes down by so many messages on the wire.
    pub(super) fn deeper<T>(
        &mut self,
        levels: usize,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        if self.wire_depth + levels > MAX_WIRE_DEPTH {
            return self.bad("nests too deep");
        }
        self.wire_depth += levels;
        let value = read(self);
        self.wire_depth -= levels;
        value
    }

    /// Begins a message of its own, kept as bytes.
    pub(super) fn apart<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let outside = std::mem::take(&mut self.wire_depth);
        let value = read(self);
        self.wire_depth = outside;
        value
    }

    /// Reads below a member of this name.
    pub(super) fn at<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.path.len();
        if mark > 0 {
            self.path.push('.');
        }
        self.path.push_str(shown(name));
        let value = read(self);
        self.path.truncate(mark);
        value
    }

    /// Reads below an element.
    pub(super) fn at_index<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        use std::fmt::Write as _;
        let mark = self.path.len();
        // Writing to a String cannot fail.
        let _ = write!(self.path, "[{index}]");
        let value = read(self);
        self.path.truncate(mark);
        value
    }

    /// Reads below a map's entry.
    pub(super) fn at_key<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.path.len();
        self.path.push('[');
        self.path.push_str(shown(key));
        self.path.push(']');
        let value = read(self);
        self.path.truncate(mark);
        value
    }

    /// Notes that the value here cannot be taken.
    pub(super) fn bad<T>(&mut self, description: impl Into<String>) -> Option<T> {
        self.faults
            .add(InvalidKind::BadValue, &self.path, description);
        None
    }

    /// Notes a member that is no field, unless those are ignored.
    pub(super) fn unknown(&mut self, name: &str) {
        if self.options.ignore_unknown_body {
            return;
        }
        self.at(name, |reader| {
            reader.faults.add(
                InvalidKind::UnknownField,
                &reader.path,
                "is not a known field",
            );
        });
    }
}

/// Whether JSON's null is a value of this kind rather than its absence.
fn takes_null(kind: &Kind) -> bool {
    match kind {
        Kind::Message(message) => WellKnown::of(message) == Some(WellKnown::Value),
        Kind::Enum(kind) => kind.full_name() == "google.protobuf.NullValue",
        _ => false,
    }
}

/// Another member of the field's oneof that is set already.
pub(crate) fn oneof_rival(
    message: &DynamicMessage,
    field: &FieldDescriptor,
) -> Option<FieldDescriptor> {
    let oneof = field.containing_oneof()?;
    oneof
        .fields()
        .find(|other| other.number() != field.number() && message.has_field(other))
}

fn shown(name: &str) -> &str {
    match name.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => &name[..end],
        None => name,
    }
}
