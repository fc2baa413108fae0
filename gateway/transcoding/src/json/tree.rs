//! JSON text as a tree that keeps what serde_json's own value loses: the order of the members and
//! those that stand twice.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value; texts borrow from the body where they have no escapes.
#[derive(Debug, PartialEq)]
pub(super) enum Node<'t> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'t, str>),
    List(Vec<Node<'t>>),
    Object(Vec<(Cow<'t, str>, Node<'t>)>),
}

/// Reads one JSON value and nothing after it.
pub(super) fn parse(text: &[u8], max_depth: usize) -> Result<Node<'_>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "the body is not valid UTF-8".to_owned())?;
    if text.starts_with('\u{feff}') {
        return Err("the body begins with a byte order mark; JSON has none".to_owned());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    NodeSeed {
        depth_left: max_depth,
    }
    .deserialize(&mut deserializer)
    .and_then(|node| deserializer.end().map(|()| node))
    .map_err(|error| format!("the body is not valid JSON: {error}"))
}

#[derive(Clone, Copy)]
struct NodeSeed {
    depth_left: usize,
}

impl NodeSeed {
    fn inner<E: Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left }),
            None => Err(E::custom("it nests too deep")),
        }
    }
}

impl<'t> DeserializeSeed<'t> for NodeSeed {
    type Value = Node<'t>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Node<'t>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for NodeSeed {
    type Value = Node<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'t>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node<'t>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node<'t>, E> {
        Ok(Node::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node<'t>, E> {
        Ok(Node::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node<'t>, E> {
        Ok(Node::Float(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'t str) -> Result<Node<'t>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node<'t>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> Result<Node<'t>, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut entries: A) -> Result<Node<'t>, A::Error> {
        let inner = self.inner()?;
        let mut object = Vec::new();
        while let Some(key) = entries.next_key_seed(KeySeed)? {
            object.push((key, entries.next_value_seed(inner)?));
        }
        Ok(Node::Object(object))
    }
}

struct KeySeed;

impl<'t> DeserializeSeed<'t> for KeySeed {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Cow<'t, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for KeySeed {
    type Value = Cow<'t, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, value: &'t str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_their_doubles() {
        let Ok(Node::Object(members)) = parse(br#"{"b":1,"a":-2,"b":null}"#, 10) else {
            panic!("an object");
        };
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["b", "a", "b"]);
        assert!(matches!(members[0].0, Cow::Borrowed(_)));
        assert_eq!(members[1].1, Node::Signed(-2));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            &b"\xef\xbb\xbf{}"[..],
            b"{} x",
            b"{,}",
            b"[1,]",
            b"{'a':1}",
            b"\"\xff\"",
            b"NaN",
            b" ",
            br#""\ud800""#,
            b"\"\x01\"",
            b"// c\n{}",
            b"01",
        ] {
            assert!(
                parse(text, 10).is_err(),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(10).as_bytes(), 10).is_ok());
        assert!(
            parse(nested(11).as_bytes(), 10)
                .unwrap_err()
                .contains("too deep")
        );
        assert!(parse(nested(100_000).as_bytes(), 100).is_err());
        assert!(parse(nested(100_000).as_bytes(), usize::MAX).is_err());
    }
}
