//! `docs/errors.md` is what the contract, the table of codes and the advice make of it.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use errors::{AboutReason, Language, code_name, grpc_code, http_status, pattern_of, reasons};

const HEAD: &str = "# Every reason

Whatever goes wrong, the answer names a reason: `error.details[0].reason` in the JSON API, `google.rpc.ErrorInfo` (domain `bottega`) elsewhere.
Programs go by the reason; `error.message` is for people, in the language that `Accept-Language` asks for (en, de, es or zh). rpc protocols
keep the English sentence as their message, and add a `google.rpc.LocalizedMessage` when a language is asked for.

This page is made from `proto/bottega/errors/v1/errors.proto`, `shared/errors/src/table.rs` and `shared/errors/messages`.
";

const CALLS: &str = "
## Of calls

| reason | HTTP | gRPC | when | what to do |
|---|---|---|---|---|
";

const WORK: &str = "
## Of generations

A generation that ended without a result says one of these in its `error`; the call that reads it succeeds.

| reason | when | what to do |
|---|---|---|
";

const SAID: &str = "
## What people read

Parts in brackets are there when their facts are.

| reason | en | de | es | zh |
|---|---|---|---|---|
";

fn page() -> String {
    let all = reasons();
    let mut page = format!("{HEAD}{CALLS}");
    for about in all.iter().filter(|one| one.is_of_calls()) {
        let status = http_status(about.reason).as_u16();
        let code = code_name(grpc_code(about.reason));
        let AboutReason { when, advice, .. } = about;
        line(&mut page, about, &[&status.to_string(), code, when, advice]);
    }
    page.push_str(WORK);
    for about in all.iter().filter(|one| !one.is_of_calls()) {
        line(&mut page, about, &[&about.when, about.advice]);
    }
    page.push_str(SAID);
    for about in &all {
        let said = Language::ALL.map(|language| pattern_of(language, about.reason).unwrap());
        line(&mut page, about, &said);
    }
    page
}

fn line(page: &mut String, about: &AboutReason, cells: &[&str]) {
    let name = about.reason.as_str_name();
    writeln!(page, "| `{name}` | {} |", cells.join(" | ")).unwrap();
}

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    if env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        fs::write(&path, page()).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/errors.md is stale: run this test with INSTA_UPDATE=always"
    );
}
