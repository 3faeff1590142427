//! Ports for programs that have to be told one.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use socket2::{Domain, Socket, Type};

/// Below the ports that the kernel gives to outgoing connections: none of those can take one before its program does.
const FIRST: u16 = 20_000;
const HOW_MANY: u16 = 12_000;

/// A port that nobody else is given as long as this lives; a program may listen on it.
pub(crate) struct Port {
    pub(crate) number: u16,
    _held: Socket,
}

impl Port {
    /// Bound, but not listening: as both ends allow the address to be shared, the program can still have it.
    pub(crate) fn reserve() -> Self {
        static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
        for _ in 0..1000 {
            let number = FIRST + u16::from_le_bytes(wxgate::seal::random()) % HOW_MANY;
            let is_given = !GIVEN.lock().unwrap().get_or_insert_default().insert(number);
            // Not shared, it fails where any other program has it.
            if is_given || bound(number, false).is_none() {
                continue;
            }
            if let Some(held) = bound(number, true) {
                return Self { number, _held: held };
            }
        }
        panic!("no port is free from {FIRST} on");
    }
}

fn bound(number: u16, is_shared: bool) -> Option<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(is_shared).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, number)).into()).ok()?;
    drop(socket);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(is_shared).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, number)).into()).ok()?;
    Some(socket)
}
