//! The demo in a real Chromium, as people meet it.

mod demo;
mod other_sites;
mod pages;
mod signing_in;
mod support;
