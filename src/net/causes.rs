//! Why a server was not reached, in the words of whoever noticed: a name that is not known, a connection that was refused.

use std::error::Error;

/// The error and what it came from, without repeating what one says of the other. Nothing that a URL holds is in it if the
/// error had its URL taken.
pub fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in std::iter::successors(Some(error), |cause| (*cause).source()) {
        let words = cause.to_string();
        if !text.contains(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::io;

    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<io::Error>);

    impl fmt::Display for Layer {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_ref().map(|cause| cause as &(dyn Error + 'static))
        }
    }

    #[test]
    fn each_cause_is_told_once() {
        let refused = || Some(io::Error::other("connection refused"));
        assert_eq!(told(&Layer("cannot connect", refused())), "cannot connect: connection refused");
        assert_eq!(told(&Layer("no: connection refused", refused())), "no: connection refused");
        assert_eq!(told(&Layer("alone", None)), "alone");
    }
}
