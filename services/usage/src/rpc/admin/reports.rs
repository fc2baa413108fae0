//! Sums of what was used.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::usage::v1::report_usage_response::Row;
use contracts::usage::v1::{ReportUsageRequest, ReportUsageResponse};
use errors::{Fault, Violations};
use tonic::Request;
use types::UserId;

use super::{UsageAdminRpc, read};
use crate::domain::reports::{Group, Question, Report, Sum, day_text, read_day};

pub(super) async fn report(
    rpc: &UsageAdminRpc,
    request: Request<ReportUsageRequest>,
) -> Result<ReportUsageResponse, Fault> {
    let question = question(request.get_ref(), rpc.reports.today())?;
    let report = rpc.reports.report(question).await?;
    Ok(answer(&report))
}

fn question(request: &ReportUsageRequest, today: i32) -> Result<Question, Fault> {
    let mut violations = Violations::new();
    let groups = violations.read("groupBy", Group::parse_all(&request.group_by));
    let mut day = |field: &str, text: &str, default: i32| {
        if text.is_empty() {
            return default;
        }
        let day = read_day(text);
        violations.check(day.is_some(), field, "must be a day, like 2026-11-20");
        day.unwrap_or(default)
    };
    let from = day("from", &request.from, today / 100 * 100 + 1);
    let until = day("until", &request.until, today);
    violations.check(from <= until, "until", "must not be before 'from'");
    let page = read::page(request.page_size, "", &mut violations);
    let groups = groups.unwrap_or_default();
    let after = match request.page_token.as_str() {
        "" => None,
        token => {
            let names = names_of(token, &groups);
            let is_ours = names.is_some() || groups.is_empty();
            violations.check(
                is_ours,
                "pageToken",
                "must be the nextPageToken of the page before",
            );
            names
        }
    };
    let (true, Some(page)) = (violations.is_empty(), page) else {
        return Err(violations.into_fault());
    };
    Ok(Question {
        groups,
        from,
        until,
        size: page.size,
        after,
    })
}

fn answer(report: &Report) -> ReportUsageResponse {
    let last = report.sums.last().filter(|_| report.has_more);
    let next_page_token = last.map(|sum| token_of(&report.groups, &sum.names));
    let rows = report.sums.iter().map(|sum| row(&report.groups, sum));
    ReportUsageResponse {
        rows: rows.collect(),
        next_page_token: next_page_token.unwrap_or_default(),
    }
}

fn row(groups: &[Group], sum: &Sum) -> Row {
    let mut row = Row {
        records: sum.records,
        generations: sum.units,
        tokens: sum.tokens,
        cost_microusd: sum.cost,
        charged_microusd: sum.charged,
        loss_microusd: sum.loss,
        ..Row::default()
    };
    for (group, name) in groups.iter().zip(&sum.names) {
        let name = name.clone();
        match group {
            Group::Day => row.day = name.parse().map(day_text).unwrap_or(name),
            Group::Provider => row.provider = name,
            Group::Model => row.model = name,
            Group::User => row.user = name,
            Group::Kind => row.kind = name,
            Group::Plan => row.plan = name,
            Group::Project => row.project = name,
        }
    }
    row
}

// The groups and the last row's names: the next page begins after them.
fn token_of(groups: &[Group], names: &[String]) -> String {
    let groups: Vec<&str> = groups.iter().map(|group| group.as_str()).collect();
    URL_SAFE_NO_PAD.encode(serde_json::json!([groups, names]).to_string())
}

fn names_of(token: &str, groups: &[Group]) -> Option<Vec<String>> {
    let text = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (asked, names): (Vec<String>, Vec<String>) = serde_json::from_slice(&text).ok()?;
    let is_same = asked.iter().eq(groups.iter().map(|group| group.as_str()));
    let is_name = |(group, name): (&Group, &String)| match group {
        Group::Day => name.parse::<i32>().is_ok(),
        Group::User => name.parse::<UserId>().is_ok(),
        _ => !name.contains('\0'),
    };
    let fits = names.len() == groups.len() && groups.iter().zip(&names).all(is_name);
    (is_same && fits).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(request: &ReportUsageRequest) -> Vec<String> {
        let fault = question(request, 20_261_120).unwrap_err();
        fault.violations.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn defaults_are_this_month_up_to_today() {
        let request = ReportUsageRequest {
            group_by: "day".to_owned(),
            ..ReportUsageRequest::default()
        };
        let question = question(&request, 20_261_120).unwrap();
        assert_eq!((question.from, question.until), (20_261_101, 20_261_120));
        assert_eq!(question.size, 20);
    }

    #[test]
    fn names_every_wrong_field() {
        assert_eq!(wrong(&ReportUsageRequest::default()), ["groupBy"]);
        let request = ReportUsageRequest {
            group_by: "day,colour".to_owned(),
            from: "yesterday".to_owned(),
            until: "2026-02-30".to_owned(),
            page_size: 101,
            page_token: String::new(),
        };
        assert_eq!(wrong(&request), ["groupBy", "from", "until", "pageSize"]);
        let request = ReportUsageRequest {
            group_by: "day".to_owned(),
            from: "2026-11-21".to_owned(),
            page_token: token_of(&[Group::User], &["x".to_owned()]),
            ..ReportUsageRequest::default()
        };
        assert_eq!(wrong(&request), ["until", "pageToken"]);
    }

    #[test]
    fn tokens_are_read_back() {
        let groups = [Group::Day, Group::Kind];
        let names = vec!["20261120".to_owned(), "a\"b,".to_owned()];
        assert_eq!(names_of(&token_of(&groups, &names), &groups), Some(names));
        assert_eq!(names_of("x", &groups), None);
        let made_up = token_of(&groups, &["soon".to_owned(), String::new()]);
        assert_eq!(names_of(&made_up, &groups), None);
    }
}
