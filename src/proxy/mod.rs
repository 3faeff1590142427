//! The way to the application and back: nothing goes without an `Admission`.

mod client;
mod forward;
mod headers;
mod tunnel;

pub use client::{ClientError, Upstream, UpstreamClient};
pub use forward::{ForwardError, Passage, Target, forward};
pub use headers::{Forwarded, Rewriting, UpstreamHost, response as rewrite_answer};
pub use tunnel::{Tether, Tunnels, asks_for_upgrade};
