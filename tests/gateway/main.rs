//! The real gateway over real sockets: its binary, a simulated WeChat, a recording application, a browser-like client.

mod callbacks;
mod identity_headers;
mod living;
mod paths;
mod redirects;
mod sessions;
mod signing_in;
mod support;
