//! Sealed values: what only this gateway can write, and only for the purpose it was written for.

mod batch;
mod key_ring;
mod prover;
mod sealer;

pub use batch::random_name;
pub use key_ring::{KeyRing, WeakSecret};
pub use prover::{Holder, Prover};
pub use sealer::{Purpose, Sealer};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// Fresh random bytes for an id or a secret. An operating system without randomness cannot run a gateway, so failure
/// is the zero-probability case that ends the process.
#[expect(
    clippy::expect_used,
    reason = "without randomness nothing here is safe, and there is no one to tell"
)]
pub fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |number: u8| char::from(DIGITS[usize::from(number)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

/// SHA-256 of `bytes`.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    out
}
