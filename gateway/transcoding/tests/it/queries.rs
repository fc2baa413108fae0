//! query_cases.json: requests as clients really send them, and what the service must receive.

use http::Method;
use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage as _};
use serde_json::{Value, json};
use transcoding::{Options, Router};

use crate::support::{compile_files, echo_pool, printed, read_cases, router_of, same_json};

/// Protobuf reflection takes -0 for the default of a field without presence and leaves it off the
/// wire, so the service sees 0.
const NEGATIVE_ZERO: &str = "q141";

#[test]
fn every_case_comes_out_as_agreed() {
    let echo = router_of(echo_pool(), Options::default());
    let compliance = router_of(&compile_files(&["compliance.proto"]), Options::default());
    let cases = read_cases("query_cases.json");
    assert_eq!(cases.len(), 253);
    let mut differing = Vec::new();
    for case in &cases {
        let router = if case.get("service").is_some() {
            &compliance
        } else {
            &echo
        };
        if let Err(reason) = check(router, case) {
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

fn check(router: &Router, case: &Value) -> Result<(), String> {
    let bound = bind(router, case);
    if case["expect"]["client_error"] == json!(true) {
        return match bound {
            Ok(message) => Err(format!("is taken as {}", printed(&message))),
            Err(_) => Ok(()),
        };
    }
    let message = bound?;
    let expected = &case["expect"]["req"];
    let got = printed(&message);
    if !same_json(&got, expected) {
        return Err(format!("{got} instead of {expected}"));
    }
    let received = DynamicMessage::decode(message.descriptor(), message.encode_to_vec().as_slice())
        .map_err(|error| format!("does not decode: {error}"))?;
    if case["id"] != NEGATIVE_ZERO && printed(&received) != got {
        return Err(format!("arrives as {}", printed(&received)));
    }
    Ok(())
}

fn bind(router: &Router, case: &Value) -> Result<DynamicMessage, String> {
    let method = case["method"].as_str().unwrap_or_default();
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let target = case["path"].as_str().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let matched = router
        .find(&method, path)
        .map_err(|error| format!("{error:?}"))?;
    let body = case["body"].as_str().map(str::as_bytes);
    matched
        .bind(query, body)
        .map_err(|invalid| format!("{invalid:?}"))
}
