//! Header names as applications may confuse them.
//!
//! CGI, WSGI, PHP and friends turn `Remote-User`, `remote_user` and `Remote.User` into one variable, so names are
//! compared with everything but letters and digits removed.

/// The longest name that is told apart; a longer one never equals a name of ours.
const LONGEST: usize = 64;

/// A header name reduced to its lower-case letters and digits. Shorter ones come first in order: lengths are compared
/// faster than letters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Alias {
    length: usize,
    /// Behind the name there are zeros.
    bytes: [u8; LONGEST],
}

/// Letters in lower case and digits as they are; zero for everything else.
const FOLDED: [u8; 256] = {
    let mut folded = [0; 256];
    let mut byte = 0;
    while byte < 0x80 {
        if (byte as u8).is_ascii_alphanumeric() {
            folded[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    folded
};

impl Alias {
    /// Reduces a header name.
    pub fn of(name: &str) -> Self {
        let mut bytes = [0; LONGEST];
        let mut length = 0;
        for byte in name.bytes() {
            let folded = FOLDED[usize::from(byte)];
            if folded == 0 {
                continue;
            }
            let Some(place) = bytes.get_mut(length) else { break };
            *place = folded;
            length += 1;
        }
        Self { bytes, length }
    }

    /// The reduced name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The first letters and digits of a name, enough to tell that it is none of those looked out for.
#[derive(Clone, Copy, Debug)]
pub struct Beginning(u16);

/// How many places a lookout has; so many that hardly two beginnings in ordinary use share one.
const PLACES: usize = 1024;

/// How many letters and digits a beginning is made of.
const BEGINNING: usize = 4;

impl Beginning {
    /// The beginning of a header name, in whatever spelling.
    pub const fn of(name: &[u8]) -> Self {
        // The first four, or `x-` and three, as nearly every name begins.
        let first = match name {
            [x @ (b'x' | b'X'), b'-', a, b, c, ..] => Some([*x, *a, *b, *c]),
            [a, b, c, d, ..] => Some([*a, *b, *c, *d]),
            _ => None,
        };
        if let Some([a, b, c, d]) = first {
            let folded = [FOLDED[a as usize], FOLDED[b as usize], FOLDED[c as usize], FOLDED[d as usize]];
            if folded[0] != 0 && folded[1] != 0 && folded[2] != 0 && folded[3] != 0 {
                return Self::at(u32::from_be_bytes(folded));
            }
        }
        let (mut letters, mut count, mut at) = (0_u32, 0, 0);
        while at < name.len() && count < BEGINNING {
            let folded = FOLDED[name[at] as usize];
            if folded != 0 {
                letters = letters << 8 | folded as u32;
                count += 1;
            }
            at += 1;
        }
        Self::at(letters)
    }

    /// The place of these letters.
    const fn at(letters: u32) -> Self {
        Self((letters.wrapping_mul(0x9e37_79b1) >> (32 - PLACES.trailing_zeros())) as u16)
    }
}

/// Sorts out names that cannot be among a set of aliases, nor begin like one of them: nearly all names in ordinary use,
/// at a fraction of the cost of looking closely. It errs on one side only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lookout([u64; PLACES / 64]);

impl Lookout {
    /// Looks out for names that equal one of `aliases`, or begin like one of at least four characters.
    pub const fn of(aliases: &[&[u8]]) -> Self {
        Self([0; PLACES / 64]).and(aliases)
    }

    /// The same, for `aliases` as well.
    #[must_use]
    pub const fn and(mut self, aliases: &[&[u8]]) -> Self {
        let mut at = 0;
        while at < aliases.len() {
            let Beginning(place) = Beginning::of(aliases[at]);
            self.0[place as usize / 64] |= 1 << (place % 64);
            at += 1;
        }
        self
    }

    /// Looks out for what either looks out for.
    #[must_use]
    pub fn or(self, Self(other): Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other[at]))
    }

    /// `false` is certain.
    pub fn may_know(&self, Beginning(place): Beginning) -> bool {
        self.0[usize::from(place) / 64] & 1 << (place % 64) != 0
    }
}

/// Whether the first letter or digit of a header name may be an `x`: a look at one byte. `false` is certain.
pub fn begins_with_x(name: &str) -> bool {
    match name.as_bytes().first() {
        Some(first) => matches!(first, b'x' | b'X') || !first.is_ascii_alphanumeric(),
        None => false,
    }
}

/// Whether a header name is spelled with nothing but letters, digits and hyphens, as every name in ordinary use is.
pub fn is_plain(name: &str) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [false; 256];
        let mut byte = 0;
        while byte < 0x80 {
            plain[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'-';
            byte += 1;
        }
        plain
    };
    name.bytes().all(|byte| PLAIN[usize::from(byte)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn nothing_gets_past_a_lookout(known in "[a-z0-9]{0,9}", glue in "[-_.~!]{0,2}", more in "[a-z-]{0,3}") {
            let spelled = known.chars().map(|letter| format!("{glue}{letter}")).collect::<String>().to_uppercase();
            let lookout = Lookout::of(&[b"forwarded", known.as_bytes()]);
            prop_assert!(lookout.may_know(Beginning::of(spelled.as_bytes())));
            if known.len() >= BEGINNING {
                let longer = spelled + &more;
                prop_assert!(lookout.may_know(Beginning::of(longer.as_bytes())));
            }
        }
    }

    #[test]
    fn ordinary_names_cost_no_closer_look() {
        let lookout = Lookout::of(&[b"remote", b"xremote", b"xforwarded", b"proxy"]);
        for name in ["referer", "x-request-id", "accept", "host", "user-agent", "priority", "sec-ch-ua"] {
            assert!(!lookout.may_know(Beginning::of(name.as_bytes())), "{name}");
        }
    }
}
