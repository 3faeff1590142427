//! The gateway's own pages: what a visitor sees when the gateway itself answers.

mod face;
pub mod language;
pub mod page;
pub mod render;
mod sign;
mod words;

#[cfg(test)]
mod tests;
