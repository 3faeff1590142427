//! Processes: started in a group of their own, watched until they answer, and ended with all their children.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process_group};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use wxgate::model::clock::instant;

use super::client::client;
use super::cookie::cookie;
use super::kind::Kind;
use super::place::Setup;
use super::request::{HOST, request};
use super::system::System;

/// How long a program may take until it answers its first request: under valgrind, on a busy computer, it is long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of a program's log is shown when it does not start.
const SHOWN: usize = 3000;

/// Starts a command on a core; what it says is in the file `log`.
pub(super) fn start(command: Command, core: Option<usize>, directory: &Path) -> anyhow::Result<Child> {
    let mut command = match core {
        Some(core) => on_core(&command, core),
        None => command,
    };
    let log = File::create(directory.join("log")).context("making its log")?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    command.spawn().with_context(|| format!("running {}", command.get_program().display()))
}

/// The same command behind `taskset`.
fn on_core(command: &Command, core: usize) -> Command {
    let mut pinned = Command::new("/usr/bin/taskset");
    pinned.args(["-c", &core.to_string()]).arg(command.get_program()).args(command.get_args()).env_clear();
    pinned.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        pinned.current_dir(directory);
    }
    pinned
}

/// Waits until the program answers a request with 200: some listen before they know where to send it.
pub(super) fn wait_until_up(system: &mut System, setup: &Setup<'_>) -> anyhow::Result<()> {
    let began = instant();
    loop {
        let asked = ask(system.address, system.kind, setup.tls.is_some());
        let ended = system.processes.iter_mut().any(|process| !matches!(process.try_wait(), Ok(None)));
        match asked {
            Ok(()) if !ended => return Ok(()),
            Err(_) if !ended && began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            asked => {
                let asked = asked.and_then(|()| Err(anyhow::anyhow!("another program listens there")));
                let how = if ended { "has ended" } else { "is not up" };
                return asked
                    .with_context(|| format!("{} {how}; its log ends:\n{}", system.name, log_of(system)));
            }
        }
    }
}

/// One request, with `Connection: close` so that the end of the answer is the end of the connection.
fn ask(address: SocketAddr, kind: Kind, https: bool) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = request(kind, https, &cookie(https)?).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut answer = Vec::new();
    let read = if https {
        let server = ServerName::try_from(HOST)?;
        let session = ClientConnection::new(Arc::clone(&client("http/1.1")?), server)?;
        let mut stream = rustls::StreamOwned::new(session, stream);
        stream.write_all(head.as_bytes())?;
        stream.read_to_end(&mut answer)
    } else {
        stream.write_all(head.as_bytes())?;
        stream.read_to_end(&mut answer)
    };
    // Not everybody says goodbye in TLS.
    anyhow::ensure!(read.is_ok() || !answer.is_empty(), "no answer: {read:?}");
    let begin = String::from_utf8_lossy(&answer[..answer.len().min(500)]).into_owned();
    anyhow::ensure!(begin.starts_with("HTTP/1.1 200 "), "its answer begins:\n{begin}");
    Ok(())
}

fn log_of(system: &System) -> String {
    let log = std::fs::read(system.directory.path().join("log")).unwrap_or_default();
    String::from_utf8_lossy(&log[log.len().saturating_sub(SHOWN)..]).into_owned()
}

impl Drop for System {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // It leads a group, in which its children are.
            _ = kill_process_group(Pid::from_child(process), Signal::KILL);
            _ = process.wait();
        }
    }
}
