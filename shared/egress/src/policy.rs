//! Private places that the operator allows all the same: receivers within the cluster.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

/// Names, names with their subdomains, addresses and networks; nothing by default. Written as a list
/// with commas: `hooks.internal, *.svc.cluster.local, 10.1.0.0/16, 127.0.0.1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Name(String),
    Under(String),
    Net(IpNet),
}

/// The text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no host name, *.name, address or network like 10.1.0.0/16")]
pub struct InvalidRule(String);

impl Policy {
    /// The same, and whatever a host leads to: for URLs the operator wrote.
    #[must_use]
    pub fn and_host(mut self, host: &Host<&str>) -> Self {
        self.0.push(match host {
            Host::Domain(name) => Rule::Name(bare(name)),
            Host::Ipv4(address) => Rule::Net(IpAddr::from(*address).into()),
            Host::Ipv6(address) => Rule::Net(IpAddr::from(*address).into()),
        });
        self
    }

    /// Whether a name may lead anywhere.
    #[must_use]
    pub fn allows_name(&self, name: &str) -> bool {
        let name = bare(name);
        self.0.iter().any(|rule| match rule {
            Rule::Name(known) => *known == name,
            Rule::Under(parent) => {
                (name.strip_suffix(parent.as_str())).is_some_and(|rest| rest.ends_with('.'))
            }
            Rule::Net(_) => false,
        })
    }

    /// Whether an address may be dialled although it is not public.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr) -> bool {
        let within = |rule: &Rule| matches!(rule, Rule::Net(net) if net.contains(&address));
        self.0.iter().any(within)
    }
}

// Names are compared without case and without the dot that ends a full one.
fn bare(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

impl FromStr for Policy {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&rules.join(","))
    }
}

impl FromStr for Rule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(Self::Net(net.trunc()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Net(address.into()));
        }
        let (name, rule): (&str, fn(String) -> Self) = match text.strip_prefix("*.") {
            Some(parent) => (parent, Self::Under),
            None => (text, Self::Name),
        };
        match Host::parse(name) {
            Ok(Host::Domain(name)) if !name.contains('*') => Ok(rule(bare(&name))),
            _ => Err(InvalidRule(text.to_owned())),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Under(parent) => write!(f, "*.{parent}"),
            Self::Net(net) => net.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_prints() {
        let text = "hooks.internal,*.svc.cluster.local,10.1.0.0/16,127.0.0.1/32,fd00::/8";
        let policy: Policy =
            "Hooks.internal., *.svc.cluster.local,10.1.2.3/16, 127.0.0.1 ,fd00::/8,"
                .parse()
                .unwrap();
        assert_eq!(policy.to_string(), text);
        assert_eq!(text.parse(), Ok(policy));
        for wrong in [
            "10.0.0.0/40",
            "a b",
            "http://x",
            "*",
            "a.*",
            "10.1",
            "*.10.0.0.1",
        ] {
            assert!(wrong.parse::<Policy>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn allows_what_was_written_and_nothing_beside_it() {
        let policy: Policy = "hooks.internal,*.cluster.local,10.1.0.0/16"
            .parse()
            .unwrap();
        for name in ["hooks.internal", "HOOKS.internal.", "a.b.cluster.local"] {
            assert!(policy.allows_name(name), "{name}");
        }
        for name in [
            "a.hooks.internal",
            "cluster.local",
            "xcluster.local",
            "10.1.0.1",
        ] {
            assert!(!policy.allows_name(name), "{name}");
        }
        assert!(policy.allows_address([10, 1, 255, 1].into()));
        assert!(!policy.allows_address([10, 2, 0, 1].into()));
    }
}
