//! A certificate for the listeners.

use std::path::PathBuf;

use anyhow::Context as _;
use tempfile::TempDir;

use super::directory::directory;
use super::request::HOST;

/// A self-signed ECDSA certificate (P-256) for the host, in files.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate.
    pub chain: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Both in one file, as HAProxy wants them.
    pub both: PathBuf,
    _directory: TempDir,
}

impl Certificate {
    /// Makes one.
    pub fn new() -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).context("making a certificate")?;
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let directory = directory()?;
        let write = |name: &str, text: &str| -> anyhow::Result<PathBuf> {
            let path = directory.path().join(name);
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            Ok(path)
        };
        Ok(Self {
            chain: write("chain.pem", &chain)?,
            key: write("key.pem", &key)?,
            both: write("both.pem", &format!("{chain}{key}"))?,
            _directory: directory,
        })
    }
}
