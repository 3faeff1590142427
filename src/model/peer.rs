//! Who is at the other end of the socket, and on whose word.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

/// The address at the other end of a connection. A unix socket's peer has none: whoever may open the socket is
/// trusted by its file mode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Peer {
    /// A TCP peer.
    Address(IpAddr),
    /// A local process on a unix socket.
    UnixSocket,
}

impl Peer {
    /// The address shown in logs and forwarded headers; a unix peer counts as loopback.
    pub fn address(self) -> IpAddr {
        match self {
            Self::Address(address) => address.to_canonical(),
            Self::UnixSocket => IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

/// The networks whose forwarded headers are believed. Empty by default: nobody is.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts exactly these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The listed networks.
    pub fn networks(&self) -> &[IpNet] {
        &self.0
    }

    /// Whether `peer` may speak for others.
    pub fn trusts(&self, peer: Peer) -> bool {
        match peer {
            Peer::Address(address) => self.trusts_address(address),
            Peer::UnixSocket => true,
        }
    }

    /// The client's own address: the peer, or, behind trusted proxies, the right-most address of `forwarded_for` that
    /// is not itself a trusted proxy. Anything unreadable ends the walk.
    pub fn client_address<'a>(
        &self,
        peer: Peer,
        forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        let mut client = peer.address();
        if !self.trusts(peer) {
            return client;
        }
        for hop in forwarded_for.rev().flat_map(|line| line.rsplit(',')) {
            let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
            if !self.trusts_address(client) {
                break;
            }
        }
        client
    }

    fn trusts_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusting(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    #[test]
    fn an_unlisted_peer_speaks_only_for_itself() {
        let nobody = trusting(&[]);
        let peer = Peer::Address("127.0.0.1".parse().unwrap());
        assert!(!nobody.trusts(peer));
        assert_eq!(nobody.client_address(peer, ["10.0.0.1"].into_iter()).to_string(), "127.0.0.1");
    }

    #[test]
    fn the_right_most_untrusted_hop_is_the_client() {
        let proxies = trusting(&["127.0.0.0/8", "10.0.0.0/8"]);
        let peer = Peer::Address("127.0.0.1".parse().unwrap());
        let client = |lines: &[&str]| proxies.client_address(peer, lines.iter().copied()).to_string();
        assert_eq!(client(&["6.6.6.6, 203.0.113.9, 10.1.1.1"]), "203.0.113.9");
        assert_eq!(client(&["6.6.6.6", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(&["garbage, 10.1.1.1"]), "10.1.1.1");
        assert_eq!(client(&[]), "127.0.0.1");
    }
}
