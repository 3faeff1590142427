//! wxgate itself.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;

use super::cookie::SECRET;
use super::kind::Kind;
use super::members;
use super::place::{Place, Recipe, free_address};

/// What it does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Variant {
    /// Lets signed-in people pass.
    Authenticated,
    /// Lets everybody pass.
    Open,
    /// Answers a proxy's questions.
    Check,
}

const MAIN: &str = r#"public_url = "@SCHEME@://@HOST@"
upstream = "http://@UPSTREAM@"
data_dir = "@HERE@"

[wechat.website]
app_id = "wx0123456789abcdef"
app_secret = "0123456789abcdef0123456789abcdef"

[access]
default = "@ACCESS@"

[session]
secret = "@SECRET@"

[server]
listen = "@LISTEN@"
insecure_http = true
max_connections = 16384
@SERVER@
[admin]
listen = "@ADMIN@"

[log]
format = "json"
access = @LOG@

# The same five lines that all others tell the application.
[headers.names]
unionid = ""
avatar = ""
sex = ""
city = ""
province = ""
country = ""
"#;

pub(super) fn recipe(variant: Variant, place: &Place<'_>) -> anyhow::Result<Recipe> {
    members::make(place.directory, place.setup.members).context("making members")?;
    let mut server = String::new();
    if variant == Variant::Check {
        server.push_str("trusted_proxies = [\"127.0.0.1/32\"]\n");
    }
    let tls = place.setup.tls.map(|certificate| {
        let (chain, key) = (certificate.chain.display(), certificate.key.display());
        format!("[server.tls]\ncert = \"{chain}\"\nkey = \"{key}\"\n")
    });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let tls = tls.unwrap_or_default();
    let admin = free_address()?.to_string();
    let access = if variant == Variant::Open { "public" } else { "members" };
    let write = |workers: &str| {
        let server = [&server, workers, &tls].concat();
        let log = place.setup.access_log.to_string();
        let values = [
            ("SCHEME", scheme),
            ("ACCESS", access),
            ("SECRET", SECRET),
            ("SERVER", &server),
            ("ADMIN", &admin),
            ("LOG", &log),
        ];
        place.write("config.toml", MAIN, &values)
    };
    // Versions before this key have as many threads as tokio makes.
    let mut configuration = write("workers = @WORKERS@\n")?;
    if check(place, &configuration).is_err() {
        configuration = write("")?;
        check(place, &configuration)?;
    }
    let mut command = place.command(place.setup.wxgate)?;
    command.env("TOKIO_WORKER_THREADS", place.setup.workers.to_string());
    command.arg("run").arg("--config").arg(configuration);
    let kind = match variant {
        Variant::Authenticated => Kind::Authenticated,
        Variant::Open => Kind::Plain,
        Variant::Check => Kind::Check,
    };
    Ok(Recipe { command, kind })
}

fn check(place: &Place<'_>, configuration: &Path) -> anyhow::Result<()> {
    let mut command = place.command(place.setup.wxgate)?;
    command.stdin(Stdio::null()).arg("check").arg("--config").arg(configuration);
    let output = command.output().context("running wxgate check")?;
    let said = [output.stdout, output.stderr].concat();
    anyhow::ensure!(
        output.status.success(),
        "its configuration is refused:\n{}",
        String::from_utf8_lossy(&said)
    );
    Ok(())
}
