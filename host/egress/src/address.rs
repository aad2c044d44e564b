//! Which addresses a request may go to. Pure: names were turned into addresses before.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How a grant came to cover a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Granted {
    /// It is this very address.
    Address,
    /// It is this host, by its name.
    Host,
    /// It is all hosts below a suffix.
    Suffix,
}

/// Whether a host, as an address of a request writes it, is this machine without a look at any name: RFC 6761 keeps `localhost` for it.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

/// What an address is, where it is not simply a machine on the internet.
fn special(address: IpAddr) -> Option<Special> {
    match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Special {
    /// The machine itself or its own network.
    Inside(&'static str),
    /// Never what a name should lead to.
    Never(&'static str),
}

fn special_v4(address: Ipv4Addr) -> Option<Special> {
    let [a, b, ..] = address.octets();
    // The addresses at which clouds tell a machine who it is, outside the link-local range: Alibaba Cloud and Azure.
    if address == Ipv4Addr::new(100, 100, 100, 200) || address == Ipv4Addr::new(168, 63, 129, 16) {
        return Some(Special::Never("an address of the cloud's metadata"));
    }
    match a {
        _ if address.is_link_local() => Some(Special::Never("a link-local address, as the cloud's metadata has")),
        0 => Some(Special::Never("no address of a machine")),
        _ if address.is_multicast() || address.is_broadcast() || a >= 240 => Some(Special::Never("no address of one machine")),
        127 => Some(Special::Inside("an address of this machine")),
        100 if (64..128).contains(&b) => Some(Special::Inside("an address of a provider's inner network")),
        _ if address.is_private() => Some(Special::Inside("an address of a private network")),
        198 if b == 18 || b == 19 => Some(Special::Inside("an address for measurements")),
        _ => None,
    }
}

fn special_v6(address: Ipv6Addr) -> Option<Special> {
    if let Some(v4) = address.to_ipv4_mapped() {
        return special_v4(v4);
    }
    let segments = address.segments();
    // 64:ff9b::/96 and 2002::/16 carry an IPv4 address, to which the traffic goes (RFC 6052, RFC 3056).
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return special_v4(embedded(segments[6], segments[7]));
    }
    if segments[0] == 0x2002 {
        return special_v4(embedded(segments[1], segments[2]));
    }
    match segments[0] {
        _ if address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254) => {
            Some(Special::Never("an address of the cloud's metadata"))
        }
        _ if address.is_unspecified() => Some(Special::Never("no address of a machine")),
        _ if address.is_loopback() => Some(Special::Inside("an address of this machine")),
        first if first & 0xff00 == 0xff00 => Some(Special::Never("no address of one machine")),
        first if first & 0xffc0 == 0xfe80 => Some(Special::Never("a link-local address, as the cloud's metadata has")),
        first if first & 0xfe00 == 0xfc00 => Some(Special::Inside("an address of a private network")),
        _ => None,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

/// Why a request may not go to an address; none where it may.
pub(crate) fn refuse(address: IpAddr, granted: Granted) -> Option<String> {
    let (what, way) = match (special(address)?, granted) {
        (_, Granted::Address) | (Special::Inside(_), Granted::Host) => return None,
        (Special::Never(what), _) => (what, "grant that very address, if it is meant"),
        (Special::Inside(what), Granted::Suffix) => (what, "grant the host by its whole name, if it is meant"),
    };
    Some(format!("{address} is {what}; {way}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_without_a_look() {
        for host in ["127.0.0.1", "127.9.9.9", "[::1]", "::1", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["10.0.0.1", "[::2]", "0.0.0.0", "localhost.example.com", "a.localhost", "example.com", ""] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn addresses_of_the_inside_need_a_grant_that_means_them() {
        let check = |address: &str, by_suffix: bool, by_host: bool| {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(refuse(address, Granted::Suffix).is_none(), by_suffix, "{address} by a suffix");
            assert_eq!(refuse(address, Granted::Host).is_none(), by_host, "{address} by its name");
            assert_eq!(refuse(address, Granted::Address), None, "{address} by itself");
        };
        for outside in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            check(outside, true, true);
        }
        for inside in ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "::1", "fd12::1"] {
            check(inside, false, true);
        }
        for mapped in ["::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"] {
            check(mapped, false, true);
        }
        for never in ["169.254.169.254", "169.254.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "fe80::1", "::", "ff02::1"] {
            check(never, false, false);
        }
        for metadata in ["fd00:ec2::254", "100.100.100.200", "168.63.129.16", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"] {
            check(metadata, false, false);
        }
    }
}
