//! Caddy.

use super::kind::Kind;
use super::place::{Place, Recipe};

const MAIN: &str = "\
{
	admin off
	auto_https disable_redirects
	persist_config off
	skip_install_trust
	log {
		level WARN
	}
}
@SITE@ {
	bind 127.0.0.1
@TLS@@LOG@@ASK@	reverse_proxy @UPSTREAM@ {
		transport http {
			keepalive_idle_conns 1024
			keepalive_idle_conns_per_host 512
		}
	}
}
";

const ASK: &str = "	forward_auth @RESPONDER@ {
		uri /auth
		copy_headers Remote-User Remote-Name Remote-Groups Remote-Email X-Wechat-Openid
		transport http {
			keepalive_idle_conns 1024
			keepalive_idle_conns_per_host 512
		}
	}
";

const LOG: &str = "	log {
		output file @HERE@/access.log {
			roll_disabled
		}
	}
";

pub(super) fn recipe(authenticated: bool, place: &Place<'_>) -> anyhow::Result<Recipe> {
    let tls = place
        .setup
        .tls
        .map(|certificate| format!("\ttls {} {}\n", certificate.chain.display(), certificate.key.display()));
    let site = if tls.is_some() { "https://@HOST@:@PORT@" } else { "http://:@PORT@" };
    let values = [
        ("SITE", site),
        ("TLS", tls.as_deref().unwrap_or_default()),
        ("LOG", if place.setup.access_log { LOG } else { "" }),
        ("ASK", if authenticated { ASK } else { "" }),
    ];
    let configuration = place.write("Caddyfile", MAIN, &values)?;
    let mut command = place.command(place.packaged("caddy"))?;
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(configuration);
    Ok(Recipe { command, kind: if authenticated { Kind::Authenticated } else { Kind::Plain } })
}
