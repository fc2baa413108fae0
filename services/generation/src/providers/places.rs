//! Addresses that answers name: a forged one must not lead the key, or us, elsewhere.

use std::time::Duration;

use bytes::Bytes;
use egress::{Client, Policy, Target};
use reqwest::RequestBuilder;
use url::{Host, Url};

use super::config::Account;
use super::http::{Http, HttpError, again, is_cut_short};
use crate::domain::provider::{ErrorClass, ProviderError};

const DOWNLOAD_WAIT: Duration = Duration::from_secs(60);

/// The places one provider's answers may name.
pub struct Places {
    base: Url,
    result_hosts: Vec<String>,
    timeout: Duration,
    client: Client,
}

impl Places {
    /// Trusts an account's base URL, and its result hosts with their subdomains for pictures; each
    /// as far as the policy lets it.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(account: &Account, policy: &Policy) -> Result<Self, HttpError> {
        let own = account.base_url.host();
        let policy = (own.iter()).fold(policy.clone(), Policy::and_host);
        Ok(Self {
            base: account.base_url.clone(),
            result_hosts: account.result_hosts.clone(),
            timeout: account.timeout,
            client: Client::new(policy)?,
        })
    }

    /// The address, when the key may be sent there: under the base URL or the provider's own domain.
    pub fn may_ask(&self, text: &str, home: &str) -> Option<Target> {
        self.allowed(text, &[home.to_owned()])
    }

    /// A GET of an address, without the key.
    pub fn get(&self, target: &Target) -> RequestBuilder {
        self.client.get(target)
    }

    /// Fetches a picture, without the key.
    ///
    /// # Errors
    /// `InvalidOutput` when it lies where nothing is fetched from, is too large or is empty;
    /// `Unavailable` when it does not come: a fresh one may lag and a signed address expire, and the
    /// provider's next answer names a new one.
    pub async fn fetch(&self, http: &Http, text: &str) -> Result<Bytes, ProviderError> {
        let invalid = |detail: &str| http.fault(ErrorClass::InvalidOutput, detail);
        let Some(target) = self.allowed(text, &self.result_hosts) else {
            return Err(invalid("the picture lies on a host that is not allowed"));
        };
        let within = DOWNLOAD_WAIT.min(self.timeout);
        let answer = http.ask(self.get(&target), within).await;
        let answer = answer.map_err(|error| match is_cut_short(&error) {
            true => again(error),
            false => error,
        })?;
        if !answer.status.is_success() {
            return Err(http.fault(ErrorClass::Unavailable, answer.words()));
        }
        match answer.body.is_empty() {
            true => Err(invalid("an empty picture")),
            false => Ok(answer.body),
        }
    }

    fn allowed(&self, text: &str, hosts: &[String]) -> Option<Target> {
        let url: Url = text.parse().ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let is_own = url.origin() == self.base.origin();
        let safe = url.scheme() == "https" && url.port_or_known_default() == Some(443);
        // Only names are compared: an address in numbers is never under a domain.
        let under = |host: &String| match url.host() {
            Some(Host::Domain(name)) => name
                .strip_suffix(host.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            _ => false,
        };
        let may = is_own || (safe && hosts.iter().any(under));
        may.then_some(url)
            .and_then(|url| self.client.check(url).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::routing::Limits;
    use crate::providers::money::Tariffs;

    fn places(base: &str, hosts: &[&str]) -> Places {
        let account = Account {
            name: "flux",
            key: None,
            base_url: base.parse().unwrap(),
            models: Vec::new(),
            tariffs: Tariffs::default(),
            result_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            timeout: DOWNLOAD_WAIT,
            limits: Limits::default(),
            is_configured: true,
        };
        Places::new(&account, &Policy::default()).unwrap()
    }

    impl Places {
        fn may_fetch(&self, text: &str) -> bool {
            self.allowed(text, &self.result_hosts).is_some()
        }
    }

    #[test]
    fn only_trusted_places_are_allowed() {
        let places = places("https://api.bfl.ai", &["bfl.ai"]);
        for (text, want) in [
            ("https://api.bfl.ai/v1/get_result?id=1", true),
            ("https://api.eu2.bfl.ai/v1/get_result?id=1", true),
            ("https://bfl.ai/x", true),
            ("http://api.eu2.bfl.ai/x", false),
            ("https://api.eu2.bfl.ai:8443/x", false),
            ("https://notbfl.ai/x", false),
            ("https://bfl.ai.example.org/x", false),
            ("https://user@bfl.ai/x", false),
            ("https://example.org/?bfl.ai", false),
            ("https://169.254.169.254/latest", false),
            ("https://[::1]/x", false),
            ("file:///etc/passwd", false),
            ("//bfl.ai/x", false),
            ("", false),
        ] {
            assert_eq!(places.may_ask(text, "bfl.ai").is_some(), want, "{text}");
            assert_eq!(places.may_fetch(text), want, "{text}");
        }
    }

    #[test]
    fn an_own_base_is_trusted_as_it_stands() {
        let places = places("http://127.0.0.1:9000", &[]);
        assert!(places.may_ask("http://127.0.0.1:9000/poll", "x").is_some());
        assert!(places.may_ask("http://127.0.0.1:9001/poll", "x").is_none());
        assert!(!places.may_fetch("https://bfl.ai/x"));
    }
}
