//! The keys: the newest seals, all open.

use aws_lc_rs::aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use thiserror::Error;

use super::{Purpose, hex};
use crate::model::secret::Secret;

/// Shortest secret that is accepted, in bytes.
const SHORTEST: usize = 32;

/// The secret is too easy to guess.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a session secret needs at least {SHORTEST} characters; `wxgate keygen` prints a good one")]
pub struct WeakSecret;

/// All secrets in use: the first seals, all open, so that a new one can be rolled out without signing anyone out.
#[derive(Clone, Debug)]
pub struct KeyRing {
    secrets: Vec<Secret>,
}

/// One key for one purpose, with the id that is written beside what it sealed.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) cipher: LessSafeKey,
}

impl KeyRing {
    /// A ring of `newest`, which seals, and `older` secrets, which still open.
    pub fn new(newest: Secret, older: Vec<Secret>) -> Result<Self, WeakSecret> {
        let secrets: Vec<Secret> = std::iter::once(newest).chain(older).collect();
        if secrets.iter().any(|secret| secret.reveal().len() < SHORTEST) {
            return Err(WeakSecret);
        }
        Ok(Self { secrets })
    }

    /// The keys for `purpose`, newest first (HKDF-SHA256, RFC 5869).
    pub(super) fn keys(&self, purpose: Purpose) -> Vec<Key> {
        self.secrets.iter().filter_map(|secret| derive(secret, purpose)).collect()
    }

    /// The keys of proofs, newest first. No purpose of sealing leads to them.
    pub(super) fn proof_keys(&self) -> Vec<hmac::Key> {
        let key = |secret: &Secret| {
            let source = Salt::new(HKDF_SHA256, b"wxgate").extract(secret.reveal().as_bytes());
            source.expand(&[b"wxgate prove v1"], hmac::HMAC_SHA256).ok().map(hmac::Key::from)
        };
        self.secrets.iter().filter_map(key).collect()
    }
}

/// Derives the key and its id. The lengths are constants that AES-256 and HKDF accept, so `None` never happens.
fn derive(secret: &Secret, purpose: Purpose) -> Option<Key> {
    let source = Salt::new(HKDF_SHA256, b"wxgate").extract(secret.reveal().as_bytes());
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    let label = [b"wxgate seal v1 ", purpose.as_str().as_bytes()];
    source.expand(&label, &AES_256_GCM_SIV).ok().map(UnboundKey::from).and_then(|cipher| {
        source.expand(&[b"wxgate key id"], HKDF_SHA256).ok()?.fill(bytes.as_mut_slice()).ok()?;
        Some(Key { id: hex(&bytes[..4]), cipher: LessSafeKey::new(cipher) })
    })
}
