//! The five programs: where they are, what they are started with, and how they end.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use crate::support::Certificate;

const INSTALL: &str = "`tests/run proxies` installs it";

/// A program for which wxgate ships a configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Proxy {
    Nginx,
    Traefik,
    Caddy,
    Envoy,
    Haproxy,
}

/// Shipped files, ready for a program.
pub(crate) struct Files {
    folder: TempDir,
}

/// A proxy that runs. It is killed when dropped.
pub(crate) struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    _files: Files,
}

impl Proxy {
    /// As `wxgate snippet` and `deploy/` call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
            Self::Haproxy => "haproxy",
        }
    }

    /// The shipped files it is started with.
    pub(crate) fn files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["wxgate.conf"],
            Self::Traefik => &["traefik.yml", "wxgate.yml"],
            Self::Caddy => &["Caddyfile"],
            Self::Envoy => &["envoy.yaml"],
            Self::Haproxy => &["haproxy.cfg", "wxgate.lua"],
        }
    }

    /// Starts it from these files.
    pub(crate) fn start(self, files: Files) -> Running {
        let folder = files.folder.path();
        let arguments: &[&str] = match self {
            Self::Nginx => &["-p", ".", "-e", "stderr", "-c", "nginx.conf", "-g", "daemon off;"],
            Self::Traefik => &["--configFile=traefik.yml"],
            Self::Caddy => &["run", "--config", "Caddyfile", "--adapter", "caddyfile"],
            Self::Envoy => &["-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "-l", "warn"],
            Self::Haproxy => &["-db", "-f", "haproxy.cfg"],
        };
        // A process group of its own: some have workers, which are to end with it.
        let mut child = self.command(folder).args(arguments).process_group(0).spawn().unwrap();
        let said = Arc::default();
        collect(child.stdout.take().unwrap(), &said);
        collect(child.stderr.take().unwrap(), &said);
        Running { child, said, _files: files }
    }

    /// Has it check the files, and gives its complaint.
    pub(crate) fn check(self, files: &Files) -> Result<(), String> {
        let arguments: &[&str] = match self {
            Self::Nginx => &["-p", ".", "-e", "stderr", "-c", "nginx.conf", "-t"],
            Self::Traefik => return Err("it has no check".to_owned()),
            Self::Caddy => &["validate", "--config", "Caddyfile", "--adapter", "caddyfile"],
            Self::Envoy => &["--mode", "validate", "-c", "envoy.yaml", "-l", "warn"],
            Self::Haproxy => &["-c", "-f", "haproxy.cfg"],
        };
        let output = self.command(files.folder.path()).args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said).into_owned()) }
    }

    fn command(self, folder: &Path) -> Command {
        let program = self.program();
        assert!(program.exists(), "{} is missing; {INSTALL}", program.display());
        let mut command = Command::new(program);
        // Caddy keeps things at home, and its administration at a port unless told otherwise.
        let administration = format!("unix/{}", folder.join("admin.sock").display());
        command.current_dir(folder).env_clear().env("HOME", folder).env("CADDY_ADMIN", administration);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Debian's programs are where Debian puts them, the others in an environment of Python's.
    fn program(self) -> PathBuf {
        let bin = std::env::var_os("WXGATE_TEST_PROXIES").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/proxies/bin"),
            PathBuf::from,
        );
        match self {
            Self::Nginx | Self::Haproxy => Path::new("/usr/sbin").join(self.name()),
            Self::Traefik | Self::Caddy => bin.join(self.name()),
            // What is called envoy there is a script around it, which would outlive a kill.
            Self::Envoy => {
                let versions = std::fs::read_dir(bin.join("../lib")).into_iter().flatten().flatten();
                let mut programs =
                    versions.map(|version| version.path().join("site-packages/envoy/_bin/envoy"));
                programs.find(|program| program.exists()).unwrap_or_else(|| bin.join("envoy"))
            }
        }
    }
}

impl Files {
    /// The files of these texts, changed to live in a folder of their own, and what a user has around them.
    pub(crate) fn new(proxy: Proxy, read: impl Fn(&str) -> String) -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        let folder = files.folder.path();
        // nginx's workers are another user when root starts it.
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let here = |name: &str| folder.join(name).display().to_string();
        for name in proxy.files() {
            let mut text = read(name).replace("/etc/ssl/wxgate/", &here(""));
            for other in proxy.files() {
                for usual in ["/etc/traefik", "/etc/traefik/dynamic", "/etc/traefik/conf.d", "/etc/haproxy"] {
                    text = text.replace(&format!("{usual}/{other}"), &here(other));
                }
            }
            if proxy == Proxy::Caddy {
                text = around_caddy(&text, &here(""));
            }
            // Only root can become somebody else.
            if proxy == Proxy::Haproxy && std::fs::metadata(folder).unwrap().uid() != 0 {
                let needs_root = ["    user ", "    group ", "    chroot "];
                let lines =
                    text.lines().filter(|line| !needs_root.iter().any(|start| line.starts_with(start)));
                text = lines.map(|line| format!("{line}\n")).collect();
            }
            std::fs::write(folder.join(name), text).unwrap();
        }
        if proxy == Proxy::Nginx {
            std::fs::write(folder.join("nginx.conf"), around_nginx()).unwrap();
        }
        files
    }

    /// Puts a host's certificate where the files look for it.
    pub(crate) fn certify(&self, host: &str, certificate: &Certificate) {
        let both = [certificate.chain.as_str(), &certificate.key].concat();
        for (end, text) in [("crt", &certificate.chain), ("key", &certificate.key), ("pem", &both)] {
            std::fs::write(self.folder.path().join(format!("{host}.{end}")), text).unwrap();
        }
    }
}

/// As a distribution's own file, in small.
fn around_nginx() -> String {
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders: String = folders.iter().map(|kind| format!("    {kind}_temp_path {kind};\n")).collect();
    format!(
        "pid nginx.pid;\nevents {{}}\nhttp {{\n{folders}    access_log off;\n    include wxgate.conf;\n}}\n"
    )
}

/// With certificates of its owner's, and none of its own making: it would have this computer trust it.
fn around_caddy(text: &str, folder: &str) -> String {
    let with_certificate = |line: &str| {
        let site = line.strip_prefix("https://").and_then(|rest| rest.split(':').next());
        let tls = site.map(|host| format!("\ttls {folder}{host}.crt {folder}{host}.key\n"));
        format!("{line}\n{}", tls.unwrap_or_default())
    };
    let sites: String = text.lines().map(with_certificate).collect();
    format!("{{\n\tauto_https disable_redirects\n}}\n{sites}")
}

fn collect(from: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            *said.lock().unwrap() += &format!("{line}\n");
        }
    });
}

impl Running {
    /// Everything it said so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        _ = self.child.wait();
    }
}
