//! A real PostgreSQL for tests, which ends with the test process however that ends. Needs nothing but `std` and `tempfile`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Of both users; whoever sees it in a log or an error has found a fault.
pub(crate) const PASSWORD: &str = "database-password-never-to-be-seen";

/// Who the gateway is there: owns its databases, and nothing else.
const USER: &str = "wxgate";

/// Starts, stops and ends the server.
const SUPERVISOR: &str = include_str!("postgres.sh");

/// Nothing here outlives the test, so nothing needs to reach the disk.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "shared_buffers=16MB",
    "max_connections=200",
];

/// A server with its databases.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    supervisor: Mutex<Supervisor>,
}

struct Supervisor {
    process: Child,
    /// Taken when the server has to end.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Postgres {
    /// The server that all tests of this process share, each with databases of its own.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of one's own, to be stopped and frozen.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with settings as in `postgresql.conf`, each `name=value`.
    pub(crate) fn start_with(settings: &[&str]) -> Self {
        let programs = programs();
        let owner = unprivileged();
        let folder = tempfile::Builder::new().prefix("wxgate-postgres-").tempdir().unwrap().keep();
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(&folder, Some(user), Some(group)).unwrap();
        }
        make_cluster(&programs, &folder, owner);
        let settings = SETTINGS.iter().chain(settings).flat_map(|setting| ["-c", setting]);
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR, "sh"]).args([&folder, &programs]).args(settings);
        // A group of its own: an interrupt at the terminal must not reach it before it has tidied up.
        command.current_dir(&folder).process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = as_owner(&mut command, owner).spawn().unwrap();
        let supervisor = Supervisor {
            commands: process.stdin.take(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        };
        let mut server = Self { programs, folder, port: 0, supervisor: Mutex::new(supervisor) };
        // Somebody else may take the port between its choice and its use.
        let started = (0..5).any(|_| {
            server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            server.tell(&format!("start {}", server.port))
        });
        assert!(started, "PostgreSQL does not start:\n{}", server.log());
        server.sql("postgres", &format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'"));
        server
    }

    /// The address of one of its databases, with the password.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where its socket is, and everything else.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Cuts all connections and ends; what was committed stays.
    pub(crate) fn stop(&self) {
        assert!(self.tell("stop"));
    }

    /// Starts again on the same port.
    pub(crate) fn start_again(&self) {
        assert!(self.tell(&format!("start {}", self.port)), "PostgreSQL does not start:\n{}", self.log());
    }

    /// The server accepts and says nothing, as on a machine that hangs.
    pub(crate) fn freeze(&self) {
        assert!(self.tell("freeze"));
    }

    /// Ends a freeze.
    pub(crate) fn thaw(&self) {
        assert!(self.tell("thaw"));
    }

    /// A new, empty database of the gateway's.
    pub(crate) fn create_database(&self, name: &str) {
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {USER}"));
    }

    /// Says something to a database as its superuser, and gives what comes back: rows in lines, columns with `|` between.
    pub(crate) fn sql(&self, database: &str, text: &str) -> String {
        let output = Command::new(self.programs.join("psql"))
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h"])
            .arg(&self.folder)
            .args(["-p", &self.port.to_string(), "-U", "postgres", "-d", database, "-c", text])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .unwrap();
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// What the server has written.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn tell(&self, command: &str) -> bool {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
        let Supervisor { commands: Some(commands), answers, .. } = &mut *supervisor else { return false };
        let mut answer = String::new();
        writeln!(commands, "{command}").and_then(|()| answers.read_line(&mut answer)).unwrap();
        answer.trim_end() == "done"
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let supervisor = self.supervisor.get_mut().unwrap_or_else(PoisonError::into_inner);
        supervisor.commands = None;
        let _ = supervisor.process.wait();
    }
}

/// Debian keeps the programs of its newest PostgreSQL off the PATH.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    folders.sort_by_key(|folder| {
        let version = folder.iter().nth_back(1).and_then(|version| version.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let found = folders
        .into_iter()
        .find(|folder| ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file()));
    found.expect("PostgreSQL is missing: apt-get install postgresql")
}

/// Whom to run it as where the test runs as root, which PostgreSQL refuses: user and group.
fn unprivileged() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let nobody = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("nobody:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    Some(nobody.expect("there is no user `nobody`"))
}

fn as_owner(command: &mut Command, owner: Option<(u32, u32)>) -> &mut Command {
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

fn make_cluster(programs: &Path, folder: &Path, owner: Option<(u32, u32)>) {
    let password_file = folder.join("password");
    fs::write(&password_file, PASSWORD).unwrap();
    let mut command = Command::new(programs.join("initdb"));
    command
        .args(["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres"])
        // A password, and no proof of it: unoptimised, that takes longer than the gateway waits for its connections.
        .args(["--auth=password", "--pwfile"])
        .arg(&password_file)
        .arg("-D")
        .arg(folder.join("data"))
        .current_dir(folder);
    let output = as_owner(&mut command, owner).output().unwrap();
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}
