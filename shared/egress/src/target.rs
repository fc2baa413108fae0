//! A URL that may be asked, as far as its text tells.

use std::fmt;

use url::{Host, Url};

use crate::{Policy, is_public};

const LONGEST: usize = 2_048;
// Names that never leave the machine, the site or the cluster (RFC 6761, 6762, 8375, ICANN).
const LOCAL: &[&str] = &["localhost", "local", "internal", "home.arpa", "localdomain"];

/// A URL that was checked and brought into its one form. A name in it still leads only where the
/// [`crate::Client`] finds it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Url);

/// Why somebody's URL is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No URL, or none with a host.
    #[error("must be a URL of at most 2048 characters, like https://example.com/hooks")]
    NoUrl,
    /// Anybody on the way could read and change it.
    #[error("must begin with https://")]
    Insecure,
    /// Names and passwords in addresses end up in logs.
    #[error("must not hold a name or password")]
    Credentials,
    /// Other services than HTTP listen there.
    #[error("must lead to port 80, 443 or 8000 to 8999")]
    Port,
    /// The machine itself, its network, or nobody.
    #[error("must lead to an address of the public Internet")]
    Private,
}

impl Target {
    /// Checks a URL: https, a host, a port of the web, no credentials, and no address or name that
    /// is not public. What the policy allows may be plain http, and on any port.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, policy: &Policy) -> Result<Self, Refusal> {
        // The parser would drop line breaks in silence.
        let is_strange = |c: char| c.is_control() || c.is_whitespace();
        if text.len() > LONGEST || text.contains(is_strange) {
            return Err(Refusal::NoUrl);
        }
        let url = Url::parse(text).map_err(|_| Refusal::NoUrl)?;
        Self::check(url, policy)
    }

    /// The same, of a URL that was read already.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(mut url: Url, policy: &Policy) -> Result<Self, Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::NoUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        let host = url.host().ok_or(Refusal::NoUrl)?;
        if !is_allowed(&host, policy) {
            if url.scheme() != "https" {
                return Err(Refusal::Insecure);
            }
            if !may_be_public(&host) {
                return Err(Refusal::Private);
            }
            let port = url.port_or_known_default();
            if !matches!(port, Some(80 | 443 | 8_000..=8_999)) {
                return Err(Refusal::Port);
            }
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The URL in its one form.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_allowed(host: &Host<&str>, policy: &Policy) -> bool {
    match *host {
        Host::Domain(name) => policy.allows_name(name),
        Host::Ipv4(address) => policy.allows_address(address.into()),
        Host::Ipv6(address) => policy.allows_address(address.into()),
    }
}

// Of a name this is only the first look: where it leads is seen when it is dialled.
fn may_be_public(host: &Host<&str>) -> bool {
    match *host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            let is_local = |known: &&str| {
                (name.strip_suffix(*known))
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            };
            // A name of one word is somebody's in this network.
            name.contains('.') && !LOCAL.iter().any(is_local)
        }
        Host::Ipv4(address) => is_public(address.into()),
        Host::Ipv6(address) => is_public(address.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, Refusal> {
        Target::parse(text, &Policy::default()).map(|target| target.to_string())
    }

    #[test]
    fn every_spelling_of_a_private_place_is_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
            "198.18.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "\u{ff11}27.0.0.1",
            "127\u{3002}0.0.1",
            "%31%32%37.0.0.1",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:0:1::]",
            "[5f00::1]",
            "[fc00::1]",
            "[fe80::1]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "\u{24db}ocalhost",
            "metadata.google.internal",
            "printer.local",
            "usage",
            "usage.",
        ] {
            let text = format!("https://{host}/x");
            assert_eq!(parse(&text), Err(Refusal::Private), "{text}");
        }
    }

    #[test]
    fn other_schemes_ports_and_credentials_are_refused() {
        for (text, why) in [
            ("", Refusal::NoUrl),
            ("example.com", Refusal::NoUrl),
            ("//example.com", Refusal::NoUrl),
            ("file:///etc/passwd", Refusal::NoUrl),
            ("gopher://example.com:70/", Refusal::NoUrl),
            ("ftp://example.com/", Refusal::NoUrl),
            ("unix:/run/x.sock", Refusal::NoUrl),
            ("data:,x", Refusal::NoUrl),
            ("https://", Refusal::NoUrl),
            ("https://exa mple.com/", Refusal::NoUrl),
            ("https://example.com/a\r\nHost: x", Refusal::NoUrl),
            ("https://example.com/\t", Refusal::NoUrl),
            ("http://example.com/", Refusal::Insecure),
            ("http://127.0.0.1/", Refusal::Insecure),
            ("https://a@example.com/", Refusal::Credentials),
            ("https://:b@example.com/", Refusal::Credentials),
            ("https://example.com@127.0.0.1/", Refusal::Credentials),
            ("https://example.com:22/", Refusal::Port),
            ("https://example.com:25/", Refusal::Port),
            ("https://example.com:6379/", Refusal::Port),
            ("https://example.com:5432/", Refusal::Port),
            ("https://example.com:11211/", Refusal::Port),
            ("https://example.com:9000/", Refusal::Port),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
        let long = format!("https://example.com/{}", "x".repeat(LONGEST));
        assert_eq!(parse(&long), Err(Refusal::NoUrl));
    }

    #[test]
    fn public_places_have_one_form() {
        for (text, form) in [
            ("https://Example.COM", "https://example.com/"),
            ("https://example.com:443/a?b#c", "https://example.com/a?b"),
            ("https://example.com:8443/", "https://example.com:8443/"),
            (
                "https://b\u{fc}cher.example/",
                "https://xn--bcher-kva.example/",
            ),
            ("https://134744072/", "https://8.8.8.8/"),
            ("https://notlocalhost.com/", "https://notlocalhost.com/"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(form), "{text}");
        }
    }

    #[test]
    fn what_the_operator_allows_may_be_plain_and_anywhere() {
        let policy: Policy = "127.0.0.0/8,hooks.internal".parse().unwrap();
        for text in [
            "http://127.0.0.1:9999/",
            "http://hooks.internal:25/",
            "https://127.1/",
        ] {
            assert!(Target::parse(text, &policy).is_ok(), "{text}");
        }
        let beside = Target::parse("https://10.0.0.1/", &policy);
        assert_eq!(beside, Err(Refusal::Private));
        let scheme = Target::parse("ftp://127.0.0.1/", &policy);
        assert_eq!(scheme, Err(Refusal::NoUrl));
    }
}
