//! The decision: who passes, and what the application is told about them.

mod decide;
#[cfg(test)]
pub(crate) use decide::tests;
pub mod identity_headers;
pub mod template;

pub use decide::{Admission, Origin, Refusal, Verdict, decide, refusal, still_admits};
