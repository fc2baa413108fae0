//! Noise: no path, query or body makes the engine panic, and what it takes a service can read. Tests see the
//! same noise each time; `make fuzz` takes a seed, and as much as its time allows.

use std::env;
use std::sync::LazyLock;

use http::Method;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage as _};
use transcoding::{Options, Router, json};

use crate::support::{echo_pool, router_of};

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    router_of(
        echo_pool(),
        Options {
            print_defaults: true,
            ..Options::default()
        },
    )
});

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
    ])
}

/// A path that often leads somewhere.
fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "v1", "echo", "p", "i32", "files", "nested", "tags", "items", "shelves", "books",
            "x:read", "%2F", "%", "%zz", "%c3%28", "", "..", "5", "true", "ts", "raw", "color",
            "struct",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,8}",
        any::<String>(),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| format!("/{}", parts.join("/")))
}

const NAMES: [&str; 34] = [
    "id",
    "name",
    "i32",
    "u64",
    "flag",
    "f32",
    "raw",
    "color",
    "inner",
    "inner.a",
    "inner.child.b",
    "tags",
    "nums",
    "ts",
    "ts.seconds",
    "dur",
    "mask",
    "wI64",
    "wI64.value",
    "st",
    "val",
    "labels",
    "inners",
    "chStr",
    "chMsg.a",
    "optI32",
    "lv",
    "any",
    "empty",
    "nul",
    "tss",
    "wRaw",
    "isMap",
    ".",
];

fn query() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        "[ -~]{0,9}"
    ];
    let value = prop_oneof![
        "-?[0-9]{0,20}",
        "[ -~]{0,12}",
        any::<String>(),
        prop::sample::select(vec![
            "true",
            "NaN",
            "1e400",
            "2021-02-29T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
            "-1.5s",
            "COLOR_RED",
            "AQ",
            "%ff",
            "+",
            "aB,c.d",
        ])
        .prop_map(str::to_owned),
    ];
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(pair, 0..8).prop_map(|pairs| pairs.join("&"))
}

/// JSON that often fits: known names, values of every type, some nesting.
fn body() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "-?[0-9]{1,20}(\\.[0-9]{1,9})?(e[0-9]{1,3})?s?".prop_map(Into::into),
        "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z".prop_map(Into::into),
        prop::sample::select(vec!["COLOR_BLUE", "NaN", "AQ==", "t/peer.v1.Inner", "a,bC"])
            .prop_map(Into::into),
    ];
    let key = prop_oneof![
        prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        prop::sample::select(vec!["@type", "value", "a", "b", "child", "1", "true"])
            .prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(key.clone(), inner, 0..8)
                .prop_map(|members| members.into_iter().collect::<serde_json::Value>()),
        ]
    })
}

fn check(method: &Method, path: &str, query: Option<&str>, body: Option<&[u8]>) {
    let Ok(matched) = ROUTER.find(method, path) else {
        return;
    };
    let _ = matched.bind_without_body(query, &[]);
    match matched.bind(query, body) {
        Ok(message) => {
            let bytes = message.encode_to_vec();
            let received = DynamicMessage::decode(message.descriptor(), bytes.as_slice());
            let received = received.expect("a service can read what was taken");
            // Parts like ts.nanos may be out of range; then it fails, and does not panic.
            let _ = json::print(&received, matched.route.options());
        }
        Err(invalid) => {
            assert!(!invalid.violations.is_empty() && !invalid.message.is_empty());
            assert!(
                invalid
                    .violations
                    .iter()
                    .all(|one| !one.description.is_empty())
            );
        }
    }
}

/// How many cases a second there are, roughly, on a slow machine.
const CASES_A_SECOND: u64 = 100;

fn noise() -> ProptestConfig {
    let setting = |name: &str| env::var(name).ok()?.parse::<u64>().ok();
    let cases = setting("BOTTEGA_FUZZ_SECONDS").map_or(500, |seconds| seconds * CASES_A_SECOND);
    ProptestConfig {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        rng_seed: RngSeed::Fixed(setting("BOTTEGA_FUZZ_SEED").unwrap_or(7)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(noise())]

    #[test]
    fn any_path(method in method(), path in path(), text in any::<String>()) {
        check(&method, &path, None, None);
        check(&method, &text, None, None);
    }

    #[test]
    fn any_query(query in query(), text in any::<String>()) {
        check(&Method::GET, "/v1/echo/ID", Some(&query), None);
        check(&Method::PATCH, "/v1/items/5", Some(&text), None);
    }

    #[test]
    fn any_body(body in body(), bytes in any::<Vec<u8>>()) {
        let text = body.to_string();
        for (method, path) in [
            (Method::POST, "/v1/echo"), (Method::POST, "/v1/p/post/x"), (Method::PUT, "/v1/tags/1"),
            (Method::PUT, "/v1/struct/1"), (Method::PUT, "/v1/inners/1"), (Method::PATCH, "/v1/items/1"),
        ] {
            check(&method, path, None, Some(text.as_bytes()));
            check(&method, path, None, Some(&bytes));
        }
    }

    #[test]
    fn any_template(text in "(/([a-z*{}=.:%]{0,6}|\\{[a-z.]{0,4}(=\\*{0,3})?\\}))*(:[a-z]*)?", noise in any::<String>()) {
        let _ = transcoding::Template::parse(&text);
        let _ = transcoding::Template::parse(&noise);
    }
}
