//! path_template_cases.json: what the three known matchers agree on, through the real router.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::Method;
use serde_json::{Value, json};
use transcoding::{Options, RouteError, RouteMatch, Router, Template, Unescape};

use crate::support::{compile_text, read_cases};

/// Cases where the house rules say otherwise, and what they say.
const HOUSE_RULES: [(&str, Expected); 5] = [
    // Bytes that are not UTF-8 are a bad request, not a broken string for the service.
    ("probe:23", Expected::BadPath),
    // HEAD is served by GET.
    ("probe:89", Expected::Template(0)),
    // A form POST is not taken for a GET, nor is X-HTTP-Method-Override read.
    ("gw:TestMuxServeHTTP:7", Expected::OtherMethod),
    ("gw:TestMuxServeHTTP:10", Expected::Template(1)),
    ("gw:TestMuxServeHTTP:11", Expected::OtherMethod),
];

/// The test this case was taken from looks at the verb only; the template does have a variable.
const VARIABLES_NOT_RECORDED: &str = "cpp-tmpl:ParseVerbTest4:0";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    Template(usize),
    OtherMethod,
    BadPath,
    NoMatch,
}

#[test]
fn every_case_comes_out_as_agreed() {
    let cases = read_cases("path_template_cases.json");
    assert_eq!(cases.len(), 368);
    let mut differing = Vec::new();
    for case in &cases {
        let outcome = match case["kind"].as_str() {
            Some("template") => check_template(case),
            Some("match") => check_match(case),
            other => Err(format!("unknown kind {other:?}")),
        };
        if let Err(reason) = outcome {
            differing.push(format!("{}: {reason}\n    {case}", case["id"]));
        }
    }
    assert!(
        differing.is_empty(),
        "{} differ:\n{}",
        differing.len(),
        differing.join("\n")
    );
}

fn check_template(case: &Value) -> Result<(), String> {
    let text = case["templates"][0][1].as_str().ok_or("no template")?;
    let parsed = Template::parse(text);
    let built = router_of(case);
    if case["expect"]["template_error"] == json!(true) {
        return match (parsed, built) {
            (Err(_), Err(_)) => Ok(()),
            other => Err(format!("is taken: {other:?}")),
        };
    }
    let template = parsed.map_err(|error| format!("is refused: {error}"))?;
    built.map_err(|error| format!("is refused by the router: {error}"))?;
    let expect = &case["expect"];
    let segments: Vec<String> = template
        .segments()
        .iter()
        .map(ToString::to_string)
        .collect();
    let variables: Vec<Value> = template
        .variables()
        .iter()
        .map(|one| {
            let end = if one.open { json!(-1) } else { json!(one.end) };
            json!({"field": one.path.join("."), "start": one.start, "end": end})
        })
        .collect();
    differs(expect, "segments", &json!(segments))?;
    if case["id"] != VARIABLES_NOT_RECORDED {
        differs(expect, "variables", &json!(variables))?;
    }
    differs(expect, "verb", &json!(template.verb().unwrap_or_default()))
}

fn differs(expect: &Value, part: &str, got: &Value) -> Result<(), String> {
    match expect.get(part) {
        Some(expected) if expected != got => Err(format!("{part}: {got} instead of {expected}")),
        _ => Ok(()),
    }
}

fn check_match(case: &Value) -> Result<(), String> {
    let router = router_of(case).map_err(|error| format!("the router refuses: {error}"))?;
    let method = case["request"]["method"].as_str().unwrap_or_default();
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let path = case["request"]["path"].as_str().unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let found = router.find(&method, path);
    let expected = expected_of(case);
    let got = match &found {
        Ok(matched) => Expected::Template(index_of(matched)),
        Err(RouteError::MethodNotAllowed { .. }) => Expected::OtherMethod,
        Err(RouteError::BadPath(_)) => Expected::BadPath,
        Err(RouteError::NotFound) => Expected::NoMatch,
    };
    let is_same = match expected {
        // The table does not say how a request without a match is refused.
        Expected::NoMatch => found.is_err(),
        expected => expected == got,
    };
    if !is_same {
        return Err(format!("{got:?} instead of {expected:?}"));
    }
    match (found, case["expect"].get("bindings")) {
        (Ok(matched), Some(bindings)) if *bindings != bindings_of(&matched) => {
            Err(format!("binds {}", bindings_of(&matched)))
        }
        _ => Ok(()),
    }
}

fn expected_of(case: &Value) -> Expected {
    let id = case["id"].as_str().unwrap_or_default();
    if let Some((_, house)) = HOUSE_RULES.iter().find(|(known, _)| *known == id) {
        return *house;
    }
    match case["expect"]["template"].as_u64() {
        Some(index) => Expected::Template(usize::try_from(index).expect("small")),
        None => Expected::NoMatch,
    }
}

fn index_of(matched: &RouteMatch) -> usize {
    matched
        .route
        .method
        .name()
        .trim_start_matches('M')
        .parse()
        .expect("rpcs are called M<index>")
}

fn bindings_of(matched: &RouteMatch) -> Value {
    let bindings = matched.variables.iter().map(|(fields, text)| {
        let path: Vec<&str> = fields.iter().map(|field| field.name()).collect();
        (path.join("."), Value::from(text.as_str()))
    });
    Value::Object(bindings.collect())
}

/// A service with an rpc per template, and a request message with every field they name.
fn router_of(case: &Value) -> Result<Router, String> {
    let mut fields = Fields::default();
    let mut rpcs = String::new();
    for (index, template) in case["templates"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let (method, path) = (
            template[0].as_str().unwrap_or(""),
            template[1].as_str().unwrap_or(""),
        );
        for name in variable_names(path) {
            fields.add(&name);
        }
        let path = serde_json::to_string(path).expect("a string");
        writeln!(
            rpcs,
            "rpc M{index}(Request) returns (Request) {{ option (google.api.http) = \
             {{custom: {{kind: \"{method}\" path: {path}}}}}; }}"
        )
        .expect("a String takes it");
    }
    let text = format!(
        "syntax = \"proto3\"; package case; import \"google/api/annotations.proto\";\n\
         {}\nservice Cases {{ {rpcs} }}",
        fields.declared("Request")
    );
    let unescape = match case["options"]["unescape"].as_str() {
        Some("reserved") => Unescape::Reserved,
        Some("all") => Unescape::All,
        _ => Unescape::Slash,
    };
    let options = Options {
        unescape,
        ..Options::default()
    };
    Router::new(&compile_text(&text), options, |_| true).map_err(|errors| errors.to_string())
}

/// What stands between a `{` and the `=` or `}` after it, if it is a field path.
fn variable_names(template: &str) -> Vec<String> {
    let is_path = |name: &str| {
        name.split('.').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split(['=', '}']).next())
        .filter(|name| is_path(name))
        .map(str::to_owned)
        .collect()
}

#[derive(Default)]
struct Fields(BTreeMap<String, Fields>);

impl Fields {
    fn add(&mut self, path: &str) {
        match path.split_once('.') {
            Some((first, rest)) => self.0.entry(first.to_owned()).or_default().add(rest),
            None => drop(self.0.entry(path.to_owned()).or_default()),
        }
    }

    fn declared(&self, name: &str) -> String {
        let mut text = format!("message {name} {{ ");
        for (index, (field, inner)) in self.0.iter().enumerate() {
            let number = index + 1;
            if inner.0.is_empty() {
                write!(text, "string {field} = {number}; ").expect("a String takes it");
            } else {
                let message = format!("M{number}");
                text.push_str(&inner.declared(&message));
                write!(text, "{message} {field} = {number}; ").expect("a String takes it");
            }
        }
        text + "}\n"
    }
}
