//! Ports for programs that have to be told one.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port that nobody else is given as long as this lives; a program may listen on it.
pub(crate) struct Port {
    pub(crate) number: u16,
    _held: Socket,
}

impl Port {
    /// Bound, but not listening: as both ends allow the address to be shared, the program can still have it.
    pub(crate) fn reserve() -> Self {
        let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        held.set_reuse_address(true).unwrap();
        held.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        let number = held.local_addr().unwrap().as_socket().unwrap().port();
        Self { number, _held: held }
    }
}
