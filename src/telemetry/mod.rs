//! What operators see: log lines and figures. Imports nothing of the floors above.

pub mod audit;
pub mod logs;
pub mod metrics;
mod requests;

pub use requests::RouteFigures;
