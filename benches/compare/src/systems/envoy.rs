//! Envoy.

use std::path::PathBuf;

use super::kind::Kind;
use super::place::{Place, Recipe};

const MAIN: &str = r#"static_resources:
  listeners:
  - name: public
    address:
      socket_address: { address: 127.0.0.1, port_value: @PORT@ }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: public
          use_remote_address: true
@LOG@          http_filters:
@ASK@          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            name: public
            request_headers_to_add:
            - header: { key: x-forwarded-host, value: "%REQ(:authority)%" }
              append_action: OVERWRITE_IF_EXISTS_OR_ADD
            virtual_hosts:
            - name: everybody
              domains: ["*"]
              routes:
              - match: { prefix: / }
                route: { cluster: application, timeout: 0s }
@TLS@  clusters:
  - name: application
    type: STATIC
    connect_timeout: 3s
    circuit_breakers: &plenty
      thresholds:
      - { max_connections: 8192, max_pending_requests: 8192, max_requests: 8192 }
    load_assignment:
      cluster_name: application
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @UPSTREAM_PORT@ } } }
  - name: responder
    type: STATIC
    connect_timeout: 3s
    circuit_breakers: *plenty
    load_assignment:
      cluster_name: responder
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @RESPONDER_PORT@ } } }
"#;

const ASK: &str = r#"          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              allowed_headers:
                patterns:
                - safe_regex: { regex: ".*" }
              http_service:
                server_uri: { uri: "http://@RESPONDER@", cluster: responder, timeout: 10s }
                path_prefix: /auth
                authorization_response:
                  allowed_upstream_headers:
                    patterns:
                    - exact: remote-user
                    - exact: remote-name
                    - exact: remote-groups
                    - exact: remote-email
                    - exact: x-wechat-openid
"#;

const LOG: &str = r#"          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: @HERE@/access.log
"#;

const TLS: &str = r#"      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_params: { tls_minimum_protocol_version: TLSv1_3 }
            tls_certificates:
            - certificate_chain: { filename: @CHAIN@ }
              private_key: { filename: @KEY@ }
"#;

pub(super) fn recipe(authenticated: bool, place: &Place<'_>) -> anyhow::Result<Recipe> {
    let tls = place.setup.tls.map(|certificate| {
        TLS.replace("@CHAIN@", &certificate.chain.display().to_string())
            .replace("@KEY@", &certificate.key.display().to_string())
    });
    let values = [
        ("LOG", if place.setup.access_log { LOG } else { "" }),
        ("ASK", if authenticated { ASK } else { "" }),
        ("TLS", tls.as_deref().unwrap_or_default()),
    ];
    let configuration = place.write("envoy.yaml", MAIN, &values)?;
    let mut command = place.command(program(place))?;
    let workers = place.setup.workers.to_string();
    command.args(["--concurrency", &workers, "--disable-hot-restart", "-l", "warn", "-c"]).arg(configuration);
    Ok(Recipe { command, kind: if authenticated { Kind::Authenticated } else { Kind::Plain } })
}

/// What is called envoy in the package's `bin` is a script around it.
fn program(place: &Place<'_>) -> PathBuf {
    let versions = std::fs::read_dir(place.setup.tools.join("proxies/lib")).into_iter().flatten().flatten();
    let mut programs = versions.map(|version| version.path().join("site-packages/envoy/_bin/envoy"));
    programs.find(|program| program.exists()).unwrap_or_else(|| place.packaged("envoy"))
}
