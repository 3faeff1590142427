//! HAProxy, Debian's.

use super::kind::Kind;
use super::place::{Place, Recipe};

const MAIN: &str = "\
global
    nbthread @WORKERS@
    maxconn 16384
    no strict-limits

defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    timeout http-keep-alive 300s
    http-reuse always
@LOG@
frontend public
    bind @LISTEN@@TLS@
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto @SCHEME@
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    default_backend application

backend application
    server application @UPSTREAM@ pool-max-conn 512
";

pub(super) fn recipe(place: &Place<'_>) -> anyhow::Result<Recipe> {
    let tls = place.setup.tls.map(|certificate| {
        format!(" ssl crt {} alpn h2,http/1.1 ssl-min-ver TLSv1.3", certificate.both.display())
    });
    let log =
        if place.setup.access_log { "    log stdout format raw local0\n    option httplog\n" } else { "" };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let values = [("TLS", tls.as_deref().unwrap_or_default()), ("LOG", log), ("SCHEME", scheme)];
    let configuration = place.write("haproxy.cfg", MAIN, &values)?;
    let mut command = place.command("/usr/sbin/haproxy")?;
    command.args(["-db", "-f"]).arg(configuration);
    Ok(Recipe { command, kind: Kind::Plain })
}
