//! What an access token says (RFC 7519, RFC 9068): the suite's own claims and nothing else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::{ApiKeyId, SessionId, Timestamp, UserId};

use crate::{Caller, Grant, Role};

/// Who issues tokens.
pub(crate) const ISSUER: &str = "bottega";
/// Whom they are for.
pub(crate) const AUDIENCE: &str = "bottega";
// Two clocks of one suite may differ by this much; never used to lengthen a token's life.
const SKEW_SECONDS: i64 = 60;

/// The claims of an access token. A claim that stands twice is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: `bottega`.
    pub iss: String,
    /// Whom it is for: `bottega`.
    pub aud: String,
    /// A user's id, or a service's name.
    pub sub: String,
    /// `user`, `admin` or `service`.
    pub role: String,
    /// The user's plan; empty for services.
    pub tier: String,
    /// The sign-in it came from; none for services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// The API key it stands for; none for those who signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<ApiKeyId>,
    /// What that API key may do, with spaces between (RFC 9068); none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when on it counts, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
}

impl Claims {
    pub(crate) fn of(caller: &Caller, now: Timestamp) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: caller.subject.clone(),
            role: caller.role.as_str().to_owned(),
            tier: caller.tier.clone(),
            sid: caller.session,
            api_key_id: caller.grant.as_ref().map(|grant| grant.key),
            scope: caller.grant.as_ref().map(|grant| grant.scopes.join(" ")),
            iat: seconds(now),
            nbf: None,
            exp: seconds(caller.expires_at),
        }
    }

    /// The caller these claims speak of, or what is wrong with them, for the log.
    pub(crate) fn caller(self, now: Timestamp) -> Result<Caller, &'static str> {
        let now = seconds(now);
        if self.iss != ISSUER {
            return Err("issuer");
        }
        if self.aud != AUDIENCE {
            return Err("audience");
        }
        if self.exp <= now {
            return Err("expired");
        }
        let earliest = self.nbf.unwrap_or(self.iat).max(self.iat);
        if earliest > now.saturating_add(SKEW_SECONDS) {
            return Err("not valid yet");
        }
        let role: Role = self.role.parse().map_err(|()| "role")?;
        let owner = match role {
            Role::Service => None,
            Role::User | Role::Admin => Some(self.sub.parse::<UserId>().map_err(|_| "subject")?),
        };
        // Half a grant must not pass for none, which may do everything.
        let grant = match (self.api_key_id, self.scope) {
            (None, None) => None,
            (Some(key), Some(scope)) => Some(Arc::new(Grant {
                key,
                scopes: scope.split_whitespace().map(str::to_owned).collect(),
            })),
            _ => return Err("scope"),
        };
        Ok(Caller {
            role,
            subject: self.sub,
            owner,
            tier: self.tier,
            session: self.sid,
            grant,
            expires_at: Timestamp(self.exp.saturating_mul(1_000_000)),
        })
    }
}

fn seconds(moment: Timestamp) -> i64 {
    moment.micros().div_euclid(1_000_000)
}
