//! The real gateway over real sockets: its binary, a simulated WeChat, a recording application, a browser-like client.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod account_tokens;
mod administration;
mod callbacks;
mod check_backend;
mod check_file;
mod check_online;
mod configuration;
mod connections;
mod deadlines;
mod digits;
mod either_store;
mod foreign_messages;
mod forms;
mod forward_auth;
mod forward_auth_equivalence;
mod framing;
mod http2;
mod http2_applications;
mod identity_headers;
mod kills;
mod living;
mod logs;
mod lost_stores;
mod members;
mod messages;
mod no_codes;
mod nodes;
mod outages;
mod ownership;
mod paths;
mod people_cli;
mod phones;
mod phones_attacked;
#[expect(dead_code, reason = "other tests need more of the server")]
#[path = "../support/postgres.rs"]
mod postgres;
mod proxying;
mod redirects;
mod sessions;
mod signing_in;
mod snippets;
mod support;
mod trail;
mod trail_kinds;
mod unfollows;
mod upgrades;
mod workers;
mod writer;
