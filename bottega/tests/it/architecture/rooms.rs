//! What a room may know, and how large it may be.

use std::fs;

use super::{all_sources, root, sources};

/// Rooms of a service and the words that must not be spoken in them, with the reason.
const SILENCE: &[(&str, &[&str], &str)] = &[
    (
        "/src/domain/",
        &[
            "tonic::",
            "sea_orm",
            "axum::",
            "contracts::",
            "reqwest::",
            "std::env",
            "crate::store",
            "crate::rpc",
            "crate::peers",
        ],
        "the domain decides and knows no wire, no SQL and no environment: put it behind a port in domain/ports.rs",
    ),
    (
        "/src/rpc/",
        &["sea_orm", "crate::store", "crate::peers", "std::env"],
        "the front room decodes and encodes: let the domain do it",
    ),
    (
        "/src/store/",
        &[
            "tonic::",
            "contracts::",
            "crate::rpc",
            "crate::peers",
            "std::env",
        ],
        "the back room maps rows: wire types end in rpc/convert.rs",
    ),
    (
        "/src/peers/",
        &["sea_orm", "crate::store", "crate::rpc", "std::env"],
        "peers call out and nothing else",
    ),
];

#[test]
fn rooms_keep_to_their_subject() {
    let mut broken = Vec::new();
    for file in sources("services") {
        for (room, words, reason) in SILENCE.iter().filter(|(room, ..)| file.path.contains(room)) {
            for (number, line) in file.code() {
                if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                    broken.push(format!(
                        "{}:{number} says `{word}` in {room}: {reason}",
                        file.path
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_service_has_the_same_rooms() {
    for service in ["auth", "file", "generation", "usage"] {
        let folder = root().join("services").join(service);
        for room in [
            "README.md",
            "src/lib.rs",
            "src/config.rs",
            "src/app.rs",
            "src/rpc",
            "src/domain",
            "src/store",
            "tests/it/main.rs",
        ] {
            assert!(
                folder.join(room).exists(),
                "services/{service} has no {room}: a reader who knows one service knows them all"
            );
        }
    }
}

#[test]
fn rooms_stay_small() {
    let files = all_sources();
    let large: Vec<String> = files
        .iter()
        .map(|file| (file.text.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > 500)
        .map(|(lines, path)| {
            format!("{path} has {lines} lines: split it by what its parts are for")
        })
        .collect();
    assert!(large.is_empty(), "\n{}", large.join("\n"));

    let mut sizes: Vec<usize> = files.iter().map(|file| file.text.lines().count()).collect();
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(
        median <= 150,
        "the median file has {median} lines; the house aims at 120"
    );
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = all_sources()
        .into_iter()
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| file.path)
        .collect();
    assert!(
        silent.is_empty(),
        "open each with one `//!` sentence:\n{}",
        silent.join("\n")
    );
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("#[", "ignore"),
    ];
    let mut left = Vec::new();
    for file in all_sources() {
        for (number, line) in file.text.lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(**mark)) {
                left.push(format!("{}:{} says {mark}", file.path, number + 1));
            }
        }
    }
    assert!(left.is_empty(), "\n{}", left.join("\n"));
}

#[test]
fn only_the_doors_open_doors() {
    // Listeners and pools by other means would miss every guard that `server` and `database` have.
    let words = [
        "TcpListener::bind",
        "Server::builder",
        "axum::serve",
        "PgPoolOptions",
        "SqlitePoolOptions",
    ];
    let mut broken = Vec::new();
    for file in all_sources() {
        let is_door = ["shared/server/", "shared/database/", "shared/testkit/"]
            .iter()
            .any(|door| file.path.starts_with(door));
        if is_door || file.is_test() {
            continue;
        }
        for (number, line) in file.code() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                broken.push(format!(
                    "{}:{number} says {word}: use shared/server or shared/database",
                    file.path
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn generated_code_is_not_kept() {
    for file in all_sources() {
        assert!(
            !file.text.contains("@generated") || file.is_test(),
            "{} is generated: build.rs makes it",
            file.path
        );
    }
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    assert!(ignored.contains("/target"));
}
