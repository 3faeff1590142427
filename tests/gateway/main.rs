//! The real gateway over real sockets: its binary, a simulated WeChat, a recording application, a browser-like client.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod deadlines;
mod framing;
mod http2;
mod identity_headers;
mod paths;
mod proxying;
mod redirects;
mod signing_in;
mod support;
mod upgrades;
