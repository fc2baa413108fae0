//! Reads the `google.api.http` option of an rpc as plain values.

use prost_reflect::{DynamicMessage, ExtensionDescriptor, MethodDescriptor};

/// One HTTP binding as written in the proto.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) http_method: String,
    pub(super) path: String,
    pub(super) body: String,
    pub(super) response_body: String,
}

/// The bindings of an rpc, primary first; empty when it has none. A rule that is no binding is an
/// `Err` with the reason, beside those that are.
pub(super) fn rules_of(
    method: &MethodDescriptor,
    extension: &ExtensionDescriptor,
) -> Vec<Result<Rule, String>> {
    let options = method.options();
    if !options.has_extension(extension) {
        return Vec::new();
    }
    let value = options.get_extension(extension);
    let Some(primary) = value.as_message() else {
        return vec![Err("the google.api.http option is not a message".to_owned())];
    };
    let mut rules = vec![rule_of(primary)];
    for additional in messages(primary, "additional_bindings") {
        if !messages(&additional, "additional_bindings").is_empty() {
            rules.push(Err(
                "additional_bindings inside additional_bindings".to_owned()
            ));
        }
        rules.push(rule_of(&additional));
    }
    rules
}

fn rule_of(http_rule: &DynamicMessage) -> Result<Rule, String> {
    let (http_method, path) = pattern_of(http_rule).ok_or("the rule names no path")?;
    Ok(Rule {
        http_method,
        path,
        body: text(http_rule, "body"),
        response_body: text(http_rule, "response_body"),
    })
}

fn pattern_of(http_rule: &DynamicMessage) -> Option<(String, String)> {
    for name in ["get", "put", "post", "delete", "patch"] {
        if http_rule.has_field_by_name(name) {
            return Some((name.to_ascii_uppercase(), text(http_rule, name)));
        }
    }
    if !http_rule.has_field_by_name("custom") {
        return None;
    }
    let custom = http_rule.get_field_by_name("custom")?;
    let custom = custom.as_message()?;
    Some((text(custom, "kind"), text(custom, "path")))
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn messages(message: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    let value = message.get_field_by_name(field);
    let list = value
        .as_ref()
        .and_then(|value| value.as_list())
        .unwrap_or_default();
    list.iter()
        .filter_map(|item| item.as_message().cloned())
        .collect()
}
