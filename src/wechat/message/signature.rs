//! The signature that says a message comes from WeChat (接入指南; 消息加解密说明).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::model::secret::Secret;
use crate::seal::hex;

/// Lower-case hexadecimal SHA-1 of the token and `parts`, sorted as bytes and joined.
pub(in crate::wechat) fn sign(token: &Secret, parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.push(token.reveal());
    parts.sort_unstable();
    hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes()).as_ref())
}

/// Whether `claimed` is the signature of `parts`; takes as long for a nearly right one as for a wrong one.
pub(in crate::wechat) fn is_signed(token: &Secret, parts: &[&str], claimed: &str) -> bool {
    verify_slices_are_equal(sign(token, parts).as_bytes(), claimed.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signatures_that_others_published() {
        for (token, parts, expected) in [
            ("AAAAA", ["1714036504", "1514711492"], "f464b24fc39322e44b38aa78f5edd27bd1441696"),
            ("AAAAA", ["1714037059", "486452656"], "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
            ("token1234567890", ["1458864389", "2066297436"], "f9c725922f6844701ba71e98031978e40023c09f"),
            ("a", ["b", "c"], "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ] {
            let token = Secret::new(token.to_owned());
            assert_eq!(sign(&token, &parts), expected);
            assert!(is_signed(&token, &parts, expected));
            assert!(!is_signed(&token, &parts, &expected.to_uppercase()));
            assert!(!is_signed(&token, &parts, &expected[1..]) && !is_signed(&token, &parts, ""));
        }
    }
}
