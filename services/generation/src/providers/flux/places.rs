//! Where the key may be sent and pictures be fetched from: an answer names addresses, and a
//! forged one must not lead us elsewhere.

use url::{Host, Url};

/// The provider's own domain.
const HOME: &str = "bfl.ai";

/// The places that are trusted.
#[derive(Debug, Clone)]
pub struct Places {
    base: Url,
    result_hosts: Vec<String>,
}

impl Places {
    /// Trusts a base URL, and these hosts with their subdomains for pictures.
    pub fn new(base: Url, result_hosts: Vec<String>) -> Self {
        Self { base, result_hosts }
    }

    /// The URL, when the key may be sent there.
    pub fn may_poll(&self, text: &str) -> Option<Url> {
        self.allowed(text, &[HOME.to_owned()])
    }

    /// The URL, when a picture may be fetched there.
    pub fn may_fetch(&self, text: &str) -> Option<Url> {
        self.allowed(text, &self.result_hosts)
    }

    fn allowed(&self, text: &str, hosts: &[String]) -> Option<Url> {
        let url: Url = text.parse().ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        if url.origin() == self.base.origin() {
            return Some(url);
        }
        let safe = url.scheme() == "https" && url.port_or_known_default() == Some(443);
        // Only names are compared: an address in numbers is never under a domain.
        let Some(Host::Domain(name)) = url.host() else {
            return None;
        };
        let under = |host: &String| {
            name.strip_suffix(host.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        (safe && hosts.iter().any(under)).then_some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_places_are_allowed() {
        let base: Url = "https://api.bfl.ai".parse().unwrap();
        let places = Places::new(base, vec!["bfl.ai".to_owned()]);
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
            assert_eq!(places.may_poll(text).is_some(), want, "{text}");
            assert_eq!(places.may_fetch(text).is_some(), want, "{text}");
        }
    }

    #[test]
    fn an_own_base_is_trusted_as_it_stands() {
        let base: Url = "http://127.0.0.1:9000".parse().unwrap();
        let places = Places::new(base, Vec::new());
        assert!(places.may_poll("http://127.0.0.1:9000/poll").is_some());
        assert!(places.may_poll("http://127.0.0.1:9001/poll").is_none());
        assert!(places.may_fetch("https://bfl.ai/x").is_none());
    }
}
