//! Tokens as the suite makes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use identity::{Caller, FixedKeys, Grant, Role, SigningKey, Verifier};
use types::{ApiKeyId, Clock, SystemClock, Timestamp};

use crate::forger::{signing_key, user};

#[derive(Default)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_caller_comes_back_as_it_went() {
    let key = signing_key();
    let verifier = Verifier::new(FixedKeys(vec![key.public()]));
    let mut caller = user(Duration::from_secs(300));
    // Tokens count in whole seconds.
    caller.expires_at = Timestamp(caller.expires_at.micros() / 1_000_000 * 1_000_000);
    let token = key.sign(&caller, SystemClock.now()).unwrap();
    assert_eq!(verifier.verify(&token).await.unwrap(), caller);
    assert_eq!(
        verifier.verify(&token).await.unwrap(),
        caller,
        "from the cache"
    );
}

#[tokio::test]
async fn a_service_has_no_owner_of_its_own() {
    let key = signing_key();
    let verifier = Verifier::new(FixedKeys(vec![key.public()]));
    let service = Caller {
        role: Role::Service,
        subject: "gateway".to_owned(),
        owner: None,
        tier: String::new(),
        session: None,
        grant: None,
        expires_at: SystemClock.now().plus(Duration::from_secs(60)),
    };
    let token = key.sign(&service, SystemClock.now()).unwrap();
    let caller = verifier.verify(&token).await.unwrap();
    assert!(caller.is_service() && caller.owner.is_none());
    assert!(caller.owner().is_err());
}

#[tokio::test]
async fn a_token_of_an_api_key_says_which_and_what_it_may() {
    let key = signing_key();
    let verifier = Verifier::new(FixedKeys(vec![key.public()]));
    for scopes in [
        vec![],
        vec!["files:read".to_owned(), "usage:read".to_owned()],
    ] {
        let mut caller = user(Duration::from_secs(300));
        caller.grant = Some(Arc::new(Grant {
            key: ApiKeyId(uuid::Uuid::now_v7()),
            scopes,
        }));
        let token = key.sign(&caller, SystemClock.now()).unwrap();
        let found = verifier.verify(&token).await.unwrap();
        assert_eq!(found.grant, caller.grant);
        assert!(found.check_scope("generations:write").is_err());
    }
}

#[tokio::test]
async fn a_cached_token_still_expires() {
    let clock = Arc::new(HandClock::default());
    let key = signing_key();
    let verifier = Verifier::with_clock(FixedKeys(vec![key.public()]), clock.clone());
    let mut caller = user(Duration::ZERO);
    caller.expires_at = Timestamp(10_000_000);
    let token = key.sign(&caller, Timestamp(0)).unwrap();
    assert!(verifier.verify(&token).await.is_ok());
    clock.0.store(9_999_999, Ordering::SeqCst);
    assert!(verifier.verify(&token).await.is_ok());
    clock.0.store(10_000_000, Ordering::SeqCst);
    assert!(verifier.verify(&token).await.is_err());
    assert!(verifier.verify(&token).await.is_err());
}

#[test]
fn a_key_is_read_back_from_what_was_stored() {
    let (key, document) = SigningKey::generate();
    let again = SigningKey::from_pkcs8(key.kid(), &document).unwrap();
    assert_eq!(again.public(), key.public());
    assert!(SigningKey::from_pkcs8("../key", &document).is_err());
    assert!(SigningKey::from_pkcs8("key", &document[1..]).is_err());
    assert!(!format!("{key:?}").contains("seed"));
}
