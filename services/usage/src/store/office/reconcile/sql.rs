//! The comparisons as SQL.

use database::Backend;

use super::super::id_text;
use super::windows::{Days, family};
use super::{Check, Comparison};

/// Balances are opening balances and what the ledger moved.
pub(super) fn accounts() -> Comparison<'static> {
    let sql = "
        WITH moved AS (
            SELECT debit AS account, amount AS debits, 0 AS credits FROM entries
            UNION ALL SELECT credit, 0, amount FROM entries
            UNION ALL SELECT account, debits, credits FROM openings),
        should AS (SELECT account, CAST(SUM(debits) AS BIGINT) AS debits,
            CAST(SUM(credits) AS BIGINT) AS credits FROM moved GROUP BY account),
        stands AS (SELECT account, CAST(SUM(debits) AS BIGINT) AS debits,
            CAST(SUM(credits) AS BIGINT) AS credits FROM accounts GROUP BY account)
        SELECT COALESCE(e.account, f.account) AS subject,
            COALESCE(e.debits, 0) AS e0, COALESCE(f.debits, 0) AS f0,
            COALESCE(e.credits, 0) AS e1, COALESCE(f.credits, 0) AS f1
        FROM should e FULL JOIN stands f ON f.account = e.account
        WHERE COALESCE(e.debits, 0) <> COALESCE(f.debits, 0)
            OR COALESCE(e.credits, 0) <> COALESCE(f.credits, 0)
        ORDER BY 1";
    Comparison {
        check: Check::Accounts,
        sql: sql.to_owned(),
        values: Vec::new(),
        names: &["debits", "credits"],
    }
}

/// Counters hold what open reservations say they hold.
pub(super) fn held(backend: Backend) -> Comparison<'static> {
    let items = match backend {
        Backend::Postgres => {
            "SELECT i.subject, i.meter, i.\"window\" AS kind, i.start, i.amount
             FROM reservations r, json_to_recordset(r.items::json) AS i
               (subject TEXT, meter TEXT, \"window\" TEXT, start BIGINT, amount BIGINT)"
        }
        Backend::Sqlite => {
            "SELECT i.value ->> 'subject' AS subject, i.value ->> 'meter' AS meter,
               i.value ->> 'window' AS kind, i.value ->> 'start' AS start, i.value ->> 'amount' AS amount
             FROM reservations r, json_each(r.items) i"
        }
    };
    let sql = format!(
        "WITH items AS ({items} WHERE r.state IN ('held', 'confirmed', 'suspended')),
        should AS (SELECT subject, meter, kind, start, CAST(SUM(amount) AS BIGINT) AS held
            FROM items GROUP BY subject, meter, kind, start),
        stands AS (SELECT subject, meter, window_kind AS kind, window_start AS start, held
            FROM counters WHERE held <> 0)
        SELECT COALESCE(e.subject, f.subject) || ' ' || COALESCE(e.meter, f.meter) || ' '
              || COALESCE(e.kind, f.kind) || ' ' || CAST(COALESCE(e.start, f.start) AS TEXT) AS subject,
            COALESCE(e.held, 0) AS e0, COALESCE(f.held, 0) AS f0
        FROM should e FULL JOIN stands f
            ON f.subject = e.subject AND f.meter = e.meter AND f.kind = e.kind AND f.start = e.start
        WHERE COALESCE(e.held, 0) <> COALESCE(f.held, 0)
        ORDER BY 1"
    );
    Comparison {
        check: Check::Held,
        sql,
        values: Vec::new(),
        names: &["held"],
    }
}

/// Counters used what the days of their window say; corrections count on top of limits, not as use.
/// A counter sees only what happens while a limit is on it. So it may say less than the days where an
/// owner has another plan since, where a plan or the budgets changed at `changed`, within the window,
/// and where its budget is gone, or came back in a later window.
pub(super) fn used(backend: Backend, windows: &[Days], changed: i64) -> Comparison<'static> {
    let list = window_list(backend);
    let sums = sums_of_days(backend, windows);
    let movers = id_text(backend, "owner");
    let sql = format!(
        "WITH windows AS ({list}),
        sums AS ({}),
        movers AS (SELECT 'user:' || {movers} AS subject FROM
            (SELECT owner, tier FROM reservations UNION SELECT owner, tier FROM usage_daily) plans
            GROUP BY owner HAVING COUNT(*) > 1),
        stands AS (SELECT c.subject, c.meter, c.window_kind, c.window_start, c.used, w.family, w.reset,
              COALESCE(CASE c.meter WHEN 'MICROUSD' THEN s.charged ELSE s.units END, 0) AS should
            FROM counters c
            JOIN windows w ON w.family = {} AND w.kind = c.window_kind AND w.start = c.window_start
            LEFT JOIN sums s ON s.subject = c.subject AND s.kind = w.kind AND s.start = w.start
            WHERE c.meter IN ('GENERATIONS', 'MICROUSD'))
        SELECT t.subject || ' ' || t.meter || ' ' || t.window_kind || ' '
              || CAST(t.window_start AS TEXT) AS subject,
            t.should AS e0, t.used AS f0
        FROM stands t LEFT JOIN movers m ON m.subject = t.subject
        WHERE t.used > t.should OR (t.used < t.should AND CASE t.family
            WHEN 'user' THEN t.window_start >= $2 AND m.subject IS NULL
            ELSE EXISTS (SELECT 1 FROM budgets b WHERE b.meter = t.meter
                AND b.window_kind = t.window_kind AND b.created_at < t.reset
                AND t.subject = CASE LOWER(b.scope_type) WHEN 'global' THEN 'global'
                    ELSE LOWER(b.scope_type) || ':' || b.scope_value END) END)
        ORDER BY 1",
        sums,
        family(backend, "c.subject"),
    );
    Comparison {
        check: Check::Used,
        sql,
        values: vec![
            serde_json::json!(windows).to_string().into(),
            changed.into(),
        ],
        names: &["used"],
    }
}

// The windows of the first parameter.
const fn window_list(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres => {
            "SELECT * FROM json_to_recordset($1::json) AS w
               (family TEXT, kind TEXT, start BIGINT, first INTEGER, last INTEGER, reset BIGINT)"
        }
        Backend::Sqlite => {
            "SELECT w.value ->> 'family' AS family, w.value ->> 'kind' AS kind,
               w.value ->> 'start' AS start, w.value ->> 'first' AS first, w.value ->> 'last' AS last,
               w.value ->> 'reset' AS reset
             FROM json_each($1) w"
        }
    }
}

// What each scope that has counters used in each window.
fn sums_of_days(backend: Backend, windows: &[Days]) -> String {
    let owner = id_text(backend, "d.owner");
    let families = [
        ("global", "'global'".to_owned(), "TRUE"),
        ("user", format!("'user:' || {owner}"), "TRUE"),
        (
            "api_key",
            "'api_key:' || d.api_key".to_owned(),
            "d.api_key <> ''",
        ),
        (
            "project",
            "'project:' || d.project".to_owned(),
            "d.project <> ''",
        ),
        ("plan", "'plan:' || d.tier".to_owned(), "TRUE"),
        (
            "provider",
            "'provider:' || d.provider".to_owned(),
            "d.provider <> ''",
        ),
        ("kind", "'kind:' || d.work".to_owned(), "d.work <> ''"),
    ];
    let is_asked = |name: &str| name == "global" || windows.iter().any(|one| one.family == name);
    let sums: Vec<String> = (families.iter())
        .filter(|(name, ..)| is_asked(name))
        .map(|(name, subject, condition)| {
            format!(
                "SELECT {subject} AS subject, w.kind, w.start, CAST(SUM(d.units) AS BIGINT) AS units,
                   CAST(SUM(d.charged) AS BIGINT) AS charged
                 FROM windows w JOIN usage_daily d ON d.day BETWEEN w.first AND w.last
                 WHERE w.family = '{name}' AND d.work <> 'ADJUSTMENT' AND {condition}
                 GROUP BY 1, 2, 3"
            )
        })
        .collect();
    sums.join(" UNION ALL ")
}

/// The roll-up of the days after `day` is the ledger by the day.
pub(super) fn daily(backend: Backend, day: i32) -> Comparison<'static> {
    let owner = id_text(backend, "COALESCE(e.owner, f.owner)");
    let keys = [
        "day", "tier", "work", "provider", "model", "project", "api_key",
    ];
    let same: Vec<String> = (keys.iter())
        .map(|key| format!("f.{key} = e.{key}"))
        .collect();
    let names = ["records", "units", "tokens", "charged", "loss"];
    let pair = |(index, name): (usize, &&str)| {
        format!("COALESCE(e.{name}, 0) AS e{index}, COALESCE(f.{name}, 0) AS f{index}")
    };
    let pairs: Vec<String> = names.iter().enumerate().map(pair).collect();
    let differ = |name: &&str| format!("COALESCE(e.{name}, 0) <> COALESCE(f.{name}, 0)");
    let differs: Vec<String> = names.iter().map(differ).collect();
    let key = |name: &str| format!("COALESCE(e.{name}, f.{name})");
    let sql = format!(
        "WITH lines AS (SELECT day, owner, tier,
              CASE kind WHEN 'adjustment' THEN 'ADJUSTMENT' ELSE work END AS work,
              provider, model, project, api_key, units, tokens,
              CASE kind WHEN 'loss' THEN 0 ELSE 1 END AS records,
              CASE WHEN kind = 'loss' THEN 0 WHEN credit LIKE 'user:%' THEN -amount ELSE amount END AS charged,
              CASE kind WHEN 'loss' THEN amount ELSE 0 END AS loss
            FROM entries WHERE day > $1 AND kind IN ('charge', 'loss', 'adjustment')),
        should AS (SELECT day, owner, tier, work, provider, model, project, api_key,
              CAST(SUM(records) AS BIGINT) AS records, CAST(SUM(units) AS BIGINT) AS units,
              CAST(SUM(tokens) AS BIGINT) AS tokens, CAST(SUM(charged) AS BIGINT) AS charged,
              CAST(SUM(loss) AS BIGINT) AS loss
            FROM lines GROUP BY day, owner, tier, work, provider, model, project, api_key),
        stands AS (SELECT * FROM usage_daily WHERE day > $1)
        SELECT CAST({} AS TEXT) || ' ' || {owner} || ' ' || {} || ' ' || {} || ' ' || {} || ' ' || {}
              || ' ' || {} || ' ' || {} AS subject, {}
        FROM should e FULL JOIN stands f ON f.owner = e.owner AND {}
        WHERE {} ORDER BY 1",
        key("day"),
        key("tier"),
        key("work"),
        key("provider"),
        key("model"),
        key("project"),
        key("api_key"),
        pairs.join(", "),
        same.join(" AND "),
        differs.join(" OR "),
    );
    Comparison {
        check: Check::Daily,
        sql,
        values: vec![day.into()],
        names: &["records", "units", "tokens", "charged", "loss"],
    }
}

/// Each paid attempt of a settled reservation was charged once, a suspended one is in suspense once, any
/// other neither.
pub(super) fn reservations(backend: Backend, since: i64) -> Comparison<'static> {
    let id = id_text(backend, "id");
    let sql = format!(
        "WITH attempts_of AS (SELECT reservation_id,
              SUM(CASE WHEN kind IN ('charge', 'adjustment') THEN 1 ELSE 0 END) AS charges,
              SUM(CASE kind WHEN 'suspense' THEN 1 WHEN 'unsuspense' THEN -1 ELSE 0 END) AS suspended
            FROM entries GROUP BY reservation_id, attempt),
        rows_of AS (SELECT reservation_id, MAX(charges) AS charges, SUM(suspended) AS suspended
            FROM attempts_of GROUP BY reservation_id),
        both_of AS (SELECT r.id, CASE r.state WHEN 'settled' THEN 1 ELSE 0 END AS e0,
              COALESCE(t.charges, 0) AS f0, CASE r.state WHEN 'suspended' THEN 1 ELSE 0 END AS e1,
              COALESCE(t.suspended, 0) AS f1
            FROM reservations r LEFT JOIN rows_of t ON t.reservation_id = r.id
            WHERE r.created_at >= $1)
        SELECT {id} AS subject, CAST(e0 AS BIGINT) AS e0, CAST(f0 AS BIGINT) AS f0,
            CAST(e1 AS BIGINT) AS e1, CAST(f1 AS BIGINT) AS f1
        FROM both_of WHERE e0 <> f0 OR e1 <> f1 ORDER BY 1"
    );
    Comparison {
        check: Check::Reservations,
        sql,
        values: vec![since.into()],
        names: &["charges", "suspense"],
    }
}
