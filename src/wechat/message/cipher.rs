//! The encryption of messages in secure mode (消息加解密说明): AES-256-CBC, padded to 32 bytes, and who it is for inside.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::cipher::{AES_256, DecryptionContext, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::cipher::{DecryptingKey, EncryptingKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Length of an EncodingAESKey.
const KEY_LETTERS: usize = 43;

/// Messages are padded to a multiple of this many bytes, unlike AES itself.
const BLOCK: usize = 32;

/// Random bytes in front, and the length after them.
const HEAD: usize = 16 + 4;

/// The 43 letters hold two bits more than the key has, and three keys of four have some of them set.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

const BASE64: GeneralPurpose = base64::engine::general_purpose::STANDARD;

/// The EncodingAESKey of an Official Account.
#[derive(Clone)]
pub struct MessageKey(Zeroizing<[u8; 32]>);

/// A message that cannot be opened. Why, is not told: an answer that tells is an oracle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::wechat) struct Sealed;

impl FromStr for MessageKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("an EncodingAESKey is {KEY_LETTERS} letters and digits; copy it from the WeChat console")
        };
        if text.len() != KEY_LETTERS || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(wrong());
        }
        let decoded = Zeroizing::new(KEY_BASE64.decode(text).map_err(|_| wrong())?);
        decoded.as_slice().try_into().map(|key| Self(Zeroizing::new(key))).map_err(|_| wrong())
    }
}

impl MessageKey {
    /// What `encrypted` (base64, perhaps in several lines) says, if it was meant for `receiver`.
    pub(in crate::wechat) fn open(&self, encrypted: &str, receiver: &str) -> Result<Vec<u8>, Sealed> {
        let letters: String = encrypted.split_ascii_whitespace().collect();
        let mut bytes = BASE64.decode(letters).map_err(|_| Sealed)?;
        if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) {
            return Err(Sealed);
        }
        let context = DecryptionContext::Iv128(self.iv());
        let key = DecryptingKey::cbc(self.aes()?).map_err(|_| Sealed)?;
        let plain = key.decrypt(&mut bytes, context).map_err(|_| Sealed)?;
        let message = unpadded(plain).and_then(|plain| content(plain, receiver.as_bytes()));
        message.map(<[u8]>::to_vec).ok_or(Sealed)
    }

    /// `message` for `receiver`, in base64.
    pub(in crate::wechat) fn seal(
        &self,
        random: [u8; 16],
        message: &[u8],
        receiver: &str,
    ) -> Result<String, Sealed> {
        let length = u32::try_from(message.len()).map_err(|_| Sealed)?;
        let mut bytes = [&random[..], &length.to_be_bytes(), message, receiver.as_bytes()].concat();
        let pad = BLOCK - bytes.len() % BLOCK;
        bytes.resize(bytes.len() + pad, u8::try_from(pad).map_err(|_| Sealed)?);
        let key = EncryptingKey::cbc(self.aes()?).map_err(|_| Sealed)?;
        key.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(self.iv())).map_err(|_| Sealed)?;
        Ok(BASE64.encode(bytes))
    }

    fn aes(&self) -> Result<UnboundCipherKey, Sealed> {
        UnboundCipherKey::new(&AES_256, &self.0[..]).map_err(|_| Sealed)
    }

    /// The first half of the key: the protocol has no other.
    fn iv(&self) -> FixedLength<16> {
        let mut iv = [0; 16];
        iv.copy_from_slice(&self.0[..16]);
        FixedLength::from(iv)
    }
}

/// Without the padding: as many bytes as the last one says, all alike.
fn unpadded(plain: &[u8]) -> Option<&[u8]> {
    let pad = usize::from(*plain.last()?);
    let (rest, padding) = plain.split_at_checked(plain.len().checked_sub(pad)?)?;
    let is_sound = (1..=BLOCK).contains(&pad) && padding.iter().all(|byte| usize::from(*byte) == pad);
    is_sound.then_some(rest)
}

/// The message between its length and the receiver.
fn content<'a>(plain: &'a [u8], receiver: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = plain.split_at_checked(HEAD)?;
    let length = u32::from_be_bytes(head[16..].try_into().ok()?);
    let (message, whose) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    (whose == receiver).then_some(message)
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

    fn key() -> MessageKey {
        KEY.parse().unwrap()
    }

    /// Messages that WeChat's own pages and others' tests have published.
    fn vectors() -> Vec<Value> {
        serde_json::from_str(include_str!("vectors.json")).unwrap()
    }

    #[test]
    fn published_messages_open_and_seal_to_the_letter() {
        for vector in vectors() {
            let text = |name: &str| vector[name].as_str().unwrap().to_owned();
            let key: MessageKey = text("encoding_aes_key").parse().unwrap();
            let opened = key.open(&text("ciphertext_b64"), &text("receive_id"));
            assert_eq!(opened.as_deref(), Ok(text("plaintext").as_bytes()), "{}", text("name"));
            let random = text("random16").into_bytes().try_into().unwrap();
            let sealed = key.seal(random, text("plaintext").as_bytes(), &text("receive_id")).unwrap();
            assert_eq!(sealed, text("ciphertext_b64"), "{}", text("name"));
        }
    }

    #[test]
    fn what_is_meant_for_somebody_else_stays_closed() {
        let sealed = key().seal([7; 16], b"hello", "wx1").unwrap();
        assert_eq!(key().open(&sealed, "wx1").as_deref(), Ok(&b"hello"[..]));
        for receiver in ["wx2", "", "wx", "wx11"] {
            assert_eq!(key().open(&sealed, receiver), Err(Sealed));
        }
        let other: MessageKey = KEY.replace('a', "b").parse().unwrap();
        assert_eq!(other.open(&sealed, "wx1"), Err(Sealed));
    }

    #[test]
    fn a_key_is_forty_three_letters_and_digits() {
        for text in ["", &KEY[1..], &format!("{KEY}="), &KEY.replace('a', "+"), &KEY.replace('a', "é")] {
            assert!(text.parse::<MessageKey>().is_err(), "{text}");
        }
        assert_eq!(format!("{:?}", key()), "***");
    }

    proptest! {
        #[test]
        fn every_message_comes_back(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let sealed = key().seal([1; 16], &message, "wx1").unwrap();
            let lines = sealed.as_bytes().chunks(60).map(|line| str::from_utf8(line).unwrap()).collect::<Vec<_>>();
            prop_assert_eq!(key().open(&format!("\n {}\r\n", lines.join("\n")), "wx1"), Ok(message));
        }

        #[test]
        fn nothing_else_opens_or_panics(bytes in proptest::collection::vec(any::<u8>(), 0..130)) {
            prop_assert_eq!(key().open(&BASE64.encode(bytes), "wx1"), Err(Sealed));
        }
    }
}
