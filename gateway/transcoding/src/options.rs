//! What a caller may adjust: limits, leniencies and how JSON is printed.

/// How requests are read and replies printed. The defaults are strict.
#[derive(Debug, Clone)]
pub struct Options {
    /// Query names that are passed over in silence; a trailing `*` stands for any ending (`$*`).
    pub ignored_query: Vec<String>,
    /// 64-bit integers print as JSON numbers; otherwise as strings, as ProtoJSON has it.
    pub json_numbers_for_64_bit: bool,
    /// Fields without presence print even when they hold their default. Unset messages, unset
    /// optionals and unset oneof members are left out either way.
    pub print_defaults: bool,
    /// Unknown fields (and unknown enum names) of a JSON body are passed over instead of refused.
    pub ignore_unknown_body: bool,
    /// A `google.protobuf.Any` of an unknown type prints as `{"@type", "value": base64}` instead of
    /// failing.
    pub unknown_any_as_base64: bool,
    /// What stays encoded in path variables of several segments.
    pub unescape: Unescape,
    /// How many query pairs a request may have.
    pub max_query_pairs: usize,
    /// How deep a JSON body may nest, and how many dots a query name may have.
    pub max_depth: usize,
    /// How long a request path may be.
    pub max_path_bytes: usize,
    /// How many violations are reported at once.
    pub max_violations: usize,
}

/// Which percent-escapes are decoded in a path variable of several segments. A variable of one
/// segment is always decoded whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unescape {
    /// All but `%2F`, so a slash inside a segment stays apart from one between segments.
    #[default]
    Slash,
    /// All but the reserved characters of RFC 3986.
    Reserved,
    /// All.
    All,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ignored_query: Vec::new(),
            json_numbers_for_64_bit: false,
            print_defaults: false,
            ignore_unknown_body: false,
            unknown_any_as_base64: false,
            unescape: Unescape::Slash,
            max_query_pairs: 200,
            max_depth: 100,
            max_path_bytes: 8 * 1024,
            max_violations: 50,
        }
    }
}

impl Options {
    /// Whether a query name is one of those passed over in silence.
    pub(crate) fn ignores_query(&self, name: &str) -> bool {
        self.ignored_query
            .iter()
            .any(|ignored| match ignored.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == ignored,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_names_are_exact_or_by_their_start() {
        let options = Options {
            ignored_query: vec!["key".into(), "$*".into()],
            ..Options::default()
        };
        assert!(options.ignores_query("key"));
        assert!(options.ignores_query("$alt"));
        assert!(!options.ignores_query("keys"));
    }
}
