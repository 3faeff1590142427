//! How the server is reached: the address of the configuration, with deadlines, and TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use thiserror::Error;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::url::is_local;
use super::deadlines::Deadlines;
use crate::model::secret::Secret;

/// A connection that nobody uses is probed, so that firewalls remember it and a lost server is noticed.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How the server is reached.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    /// Whether nothing leaves this machine.
    pub(super) is_local: bool,
}

/// The server cannot be reached like this, whatever it does.
#[derive(Debug, Error)]
pub(super) enum AddressError {
    /// No address.
    #[error("it is no address of PostgreSQL")]
    Address,
    /// The CA file is unusable.
    #[error("the certificate authority {path} cannot be used: {source}")]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// The roots are unusable.
    #[error("the certificate authorities cannot be used: {0}")]
    Roots(#[from] rustls::Error),
}

impl Address {
    /// Reads the address of the configuration; with `ca_file`, only this authority is believed.
    pub(super) fn read(url: &Secret, ca_file: Option<&Path>) -> Result<Self, AddressError> {
        // What is wrong with it was said when the configuration was read.
        let mut config: Config = url.reveal().parse().map_err(|_| AddressError::Address)?;
        let hosts = config.get_hosts().len().max(1);
        config
            .connect_timeout(Deadlines::PROMISED.connect / u32::try_from(hosts).unwrap_or(u32::MAX))
            .tcp_user_timeout(Deadlines::PROMISED.sentence * 2)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE / 6)
            .keepalives_retries(3)
            // A standby that only reads is passed over, and not taken for a store.
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("wxgate");
        }
        let is_local = is_local(&config);
        if is_local && ca_file.is_none() && config.get_ssl_mode() == SslMode::Prefer {
            // Debian's PostgreSQL offers TLS with a certificate that nobody vouches for; on one machine it protects nothing.
            config.ssl_mode(SslMode::Disable);
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => believing(RootCertStore::empty())?,
            _ => client_config(ca_file)?,
        };
        Ok(Self { config, tls: MakeRustlsConnect::new(tls), is_local })
    }
}

fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, AddressError> {
    let Some(path) = ca_file else {
        return Ok(builder()?.with_platform_verifier()?.with_no_client_auth());
    };
    let refuse = |source| AddressError::Authority { path: path.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(refuse)? {
        roots.add(certificate.map_err(refuse)?)?;
    }
    if roots.is_empty() {
        return Err(refuse(pem::Error::NoItemsFound));
    }
    believing(roots)
}

fn believing(roots: RootCertStore) -> Result<ClientConfig, AddressError> {
    Ok(builder()?.with_root_certificates(roots).with_no_client_auth())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}
