//! TLS of our own listener: certificate and key from files, TLS 1.2 and 1.3, ALPN.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Which files hold certificate chain and key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsSettings {
    /// PEM file with the certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// The files do not make a TLS server.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The certificate file cannot be read as PEM certificates.
    #[error("{path} holds no readable certificate: {source}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::pki_types::pem::Error,
    },
    /// The key file cannot be read as a PEM key.
    #[error("{path} holds no readable private key: {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::pki_types::pem::Error,
    },
    /// The two do not belong together, or rustls does not support them.
    #[error("the certificate {certificate} and the key {key} do not work together: {source}")]
    Pair {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}

impl TlsError {
    /// Which of the two settings it is about: `cert` or `key`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Certificate { .. } => "cert",
            Self::Key { .. } | Self::Pair { .. } => "key",
        }
    }
}

impl TlsSettings {
    /// Reads the files and builds the server side of TLS, offering HTTP/2 and HTTP/1.1.
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = read_certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|source| TlsError::Key { path: self.key.clone(), source })?;
        let mut config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).map_err(|source| {
                TlsError::Pair { certificate: self.certificate.clone(), key: self.key.clone(), source }
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Reads all certificates of a PEM file; none is an error.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refuse = |source| TlsError::Certificate { path: path.to_owned(), source };
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(refuse)?.collect::<Result<_, _>>().map_err(refuse)?;
    if chain.is_empty() {
        return Err(refuse(rustls::pki_types::pem::Error::NoItemsFound));
    }
    Ok(chain)
}
