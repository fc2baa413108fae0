//! Which crate may depend on which.

use std::collections::BTreeMap;
use std::fs;

use super::root;

/// Every crate of ours with those of ours it may use. A line here is a decision: add one only with
/// a reason that would convince a colleague.
const ALLOWED: &[(&str, &[&str])] = &[
    // Wire types stand below everything; plain data beside them.
    ("shared/contracts", &[]),
    ("shared/types", &[]),
    ("shared/config", &[]),
    ("shared/errors", &["contracts", "types"]),
    ("shared/telemetry", &["config", "errors", "types"]),
    (
        "shared/identity",
        &["config", "contracts", "errors", "telemetry", "types"],
    ),
    ("shared/database", &["config", "errors", "types"]),
    ("shared/egress", &[]),
    ("shared/webhooks", &["egress", "types"]),
    (
        "shared/server",
        &[
            "config",
            "contracts",
            "errors",
            "identity",
            "telemetry",
            "types",
        ],
    ),
    (
        "shared/testkit",
        &["contracts", "database", "identity", "types"],
    ),
    // Services never see each other, nor the gateway: they talk through contracts.
    ("services/auth", SHARED),
    ("services/file", SHARED),
    ("services/generation", SHARED_AND_OUTSIDE),
    ("services/usage", SHARED_AND_OUTSIDE),
    // Measures from outside what production wires.
    (
        "bench",
        &[
            "config",
            "contracts",
            "database",
            "gateway",
            "server",
            "transcoding",
            "types",
            "usage",
        ],
    ),
    // The engine knows nothing of Bottega, so that it can serve any descriptors.
    ("gateway/transcoding", &[]),
    (
        "gateway",
        &[
            "config",
            "contracts",
            "errors",
            "identity",
            "server",
            "telemetry",
            "transcoding",
            "types",
        ],
    ),
    // Only the binary sees them all.
    (
        "bottega",
        &[
            "auth",
            "config",
            "contracts",
            "database",
            "errors",
            "file",
            "gateway",
            "generation",
            "identity",
            "server",
            "telemetry",
            "types",
            "usage",
        ],
    ),
];

const SHARED: &[&str] = &[
    "config",
    "contracts",
    "database",
    "errors",
    "identity",
    "server",
    "telemetry",
    "types",
];

// Who asks other people's servers, or tells them something.
const SHARED_AND_OUTSIDE: &[&str] = &[
    "config",
    "contracts",
    "database",
    "egress",
    "errors",
    "identity",
    "server",
    "telemetry",
    "types",
    "webhooks",
];

fn manifest(folder: &str) -> toml::Table {
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

fn members() -> Vec<String> {
    let workspace = manifest(".");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| member.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn crates_use_only_what_their_place_allows() {
    let members = members();
    let names: BTreeMap<String, String> = members
        .iter()
        .map(|folder| {
            (
                manifest(folder)["package"]["name"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
                folder.clone(),
            )
        })
        .collect();
    let mut broken = Vec::new();
    for folder in &members {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == folder) else {
            broken.push(format!(
                "{folder} has no line in ALLOWED: say what it may use"
            ));
            continue;
        };
        let manifest = manifest(folder);
        let Some(dependencies) = manifest
            .get("dependencies")
            .and_then(|table| table.as_table())
        else {
            continue;
        };
        for name in dependencies.keys().filter(|name| names.contains_key(*name)) {
            if name == "testkit" {
                broken.push(format!(
                    "{folder} ships testkit: it is for [dev-dependencies] only"
                ));
            } else if !allowed.contains(&name.as_str()) {
                broken.push(format!(
                    "{folder} depends on {name}: services talk through contracts, and imports point inward"
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn folders_are_named_like_their_crates() {
    for folder in members() {
        let name = manifest(&folder)["package"]["name"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(folder.rsplit('/').next(), Some(name.as_str()), "{folder}");
    }
}

#[test]
fn versions_stand_in_one_place() {
    for folder in members() {
        let manifest = manifest(&folder);
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(|table| table.as_table()) else {
                continue;
            };
            for (name, value) in table {
                let inherited = value.get("workspace").and_then(toml::Value::as_bool);
                assert_eq!(
                    inherited,
                    Some(true),
                    "{folder}: write `{name}.workspace = true`; versions stand in the root Cargo.toml"
                );
            }
        }
    }
}

/// What the dependency graph must not hold, with who brings it in and what stands in its place.
const BANNED: &[(&str, &str)] = &[
    (
        "openssl-sys",
        "needs a system library: TLS is rustls with ring",
    ),
    (
        "native-tls",
        "needs a system library: TLS is rustls with ring",
    ),
    (
        "aws-lc-sys",
        "a second crypto library to compile: keep features on ring",
    ),
    ("cmake", "needs a tool newcomers do not have"),
    ("rsa", "RUSTSEC-2023-0071 has no fix: tokens are Ed25519"),
    (
        "rusoto_core",
        "archived, with unpatched advisories: object_store speaks S3",
    ),
    ("backoff", "RUSTSEC-2025-0012, unmaintained"),
];

#[test]
fn nothing_banned_is_in_the_lock_file() {
    let text = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = toml::from_str(&text).unwrap();
    let packages = lock["package"].as_array().unwrap();
    let names: Vec<&str> = packages
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"tonic"), "the lock file is not ours");
    let broken: Vec<String> = BANNED
        .iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, reason)| format!("{name}: {reason} (find it with `cargo tree -i {name}`)"))
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}
