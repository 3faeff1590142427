//! The way to the application and back: nothing goes without an `Admission`.

mod answer;
mod connector;
mod forward;
mod headers;
mod inward;
mod lane;
mod pool;
mod tunnel;

pub use connector::{Connector, ConnectorError, Upstream, UpstreamScheme};
pub use forward::{ForwardError, Passage, Target, forward};
pub use headers::{Forwarded, Rewriting, UpstreamHost, response as rewrite_answer};
pub use pool::Pool;
pub use tunnel::{Tether, Tunnels, asks_for_upgrade};
