//! nginx, Debian's.

use super::kind::Kind;
use super::place::{Place, Recipe};

/// What it does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Variant {
    Plain,
    /// With buffers that hold a large answer's pieces, and no file beside them.
    BigBuffers,
    /// Asks the responder by `auth_request`.
    Authenticated,
    /// Says who is there by itself.
    Return200,
}

const MAIN: &str = "\
worker_processes @WORKERS@;
worker_rlimit_nofile 20000;
pid @HERE@/nginx.pid;
error_log stderr warn;
events {
    worker_connections 16384;
}
http {
    client_body_temp_path @HERE@/client_body;
    proxy_temp_path @HERE@/proxy;
    fastcgi_temp_path @HERE@/fastcgi;
    uwsgi_temp_path @HERE@/uwsgi;
    scgi_temp_path @HERE@/scgi;
    access_log @ACCESS_LOG@;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
    upstream application {
        server @UPSTREAM@;
        keepalive 256;
        keepalive_requests 1000000000;
    }
    upstream responder {
        server @RESPONDER@;
        keepalive 256;
        keepalive_requests 1000000000;
    }
    server {
        listen @LISTEN@@TLS@;
@CERTIFICATE@        location / {
@LOCATION@        }
@MORE@    }
}
";

const FORWARD: &str = "            proxy_pass http://application;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $host;
            proxy_set_header X-Real-IP $remote_addr;
";

const BIG_BUFFERS: &str = "            proxy_buffer_size 64k;
            proxy_buffers 8 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
";

const ASK: &str = "            auth_request /auth;
            auth_request_set $user $upstream_http_remote_user;
            auth_request_set $name $upstream_http_remote_name;
            auth_request_set $groups $upstream_http_remote_groups;
            auth_request_set $email $upstream_http_remote_email;
            auth_request_set $openid $upstream_http_x_wechat_openid;
            proxy_set_header Remote-User $user;
            proxy_set_header Remote-Name $name;
            proxy_set_header Remote-Groups $groups;
            proxy_set_header Remote-Email $email;
            proxy_set_header X-Wechat-Openid $openid;
";

const QUESTION: &str = "        location = /auth {
            internal;
            proxy_pass http://responder;
            proxy_http_version 1.1;
            proxy_pass_request_body off;
            proxy_set_header Content-Length \"\";
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
            proxy_set_header X-Original-URL $scheme://$host$request_uri;
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Forwarded-For $remote_addr;
        }
";

pub(super) fn recipe(variant: Variant, place: &Place<'_>) -> anyhow::Result<Recipe> {
    let (location, more, kind) = match variant {
        Variant::Plain => (FORWARD.to_owned(), "", Kind::Plain),
        Variant::BigBuffers => ([FORWARD, BIG_BUFFERS].concat(), "", Kind::Plain),
        Variant::Authenticated => ([FORWARD, ASK].concat(), QUESTION, Kind::Authenticated),
        Variant::Return200 => (say_who_is_there(), "", Kind::Check),
    };
    let access_log = if place.setup.access_log { "@HERE@/access.log" } else { "off" };
    let (tls, certificate) = match place.setup.tls {
        Some(certificate) => (
            " ssl http2",
            format!(
                "        ssl_certificate {};\n        ssl_certificate_key {};\n        ssl_protocols TLSv1.3;\n",
                certificate.chain.display(),
                certificate.key.display()
            ),
        ),
        None => ("", String::new()),
    };
    let values = [
        ("ACCESS_LOG", access_log),
        ("TLS", tls),
        ("CERTIFICATE", &certificate),
        ("LOCATION", &location),
        ("MORE", more),
    ];
    let configuration = place.write("nginx.conf", MAIN, &values)?;
    let mut command = place.command("/usr/sbin/nginx")?;
    command.args(["-p", ".", "-e", "stderr", "-g", "daemon off;", "-c"]).arg(configuration);
    Ok(Recipe { command, kind })
}

fn say_who_is_there() -> String {
    let headers: String = super::IDENTITY
        .iter()
        // A header without a value would be left out.
        .map(|(name, value)| (name, if value.is_empty() { "-" } else { value }))
        .map(|(name, value)| format!("            add_header {name} \"{value}\";\n"))
        .collect();
    format!("{headers}            return 200;\n")
}
