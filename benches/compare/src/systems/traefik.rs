//! Traefik.

use super::kind::Kind;
use super::place::{Place, Recipe};

const MAIN: &str = "\
entryPoints:
  public:
    address: \"@LISTEN@\"
    transport:
      respondingTimeouts:
        idleTimeout: 300s
providers:
  file:
    filename: @HERE@/dynamic.yml
serversTransport:
  maxIdleConnsPerHost: 512
log:
  level: ERROR
global:
  checkNewVersion: false
  sendAnonymousUsage: false
@LOG@";

const LOG: &str = "accessLog:
  filePath: @HERE@/access.log
";

const DYNAMIC: &str = "\
http:
  routers:
    application:
      rule: PathPrefix(`/`)
      entryPoints: [public]
      service: application
@ROUTER@  services:
    application:
      loadBalancer:
        servers:
          - url: http://@UPSTREAM@
@MORE@";

const ASK: &str = "      middlewares: [ask]
";

const MIDDLEWARE: &str = "  middlewares:
    ask:
      forwardAuth:
        address: http://@RESPONDER@/auth
        authResponseHeaders: [Remote-User, Remote-Name, Remote-Groups, Remote-Email, X-Wechat-Openid]
";

const TLS: &str = "      tls: {}
";

pub(super) fn recipe(authenticated: bool, place: &Place<'_>) -> anyhow::Result<Recipe> {
    let certificate = place.setup.tls.map(|certificate| {
        let (chain, key) = (certificate.chain.display(), certificate.key.display());
        format!("tls:\n  certificates:\n    - certFile: {chain}\n      keyFile: {key}\n")
    });
    let (ask, middleware) = if authenticated { (ASK, MIDDLEWARE) } else { ("", "") };
    let router = [ask, if certificate.is_some() { TLS } else { "" }].concat();
    let more = [middleware, certificate.as_deref().unwrap_or_default()].concat();
    place.write("dynamic.yml", DYNAMIC, &[("ROUTER", &router), ("MORE", &more)])?;
    let log = if place.setup.access_log { LOG } else { "" };
    let configuration = place.write("traefik.yml", MAIN, &[("LOG", log)])?;
    let mut command = place.command(place.packaged("traefik"))?;
    command.arg(format!("--configFile={}", configuration.display()));
    Ok(Recipe { command, kind: if authenticated { Kind::Authenticated } else { Kind::Plain } })
}
