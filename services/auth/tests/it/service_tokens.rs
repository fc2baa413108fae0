//! Tokens for the suite's own services.

use contracts::auth::v1::{IssueServiceTokenRequest, IssueServiceTokenResponse};
use errors::Reason;
use testkit::TestDb;
use tonic::Status;

use crate::support::{Auth, SECRET, claims_of, reason_of};

async fn issue(
    auth: &Auth,
    service: &str,
    secret: &str,
) -> Result<IssueServiceTokenResponse, Status> {
    let request = IssueServiceTokenRequest {
        service: service.to_owned(),
        secret: secret.to_owned(),
    };
    Ok(auth
        .client()
        .issue_service_token(request)
        .await?
        .into_inner())
}

#[tokio::test]
async fn each_service_gets_its_own_for_the_secret() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    for service in ["gateway", "auth", "file", "generation", "usage"] {
        let answer = issue(&auth, service, SECRET).await.unwrap();
        let claims = claims_of(&answer.access_token);
        assert_eq!(
            (&claims["sub"], &claims["role"]),
            (&service.into(), &"service".into())
        );
        assert!(claims.get("sid").is_none());
        let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!((lifetime, answer.expires_in), (3_600, 3_600));
    }
    auth.stop().await;
}

#[tokio::test]
async fn nothing_is_given_for_less_than_the_whole_secret() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let longer = format!("{SECRET} ");
    for secret in [&SECRET[1..], &SECRET[..SECRET.len() - 1], &longer, "x"] {
        let answer = issue(&auth, "file", secret).await;
        assert_eq!(reason_of(answer), Reason::InvalidCredentials);
    }
    assert_eq!(
        reason_of(issue(&auth, "file", "").await),
        Reason::InvalidField
    );
    assert_eq!(
        reason_of(issue(&auth, "admin", SECRET).await),
        Reason::InvalidField
    );
    auth.stop().await;
}

#[tokio::test]
async fn a_service_is_no_user() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let token = issue(&auth, "file", SECRET).await.unwrap().access_token;
    assert_eq!(reason_of(auth.me(&token).await), Reason::PermissionDenied);
    auth.stop().await;
}
