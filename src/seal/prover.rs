//! A proof that whoever answers holds the session secret, for whoever holds it too: HMAC-SHA256 under a key of its own.

use std::fmt;

use aws_lc_rs::hmac;

use super::{KeyRing, hex};

/// Makes and checks proofs.
pub struct Prover {
    keys: Vec<hmac::Key>,
}

/// Whose secret a proof was made with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holder {
    /// Somebody who has a former secret of ours, in `old_secrets`, as the one that seals.
    Former,
    /// Somebody whose secret is ours.
    Same,
    /// Somebody else.
    Stranger,
}

impl Prover {
    /// Proofs by the keys of `ring`.
    pub fn new(ring: &KeyRing) -> Self {
        Self { keys: ring.proof_keys() }
    }

    /// The proof for `message`, in 64 hexadecimal digits. The key is derived for this alone, so that it opens and seals nothing.
    pub fn prove(&self, message: &str) -> String {
        self.keys.first().map(|key| hex(hmac::sign(key, message.as_bytes()).as_ref())).unwrap_or_default()
    }

    /// Whose `proof` for `message` this is.
    pub fn holder(&self, message: &str, proof: &str) -> Holder {
        let is_by = |key: &hmac::Key| {
            unhex(proof).is_some_and(|tag| hmac::verify(key, message.as_bytes(), &tag).is_ok())
        };
        match self.keys.iter().position(is_by) {
            Some(0) => Holder::Same,
            Some(_) => Holder::Former,
            None => Holder::Stranger,
        }
    }
}

impl fmt::Debug for Prover {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Prover").finish_non_exhaustive()
    }
}

/// The bytes of a tag.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;

    fn prover(secrets: &[&str]) -> Prover {
        let mut secrets = secrets.iter().map(|text| Secret::new(text.repeat(32)));
        Prover::new(&KeyRing::new(secrets.next().unwrap(), secrets.collect()).unwrap())
    }

    #[test]
    fn a_proof_holds_for_its_message_and_secret_only() {
        let proof = prover(&["a"]).prove("question");
        assert_eq!(proof.len(), 64);
        assert_eq!(prover(&["a"]).holder("question", &proof), Holder::Same);
        assert_eq!(prover(&["a"]).holder("questions", &proof), Holder::Stranger);
        assert_eq!(prover(&["b"]).holder("question", &proof), Holder::Stranger);
        assert_eq!(prover(&["b", "a"]).holder("question", &proof), Holder::Former);
        assert_eq!(prover(&["a", "b"]).holder("question", &proof), Holder::Same);
    }

    #[test]
    fn what_is_no_proof_is_a_strangers() {
        for proof in ["", "00", "zz", &"0".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert_eq!(prover(&["a"]).holder("question", proof), Holder::Stranger, "{proof}");
        }
    }
}
