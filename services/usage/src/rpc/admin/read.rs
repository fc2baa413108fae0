//! What the requests of operators have in common: who asks, pages, ids, texts, scopes.

use contracts::usage::v1::Scope as WireScope;
use contracts::usage::v1::limit::Window as WireWindow;
use contracts::usage::v1::scope::Type;
use errors::{Fault, Violations};
use identity::caller_of;
use tonic::Request;
use types::{OperationId, PageRequest, UserId};
use uuid::Uuid;

use crate::domain::meter::Meter;
use crate::domain::plan::{self, MAX_LIMIT};
use crate::domain::scope::Scope;
use crate::domain::window::WindowKind;
use crate::rpc::convert;

const MAX_VALUE: usize = 128;

/// Who asks: a user's id, or the name of a service.
pub fn actor<T>(request: &Request<T>) -> Result<String, Fault> {
    Ok(caller_of(request)?.subject.clone())
}

/// Reads which page is asked for.
pub fn page(size: i32, token: &str, violations: &mut Violations) -> Option<PageRequest> {
    let page = PageRequest::parse(size, token);
    page.map_err(|wrong| violations.add(wrong.field(), wrong.to_string()))
        .ok()
}

/// Reads the id in the path.
pub fn id(text: &str) -> Result<Uuid, Fault> {
    let id = text.parse::<OperationId>();
    id.map(OperationId::uuid)
        .map_err(|wrong| Fault::field("id", wrong.to_string()))
}

/// Checks a text of so many characters, not of spaces alone.
pub fn check_text(
    text: &str,
    (least, most): (usize, usize),
    field: &str,
    violations: &mut Violations,
) {
    let has_control = text.chars().any(char::is_control);
    let is_blank = !text.is_empty() && text.trim().is_empty();
    let fine = (least..=most).contains(&text.chars().count()) && !has_control && !is_blank;
    let rule = "characters without control characters, not only spaces";
    let description = match least {
        0 => format!("must be at most {most} {rule}"),
        _ => format!("must be {least} to {most} {rule}"),
    };
    violations.check(fine, field, description);
}

/// Checks a limit.
pub fn check_limit(limit: i64, field: &str, violations: &mut Violations) {
    let fine = (0..=MAX_LIMIT).contains(&limit);
    violations.check(fine, field, format!("must be 0 to {MAX_LIMIT}"));
}

/// Reads a meter that a limit can be set on.
pub fn counted_meter(wire: i32, field: &str, violations: &mut Violations) -> Option<Meter> {
    let counted = Meter::ALL.into_iter().filter(|meter| meter.is_counted());
    let counted: Vec<&str> = counted.map(Meter::as_str).collect();
    let counted = counted.join(" or ");
    match convert::meter(wire) {
        Some(meter) if meter.is_counted() => Some(meter),
        Some(meter) => {
            let problem = format!(
                "must be {counted}: nothing counts {} yet, so a limit would do nothing",
                meter.as_str()
            );
            violations.add(field, problem);
            None
        }
        None => {
            violations.add(field, format!("must be a meter: {counted}"));
            None
        }
    }
}

/// Reads a window.
pub fn window(wire: i32, field: &str, violations: &mut Violations) -> Option<WindowKind> {
    let window = match WireWindow::try_from(wire) {
        Ok(WireWindow::Day) => Some(WindowKind::Day),
        Ok(WireWindow::Month) => Some(WindowKind::Month),
        Ok(WireWindow::Lifetime) => Some(WindowKind::Lifetime),
        Ok(WireWindow::Unspecified) | Err(_) => None,
    };
    violations.check(
        window.is_some(),
        field,
        "must be a window: DAY, MONTH or LIFETIME",
    );
    window
}

/// Reads whom a budget counts.
pub fn scope(wire: Option<WireScope>, violations: &mut Violations) -> Option<Scope> {
    let WireScope { r#type, value } = wire.unwrap_or_default();
    let field = "scope.value";
    let scope = match Type::try_from(r#type) {
        Ok(Type::Global) => {
            violations.check(value.is_empty(), field, "must be empty for GLOBAL");
            return Some(Scope::Global);
        }
        Ok(Type::User) => {
            let user = violations.read(field, value.parse::<UserId>());
            return user.map(Scope::User);
        }
        Ok(Type::Plan) => {
            let fine = plan::is_name(&value);
            violations.check(fine, field, "must be a plan's name");
            return Some(Scope::Plan(value));
        }
        Ok(Type::Kind) => {
            convert::check_kind(&value, field, violations);
            return Some(Scope::Kind(value));
        }
        Ok(Type::ApiKey) => Scope::ApiKey,
        Ok(Type::Project) => Scope::Project,
        Ok(Type::Provider) => Scope::Provider,
        Ok(Type::Unspecified) | Err(_) => {
            violations.add(
                "scope.type",
                "must be GLOBAL, USER, API_KEY, PROJECT, PLAN, PROVIDER or KIND",
            );
            return None;
        }
    };
    check_text(&value, (1, MAX_VALUE), field, violations);
    Some(scope(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(r#type: i32, value: &str) -> Vec<String> {
        let mut violations = Violations::new();
        let value = value.to_owned();
        scope(Some(WireScope { r#type, value }), &mut violations);
        let fault = violations.into_fault();
        let named = fault.violations.into_iter();
        named
            .map(|one| format!("{} {}", one.field, one.description))
            .collect()
    }

    #[test]
    fn scopes() {
        let id = "019a9f1e-7c1b-7d3a-8f55-0c1d2e3f4a5b";
        for (kind, value) in [
            (1, ""),
            (2, id),
            (3, "key"),
            (4, "project"),
            (5, "free"),
            (6, "gemini"),
            (7, "IMAGE"),
        ] {
            assert!(wrong(kind, value).is_empty(), "{kind} {value}");
        }
        for (kind, value, field) in [
            (0, "", "scope.type"),
            (8, "x", "scope.type"),
            (i32::MIN, "x", "scope.type"),
            (1, "x", "scope.value must be empty"),
            (2, "anna", "scope.value must be a UUID"),
            (3, "", "scope.value must be 1 to 128"),
            (4, "a\0b", "scope.value must be 1 to 128"),
            (5, "Free", "scope.value must be a plan's name"),
            (6, "", "scope.value"),
            (7, "MUSIC", "scope.value must be a kind: IMAGE"),
            (7, "KIND_UNSPECIFIED", "scope.value must be a kind: IMAGE"),
        ] {
            let named = wrong(kind, value);
            assert_eq!(named.len(), 1, "{named:?}");
            assert!(named[0].starts_with(field), "{named:?}");
        }
        let long = "x".repeat(129);
        assert_eq!(wrong(6, &long).len(), 1);
    }

    #[test]
    fn meters_nothing_counts_are_refused() {
        for (wire, text) in [
            (0, "must be a meter: GENERATIONS or MICROUSD"),
            (3, "nothing counts TOKENS yet"),
            (4, "nothing counts STORAGE_BYTES yet"),
            (5, "nothing counts REQUESTS yet"),
            (6, "must be a meter"),
        ] {
            let mut violations = Violations::new();
            assert_eq!(counted_meter(wire, "meter", &mut violations), None);
            let message = violations.into_fault().message;
            assert!(message.contains(text), "{message}");
        }
    }
}
