//! Wire to domain, every wrong field at once, and domain to wire.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::auth::v1::{self as wire, user};
use errors::{Fault, Violations};
use identity::PublicKey;
use secrecy::SecretString;

use crate::domain::{
    DisplayName, Email, NewPassword, Password, RefreshToken, Registration, Role, ServiceName,
    Tokens, User,
};

/// Reads what a new account is made of.
pub fn registration(request: wire::RegisterRequest) -> Result<Registration, Fault> {
    let mut wrong = Violations::new();
    let email = wrong.read("email", Email::parse(&request.email));
    let password = wrong.read("password", NewPassword::parse(request.password));
    let display_name = wrong.read("displayName", DisplayName::parse(&request.display_name));
    match (email, password, display_name) {
        (Some(email), Some(password), Some(display_name)) => Ok(Registration {
            email,
            password,
            display_name,
        }),
        _ => Err(wrong.into_fault()),
    }
}

/// Reads who signs in.
pub fn credentials(request: wire::LoginRequest) -> Result<(Email, Password), Fault> {
    let mut wrong = Violations::new();
    let email = wrong.read("email", Email::parse(&request.email));
    let password = wrong.read("password", Password::parse(request.password));
    email.zip(password).ok_or_else(|| wrong.into_fault())
}

/// Reads the refresh token to trade.
pub fn refresh_token(request: &wire::RefreshTokensRequest) -> Result<RefreshToken, Fault> {
    if request.refresh_token.is_empty() {
        return Err(Fault::field("refreshToken", "must be set"));
    }
    Ok(RefreshToken::parse(&request.refresh_token)?)
}

/// Reads the caller's new name, which may be empty but not left out.
pub fn new_name(request: &wire::UpdateCurrentUserRequest) -> Result<DisplayName, Fault> {
    let Some(name) = &request.display_name else {
        return Err(Fault::field("displayName", "must be set"));
    };
    DisplayName::parse(name).map_err(|error| Fault::field("displayName", error.to_string()))
}

/// Reads which service asks, and its proof.
pub fn service(
    request: wire::IssueServiceTokenRequest,
) -> Result<(ServiceName, SecretString), Fault> {
    let mut wrong = Violations::new();
    let name = wrong.read("service", ServiceName::parse(&request.service));
    wrong.check(!request.secret.is_empty(), "secret", "must be set");
    match name {
        Some(name) if wrong.is_empty() => Ok((name, SecretString::from(request.secret))),
        _ => Err(wrong.into_fault()),
    }
}

impl From<User> for wire::User {
    fn from(user: User) -> Self {
        let tier = match user.plan.as_str() {
            "free" => user::Tier::Free,
            "basic" => user::Tier::Basic,
            "pro" => user::Tier::Pro,
            _ => user::Tier::Unspecified,
        };
        let role = match user.role {
            Role::User => user::Role::User,
            Role::Admin => user::Role::Admin,
        };
        Self {
            id: user.id.to_string(),
            email: user.email,
            display_name: user.display_name.as_str().to_owned(),
            tier: tier.into(),
            role: role.into(),
            created_at: Some(user.created_at.into()),
            plan: user.plan.as_str().to_owned(),
        }
    }
}

impl From<Tokens> for wire::Tokens {
    fn from(tokens: Tokens) -> Self {
        Self {
            refresh_token: tokens.refresh.reveal(),
            access_token: tokens.access,
            expires_in: seconds(tokens.expires_in),
            token_type: "Bearer".to_owned(),
        }
    }
}

/// Whole seconds, as `expiresIn` counts them.
pub fn seconds(span: Duration) -> i32 {
    i32::try_from(span.as_secs()).unwrap_or(i32::MAX)
}

/// A public key as RFC 8037 writes it.
pub fn jwk(key: &PublicKey) -> wire::Jwk {
    wire::Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: URL_SAFE_NO_PAD.encode(key.x),
        kid: key.kid.clone(),
        r#use: "sig".to_owned(),
        alg: "EdDSA".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fault: Fault) -> Vec<String> {
        let fields = fault.violations.into_iter().map(|one| one.field);
        fields.collect()
    }

    #[test]
    fn a_registration_names_every_wrong_field_at_once() {
        let request = wire::RegisterRequest {
            email: "nobody".to_owned(),
            password: "short".to_owned(),
            display_name: "x".repeat(101),
        };
        let fault = registration(request).unwrap_err();
        assert_eq!(fields(fault), ["email", "password", "displayName"]);
    }

    #[test]
    fn so_do_a_sign_in_and_a_service() {
        let fault = credentials(wire::LoginRequest::default()).unwrap_err();
        assert_eq!(fields(fault), ["email", "password"]);
        let fault = service(wire::IssueServiceTokenRequest::default()).unwrap_err();
        assert_eq!(fields(fault), ["service", "secret"]);
        let fault = refresh_token(&wire::RefreshTokensRequest::default()).unwrap_err();
        assert_eq!(fields(fault), ["refreshToken"]);
    }

    #[test]
    fn a_new_name_is_there_and_fit_though_it_may_be_empty() {
        let read = |name: Option<&str>| {
            new_name(&wire::UpdateCurrentUserRequest {
                display_name: name.map(str::to_owned),
            })
        };
        assert_eq!(read(Some(" Ada ")).unwrap().as_str(), "Ada");
        assert_eq!(read(Some("")).unwrap(), DisplayName::default());
        for wrong in [None, Some("A\0da"), Some(&*"x".repeat(101))] {
            assert_eq!(fields(read(wrong).unwrap_err()), ["displayName"]);
        }
    }

    #[test]
    fn an_empty_secret_of_a_known_service_is_named_too() {
        let request = wire::IssueServiceTokenRequest {
            service: "file".to_owned(),
            secret: String::new(),
        };
        assert_eq!(fields(service(request).unwrap_err()), ["secret"]);
    }
}
