//! The binary's commands, as an operator types them.

use std::collections::BTreeMap;

use crate::app::defaults;
use crate::app::process::command;

fn run(arguments: &[&str], settings: &BTreeMap<String, String>) -> (Option<i32>, String, String) {
    let output = command(arguments, settings).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn check_config_prints_everything_but_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = defaults(folder.path());
    let secret = "a secret of more than thirty-two characters";
    settings.insert("BOTTEGA_SERVICE_SECRET".into(), secret.into());
    settings.insert(
        "BOTTEGA_PROVIDER_GEMINI_KEY".into(),
        "AIza-not-a-real-key".into(),
    );
    let (code, out, err) = run(&["check-config"], &settings);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("* BOTTEGA_SERVICE_SECRET = (hidden)"), "{out}");
    assert!(out.contains("BOTTEGA_USAGE_PLANS = "), "{out}");
    assert!(!out.contains(secret) && !out.contains("AIza"), "{out}");
}

#[test]
fn the_document_needs_no_gateway() {
    let (code, out, err) = run(&["openapi"], &BTreeMap::new());
    assert_eq!(code, Some(0), "{err}");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(document["paths"]["/v1/generations"]["post"].is_object());
}

#[test]
fn every_fault_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = defaults(folder.path());
    settings.insert("BOTTEGA_GATEWAY_ADDR".into(), "nowhere".into());
    settings.insert("BOTTEGA_DRAIN".into(), "soon".into());
    settings.insert("BOTTEGA_USAGE_PLANS".into(), "free:many".into());
    settings.insert("BOTTEGA_GATEWEY_ADDR".into(), "127.0.0.1:1".into());
    settings.insert("BOTTEGA_ENV".into(), "production".into());
    for arguments in [["check-config"].as_slice(), &["up"]] {
        let (code, _, err) = run(arguments, &settings);
        assert_eq!(code, Some(64), "{err}");
        for name in [
            "BOTTEGA_GATEWAY_ADDR",
            "BOTTEGA_DRAIN",
            "BOTTEGA_USAGE_PLANS",
            "BOTTEGA_GATEWEY_ADDR",
            "BOTTEGA_SERVICE_SECRET",
        ] {
            assert!(err.contains(name), "{name} is not named:\n{err}");
        }
    }
}

#[test]
fn migrate_can_be_done_twice() {
    let folder = tempfile::tempdir().unwrap();
    let settings = defaults(folder.path());
    for _ in 0..2 {
        let (code, _, err) = run(&["migrate"], &settings);
        assert_eq!(code, Some(0), "{err}");
    }
    for service in ["auth", "file", "generation", "usage"] {
        assert!(
            folder.path().join(format!("{service}.db")).exists(),
            "{service}"
        );
    }
}

#[test]
fn fresh_books_agree() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = defaults(&data);
    // 1 would say that they differ; and looking makes nothing.
    let (code, out, err) = run(&["admin", "reconcile"], &settings);
    assert_eq!(code, Some(2), "{out}");
    assert!(err.contains("there is no database at"), "{err}");
    assert!(!data.exists());
    run(&["migrate"], &settings);
    let (code, out, err) = run(&["admin", "reconcile"], &settings);
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.starts_with("0 differences; balances are off by $0.000000"),
        "{out}"
    );
    let (code, out, _) = run(&["admin", "reconcile", "--json"], &settings);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["imbalanceMicrousd"]), (Some(0), &0.into()));
}

#[test]
fn a_taken_address_is_a_failed_start() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = defaults(folder.path());
    settings.insert(
        "BOTTEGA_USAGE_ADDR".into(),
        taken.local_addr().unwrap().to_string(),
    );
    let (code, _, err) = run(&["up"], &settings);
    assert_eq!(code, Some(1));
    assert!(err.contains("usage cannot listen on"), "{err}");
}

#[test]
fn a_flag_counts_before_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let settings = defaults(folder.path());
    let (_, out, _) = run(
        &["check-config", "--auth-addr", "127.0.0.1:4321"],
        &settings,
    );
    assert!(
        out.contains("* BOTTEGA_AUTH_ADDR = 127.0.0.1:4321"),
        "{out}"
    );
}

#[test]
fn settings_can_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bottega.toml");
    std::fs::write(
        &file,
        "BOTTEGA_DRAIN = \"7s\"\nBOTTEGA_GENERATION_WORKERS = 3\n",
    )
    .unwrap();
    let settings = defaults(folder.path());
    let file = file.display().to_string();
    let (code, out, err) = run(&["check-config", "--config", &file], &settings);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("* BOTTEGA_DRAIN = 7s"), "{out}");
    assert!(out.contains("* BOTTEGA_GENERATION_WORKERS = 3"), "{out}");
}

#[test]
fn the_readme_names_only_settings_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    let (_, out, _) = run(&["check-config"], &defaults(folder.path()));
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let names = readme.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let names: Vec<&str> = names
        .filter(|word| word.starts_with("BOTTEGA_") && !word.ends_with('_'))
        .collect();
    assert!(names.len() > 20);
    for name in names {
        assert!(out.contains(&format!(" {name} = ")), "README names {name}");
    }
}
