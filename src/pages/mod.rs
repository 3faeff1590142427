//! The gateway's own pages: what a visitor sees when the gateway itself answers.

mod admin;
pub mod answer;
pub mod asking;
mod avatar;
mod check;
pub mod endpoint;
mod entering;
mod face;
mod faces;
pub mod failure;
pub mod forms;
mod gallery;
pub mod language;
mod leaving;
mod moment;
mod once_more;
pub mod overrides;
pub mod own;
pub mod ownership;
pub mod page;
pub mod people;
pub mod phone;
mod policy;
pub mod proof;
mod qr;
mod query;
pub mod rehearsal;
pub mod render;
mod sign;
mod templates;
mod words;

#[cfg(test)]
mod tests;
