//! TLS of our own listener: certificate and key from files, TLS 1.2 and 1.3, ALPN.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
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
    /// The system gave no randomness for the key of session tickets.
    #[error("no key for TLS session tickets could be made: {source}")]
    Tickets {
        /// Why not.
        source: rustls::Error,
    },
}

impl TlsError {
    /// Which of the two settings it is about: `cert` or `key`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Certificate { .. } => "cert",
            Self::Key { .. } | Self::Pair { .. } | Self::Tickets { .. } => "key",
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
        resume_by_tickets(&mut config).map_err(|source| TlsError::Tickets { source })?;
        Ok(Arc::new(config))
    }
}

/// Lets clients come back with a ticket that holds all there is to know: cores share no table of sessions and no lock.
///
/// The key of the tickets is made here, is replaced every six hours and forgotten after twelve. So nobody resumes a
/// session of another certificate, nor one from before a reload. Data sent along with a ticket is not accepted: it could
/// be sent twice.
fn resume_by_tickets(config: &mut ServerConfig) -> Result<(), rustls::Error> {
    config.ticketer = Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0;
    Ok(())
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

#[cfg(test)]
mod tests {
    use rustls::{
        ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore, ServerConnection,
    };

    use super::*;

    struct Files {
        _folder: tempfile::TempDir,
        settings: TlsSettings,
        client: Arc<ClientConfig>,
    }

    fn files(versions: &[&'static rustls::SupportedProtocolVersion]) -> Files {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let settings =
            TlsSettings { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        std::fs::write(&settings.certificate, made.cert.pem()).unwrap();
        std::fs::write(&settings.key, made.signing_key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let mut client = ClientConfig::builder_with_protocol_versions(versions)
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.enable_early_data = true;
        Files { _folder: folder, settings, client: Arc::new(client) }
    }

    /// A handshake in memory, and one byte of answer, so that tickets arrive.
    fn connect(
        client: &Arc<ClientConfig>,
        server: &Arc<ServerConfig>,
    ) -> (ClientConnection, ServerConnection) {
        let name = "a.test".try_into().unwrap();
        let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
        assert!(client.early_data().is_none(), "nothing may be sent along with a ticket");
        while client.is_handshaking()
            || server.is_handshaking()
            || client.wants_write()
            || server.wants_write()
        {
            let mut bytes = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut bytes).unwrap();
            }
            server.read_tls(&mut bytes.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            let mut bytes = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut bytes).unwrap();
            }
            client.read_tls(&mut bytes.as_slice()).unwrap();
            client.process_new_packets().unwrap();
        }
        (client, server)
    }

    #[test]
    fn a_visitor_comes_back_with_a_ticket_until_the_files_are_read_again() {
        for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
            let files = files(&[version]);
            let server = files.settings.load().unwrap();
            let kind = |server| connect(&files.client, server).1.handshake_kind().unwrap();
            assert_eq!(kind(&server), HandshakeKind::Full);
            assert_eq!(kind(&server), HandshakeKind::Resumed, "{version:?}");
            let reloaded = files.settings.load().unwrap();
            assert_eq!(kind(&reloaded), HandshakeKind::Full, "{version:?}");
            assert_eq!(kind(&reloaded), HandshakeKind::Resumed, "{version:?}");
        }
    }

    #[test]
    fn one_ticket_is_sent() {
        let files = files(&[&rustls::version::TLS13]);
        let (client, _) = connect(&files.client, &files.settings.load().unwrap());
        assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(client.tls13_tickets_received(), 1);
    }
}
