//! The way to the application and back: nothing goes without an `Admission`.

mod answer_body;
mod connector;
mod error;
mod exchange;
mod forward;
mod headers;
mod inward;
mod lane;
mod pool;
mod response_head;
mod shared;
mod tether;
mod tunnel;
mod upload;

pub use connector::{ConnectError, Connector, ConnectorError, Upstream, UpstreamScheme};
pub use error::ForwardError;
pub use forward::{Passage, Target, forward};
pub use headers::{Forwarded, Rewriting, UpstreamHost};
pub use pool::Pool;
pub use response_head::pass;
pub use tether::{Anchor, Tether};
pub use tunnel::{Tunnels, asks_for_upgrade};
