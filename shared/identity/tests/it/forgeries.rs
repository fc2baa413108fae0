//! Every forgery gets the same answer (reliability row H6).

use std::time::Instant;

use errors::Reason;
use ring::hmac;
use serde_json::{Value, json};

use crate::forger::{Forger, claims, claims_with, encode, now_seconds};

/// Asserts that a token is refused, in the one sentence every refusal has.
async fn refused(forger: &Forger, what: &str, token: &str) {
    let verifier = forger.verifier();
    let started = Instant::now();
    let fault = verifier.verify(token).await.expect_err(what);
    assert_eq!(fault.reason, Reason::Unauthenticated, "{what}");
    assert_eq!(
        fault.message, "the access token is malformed, expired or not ours",
        "{what}"
    );
    assert!(started.elapsed().as_millis() < 500, "{what} took long");
}

fn header_with(forger: &Forger, name: &str, value: Value) -> Value {
    let mut header = forger.header();
    header
        .as_object_mut()
        .unwrap()
        .insert(name.to_owned(), value);
    header
}

#[tokio::test]
async fn the_untouched_token_passes() {
    let forger = Forger::new();
    let token = forger.token(&forger.header(), &claims());
    assert!(forger.verifier().verify(&token).await.is_ok());
}

#[tokio::test]
async fn other_algorithms() {
    let forger = Forger::new();
    for alg in [
        "none", "None", "NONE", "", "eddsa", "ES256", "RS256", "HS512",
    ] {
        let token = forger.token(&header_with(&forger, "alg", json!(alg)), &claims());
        refused(&forger, alg, &token).await;
        let unsigned = token.rsplit_once('.').unwrap().0;
        refused(&forger, alg, &format!("{unsigned}.")).await;
        refused(&forger, alg, unsigned).await;
    }
}

#[tokio::test]
async fn the_public_key_as_a_shared_secret() {
    let forger = Forger::new();
    let header = header_with(&forger, "alg", json!("HS256"));
    let signed = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims().to_string())
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &forger.public_bytes());
    let tag = hmac::sign(&key, signed.as_bytes());
    refused(&forger, "HS256", &format!("{signed}.{}", encode(tag))).await;
}

#[tokio::test]
async fn keys_the_header_brings() {
    let (forger, stranger) = (Forger::new(), Forger::new());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(stranger.public_bytes()) });
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        // Signed by the stranger, under our key's name and under no name of ours.
        let mut header = header_with(&forger, name, value);
        refused(&forger, name, &stranger.token(&header, &claims())).await;
        header["kid"] = json!("their-key");
        refused(&forger, name, &stranger.token(&header, &claims())).await;
    }
}

#[tokio::test]
async fn key_names_that_lead_elsewhere() {
    let forger = Forger::new();
    let long = "k".repeat(65);
    for kid in [
        "../../dev/null",
        "' OR 1=1 --",
        "",
        "key-1\0",
        "key 1",
        "KEY-1",
        long.as_str(),
    ] {
        let token = forger.token(&header_with(&forger, "kid", json!(kid)), &claims());
        refused(&forger, kid, &token).await;
    }
    for kid in [json!(1), json!(["key-1"]), json!({ "a": 1 })] {
        let token = forger.token(&header_with(&forger, "kid", kid), &claims());
        refused(&forger, "kid of another type", &token).await;
    }
}

#[tokio::test]
async fn headers_that_ask_for_more() {
    let forger = Forger::new();
    for crit in [json!(["exp"]), json!([]), json!(null)] {
        let token = forger.token(&header_with(&forger, "crit", crit), &claims());
        refused(&forger, "crit", &token).await;
    }
    for typ in ["JWT", "jwt", "refresh+jwt", ""] {
        let token = forger.token(&header_with(&forger, "typ", json!(typ)), &claims());
        refused(&forger, typ, &token).await;
    }
}

#[tokio::test]
async fn claims_that_do_not_fit() {
    let forger = Forger::new();
    let now = now_seconds();
    for (name, value) in [
        ("exp", json!(now - 1)),
        ("exp", json!(now)),
        ("exp", json!("9999999999")),
        ("exp", json!(9_999_999_999.5)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(-1)),
        ("nbf", json!(now + 3_600)),
        ("iat", json!(now + 3_600)),
        ("aud", json!("elsewhere")),
        ("aud", json!(["bottega", "elsewhere"])),
        ("iss", json!("https://evil.example")),
        ("sub", json!("nobody")),
        ("role", json!("root")),
        ("role", json!("Admin")),
    ] {
        let token = forger.token(&forger.header(), &claims_with(name, value));
        refused(&forger, name, &token).await;
    }
    for name in ["exp", "iat", "iss", "aud", "sub", "role", "tier"] {
        let token = forger.token(&forger.header(), &claims_with(name, json!(null)));
        refused(&forger, &format!("no {name}"), &token).await;
    }
}

#[tokio::test]
async fn claims_and_headers_that_stand_twice() {
    let forger = Forger::new();
    let claims = claims().to_string();
    let twice = claims.replacen('{', r#"{"role":"admin","#, 1);
    refused(
        &forger,
        "role twice",
        &forger.sign(&forger.header().to_string(), &twice),
    )
    .await;
    let header = forger.header().to_string();
    let twice = header.replacen('{', r#"{"alg":"none","#, 1);
    refused(&forger, "alg twice", &forger.sign(&twice, &claims)).await;
}

#[tokio::test]
async fn what_is_no_token() {
    let forger = Forger::new();
    let token = forger.token(&forger.header(), &claims());
    let padded = format!("{token}=");
    let four = format!("{token}.{token}");
    let big = "a".repeat(64 * 1024);
    let big_claim = forger.token(&forger.header(), &claims_with("tier", json!(big)));
    for text in [
        "", ".", "..", "...", "a.b.c", " ", &padded, &four, &big, &big_claim,
    ] {
        refused(&forger, &text[..text.len().min(20)], text).await;
    }
    // JSON that nests without end must not end the stack.
    let deep = "[".repeat(5_000);
    refused(&forger, "deep header", &forger.sign(&deep, &deep)).await;
    refused(
        &forger,
        "deep claims",
        &forger.sign(&forger.header().to_string(), &deep),
    )
    .await;
}

#[tokio::test]
async fn every_changed_character() {
    let forger = Forger::new();
    let verifier = forger.verifier();
    let token = forger.token(&forger.header(), &claims());
    for place in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let touched = String::from_utf8(bytes).unwrap();
        assert!(
            verifier.verify(&touched).await.is_err(),
            "character {place}"
        );
    }
}
