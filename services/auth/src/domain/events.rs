//! What the operator's security log hears of: one line and one count per event, never an address
//! or a secret.

use types::{ApiKeyId, SessionId, UserId};

/// An account was made.
pub fn registered(user: UserId) {
    metrics::counter!("auth_registrations_total").increment(1);
    tracing::info!(user.id = %user, "account registered");
}

/// Somebody signed in.
pub fn signed_in(user: UserId) {
    count_login("success");
    tracing::info!(user.id = %user, "signed in");
}

/// A wrong password, or an unknown address.
pub fn refused_credentials(user: Option<UserId>) {
    count_login("refused");
    match user {
        Some(user) => tracing::info!(user.id = %user, "sign-in refused: wrong password"),
        None => tracing::info!("sign-in refused: unknown address"),
    }
}

/// An attempt that came before its wait was over.
pub fn throttled() {
    count_login("throttled");
    tracing::warn!("sign-in refused: too many wrong passwords for one address");
}

/// A used refresh token came again, and its session ended.
pub fn token_reused(user: UserId, session: SessionId) {
    count_refresh("reused");
    tracing::warn!(user.id = %user, session.id = %session, "session ended: refresh token used twice");
}

/// A refresh token was traded, traded again within its grace, or refused.
pub fn refreshed(outcome: &'static str) {
    count_refresh(outcome);
}

/// An operator moved a user to another plan.
pub fn plan_changed(actor: UserId, user: UserId, plan: &str) {
    metrics::counter!("auth_plan_changes_total").increment(1);
    tracing::info!(actor.id = %actor, user.id = %user, plan, "user moved to another plan");
}

/// A user made an API key.
pub fn key_made(owner: UserId, key: ApiKeyId) {
    tracing::info!(user.id = %owner, api_key.id = %key, "API key made");
}

/// A user ended an API key.
pub fn key_revoked(owner: UserId, key: ApiKeyId) {
    tracing::info!(user.id = %owner, api_key.id = %key, "API key revoked");
}

/// A token was asked for an API key.
pub fn exchanged(outcome: &'static str) {
    metrics::counter!("auth_api_key_exchanges_total", "outcome" => outcome).increment(1);
}

/// A caller that knows no secret asked for a service's token.
pub fn refused_service(service: &'static str) {
    metrics::counter!("auth_service_tokens_total", "outcome" => "refused").increment(1);
    tracing::warn!(service, "service token refused: wrong secret");
}

fn count_login(outcome: &'static str) {
    metrics::counter!("auth_logins_total", "outcome" => outcome).increment(1);
}

fn count_refresh(outcome: &'static str) {
    metrics::counter!("auth_refreshes_total", "outcome" => outcome).increment(1);
}
