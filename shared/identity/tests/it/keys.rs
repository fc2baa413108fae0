//! Keys that are rotated, asked for, and away.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use errors::{Fault, Reason};
use identity::{KeySource, PublicKey, SigningKey, Verifier};
use types::{Clock, SystemClock};

use crate::forger::{signing_key, user};

/// A source that counts the questions and can be away.
#[derive(Clone, Default)]
struct Source {
    keys: Arc<Mutex<Vec<PublicKey>>>,
    asked: Arc<AtomicUsize>,
    away: Arc<AtomicBool>,
}

impl Source {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn publish(&self, key: &SigningKey) {
        self.keys.lock().unwrap().push(key.public());
    }
}

#[async_trait]
impl KeySource for Source {
    async fn keys(&self) -> Result<Vec<PublicKey>, Fault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        if self.away.load(Ordering::SeqCst) {
            return Err(Fault::unavailable("the auth service", "refused"));
        }
        Ok(self.keys.lock().unwrap().clone())
    }
}

fn token(key: &SigningKey) -> String {
    let caller = user(Duration::from_secs(300));
    key.sign(&caller, SystemClock.now()).unwrap()
}

#[tokio::test]
async fn many_first_tokens_ask_once() {
    let (source, key) = (Source::default(), signing_key());
    source.publish(&key);
    let verifier = Verifier::new(source.clone());
    let tokens: Vec<String> = (0..50).map(|_| token(&key)).collect();
    let results = verify_all(&verifier, &tokens).await;
    assert!(results.iter().all(|fine| *fine));
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn unknown_key_names_do_not_hammer_the_source() {
    let (source, key) = (Source::default(), signing_key());
    source.publish(&key);
    let verifier = Verifier::new(source.clone());
    assert!(verifier.verify(&token(&key)).await.is_ok());
    for _ in 0..50 {
        let fault = verifier.verify(&token(&signing_key())).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Unauthenticated);
    }
    assert_eq!(source.asked(), 1, "asked a moment before");
    assert!(verifier.verify(&token(&key)).await.is_ok());
}

#[tokio::test]
async fn without_any_key_nothing_can_be_said() {
    let (source, key) = (Source::default(), signing_key());
    source.away.store(true, Ordering::SeqCst);
    let verifier = Verifier::new(source.clone());
    for _ in 0..20 {
        let fault = verifier.verify(&token(&key)).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Unavailable);
    }
    assert_eq!(source.asked(), 1);
    // Auth comes up: the wait is short while there are no keys at all.
    source.away.store(false, Ordering::SeqCst);
    source.publish(&key);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(verifier.verify(&token(&key)).await.is_ok());
}

#[tokio::test]
async fn keys_at_hand_work_on_when_the_source_is_away() {
    let (source, key) = (Source::default(), signing_key());
    source.publish(&key);
    let verifier = Verifier::new(source.clone());
    assert!(verifier.verify(&token(&key)).await.is_ok());
    source.away.store(true, Ordering::SeqCst);
    assert!(verifier.verify(&token(&key)).await.is_ok());
    let fault = verifier.verify(&token(&signing_key())).await.unwrap_err();
    assert_eq!(
        fault.reason,
        Reason::Unauthenticated,
        "never open, never down"
    );
}

async fn verify_all(verifier: &Verifier, tokens: &[String]) -> Vec<bool> {
    let mut tasks = Vec::new();
    for token in tokens {
        let (verifier, token) = (verifier.clone(), token.clone());
        tasks.push(tokio::spawn(async move {
            verifier.verify(&token).await.is_ok()
        }));
    }
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}
