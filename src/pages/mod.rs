//! The gateway's own pages: what a visitor sees when the gateway itself answers.

pub mod answer;
pub mod asking;
mod check;
pub mod endpoint;
mod face;
pub mod failure;
pub mod forms;
pub mod language;
pub mod own;
pub mod page;
mod query;
pub mod render;
mod sign;
mod words;

#[cfg(test)]
mod tests;
