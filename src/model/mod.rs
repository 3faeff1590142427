//! The words of the house: plain values without I/O, sockets or clocks of their own.

pub mod alias;
pub mod audit;
pub mod clock;
pub mod host;
pub mod http_date;
pub mod identity;
pub mod legible;
pub mod member;
pub mod named_cookie;
pub mod own_cookie;
pub mod pairing;
pub mod path;
pub mod peer;
pub mod person;
pub mod policy;
pub mod request_id;
pub mod return_to;
pub mod route;
pub mod secret;
pub mod session;
pub mod set_cookie;
pub mod site;
pub mod visit;
