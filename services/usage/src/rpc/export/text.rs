//! What stands in the columns of a table, and how a spreadsheet is kept from running it.

use types::{Microusd, Timestamp};

use crate::domain::records::{Record, RecordKind};

/// The names of the columns.
pub const COLUMNS: [&str; 16] = [
    "id",
    "type",
    "created_at",
    "kind",
    "provider",
    "model",
    "project_id",
    "api_key_id",
    "task_id",
    "attempt",
    "generations",
    "tokens",
    "charged_microusd",
    "charged_usd",
    "price_version",
    "note",
];

/// What stands in a cell.
pub enum Cell {
    /// Text that somebody may have made up.
    Text(String),
    /// A whole number.
    Number(i64),
    /// An amount of dollars.
    Dollars(Microusd),
    /// A moment, in UTC.
    Moment(Timestamp),
}

/// The cells of a record, in the order of the columns.
pub fn cells(record: Record) -> [Cell; 16] {
    [
        Cell::Text(record.id.to_string()),
        Cell::Text(kind(record.kind).to_owned()),
        Cell::Moment(record.created_at),
        Cell::Text(record.work),
        Cell::Text(record.provider),
        Cell::Text(record.model),
        Cell::Text(record.project),
        Cell::Text(record.api_key),
        Cell::Text(record.task),
        Cell::Number(record.attempt),
        Cell::Number(record.units),
        Cell::Number(record.tokens),
        Cell::Number(record.charged.0),
        Cell::Dollars(record.charged),
        Cell::Text(record.price_version),
        Cell::Text(record.note),
    ]
}

/// As the wire names it.
pub const fn kind(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Charge => "CHARGE",
        RecordKind::Adjustment => "ADJUSTMENT",
    }
}

/// Text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe.
pub fn harmless(text: String) -> String {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{text}") } else { text }
}

/// Without the sign of the currency, so that it is a number.
pub fn dollars_text(amount: Microusd) -> String {
    amount.to_string().replacen('$', "", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(harmless(text.to_owned()), format!("'{text}"));
        }
        for text in ["", "a=1", "1-1", " fox", "'x"] {
            assert_eq!(harmless(text.to_owned()), text);
        }
    }

    #[test]
    fn dollars_are_exact() {
        assert_eq!(dollars_text(Microusd(39_000)), "0.039000");
        assert_eq!(dollars_text(Microusd(-1)), "-0.000001");
        assert_eq!(dollars_text(Microusd(i64::MIN)), "-9223372036854.775808");
    }
}
