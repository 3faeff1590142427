//! The demo in a real Chromium, as people meet it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accessibility;
mod account_code;
mod demo;
mod digits;
mod embedded;
mod hand_off;
mod members;
mod other_sites;
mod pages;
mod shown_pages;
mod signing_in;
mod support;
mod ways;
