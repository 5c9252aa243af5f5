//! Who is asking: the client's address, behind trusted proxies too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use std::sync::Once;

use axum::http::HeaderMap;
use tracing::warn;

/// The operator is told once.
static PROXY_UNKNOWN: Once = Once::new();

/// The client's address: the peer's, or where the peer is a trusted proxy, the last address in
/// `X-Forwarded-For` that is no trusted proxy itself.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let mut client = peer.to_canonical();
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    if !forwarded.is_empty() && client.is_loopback() && !trusted.contains(&client) {
        PROXY_UNKNOWN.call_once(|| {
            warn!(proxy = %client, "a proxy that is not in [web] trusted_proxies: all readers count as one network");
        });
    }
    for hop in forwarded.into_iter().rev() {
        if !trusted.contains(&client) {
            break;
        }
        let Some(address) = hop_address(hop.trim()) else { break };
        client = address.to_canonical();
    }
    client
}

/// The address of a hop, which some proxies write with its port: `198.51.100.7:5555`, `[2001:db8::3]:5555`.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').split(']').next().unwrap_or_default();
    hop.parse().ok().or_else(|| bare.parse().ok()).or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))
}

/// The network that limits count: a /24 of IPv4, a /48 of IPv6, which is what one customer has.
pub(super) fn network(client: IpAddr) -> String {
    match client {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: &str, trusted: &[&str], client: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        let trusted: Vec<_> = trusted.iter().map(|address| address.parse().unwrap()).collect();
        assert_eq!(address(peer.parse().unwrap(), &headers, &trusted), client.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check("192.0.2.1", "198.51.100.7", &[], "192.0.2.1");
        check("192.0.2.1", "203.0.113.9, 198.51.100.7", &["192.0.2.1"], "198.51.100.7");
        check("192.0.2.1", "198.51.100.7, 192.0.2.2", &["192.0.2.1", "192.0.2.2"], "198.51.100.7");
        check("192.0.2.1", "198.51.100.7:5555", &["192.0.2.1"], "198.51.100.7");
        check("192.0.2.1", "[2001:db8::3]:5555", &["192.0.2.1"], "2001:db8::3");
        check("192.0.2.1", "nonsense", &["192.0.2.1"], "192.0.2.1");
    }

    #[test]
    fn a_network_is_what_one_customer_has() {
        assert_eq!(network("198.51.100.7".parse().unwrap()), "198.51.100.0/24");
        assert_eq!(network("2001:db8:1:2::3".parse().unwrap()), "2001:db8:1::/48");
    }
}
