//! API keys, wire to domain, every wrong field at once, and domain to wire.

use contracts::auth::v1 as wire;
use errors::{Fault, Violations};
use types::{ApiKeyId, PageRequest, Timestamp};

use super::convert;
use crate::domain::{ApiKey, DisplayName, Exchanged, NewApiKey, Scopes};

const NAMED: &str = "must have 1 to 100 characters";

/// Reads what a key is to be.
pub fn new_key(request: wire::CreateApiKeyRequest) -> Result<NewApiKey, Fault> {
    let mut wrong = Violations::new();
    let name = wrong.read("displayName", DisplayName::parse(&request.display_name));
    if name.as_ref().is_some_and(|name| name.as_str().is_empty()) {
        wrong.add("displayName", NAMED);
    }
    let scopes = Scopes::parse(request.scopes, contracts::scopes().iter());
    let scopes = wrong.read("scopes", scopes);
    let expires_at = request.expires_at.map(|moment| moment_of(&moment));
    wrong.check(
        expires_at != Some(None),
        "expiresAt",
        "must be a moment like 2026-01-31T00:00:00Z",
    );
    match (name, scopes) {
        (Some(display_name), Some(scopes)) if wrong.is_empty() => Ok(NewApiKey {
            display_name,
            scopes,
            expires_at: expires_at.flatten(),
        }),
        _ => Err(wrong.into_fault()),
    }
}

/// Reads which page is asked for.
pub fn page(request: &wire::ListApiKeysRequest) -> Result<PageRequest, Fault> {
    PageRequest::parse(request.page_size, &request.page_token)
        .map_err(|error| Fault::field(error.field(), error.to_string()))
}

/// Reads which key is meant.
pub fn key_id(request: &wire::RevokeApiKeyRequest) -> Result<ApiKeyId, Fault> {
    let id = request.id.parse();
    id.map_err(|error: types::InvalidId| Fault::field("id", error.to_string()))
}

/// Reads a key as a client sent it. What cannot be one is none anybody has.
pub fn presented(request: &wire::ExchangeApiKeyRequest) -> Result<identity::ApiKey, Fault> {
    identity::ApiKey::parse(&request.key).ok_or_else(|| Fault::not_found("API key"))
}

impl From<ApiKey> for wire::ApiKey {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            display_name: key.display_name.as_str().to_owned(),
            prefix: key.prefix,
            scopes: key.scopes,
            created_at: Some(key.created_at.into()),
            last_used_at: key.last_used_at.map(Into::into),
            expires_at: key.expires_at.map(Into::into),
            revoked_at: key.revoked_at.map(Into::into),
        }
    }
}

impl From<Exchanged> for wire::ExchangeApiKeyResponse {
    fn from(exchanged: Exchanged) -> Self {
        Self {
            expires_in: convert::seconds(exchanged.expires_in),
            access_token: exchanged.access,
        }
    }
}

fn moment_of(moment: &prost_types::Timestamp) -> Option<Timestamp> {
    let nanos = u32::try_from(moment.nanos).ok()?;
    let micros = moment.seconds.checked_mul(1_000_000)?;
    let micros = micros.checked_add(i64::from(nanos / 1_000))?;
    (nanos < 1_000_000_000).then_some(Timestamp(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<T: std::fmt::Debug>(read: Result<T, Fault>) -> Vec<String> {
        let violations = read.unwrap_err().violations.into_iter();
        violations.map(|one| one.field).collect()
    }

    #[test]
    fn every_wrong_field_of_a_key_is_named_at_once() {
        assert_eq!(
            fields(new_key(wire::CreateApiKeyRequest::default())),
            ["displayName", "scopes"]
        );
        let request = wire::CreateApiKeyRequest {
            display_name: "x".repeat(101),
            scopes: vec!["files:own".to_owned()],
            expires_at: Some(prost_types::Timestamp {
                seconds: i64::MAX,
                nanos: 0,
            }),
        };
        assert_eq!(
            fields(new_key(request)),
            ["displayName", "scopes", "expiresAt"]
        );
    }

    #[test]
    fn the_contracts_say_which_scopes_there_are() {
        let all: Vec<&str> = contracts::scopes().iter().map(String::as_str).collect();
        let request = wire::CreateApiKeyRequest {
            display_name: "all".to_owned(),
            scopes: all.iter().rev().map(|one| (*one).to_owned()).collect(),
            expires_at: None,
        };
        assert_eq!(new_key(request).unwrap().scopes.into_inner(), all);
        // The contract lists them for people.
        let message = contracts::pool()
            .get_message_by_name("bottega.auth.v1.CreateApiKeyRequest")
            .unwrap();
        let file = message.parent_file().file_descriptor_proto().clone();
        let info = file.source_code_info.unwrap_or_default();
        let comments: String = (info.location.iter())
            .map(|one| one.leading_comments())
            .collect();
        for scope in all {
            assert!(comments.contains(&format!("\"{scope}\"")), "{scope}");
        }
    }

    #[test]
    fn ids_pages_and_keys_are_checked() {
        let id = wire::RevokeApiKeyRequest {
            id: "mine".to_owned(),
        };
        assert_eq!(fields(key_id(&id)), ["id"]);
        let request = wire::ListApiKeysRequest {
            page_size: 101,
            page_token: String::new(),
        };
        assert_eq!(fields(page(&request)), ["pageSize"]);
        let request = wire::ExchangeApiKeyRequest {
            key: "btg_".to_owned(),
        };
        assert_eq!(
            presented(&request).unwrap_err().reason,
            errors::Reason::NotFound
        );
    }
}
