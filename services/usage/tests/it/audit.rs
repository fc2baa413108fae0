//! Whether the books agree with themselves: every sum that is kept is made again from what it is the
//! sum of.

use database::Backend;

use crate::books::Books;

impl Books {
    /// How many counters, balances and sums are not what they should be.
    pub async fn disagreements(&self) -> i64 {
        self.lost_holds().await
            + self.over_the_cap().await
            + self.unbalanced().await
            + self.wrong_days().await
            + self.wrong_minutes().await
    }

    /// Counters that hold anything but what open reservations hold on them.
    async fn lost_holds(&self) -> i64 {
        let items = match self.db.backend() {
            Backend::Postgres => {
                "SELECT i ->> 'subject' AS subject, i ->> 'meter' AS meter, i ->> 'window' AS window_kind,
                    (i ->> 'start')::bigint AS window_start, (i ->> 'amount')::bigint AS amount
                 FROM reservations r, json_array_elements(r.items::json) i"
            }
            Backend::Sqlite => {
                "SELECT i.value ->> 'subject' AS subject, i.value ->> 'meter' AS meter,
                    i.value ->> 'window' AS window_kind, i.value ->> 'start' AS window_start,
                    i.value ->> 'amount' AS amount
                 FROM reservations r, json_each(r.items) i"
            }
        };
        self.number(&format!(
            "WITH items AS ({items} WHERE r.state IN ('held', 'confirmed', 'suspended')),
             sums AS (SELECT subject, meter, window_kind, window_start, SUM(amount) AS held
                FROM items GROUP BY subject, meter, window_kind, window_start)
             SELECT COUNT(*) AS n FROM counters c FULL JOIN sums s
               ON s.subject = c.subject AND s.meter = c.meter
               AND s.window_kind = c.window_kind AND s.window_start = c.window_start
             WHERE c.subject IS NULL OR c.held <> COALESCE(s.held, 0)"
        ))
        .await
    }

    async fn over_the_cap(&self) -> i64 {
        let over = "used < 0 OR held < 0 OR used > cap - held";
        self.number(&format!("SELECT COUNT(*) AS n FROM counters WHERE {over}"))
            .await
    }

    /// Accounts whose balance is not the sum of their rows.
    async fn unbalanced(&self) -> i64 {
        self.number(
            "WITH moves AS (
                SELECT debit AS account, amount AS debits, 0 AS credits FROM entries
                UNION ALL SELECT credit, 0, amount FROM entries),
             sums AS (SELECT account, SUM(debits) AS debits, SUM(credits) AS credits FROM moves
                GROUP BY account HAVING SUM(debits) + SUM(credits) > 0),
             kept AS (SELECT account, SUM(debits) AS debits, SUM(credits) AS credits FROM accounts
                GROUP BY account)
             SELECT COUNT(*) AS n FROM sums s FULL JOIN kept k ON k.account = s.account
             WHERE s.account IS NULL OR k.account IS NULL OR s.debits <> k.debits OR s.credits <> k.credits",
        )
        .await
    }

    /// Days whose sums are not those of their rows.
    async fn wrong_days(&self) -> i64 {
        self.number(
            "WITH sums AS (
                SELECT day, owner, tier, work, provider, model, project, api_key,
                    SUM(CASE kind WHEN 'charge' THEN 1 ELSE 0 END) AS records,
                    SUM(units) AS units, SUM(tokens) AS tokens,
                    SUM(CASE kind WHEN 'charge' THEN amount ELSE 0 END) AS charged,
                    SUM(CASE kind WHEN 'loss' THEN amount ELSE 0 END) AS loss
                FROM entries WHERE kind IN ('charge', 'loss')
                GROUP BY day, owner, tier, work, provider, model, project, api_key)
             SELECT COUNT(*) AS n FROM sums s
             FULL JOIN (SELECT * FROM usage_daily WHERE work <> 'ADJUSTMENT') k
                ON k.day = s.day AND k.owner = s.owner AND k.tier = s.tier AND k.work = s.work
                AND k.provider = s.provider AND k.model = s.model AND k.project = s.project
                AND k.api_key = s.api_key
             WHERE s.day IS NULL OR k.day IS NULL OR s.records <> k.records OR s.units <> k.units
                OR s.tokens <> k.tokens OR s.charged <> k.charged OR s.loss <> k.loss",
        )
        .await
    }

    /// Whether the minutes do not add up to what was spent.
    async fn wrong_minutes(&self) -> i64 {
        self.number(
            "SELECT CASE WHEN
                (SELECT COALESCE(SUM(microusd), 0) FROM spend_minutes) =
                (SELECT COALESCE(SUM(amount), 0) FROM entries WHERE kind IN ('charge', 'loss'))
             THEN 0 ELSE 1 END AS n",
        )
        .await
    }

    /// Units that ended up used, of everybody, by the records of the ledger.
    pub async fn recorded(&self, column: &str) -> i64 {
        self.number(&format!(
            "SELECT COALESCE(SUM({column}), 0) AS n FROM entries WHERE kind = 'charge'"
        ))
        .await
    }
}
