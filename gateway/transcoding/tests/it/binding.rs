//! Path, query and body into one message: what wins, what is refused, and in which words.

use serde_json::json;
use transcoding::{InvalidKind, Options};

use crate::support::{bind_query, echo_pool, echo_router, lines, matched, printed, router_of};

/// The one violation of a query.
fn fault(query: &str) -> String {
    let invalid = bind_query(query).expect_err(query);
    assert_eq!(invalid.violations.len(), 1, "{invalid:?}");
    lines(&invalid).remove(0)
}

#[test]
fn names_are_taken_in_both_spellings_at_every_level() {
    for query in [
        "snakeCaseName=x",
        "snake_case_name=x",
        "snake%5Fcase_name=x",
    ] {
        assert_eq!(bind_query(query).unwrap()["snakeCaseName"], "x", "{query}");
    }
    let bound = bind_query("inner.child.a=z&customName=c&tags=a&tags=b").unwrap();
    assert_eq!(
        bound,
        json!({"id": "ID", "inner": {"child": {"a": "z"}}, "customName": "c", "tags": ["a", "b"]})
    );
}

#[test]
fn every_unknown_or_impossible_name_says_why() {
    assert_eq!(fault("nope=1"), "nope: is not a known parameter");
    assert_eq!(
        fault("inner.nope=1"),
        "inner.nope: is not a known parameter"
    );
    assert!(fault("tags[]=a").starts_with("tags[]: is not a known parameter; lists repeat"));
    assert_eq!(fault("=x"), ": is not a known parameter");
    assert_eq!(
        fault("name.x=1"),
        "name.x: goes into a field that is not a message"
    );
    assert_eq!(
        fault("inners.a=1"),
        "inners.a: goes into a list, which has no fields"
    );
    assert_eq!(
        fault("labels.k=1"),
        "labels.k: goes into a map, which cannot be given as a parameter"
    );
    assert_eq!(
        fault("labels=x"),
        "labels: is a map, which cannot be given as a parameter"
    );
    assert_eq!(
        fault("inner=x"),
        "inner: is an object and cannot be given as one parameter"
    );
    assert_eq!(
        fault("st=%7B%7D"),
        "st: is an object and cannot be given as one parameter"
    );
    assert!(fault("any.value=x").starts_with("any.value: goes into a value that cannot"));
    let long = "x".repeat(5000);
    assert!(fault(&format!("{long}=1")).len() < 200);
}

#[test]
fn wrong_values_say_what_is_expected() {
    assert_eq!(
        fault("i32=1.5"),
        "i32: must be a whole number from -2147483648 to 2147483647"
    );
    assert_eq!(fault("flag=yes"), "flag: must be true or false");
    assert_eq!(
        fault("color=GREEN"),
        "color: must be one of COLOR_RED, COLOR_BLUE"
    );
    assert_eq!(
        fault("color=9"),
        "color: must be one of COLOR_RED, COLOR_BLUE"
    );
    assert_eq!(fault("f64=inf"), "f64: must be a number");
    assert!(fault("ts=2021-01-01T00:00:00+01:00").ends_with("a + must be written %2B"));
    assert!(fault("dur=1h").starts_with("dur: must be a number of seconds followed by s"));
    assert_eq!(
        fault("name=%c3%28"),
        "name: is not valid UTF-8 once decoded"
    );
    assert!(fault("name=%zz").starts_with("name: has a % that is not followed"));
}

#[test]
fn a_scalar_is_given_once_and_by_one_way() {
    assert_eq!(fault("name=a&name=a"), "name: must be given only once");
    assert_eq!(
        fault("opt_str=a&optStr=b"),
        "optStr: must be given only once"
    );
    assert_eq!(
        fault("w_i64=1&wI64.value=2"),
        "wI64.value: must be given only once"
    );
    assert_eq!(
        fault("wI64.value=2&w_i64=1"),
        "wI64: must be given only once"
    );
    assert_eq!(
        fault("chStr=a&chInt=1"),
        "chInt: cannot be given together with chStr"
    );
    assert_eq!(bind_query("nums=1&nums=1").unwrap()["nums"], json!([1, 1]));
}

#[test]
fn masks_take_both_spellings_and_plus_is_a_space() {
    let bound = bind_query("mask=snake_case,fooBar&name=a+b%2Bc").unwrap();
    assert_eq!(bound["mask"], "snakeCase,fooBar");
    assert_eq!(bound["name"], "a b+c");
}

#[test]
fn all_faults_come_at_once() {
    let invalid = bind_query("i32=x&nope=1&flag=2&name=fine").unwrap_err();
    assert_eq!(
        lines(&invalid),
        [
            "i32: must be a whole number from -2147483648 to 2147483647",
            "nope: is not a known parameter",
            "flag: must be true or false",
        ]
    );
    assert_eq!(invalid.kind, InvalidKind::UnknownField);
    let update = matched("PATCH", "/v1/items/x");
    let invalid = update
        .bind(Some("i32=x"), Some(br#"{"b":"y","q":1}"#))
        .unwrap_err();
    let fields: Vec<&str> = invalid
        .violations
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(fields, ["inner.b", "inner.q", "i32"]);
}

#[test]
fn the_path_beats_the_body_and_the_query() {
    let posted = matched("POST", "/v1/p/post/PATH").bind(None, Some(br#"{"id":"BODY","i32":1}"#));
    assert_eq!(printed(&posted.unwrap()), json!({"id": "PATH", "i32": 1}));
    assert_eq!(bind_query("id=QUERY").unwrap()["id"], "ID");
    let nested = matched("GET", "/v1/nested/x/5").bind(Some("inner.a=q&inner.child.b=7"), None);
    let expected = json!({"inner": {"a": "x", "b": "5", "child": {"b": "7"}}});
    assert_eq!(printed(&nested.unwrap()), expected);
    let wrapped = matched("GET", "/v1/p/wi64/7").bind(Some("wI64.value=8&w_i64=9"), None);
    assert_eq!(printed(&wrapped.unwrap()), json!({"wI64": "7"}));
}

#[test]
fn a_oneof_is_one_across_path_and_query() {
    let invalid = matched("GET", "/v1/p/ch/x")
        .bind(Some("chInt=1"), None)
        .unwrap_err();
    assert_eq!(
        lines(&invalid),
        ["chInt: cannot be given together with chStr"]
    );
}

#[test]
fn a_bad_path_value_names_its_field() {
    let invalid = matched("GET", "/v1/p/i32/x").bind(None, None).unwrap_err();
    assert_eq!(
        lines(&invalid),
        ["i32: must be a whole number from -2147483648 to 2147483647"]
    );
}

#[test]
fn a_body_belongs_where_the_rule_says() {
    let invalid = matched("GET", "/v1/echo/ID")
        .bind(None, Some(b"{}"))
        .unwrap_err();
    assert_eq!(invalid.kind, InvalidKind::UnexpectedBody);
    assert!(matched("GET", "/v1/echo/ID").bind(None, Some(b"")).is_ok());

    let invalid = matched("POST", "/v1/echo")
        .bind(Some("name=x"), None)
        .unwrap_err();
    assert_eq!(
        lines(&invalid),
        ["name: must be given in the body, not in the query"]
    );

    let put = matched("PUT", "/v1/tags/5");
    let invalid = put.bind(Some("tags=x"), Some(b"[]")).unwrap_err();
    assert_eq!(
        lines(&invalid),
        ["tags: is the body itself and cannot be a parameter"]
    );
    let bound = put.bind(Some("name=n"), Some(br#"["a"]"#)).unwrap();
    assert_eq!(
        printed(&bound),
        json!({"id": "5", "name": "n", "tags": ["a"]})
    );
    assert_eq!(
        printed(&put.bind(None, Some(b"null")).unwrap()),
        json!({"id": "5"})
    );
    let invalid = put.bind(None, Some(br#"["a",1]"#)).unwrap_err();
    assert_eq!(lines(&invalid), ["tags[1]: must be a string"]);
}

#[test]
fn parameters_are_bounded_and_some_are_passed_over() {
    let many = "tags=a&".repeat(201);
    let invalid = bind_query(&many).unwrap_err();
    assert_eq!(invalid.kind, InvalidKind::TooLarge);
    let deep = format!("inner.{}a=x", "child.".repeat(70));
    assert!(
        bind_query(&deep).unwrap_err().violations[0]
            .description
            .contains("too deep")
    );

    let ignored_query = vec!["key".to_owned(), "$*".to_owned()];
    let router = router_of(
        echo_pool(),
        Options {
            ignored_query,
            ..Options::default()
        },
    );
    let matched = router.find(&http::Method::GET, "/v1/echo/ID").unwrap();
    assert!(matched.bind(Some("key=1&$alt=json"), None).is_ok());
    assert!(matched.bind(Some("keys=1"), None).is_err());
}

#[test]
fn form_pairs_bind_like_the_query() {
    let matched = echo_router()
        .find(&http::Method::PUT, "/v1/struct/5")
        .unwrap();
    let extra = [
        ("name".to_owned(), "a+b".to_owned()),
        ("i32".to_owned(), "7".to_owned()),
    ];
    let bound = matched.bind_without_body(Some("flag=1"), &extra).unwrap();
    assert_eq!(
        printed(&bound),
        json!({"id": "5", "name": "a+b", "i32": 7, "flag": true})
    );
    let invalid = matched
        .bind_without_body(Some("name=x"), &extra)
        .unwrap_err();
    assert_eq!(lines(&invalid), ["name: must be given only once"]);
}
