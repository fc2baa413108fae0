//! What operators ask, wire to domain, every wrong field at once, and what they are told.

use contracts::auth::v1 as wire;
use errors::{Fault, Violations};
use types::{PageRequest, UserId};

use crate::domain::{AuditEvent, Email, PlanName};

/// Reads which user is meant.
pub fn user_id(text: &str) -> Result<UserId, Fault> {
    let mut wrong = Violations::new();
    let id = read_id(&mut wrong, text);
    id.ok_or_else(|| wrong.into_fault())
}

/// Reads which users are asked for.
pub fn list(request: &wire::ListUsersRequest) -> Result<(Option<Email>, PageRequest), Fault> {
    let mut wrong = Violations::new();
    let email = match request.email.as_str() {
        "" => None,
        text => wrong.read("email", Email::parse(text)),
    };
    let page = read_page(&mut wrong, request.page_size, &request.page_token);
    match page {
        Some(page) if wrong.is_empty() => Ok((email, page)),
        _ => Err(wrong.into_fault()),
    }
}

/// Reads who is to be moved, and to which plan, which may not be left out.
pub fn update(request: &wire::UpdateUserRequest) -> Result<(UserId, PlanName), Fault> {
    let mut wrong = Violations::new();
    let id = read_id(&mut wrong, &request.id);
    let plan = match &request.plan {
        Some(text) => wrong.read("plan", PlanName::parse(text)),
        None => {
            wrong.add("plan", "must be set");
            None
        }
    };
    id.zip(plan).ok_or_else(|| wrong.into_fault())
}

/// Reads whose record is asked for.
pub fn audit(request: &wire::ListUserAuditEventsRequest) -> Result<(UserId, PageRequest), Fault> {
    let mut wrong = Violations::new();
    let id = read_id(&mut wrong, &request.id);
    let page = read_page(&mut wrong, request.page_size, &request.page_token);
    id.zip(page).ok_or_else(|| wrong.into_fault())
}

impl From<AuditEvent> for wire::AuditEvent {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id.to_string(),
            action: event.action,
            target: event.target,
            before: event.before,
            after: event.after,
            actor: event.actor,
            created_at: Some(event.created_at.into()),
        }
    }
}

fn read_id(wrong: &mut Violations, text: &str) -> Option<UserId> {
    wrong.read("id", text.parse())
}

fn read_page(wrong: &mut Violations, size: i32, token: &str) -> Option<PageRequest> {
    PageRequest::parse(size, token)
        .map_err(|error| wrong.add(error.field(), error.to_string()))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fault: Fault) -> Vec<String> {
        let fields = fault.violations.into_iter().map(|one| one.field);
        fields.collect()
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        assert_eq!(fields(user_id("me").unwrap_err()), ["id"]);
        let fault = update(&wire::UpdateUserRequest::default()).unwrap_err();
        assert_eq!(fields(fault), ["id", "plan"]);
        let fault = update(&wire::UpdateUserRequest {
            id: "me".to_owned(),
            plan: Some("Pro Plus".to_owned()),
        });
        assert_eq!(fields(fault.unwrap_err()), ["id", "plan"]);
        let fault = list(&wire::ListUsersRequest {
            email: "nobody".to_owned(),
            page_size: 101,
            page_token: String::new(),
        });
        assert_eq!(fields(fault.unwrap_err()), ["email", "pageSize"]);
        let fault = audit(&wire::ListUserAuditEventsRequest {
            id: String::new(),
            page_size: 0,
            page_token: "what".to_owned(),
        });
        assert_eq!(fields(fault.unwrap_err()), ["id", "pageToken"]);
    }

    #[test]
    fn an_address_is_asked_for_in_its_one_spelling() {
        let (email, page) = list(&wire::ListUsersRequest {
            email: " Ada@Example.com".to_owned(),
            ..wire::ListUsersRequest::default()
        })
        .unwrap();
        assert_eq!(email.unwrap().as_str(), "ada@example.com");
        assert_eq!(page.size, 20);
        assert_eq!(list(&wire::ListUsersRequest::default()).unwrap().0, None);
    }
}
