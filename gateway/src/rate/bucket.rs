//! Who is counted in what: one bucket for each limit of each caller.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use contracts::policy::v1::policy::Rate;
use types::{ApiKeyId, UserId};

use super::Limit;

/// Whose requests are counted together. Another kind of caller is another line here and in
/// [`Who::class`] and its `Display`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// An IPv4 address, or an IPv6 network: see [`Who::address`].
    Address(IpAddr),
    /// A signed-in user, whatever the address.
    User(UserId),
}

/// What a limit is for: a kind of caller, or a kind of rpc. All that apply hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Requests that carry no valid token, per address.
    Anonymous,
    /// Requests of a signed-in user.
    User,
    /// Sign-in and registration, per address, beside `Anonymous`.
    Credentials,
    /// Requests with an API key, per key, beside `User`.
    ApiKey,
    /// Rpcs that read, per caller.
    Read,
    /// Rpcs that write, per caller.
    Write,
}

/// One limit of one caller; at the same time the key its count is kept under. A limit that is set anew
/// begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Whose.
    pub who: Who,
    /// For what.
    pub class: Class,
    /// Of which of the caller's API keys; none where all its requests count together.
    pub key: Option<ApiKeyId>,
    /// How much.
    pub limit: Limit,
}

impl Who {
    /// The caller behind an address. Of IPv6 one household has a whole /64, so that counts as one.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            address @ IpAddr::V4(_) => address,
        })
    }

    /// The class every request of this caller counts in.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Address(_) => Class::Anonymous,
            Self::User(_) => Class::User,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address:{address}"),
            Self::User(user) => write!(f, "user:{user}"),
        }
    }
}

impl Class {
    /// The class of an rpc, from its policy.
    #[must_use]
    pub const fn of(rate: Rate) -> Option<Self> {
        match rate {
            Rate::Credentials => Some(Self::Credentials),
            Rate::Read => Some(Self::Read),
            Rate::Write => Some(Self::Write),
            Rate::Unspecified => None,
        }
    }

    /// Its name in headers, keys and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::Credentials => "credentials",
            Self::ApiKey => "api_key",
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl Bucket {
    /// Its name among the caller's limits, e.g. `user-1m`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.class.as_str(), self.limit.window_name())
    }

    /// Its key in Redis. The braces put all keys of one caller into one slot of a cluster.
    #[must_use]
    pub fn key(&self) -> String {
        let Self {
            who,
            class,
            key,
            limit,
        } = self;
        let key = key.map(|key| format!(":{key}")).unwrap_or_default();
        format!("bottega:rate:{{{who}}}:{}{key}:{limit}", class.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let who = |text: &str| Who::address(text.parse().unwrap());
        assert_eq!(who("2001:db8::1"), who("2001:db8::ffff:2"));
        assert_ne!(who("2001:db8:0:1::1"), who("2001:db8:0:2::1"));
        assert_eq!(who("::ffff:192.0.2.1"), who("192.0.2.1"));
    }

    #[test]
    fn keys_of_one_caller_share_a_slot() {
        let bucket = Bucket {
            who: Who::address("192.0.2.1".parse().unwrap()),
            class: Class::Anonymous,
            key: None,
            limit: "100/15m".parse().unwrap(),
        };
        assert_eq!(
            bucket.key(),
            "bottega:rate:{address:192.0.2.1}:anonymous:100/15m"
        );
        assert_eq!(bucket.name(), "anonymous-15m");
        let bucket = Bucket {
            who: Who::User(UserId(uuid::Uuid::nil())),
            class: Class::ApiKey,
            key: Some(ApiKeyId(uuid::Uuid::max())),
            limit: "5/s".parse().unwrap(),
        };
        let key = bucket.key();
        assert!(
            key.starts_with("bottega:rate:{user:00000000-") && key.contains(":api_key:ffffffff-"),
            "{key}"
        );
    }
}
