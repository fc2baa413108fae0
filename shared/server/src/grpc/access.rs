//! Lets in who may call, as the rpc's policy says, and tells the handler who it is.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use errors::{Fault, Reason};
use http::{HeaderMap, header};
use identity::{Caller, OWNER_METADATA, Role, TIER_METADATA};
use tonic::Status;

use super::Shared;
use super::reply::{call_of, no_context, refuse};
use super::rules::{Access, Rule};

const MAX_TIER: usize = 64;

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some((rule, _)) = call_of(&request) else {
        return no_context();
    };
    match rule.access {
        Access::Unknown => return Status::unimplemented("there is no such rpc here").into_http(),
        Access::Probe => return next.run(request).await,
        _ => {}
    }
    let caller = match caller_of(&shared, request.headers()).await {
        Ok(caller) => Some(caller),
        // Where anybody may call, a token that is missing or bad is no reason to refuse.
        Err(_) if rule.access == Access::Public => None,
        Err(fault) => return refuse(fault),
    };
    if let Err(fault) = admit(&rule, caller.as_ref()) {
        return refuse(fault);
    }
    // Read once, here: what is left must not be mistaken for the truth by a handler.
    request.headers_mut().remove(OWNER_METADATA);
    request.headers_mut().remove(TIER_METADATA);
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

async fn caller_of(shared: &Shared, headers: &HeaderMap) -> Result<Caller, Fault> {
    let token = bearer(headers).ok_or_else(|| {
        Fault::new(
            Reason::Unauthenticated,
            "an access token is needed: send 'authorization: Bearer <accessToken>'",
        )
    })?;
    let mut caller = shared.verifier.verify(token).await?;
    if caller.is_service() {
        act_for(&mut caller, headers)?;
    }
    Ok(caller)
}

/// The token of the one `authorization` header; `None` when there is none or there are several.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// A service names the user it acts for, and that user's plan.
fn act_for(caller: &mut Caller, headers: &HeaderMap) -> Result<(), Fault> {
    if let Some(owner) = headers.get(OWNER_METADATA) {
        let owner = owner.to_str().ok().and_then(|text| text.parse().ok());
        caller.owner = Some(owner.ok_or_else(|| malformed(OWNER_METADATA, "a UUID"))?);
    }
    if let Some(tier) = headers.get(TIER_METADATA) {
        let tier = tier.to_str().ok().filter(|text| text.len() <= MAX_TIER);
        let tier = tier.ok_or_else(|| malformed(TIER_METADATA, "the name of a plan"))?;
        tier.clone_into(&mut caller.tier);
    }
    Ok(())
}

fn malformed(name: &str, right: &str) -> Fault {
    Fault::new(Reason::InvalidRequest, format!("'{name}' must be {right}"))
}

fn admit(rule: &Rule, caller: Option<&Caller>) -> Result<(), Fault> {
    let refused = |sentence: &str| Err(Fault::new(Reason::PermissionDenied, sentence));
    match (rule.access, caller) {
        (Access::User, Some(caller)) => {
            caller.owner()?;
            caller.check_scope(&rule.scope)
        }
        (Access::Admin, Some(caller)) if caller.role != Role::Admin => {
            refused("this is for administrators")
        }
        (Access::Admin, Some(caller)) => caller.check_scope(&rule.scope),
        (Access::Service, Some(caller)) if !caller.is_service() => {
            refused("this is for the services of the suite")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use identity::Grant;
    use types::{ApiKeyId, Timestamp, UserId};
    use uuid::Uuid;

    use super::*;

    fn rule(access: Access, scope: &str) -> Rule {
        Rule {
            rpc: "a.v1.B/C".to_owned(),
            access,
            scope: scope.to_owned(),
            endless: false,
            timeout: None,
        }
    }

    fn caller(role: Role, owner: bool) -> Caller {
        Caller {
            role,
            subject: "somebody".to_owned(),
            owner: owner.then(|| UserId(Uuid::now_v7())),
            tier: String::new(),
            session: None,
            grant: None,
            expires_at: Timestamp(0),
        }
    }

    #[test]
    fn who_may_call_what() {
        let callers = [
            caller(Role::User, true),
            caller(Role::Admin, true),
            caller(Role::Service, true),
            caller(Role::Service, false),
        ];
        for (access, admitted) in [
            (Access::Public, [true, true, true, true]),
            (Access::User, [true, true, true, false]),
            (Access::Admin, [false, true, false, false]),
            (Access::Service, [false, false, true, true]),
        ] {
            let found = callers
                .each_ref()
                .map(|one| admit(&rule(access, ""), Some(one)).is_ok());
            assert_eq!(found, admitted, "{access:?}");
        }
    }

    #[test]
    fn an_api_key_may_what_it_was_made_for() {
        let mut key = caller(Role::User, true);
        key.grant = Some(Arc::new(Grant {
            key: ApiKeyId(Uuid::now_v7()),
            scopes: vec!["files:read".to_owned()],
        }));
        let mut found = |role, access, scope| {
            key.role = role;
            admit(&rule(access, scope), Some(&key)).is_ok()
        };
        assert!(found(Role::User, Access::User, "files:read"));
        assert!(found(Role::User, Access::Public, ""));
        for scope in ["files:write", "files", "files:reader", ""] {
            assert!(!found(Role::User, Access::User, scope), "{scope}");
        }
        // Nobody signs such a token.
        assert!(!found(Role::Admin, Access::Admin, ""));
    }

    #[test]
    fn one_bearer_token_and_nothing_else() {
        let found = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            bearer(&headers).map(ToOwned::to_owned)
        };
        assert_eq!(found(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(found(&["bearer  abc "]).as_deref(), Some("abc"));
        for values in [
            &[] as &[&str],
            &["Bearer"],
            &["Bearer "],
            &["Basic abc"],
            &["Bearer a", "Bearer a"],
        ] {
            assert_eq!(found(values), None, "{values:?}");
        }
    }
}
