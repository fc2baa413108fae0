//! Descriptor pools for the tests, compiled from the files in `tests/data` or from a text.

use std::path::Path;
use std::sync::LazyLock;

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use protox::file::{
    ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver,
};
use serde_json::Value;
use transcoding::{Invalid, Options, RouteMatch, Router, json};

static ECHO: LazyLock<DescriptorPool> = LazyLock::new(|| compile_files(&["echo.proto"]));

/// The service the query cases were made for.
pub fn echo_pool() -> &'static DescriptorPool {
    &ECHO
}

pub fn echo_request() -> MessageDescriptor {
    ECHO.get_message_by_name("peer.v1.EchoRequest")
        .expect("echo.proto has it")
}

pub fn echo_router() -> Router {
    router_of(echo_pool(), Options::default())
}

pub fn router_of(pool: &DescriptorPool, options: Options) -> Router {
    Router::new(pool, options, |_| true).expect("every rule is sound")
}

/// Compiles files of `tests/data`.
pub fn compile_files(names: &[&str]) -> DescriptorPool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler = protox::Compiler::new([root.join("tests/data"), root.join("../../proto")])
        .expect("the folders exist");
    compiler.include_imports(true).include_source_info(true);
    for name in names {
        compiler
            .open_file(name)
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).expect("it decodes")
}

/// Compiles a proto file given as text, with google.api.http at hand.
pub fn compile_text(text: &str) -> DescriptorPool {
    struct OneFile(String);
    impl FileResolver for OneFile {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            if name == "case.proto" {
                return File::from_source(name, &self.0);
            }
            Err(protox::Error::file_not_found(name))
        }
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(OneFile(text.to_owned()));
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    resolver.add(IncludeFileResolver::new(proto));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    compiler
        .open_file("case.proto")
        .unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).expect("it decodes")
}

pub fn read_cases(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    let text = std::fs::read_to_string(path).expect("the case file is there");
    let document: Value = serde_json::from_str(&text).expect("the case file is JSON");
    document["cases"].as_array().expect("it has cases").clone()
}

/// A match on the echo service.
pub fn matched(method: &str, path: &str) -> RouteMatch {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    echo_router()
        .find(&method, path)
        .unwrap_or_else(|error| panic!("{path}: {error:?}"))
}

/// What GET /v1/echo/ID makes of a query, as JSON.
pub fn bind_query(query: &str) -> Result<Value, Invalid> {
    matched("GET", "/v1/echo/ID")
        .bind(Some(query), None)
        .map(|message| printed(&message))
}

/// What POST /v1/echo makes of a body, as JSON.
pub fn bind_body(body: &str) -> Result<Value, Invalid> {
    let bound = matched("POST", "/v1/echo").bind(None, Some(body.as_bytes()));
    bound.map(|message| printed(&message))
}

pub fn printed(message: &DynamicMessage) -> Value {
    let text = json::print(message, &Options::default()).expect("it prints");
    serde_json::from_slice(&text).expect("what is printed is JSON")
}

/// The violations as `field: description` lines.
pub fn lines(invalid: &Invalid) -> Vec<String> {
    invalid
        .violations
        .iter()
        .map(|one| format!("{}: {}", one.field, one.description))
        .collect()
}

/// Whether two JSON values say the same: numbers by value, order of members aside.
pub fn same_json(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            let (a, b) = (left.as_f64(), right.as_f64());
            let near = |a: f64, b: f64| a == b || ((a - b) / b).abs() < 1e-7;
            left == right || a.zip(b).is_some_and(|(a, b)| near(a, b))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same_json(a, b))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| {
                    right.get(name).is_some_and(|other| same_json(value, other))
                })
        }
        _ => left == right,
    }
}
