//! The running generation of the configuration: built whole, swapped whole.

mod generation;
pub mod health;
mod keys;
mod reload;

pub use generation::{BuildError, Generation, Held, Lasting};
pub use keys::{KeyError, known as known_keys};
pub use reload::{ConfigSource, Live, LoadError};
