//! Where events may be sent: over TLS, or within the machine.

use std::fmt;

use egress::{Policy, Target};
use url::{Host, Url};

/// An address the operator wrote, checked; wherever it leads is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) target: Target,
    pub(crate) policy: Policy,
}

/// The text is no address events may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// No URL, or none with a host.
    #[error("must be a URL, like https://example.com/hooks")]
    NoUrl,
    /// Anybody on the way could read it.
    #[error("must begin with https:// unless it leads to this machine")]
    Insecure,
    /// Names and passwords in addresses end up in logs.
    #[error("must not hold a name or password")]
    Credentials,
}

impl Endpoint {
    /// Reads an address. Plain HTTP leads to this machine only, or anywhere when `may_be_insecure`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, may_be_insecure: bool) -> Result<Self, InvalidEndpoint> {
        let url = Url::parse(text).map_err(|_| InvalidEndpoint::NoUrl)?;
        let host = url.host().ok_or(InvalidEndpoint::NoUrl)?;
        let is_here = match host {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(name) => name == "localhost",
        };
        match url.scheme() {
            "https" => {}
            "http" if is_here || may_be_insecure => {}
            "http" => return Err(InvalidEndpoint::Insecure),
            _ => return Err(InvalidEndpoint::NoUrl),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidEndpoint::Credentials);
        }
        let policy = Policy::default().and_host(&host);
        let target = Target::check(url, &policy).map_err(|_| InvalidEndpoint::NoUrl)?;
        Ok(Self { target, policy })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_within_the_machine() {
        for fine in [
            "https://example.com/hooks?x=1",
            "http://127.0.0.1:9/a",
            "http://[::1]:9/",
            "http://localhost/",
        ] {
            assert!(Endpoint::parse(fine, false).is_ok(), "{fine}");
        }
        let parse = |text| Endpoint::parse(text, false).unwrap_err();
        assert_eq!(parse("http://example.com/"), InvalidEndpoint::Insecure);
        assert_eq!(parse("http://10.0.0.1/"), InvalidEndpoint::Insecure);
        assert!(Endpoint::parse("http://10.0.0.1/", true).is_ok());
        for wrong in ["", "example.com", "ftp://example.com", "data:,x"] {
            assert_eq!(parse(wrong), InvalidEndpoint::NoUrl, "{wrong}");
        }
        let known = parse("https://a:b@example.com/");
        assert_eq!(known, InvalidEndpoint::Credentials);
    }
}
