//! Opens connections to one application: TCP, TLS, and which version of HTTP is spoken there.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::{self, Authority};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connection as _, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt as _;
use thiserror::Error;
use tokio::net::TcpStream;
use tower_service::Service as _;

use crate::net::tls::{TlsError, read_certificates};

/// An application that takes not one byte for so long is given up. hyper writes out what it has before it closes a
/// connection, even one whose visitor has long left, so no deadline of ours ends that wait.
#[cfg(target_os = "linux")]
const STALL: Duration = Duration::from_secs(60);

/// Where an application listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// How it is spoken to.
    pub scheme: UpstreamScheme,
    /// Host and port.
    pub authority: Authority,
    /// Own certificate authority instead of the platform's roots.
    pub ca_file: Option<PathBuf>,
    /// Longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
}

/// How an application is spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UpstreamScheme {
    /// HTTP/2 without TLS, by prior knowledge (RFC 9113 §3.3).
    H2c,
    /// HTTP/1.1 without TLS.
    Http,
    /// TLS, and HTTP/2 where the application offers it (ALPN), else HTTP/1.1.
    Https,
}

/// Opens connections to one application.
#[derive(Debug)]
pub struct Connector {
    address: Uri,
    scheme: UpstreamScheme,
    timeout: Duration,
    any_version: HttpsConnector<HttpConnector>,
    http1_only: HttpsConnector<HttpConnector>,
}

/// A connection, and the version of HTTP that is spoken on it.
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) is_http2: bool,
}

/// The bytes to and from an application.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The connector cannot be built.
#[derive(Debug, Error)]
pub enum ConnectorError {
    /// The CA file is unusable.
    #[error(transparent)]
    Authority(#[from] TlsError),
    /// The address makes no URL.
    #[error(transparent)]
    Address(#[from] http::Error),
    /// The platform's roots are unusable.
    #[error("the system's root certificates cannot be used: {0}")]
    Roots(#[from] rustls::Error),
}

/// There is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Name, network or TLS.
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
    /// No HTTP on it.
    #[error(transparent)]
    Handshake(#[from] hyper::Error),
    /// Not in time.
    #[error("no connection within connect_timeout")]
    Timeout,
}

impl UpstreamScheme {
    /// The scheme as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::H2c => "h2c",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The scheme of URLs that are asked for there.
    pub(super) fn of_urls(self) -> uri::Scheme {
        if self == Self::Https { uri::Scheme::HTTPS } else { uri::Scheme::HTTP }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme.as_str(), self.authority)
    }
}

impl Connector {
    /// A connector for `upstream`.
    pub fn new(upstream: &Upstream) -> Result<Self, ConnectorError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(upstream.connect_timeout));
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(STALL));
        let tls = match &upstream.ca_file {
            Some(path) => own_roots(path)?,
            None if upstream.scheme == UpstreamScheme::Https => ClientConfig::with_platform_verifier()?,
            None => {
                ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
        };
        let builder = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let address = Uri::builder()
            .scheme(upstream.scheme.of_urls())
            .authority(upstream.authority.clone())
            .path_and_query("/")
            .build()?;
        Ok(Self {
            address,
            scheme: upstream.scheme,
            timeout: upstream.connect_timeout,
            any_version: builder().enable_http1().enable_http2().wrap_connector(tcp.clone()),
            http1_only: builder().enable_http1().wrap_connector(tcp),
        })
    }

    /// Opens a connection and closes it again.
    ///
    /// # Errors
    /// When there is none.
    pub async fn probe(&self) -> Result<(), ConnectError> {
        self.open(false).await.map(drop)
    }

    /// Opens a connection; with `http1_only`, one that can be upgraded.
    pub(super) async fn open(&self, http1_only: bool) -> Result<Opened, ConnectError> {
        let connector = if http1_only { &self.http1_only } else { &self.any_version };
        let stream = tokio::time::timeout(self.timeout, connector.clone().call(self.address.clone()));
        let stream = stream.await.map_err(|_| ConnectError::Timeout)?.map_err(ConnectError::Failed)?;
        let is_http2 = match self.scheme {
            UpstreamScheme::H2c => !http1_only,
            UpstreamScheme::Http => false,
            UpstreamScheme::Https => stream.connected().is_negotiated_h2(),
        };
        Ok(Opened { stream, is_http2 })
    }

    /// Whether it may be that HTTP/2 is spoken there.
    pub(super) fn may_speak_http2(&self) -> bool {
        self.scheme != UpstreamScheme::Http
    }
}

fn own_roots(path: &Path) -> Result<ClientConfig, ConnectorError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(path)? {
        roots.add(certificate)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
