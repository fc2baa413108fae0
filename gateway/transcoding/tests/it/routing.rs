//! Which route takes a request, and how rules that cannot be served are refused.

use http::Method;
use transcoding::{Options, RouteError, Router, Unescape};

use crate::support::{compile_text, echo_router, router_of};

fn rules(rules: &[&str]) -> String {
    let rpcs: Vec<String> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            format!(
                "rpc M{index}(Request) returns (Request) {{ option (google.api.http) = {{{rule}}}; }}"
            )
        })
        .collect();
    format!(
        "syntax = \"proto3\"; package t; import \"google/api/annotations.proto\";
         message Inner {{ string a = 1; }}
         message Request {{ string id = 1; repeated string tags = 2; Inner inner = 3;
           map<string, string> labels = 4; int32 n = 5; }}
         service T {{ {} }}",
        rpcs.join("\n")
    )
}

fn router(rules_text: &[&str]) -> Router {
    router_of(&compile_text(&rules(rules_text)), Options::default())
}

fn refused(rules_text: &[&str]) -> Vec<String> {
    let pool = compile_text(&rules(rules_text));
    let errors = Router::new(&pool, Options::default(), |_| true).expect_err("they are unsound");
    errors.0.iter().map(ToString::to_string).collect()
}

#[test]
fn a_router_goes_to_every_thread() {
    fn is_shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    is_shared(&echo_router());
}

fn found(router: &Router, method: &Method, path: &str) -> String {
    match router.find(method, path) {
        Ok(matched) => matched.route.method.name().to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn the_most_specific_template_wins_whatever_the_order() {
    let forward = [
        "get: \"/v1/{id=**}\"",
        "get: \"/v1/{id}\"",
        "get: \"/v1/fixed\"",
    ];
    let backward = [
        "get: \"/v1/fixed\"",
        "get: \"/v1/{id}\"",
        "get: \"/v1/{id=**}\"",
    ];
    for (router, names) in [
        (router(&forward), ["M2", "M1", "M0"]),
        (router(&backward), ["M0", "M1", "M2"]),
    ] {
        for (path, name) in ["/v1/fixed", "/v1/other", "/v1/a/b"].into_iter().zip(names) {
            assert_eq!(found(&router, &Method::GET, path), name, "{path}");
        }
    }
}

#[test]
fn the_search_goes_back_when_a_literal_leads_nowhere() {
    let router = router(&["get: \"/v1/a/{id}/c\"", "get: \"/v1/{id}/b/d\""]);
    assert_eq!(found(&router, &Method::GET, "/v1/a/b/d"), "M1");
}

#[test]
fn another_method_is_405_only_when_no_template_takes_it() {
    let router = router(&["get: \"/v1/fixed\"", "post: \"/v1/{id}\" body: \"*\""]);
    assert_eq!(found(&router, &Method::POST, "/v1/fixed"), "M1");
    assert_eq!(found(&router, &Method::HEAD, "/v1/fixed"), "M0");
    let Err(RouteError::MethodNotAllowed { allow }) = router.find(&Method::DELETE, "/v1/fixed")
    else {
        panic!("405 is expected");
    };
    assert_eq!(allow, [Method::GET, Method::HEAD, Method::POST]);
}

#[test]
fn a_registered_verb_owns_its_paths_and_others_are_text() {
    let router = router(&["get: \"/v1/{id}\"", "post: \"/v1/{id}:cancel\" body: \"*\""]);
    assert_eq!(found(&router, &Method::POST, "/v1/a:b:cancel"), "M1");
    assert_eq!(found(&router, &Method::GET, "/v1/a:other"), "M0");
    let matched = router
        .find(&Method::GET, "/v1/a%3Acancel")
        .expect("an escaped colon is text");
    assert_eq!(matched.variables[0].1, "a:cancel");
    let wrong = router.find(&Method::GET, "/v1/a:cancel");
    assert!(
        matches!(wrong, Err(RouteError::MethodNotAllowed { allow }) if allow == [Method::POST])
    );
}

#[test]
fn a_trailing_slash_is_another_path() {
    let router = router(&["get: \"/v1/{id}\"", "get: \"/v1/all/{id=**}\""]);
    for path in ["/v1/", "/v1/x/", "/v1", "//v1/x", "/", "/V1/x"] {
        assert!(
            matches!(router.find(&Method::GET, path), Err(RouteError::NotFound)),
            "{path}"
        );
    }
    let rest = router
        .find(&Method::GET, "/v1/all/a//b/")
        .expect("** takes them all");
    assert_eq!(rest.variables[0].1, "a//b/");
    assert_eq!(
        router
            .find(&Method::GET, "/v1/all")
            .expect("or none")
            .variables[0]
            .1,
        ""
    );
}

#[test]
fn variables_are_decoded_once_and_by_their_width() {
    let pool = compile_text(&rules(&["get: \"/one/{id}\"", "get: \"/many/{id=*/*}\""]));
    let value = |unescape, path: &str| {
        let router = router_of(
            &pool,
            Options {
                unescape,
                ..Options::default()
            },
        );
        let mut matched = router.find(&Method::GET, path).expect("it matches");
        matched.variables.remove(0).1
    };
    assert_eq!(value(Unescape::Slash, "/one/x%252Fy"), "x%2Fy");
    assert_eq!(value(Unescape::Slash, "/one/x%2Fy+z"), "x/y+z");
    assert_eq!(value(Unescape::Slash, "/many/a%2fb/c%3Ad"), "a%2fb/c:d");
    assert_eq!(
        value(Unescape::Reserved, "/many/a%2fb/c%3A%20d"),
        "a%2fb/c%3A d"
    );
    assert_eq!(value(Unescape::All, "/many/a%2fb/c%3Ad"), "a/b/c:d");
}

#[test]
fn malformed_paths_are_named() {
    let router = echo_router();
    let describe = |path: &str| match router.find(&Method::GET, path) {
        Err(RouteError::BadPath(violation)) => {
            format!("{}: {}", violation.field, violation.description)
        }
        other => panic!("{path}: {other:?}"),
    };
    assert_eq!(
        describe("/v1/echo/%c3%28"),
        "id: is not valid UTF-8 once decoded"
    );
    assert!(describe("/v1/echo/%zz").contains("two hexadecimal digits"));
    assert!(describe("/v1/echo/%").contains("two hexadecimal digits"));
    assert!(describe("v1/echo").contains("begin with /"));
    assert!(describe(&format!("/{}", "a".repeat(9000))).contains("longer than 8192"));
}

#[test]
fn many_slashes_cost_no_more_than_the_rules() {
    let pool = compile_text(&rules(&["get: \"/{id=**}\""]));
    let options = Options {
        max_path_bytes: 1_000_000,
        ..Options::default()
    };
    let path = "/".repeat(64_000);
    let matched = router_of(&pool, options)
        .find(&Method::GET, &path)
        .expect("** takes it");
    assert_eq!(matched.variables[0].1.len(), 63_999);
}

#[test]
fn every_unsound_rule_is_listed() {
    let errors = refused(&[
        "get: \"/v1/{nope}\"",
        "get: \"/v1/{id\"",
        "get: \"/v1/{tags}\"",
        "get: \"/v1/{labels}\"",
        "get: \"/v1/{inner}\"",
        "get: \"/v1/{id.a}\"",
        "post: \"/v1/x\" body: \"nope\"",
        "post: \"/v1/y\" body: \"*\" response_body: \"nope\"",
        "get: \"/v1/z\" body: \"*\"",
        "custom: {kind: \"B D\" path: \"/v1/w\"}",
        "body: \"*\"",
    ]);
    let expected = [
        "t.Request has no field nope",
        "column 8: } ends the variable",
        "tags is repeated",
        "labels is repeated",
        "inner is a message",
        "id is not a message",
        "body: t.Request has no field nope",
        "response_body: t.Request has no field nope",
        "a GET has no body",
        "\"B D\" is not an HTTP method",
        "the rule names no path",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with("case.proto: t.T.M"), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn templates_that_take_the_same_requests_are_refused() {
    let errors = refused(&[
        "get: \"/v1/{id}/x\"",
        "get: \"/v1/{inner.a}/x\"",
        "put: \"/v1/{id}/x\"",
    ]);
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].contains("takes the same requests as t.T.M0 \"/v1/{id}/x\""),
        "{errors:?}"
    );
}

#[test]
fn a_custom_star_takes_what_no_other_does() {
    let router = router(&[
        "custom: {kind: \"*\" path: \"/v1/{id}\"}",
        "get: \"/v1/{id}\"",
        "get: \"/\"",
    ]);
    assert_eq!(found(&router, &Method::GET, "/v1/a"), "M1");
    assert_eq!(found(&router, &Method::TRACE, "/v1/a"), "M0");
    assert_eq!(found(&router, &Method::GET, "/"), "M2");
}

#[test]
fn the_filter_and_additional_bindings_make_the_routes() {
    let pool = compile_text(&rules(&[
        "get: \"/a\" additional_bindings {get: \"/b\"} additional_bindings {put: \"/c\" body: \"*\"}",
        "get: \"/d\"",
    ]));
    let router = Router::new(&pool, Options::default(), |method| method.name() == "M0").unwrap();
    let shown: Vec<String> = router
        .routes()
        .iter()
        .map(|route| format!("{} {} {}", route.http_method, route.template, route.binding))
        .collect();
    assert_eq!(shown, ["GET /a 0", "GET /b 1", "PUT /c 2"]);
}
