//! The pool of connections to applications.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, Scheme};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt as _;
use thiserror::Error;

use crate::net::body::Body;
use crate::net::tls::{TlsError, read_certificates};

/// Idle connections are given up before common applications give them up (Node.js and Apache: 5 s), so that a request
/// is rarely written to a connection that is being closed.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// An application that takes not one byte for so long is given up. hyper writes out what it has before it closes a
/// connection, even one whose visitor has long left, so no deadline of ours ends that wait.
#[cfg(target_os = "linux")]
const STALL: Duration = Duration::from_secs(60);

/// Idle connections kept per application.
const POOL_SIZE: usize = 256;

/// Where an application listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// http or https.
    pub scheme: Scheme,
    /// Host and port.
    pub authority: Authority,
    /// Own certificate authority instead of the platform's roots.
    pub ca_file: Option<PathBuf>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
}

impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.authority)
    }
}

/// A client with its pool; cheap to clone.
#[derive(Clone, Debug)]
pub struct UpstreamClient(pub(super) Client<HttpsConnector<HttpConnector>, Body>);

/// The client cannot be built.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The CA file is unusable.
    #[error(transparent)]
    Authority(#[from] TlsError),
    /// The platform's roots are unusable.
    #[error("the system's root certificates cannot be used: {0}")]
    Roots(#[from] rustls::Error),
}

impl UpstreamClient {
    /// Builds the client for `upstream`.
    pub fn new(upstream: &Upstream) -> Result<Self, ClientError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(upstream.connect_timeout));
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(STALL));
        let tls = match &upstream.ca_file {
            Some(path) => own_roots(path)?,
            None if upstream.scheme == Scheme::HTTPS => ClientConfig::with_platform_verifier()?,
            None => {
                ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .set_host(false)
            .build(connector);
        Ok(Self(client))
    }
}

fn own_roots(path: &Path) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(path)? {
        roots.add(certificate)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
