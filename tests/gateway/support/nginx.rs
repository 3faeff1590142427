//! A real nginx before gateways.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{Port, eventually};

/// Where Debian has it.
const PROGRAM: &str = "/usr/sbin/nginx";

/// An nginx that runs. It is killed when dropped.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    child: Child,
    folder: TempDir,
    _port: Port,
}

impl Nginx {
    /// Starts it with `text` in its `http {}`, which has it listen on `port`.
    pub(crate) async fn start(text: &str, port: Port) -> Self {
        assert!(Path::new(PROGRAM).exists(), "nginx is missing: apt-get install nginx");
        let folder = tempfile::tempdir().unwrap();
        // Its workers are another user when root starts it.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let folders: String = folders.iter().map(|kind| format!("    {kind}_temp_path {kind};\n")).collect();
        let around = format!(
            "pid nginx.pid;\nevents {{}}\nhttp {{\n{folders}    access_log off;\n    include shipped.conf;\n}}\n"
        );
        std::fs::write(folder.path().join("nginx.conf"), around).unwrap();
        std::fs::write(folder.path().join("shipped.conf"), text).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["-p", ".", "-e", "error.log", "-c", "nginx.conf", "-g", "daemon off;"]);
        command.current_dir(folder.path()).env_clear().stdin(Stdio::null());
        // A process group of its own: it has a worker, which is to end with it.
        let child = command.process_group(0).spawn().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number));
        let nginx = Self { address, child, folder, _port: port };
        eventually("nginx listens", async || TcpStream::connect(address).await.is_ok()).await;
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default();
            eprintln!("--- nginx said:\n{said}");
        }
    }
}
