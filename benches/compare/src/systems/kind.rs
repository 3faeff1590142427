//! What is asked of a program.

/// What a program does with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Passes it on.
    Plain,
    /// Finds out who is there, tells the upstream in five headers, and passes it on.
    Authenticated,
    /// The forward-auth endpoint itself: finds out who is there and says so; there is no upstream.
    Check,
}
