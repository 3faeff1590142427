//! `[server]`: where to listen, whom to believe, what to bear.

use std::path::PathBuf;

use ipnet::IpNet;

use super::session::request_timeout;
use super::{HOUR, SECOND, ServerSettings};
use crate::config::section::Section;
use crate::model::peer::TrustedProxies;
use crate::net::limits::Limits;
use crate::net::listen::ListenAddress;
use crate::net::tls::TlsSettings;
use crate::net::workers;

/// Reads `[server]`, and whether plain http was asked for.
pub(super) fn read(top: &mut Section<'_>) -> (ServerSettings, bool) {
    let mut settings = ServerSettings {
        listen: ListenAddress::Tcp(([127, 0, 0, 1], 8480).into()),
        trusted_proxies: TrustedProxies::default(),
        limits: Limits::default(),
        shutdown_timeout: SECOND * 30,
        tls: None,
        workers: workers::cores(),
    };
    let Some(mut section) = top.table("server") else { return (settings, false) };
    settings.listen = section.optional("listen", str::parse).unwrap_or(settings.listen);
    let networks = section.texts("trusted_proxies", network).unwrap_or_default();
    settings.trusted_proxies = TrustedProxies::new(networks);
    let insecure_http = section.boolean("insecure_http").unwrap_or(false);
    settings.limits = limits(&mut section);
    settings.shutdown_timeout = section.duration("shutdown_timeout", SECOND..=HOUR).unwrap_or(SECOND * 30);
    settings.workers = section
        .integer("workers", 1..=512)
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(settings.workers);
    settings.tls = section.table("tls").and_then(|mut tls| {
        let file = |text: &str| Ok(PathBuf::from(text));
        let certificate = tls.required("cert", "\"/etc/wxgate/fullchain.pem\"", file);
        let key = tls.required("key", "\"/etc/wxgate/key.pem\"", file);
        let settings = certificate.zip(key).map(|(certificate, key)| TlsSettings { certificate, key });
        if let Some(Err(error)) = settings.as_ref().map(TlsSettings::load) {
            tls.complain(&tls.place(error.key()), "TLS cannot be served", error.to_string());
        }
        tls.finish();
        settings
    });
    section.finish();
    (settings, insecure_http)
}

fn limits(section: &mut Section<'_>) -> Limits {
    let mut limits = Limits::default();
    let connections = section.integer("max_connections", 16..=1_000_000);
    limits.connections =
        connections.and_then(|count| usize::try_from(count).ok()).unwrap_or(limits.connections);
    limits.body_bytes = section.size("max_body_size", 0..=u64::MAX >> 1);
    limits.head = section.duration("header_timeout", request_timeout()).unwrap_or(limits.head);
    limits.first_byte = limits.head;
    limits.tls_handshake = limits.head;
    limits.keep_alive =
        section.duration("keep_alive_timeout", request_timeout()).unwrap_or(limits.keep_alive);
    limits.body_idle = section.duration("body_timeout", request_timeout()).unwrap_or(limits.body_idle);
    limits.write_stall = section.duration("write_timeout", request_timeout()).unwrap_or(limits.write_stall);
    limits
}

fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(network) = text.parse::<IpNet>() {
        return if network.prefix_len() == 0 {
            Err("with every address trusted any visitor can claim to be any other: list your own proxies"
                .to_owned())
        } else {
            Ok(network.trunc())
        };
    }
    match text.parse::<std::net::IpAddr>() {
        Ok(address) => Ok(address.into()),
        Err(_) => Err(format!("`{text}` is not an address or network; write \"10.0.0.5\" or \"10.0.0.0/8\"")),
    }
}
