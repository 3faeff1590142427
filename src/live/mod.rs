//! The running generation of the configuration: built whole, swapped whole.

mod generation;
pub mod health;
mod keys;
mod reload;

pub use generation::{BuildError, Generation, Held, Lasting};
pub use keys::KeyError;
pub use reload::{ConfigSource, Live, LoadError};
