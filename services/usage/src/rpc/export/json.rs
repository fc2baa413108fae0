//! One JSON array; its elements are named like those of the list.

use bytes::Bytes;
use errors::Fault;
use serde::Serialize;

use super::text::kind;
use super::{Bodies, framed};
use crate::domain::records::{Pages, Record};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Element<'a> {
    id: String,
    r#type: &'static str,
    created_at: String,
    kind: &'a str,
    provider: &'a str,
    model: &'a str,
    project_id: &'a str,
    api_key_id: &'a str,
    task_id: &'a str,
    attempt: i64,
    generations: i64,
    tokens: i64,
    charged_microusd: i64,
    price_version: &'a str,
    note: &'a str,
}

pub fn encode(pages: Pages) -> Bodies {
    let mut separator = "\n";
    let page = move |records: Vec<Record>| {
        let mut text = Vec::new();
        for record in &records {
            text.extend_from_slice(separator.as_bytes());
            serde_json::to_writer(&mut text, &element(record)).map_err(Fault::internal)?;
            separator = ",\n";
        }
        Ok(text.into())
    };
    let begin = Ok(Bytes::from_static(b"["));
    framed(begin, pages, page, Some(Bytes::from_static(b"\n]\n")))
}

fn element(record: &Record) -> Element<'_> {
    Element {
        id: record.id.to_string(),
        r#type: kind(record.kind),
        created_at: record.created_at.to_string(),
        kind: &record.work,
        provider: &record.provider,
        model: &record.model,
        project_id: &record.project,
        api_key_id: &record.api_key,
        task_id: &record.task,
        attempt: record.attempt,
        generations: record.units,
        tokens: record.tokens,
        charged_microusd: record.charged.0,
        price_version: &record.price_version,
        note: &record.note,
    }
}
