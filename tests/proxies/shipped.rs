//! The files in `deploy/`, as they are copied by people who change nothing but the names in them.

use std::net::Ipv4Addr;
use std::path::Path;

use tokio::net::TcpStream;

use crate::proxies::{Files, Proxy};
use crate::support::{Certificate, Port, Wire, command, eventually};

/// The host of the examples.
const HOST: &str = "app.example.com";

pub(crate) async fn the_shipped_files_are_sound(proxy: Proxy) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(proxy.name());
    are_sound(proxy, |file| std::fs::read_to_string(shipped.join(file)).unwrap()).await;
}

async fn are_sound(proxy: Proxy, read: impl Fn(&str) -> String) {
    let port = Port::reserve();
    let files = Files::new(proxy, |file| {
        let text = read(file);
        text.replace("\":443\"", &format!("\":{}\"", port.number))
    });
    let certificate = Certificate::of(&[HOST]);
    files.certify(HOST, &certificate);
    if proxy == Proxy::Traefik {
        return has_routes(files, &port, &certificate).await;
    }
    if let Err(complaint) = proxy.check(&files) {
        panic!("{complaint}");
    }
}

/// Whatever the headers are called: some proxies bound their expressions.
pub(crate) async fn they_are_sound_with_the_header_names_of_every_family(proxy: Proxy) {
    let long = format!("X-{}User", "Long-".repeat(6));
    let names = format!("names = {{ user = \"{long}\", name = \"User\", openid = \"X-Real-User\" }}");
    let families = ["authelia", "authentik", "grafana", "jenkins", "oauth2-proxy"];
    let routes = families.map(|family| format!("[[routes]]\npath = \"/{family}\"\nheaders = \"{family}\"\n"));
    let text = format!(
        "public_url = \"https://{HOST}\"\nupstream = \"http://127.0.0.1:3000\"\n[headers]\n{names}\n\
         [wechat.website]\napp_id = \"wx1\"\napp_secret = \"s\"\n[server]\ntrusted_proxies = [\"127.0.0.1\"]\n"
    );
    for text in [text.clone(), text.replace(&names, "") + &routes.concat()] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        let snippet = |file: &str| {
            let output = command(folder.path()).args(["snippet", proxy.name(), file]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        are_sound(proxy, snippet).await;
    }
}

/// Traefik has no check: it starts with whatever it can make sense of, and answers 404 for the rest.
async fn has_routes(files: Files, port: &Port, certificate: &Certificate) {
    let traefik = Proxy::Traefik.start(files);
    let mut answer = None;
    eventually("Traefik asks somebody", async || {
        let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port.number)).await else { return false };
        let Ok(stream) = Certificate::handshake(certificate.client(), HOST, stream).await else {
            return false;
        };
        let mut wire = Wire::on(stream);
        wire.send(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")).await;
        answer = Some(wire.answer().await);
        answer.as_ref().is_some_and(|answer| answer.status != 404)
    })
    .await;
    let complaints: Vec<_> = traefik
        .said()
        .lines()
        .filter(|line| line.contains("ERR") && !line.contains("Error calling"))
        .map(str::to_owned)
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    assert_ne!(answer.unwrap().status, 200);
}
