//! Which address a request comes from: the peer's, or what proxies that are trusted say of it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::HeaderMap;
use http::request::Parts;
use ipnet::IpNet;

const FORWARDED: &str = "x-forwarded-for";

/// The client's address. Every proxy adds at the right end whom it was called by: what stands left of the
/// first that is not trusted, anybody may have written.
pub(super) fn client_of(parts: &Parts, trusted: &[IpNet]) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let mut client = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| {
        peer.0.ip().to_canonical()
    });
    for before in hops(&parts.headers) {
        let is_trusted = trusted.iter().any(|net| net.contains(&client));
        let Some(before) = before.filter(|_| is_trusted) else {
            break;
        };
        client = before;
    }
    client
}

/// The addresses, the latest first; `None` for what is none.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lists = headers.get_all(FORWARDED).iter().rev();
    lists
        .map(|list| list.to_str().unwrap_or("?"))
        .flat_map(|list| list.rsplit(','))
        .map(|text| address_of(text.trim()))
}

fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = bare.parse().ok().or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut request = Request::builder();
        for list in forwarded {
            request = request.header(FORWARDED, *list);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let peer: IpAddr = peer.parse().unwrap();
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::from((peer, 1))));
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client_of(&parts, &trusted).to_string()
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(
            client("203.0.113.9", &["198.51.100.1"], &["10.0.0.0/8"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn trusted_proxies_are_believed_about_who_called_them() {
        let ours = ["10.0.0.0/8", "fd00::/8"];
        for (peer, forwarded, found) in [
            ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            // The client wrote the first itself.
            ("10.0.0.1", vec!["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                vec!["1.1.1.1", "198.51.100.1,10.0.0.2"],
                "198.51.100.1",
            ),
            ("::ffff:10.0.0.1", vec!["[2001:db8::7]:443"], "2001:db8::7"),
            ("fd00::1", vec!["198.51.100.1:5000"], "198.51.100.1"),
            ("10.0.0.1", vec!["unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", vec!["10.0.0.3"], "10.0.0.3"),
        ] {
            assert_eq!(client(peer, &forwarded, &ours), found, "{forwarded:?}");
        }
    }
}
