//! What changed about tasks and their attempts, as sets of rows. None is NULL there: what may be is
//! told by a number or a text that it never is.

use std::collections::{BTreeMap, HashMap};

use database::row_set::{Cell, Column, Kind, Rows, Write};
use uuid::Uuid;

use super::card::{Card, Kept};
use crate::domain::error::Error;
use crate::domain::generation::Status;
use crate::store::entity::{attempts, tasks};
use crate::store::{events, stats};

const NONE: i64 = -1;

const MOVED: [Column; 6] = [
    ("id", Kind::Id),
    ("last_sequence", Kind::Number),
    ("updated_at", Kind::Number),
    ("progress", Kind::Number),
    ("keeping", Kind::Number),
    ("attempts", Kind::Number),
];
const ENDED: [Column; 11] = [
    ("id", Kind::Id),
    ("last_sequence", Kind::Number),
    ("updated_at", Kind::Number),
    ("progress", Kind::Number),
    ("attempts", Kind::Number),
    ("status", Kind::Text),
    ("completed_at", Kind::Number),
    ("cost", Kind::Number),
    ("resolution", Kind::Text),
    ("failure_reason", Kind::Text),
    ("failure_message", Kind::Text),
];
const ATTEMPTS: [Column; 16] = [
    ("task_id", Kind::Id),
    ("number", Kind::Number),
    ("fence", Kind::Number),
    ("provider", Kind::Text),
    ("model", Kind::Text),
    ("state", Kind::Text),
    ("job", Kind::Text),
    ("price", Kind::Number),
    ("cost", Kind::Number),
    ("tokens", Kind::Number),
    ("error_class", Kind::Text),
    ("error_detail", Kind::Text),
    ("created_at", Kind::Number),
    ("sent_at", Kind::Number),
    ("ended_at", Kind::Number),
    ("stop_at", Kind::Number),
];
const OUTPUTS: [Column; 6] = [
    ("task_id", Kind::Id),
    ("place", Kind::Number),
    ("file_id", Kind::Id),
    ("content_type", Kind::Text),
    ("width", Kind::Number),
    ("height", Kind::Number),
];
const OWED: [Column; 5] = [
    ("id", Kind::Id),
    ("kind", Kind::Text),
    ("actuals", Kind::Text),
    ("reservation_id", Kind::Id),
    ("task_id", Kind::Id),
];
const RESULTS: [Column; 3] = [
    ("owner", Kind::Id),
    ("name", Kind::Bytes),
    ("task_id", Kind::Id),
];

/// Everything that changed; `now` is the database's, as SQL.
pub(super) fn all(cards: &[Card], now: &str) -> Result<Vec<Option<Write>>, Error> {
    let counted = cards.iter().flat_map(Card::attempts);
    let counted = counted.filter(|kept| kept.counts).map(|kept| &kept.row);
    Ok(vec![
        moved(cards),
        ended(cards),
        planned(cards),
        changed(cards),
        events::rows(cards.iter().flat_map(Card::events)),
        outputs(cards),
        owed(cards)?,
        results(cards, now),
        stats::tallied(counted),
    ])
}

fn moved(cards: &[Card]) -> Option<Write> {
    let moved = cards
        .iter()
        .filter(|card| card.end().is_none() && !card.events().is_empty());
    let rows = moved.map(Card::row).map(|row| -> [Cell; 6] {
        [
            row.id.into(),
            row.last_sequence.into(),
            row.updated_at.into(),
            row.progress.into(),
            i64::from(row.keeping).into(),
            row.attempts.into(),
        ]
    });
    let sql = "UPDATE tasks SET last_sequence = given.last_sequence, updated_at = given.updated_at,
            progress = given.progress, keeping = given.keeping <> 0, attempts = given.attempts
        FROM {given} WHERE tasks.id = given.id";
    Write::new("moved", sql, Rows::new(&MOVED, rows))
}

fn ended(cards: &[Card]) -> Option<Write> {
    let ended = cards.iter().filter(|card| card.end().is_some());
    let rows = ended.map(Card::row).map(|row| -> [Cell; 11] {
        [
            row.id.into(),
            row.last_sequence.into(),
            row.updated_at.into(),
            row.progress.into(),
            row.attempts.into(),
            row.status.clone().into(),
            row.completed_at.unwrap_or_default().into(),
            row.cost_microusd.into(),
            text(row.resolution.as_ref()),
            text(row.failure_reason.as_ref()),
            text(row.failure_message.as_ref()),
        ]
    });
    let sql = "UPDATE tasks SET last_sequence = given.last_sequence, updated_at = given.updated_at,
            progress = given.progress, attempts = given.attempts, status = given.status,
            completed_at = given.completed_at, cost_microusd = given.cost,
            resolution = given.resolution, failure_reason = NULLIF(given.failure_reason, ''),
            failure_message = CASE WHEN given.failure_reason = '' THEN NULL
                ELSE given.failure_message END,
            keeping = FALSE, lease_until = NULL, worker = NULL
        FROM {given} WHERE tasks.id = given.id";
    Write::new("ended", sql, Rows::new(&ENDED, rows))
}

fn planned(cards: &[Card]) -> Option<Write> {
    let rows = attempts_where(cards, |kept| kept.is_new);
    let sql = "INSERT INTO attempts (task_id, number, fence, provider, model, state, job,
            price_microusd, cost_microusd, tokens, error_class, error_detail, created_at, sent_at,
            ended_at, stop_at)
        SELECT task_id, number, fence, provider, model, state, NULLIF(job, ''), price,
            NULLIF(cost, -1), NULLIF(tokens, -1), NULLIF(error_class, ''),
            NULLIF(error_detail, ''), created_at, NULLIF(sent_at, -1), NULLIF(ended_at, -1),
            NULLIF(stop_at, -1)
        FROM {given}";
    Write::new("planned", sql, rows)
}

fn changed(cards: &[Card]) -> Option<Write> {
    let rows = attempts_where(cards, |kept| kept.is_changed);
    let sql = "UPDATE attempts SET state = given.state, job = NULLIF(given.job, ''),
            cost_microusd = NULLIF(given.cost, -1), tokens = NULLIF(given.tokens, -1),
            error_class = NULLIF(given.error_class, ''),
            error_detail = NULLIF(given.error_detail, ''),
            sent_at = NULLIF(given.sent_at, -1), ended_at = NULLIF(given.ended_at, -1),
            stop_at = NULLIF(given.stop_at, -1)
        FROM {given}
        WHERE attempts.task_id = given.task_id AND attempts.number = given.number";
    Write::new("changed", sql, rows)
}

fn attempts_where(cards: &[Card], is_wanted: impl Fn(&Kept) -> bool) -> Rows {
    let wanted = cards.iter().flat_map(Card::attempts);
    let rows = wanted.filter(|kept| is_wanted(kept));
    Rows::new(&ATTEMPTS, rows.map(|kept| cells_of(&kept.row)))
}

fn cells_of(row: &attempts::Model) -> [Cell; 16] {
    [
        row.task_id.into(),
        row.number.into(),
        row.fence.into(),
        row.provider.clone().into(),
        row.model.clone().into(),
        row.state.clone().into(),
        text(row.job.as_ref()),
        row.price_microusd.into(),
        row.cost_microusd.unwrap_or(NONE).into(),
        row.tokens.unwrap_or(NONE).into(),
        text(row.error_class.as_ref()),
        text(row.error_detail.as_ref()),
        row.created_at.into(),
        row.sent_at.unwrap_or(NONE).into(),
        row.ended_at.unwrap_or(NONE).into(),
        row.stop_at.unwrap_or(NONE).into(),
    ]
}

fn outputs(cards: &[Card]) -> Option<Write> {
    let made = cards
        .iter()
        .filter_map(|card| Some((card.row().id, card.end()?)));
    let rows = made.flat_map(|(task, end)| {
        (0_i64..)
            .zip(&end.outputs)
            .map(move |(place, output)| -> [Cell; 6] {
                [
                    task.into(),
                    place.into(),
                    output.file.uuid().into(),
                    output.content_type.clone().into(),
                    output.width.into(),
                    output.height.into(),
                ]
            })
    });
    let sql = "INSERT INTO outputs (task_id, place, file_id, content_type, width, height)
        SELECT task_id, place, file_id, content_type, width, height FROM {given}";
    Write::new("outputs_made", sql, Rows::new(&OUTPUTS, rows))
}

// Due before any clock: whatever its database says, now is later. Owed once, however often it is said.
fn owed(cards: &[Card]) -> Result<Option<Write>, Error> {
    let mut rows: Vec<[Cell; 5]> = Vec::new();
    for card in cards {
        let row = card.row();
        let (Some(end), Some(reservation)) = (card.end(), row.reservation_id) else {
            continue;
        };
        if let Some(actuals) = end.owed(row)? {
            rows.push([
                Uuid::now_v7().into(),
                end.call.as_str().into(),
                actuals.into(),
                reservation.into(),
                row.id.into(),
            ]);
        }
    }
    let sql = "INSERT INTO outbox (id, kind, actuals, reservation_id, task_id, due_at, tries)
        SELECT id, kind, NULLIF(actuals, ''), reservation_id, task_id, 0, 0 FROM {given} WHERE TRUE
        ON CONFLICT (task_id, kind) DO UPDATE SET task_id = excluded.task_id";
    Ok(Write::new("owed", sql, Rows::new(&OWED, rows)))
}

// What has brought its result; the newest by one key is kept.
fn results(cards: &[Card], now: &str) -> Option<Write> {
    let completed = cards.iter().map(Card::row);
    let completed = completed.filter(|row| row.status == Status::Completed.as_str());
    let newest: HashMap<(Uuid, &[u8]), &tasks::Model> = completed
        .filter_map(|row| Some(((row.owner, row.result_key.as_deref()?), row)))
        .collect();
    // In one order, whoever writes them.
    let newest: BTreeMap<_, _> = newest.into_iter().collect();
    let rows = newest
        .into_iter()
        .map(|((owner, name), row)| [owner.into(), name.to_vec().into(), row.id.into()]);
    let sql = format!(
        "INSERT INTO results (owner, name, task_id, made_at)
        SELECT owner, name, task_id, {now} FROM {{given}} WHERE TRUE
        ON CONFLICT (owner, name) DO UPDATE SET task_id = excluded.task_id,
            made_at = excluded.made_at"
    );
    Write::new("results_kept", sql, Rows::new(&RESULTS, rows))
}

fn text(value: Option<&String>) -> Cell {
    value.cloned().unwrap_or_default().into()
}
