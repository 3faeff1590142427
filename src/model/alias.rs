//! Header names as applications may confuse them.
//!
//! CGI, WSGI, PHP and friends turn `Remote-User`, `remote_user` and `Remote.User` into one variable, so names are
//! compared with everything but letters and digits removed.

/// The longest name that is told apart; a longer one never equals a name of ours.
const LONGEST: usize = 64;

/// A header name reduced to its lower-case letters and digits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Alias {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Alias {
    /// Reduces a header name.
    pub fn of(name: &str) -> Self {
        let mut bytes = [0; LONGEST];
        let mut length = 0;
        for byte in name.bytes().filter(u8::is_ascii_alphanumeric).take(LONGEST) {
            bytes[length] = byte.to_ascii_lowercase();
            length += 1;
        }
        Self { bytes, length }
    }

    /// The reduced name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Whether a header name is spelled with nothing but letters, digits and hyphens, as every name in ordinary use is.
pub fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_collapse_are_equal() {
        for name in
            ["X_Wechat_Openid", "x-wechat_openid", "X.Wechat.Openid", "xwechatopenid", "X--Wechat-~Openid"]
        {
            assert_eq!(Alias::of(name), Alias::of("X-Wechat-Openid"), "{name}");
        }
        assert_ne!(Alias::of("X-Wechat-Open"), Alias::of("X-Wechat-Openid"));
    }
}
