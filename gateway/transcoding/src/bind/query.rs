//! Pairs of a query string, decoded.

use std::borrow::Cow;

use super::name::shown;
use crate::decode::query_decode;

/// A decoded name and value. A pair without `=` has an empty value.
type Pair<'q> = (Cow<'q, str>, Cow<'q, str>);

/// The decoded names and values of a query string; `None` for a pair that is malformed.
pub fn query_pairs(query: &str) -> impl Iterator<Item = Option<Pair<'_>>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| decode_pair(pair).ok())
}

/// Splits a pair at its first `=`; the fault carries the name as far as it can be read.
pub(super) fn decode_pair(pair: &str) -> Result<Pair<'_>, (String, &'static str)> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let Ok(name) = query_decode(name) else {
        return Err((shown(name).to_owned(), "is not a well-formed name"));
    };
    match query_decode(value) {
        Ok(value) => Ok((name, value)),
        Err(fault) => Err((shown(&name).to_owned(), fault.describe())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded_once() {
        let (name, value) = decode_pair("na%6De=a+b%3Dc=%2525").unwrap();
        assert_eq!((name.as_ref(), value.as_ref()), ("name", "a b=c=%25"));
        assert_eq!(decode_pair("name").unwrap().1, "");
    }

    #[test]
    fn the_fault_names_the_pair() {
        assert_eq!(decode_pair("a=%c3%28").unwrap_err().0, "a");
        assert_eq!(decode_pair("%zz=1").unwrap_err().0, "%zz");
    }
}
