//! Which database, as the configuration names it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::model::secret::Secret;

/// Where the store is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StoreUrl {
    /// Nowhere: in memory, for the demo.
    Memory,
    /// PostgreSQL, by a connection address of libpq's, which may hold a password.
    Postgres(Secret),
    /// A SQLite file; a relative path starts from the data folder.
    Sqlite(PathBuf),
}

/// What begins an address of PostgreSQL.
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

const UNREADABLE: &str = "no address of PostgreSQL: write postgres://USER:PASSWORD@HOST/DATABASE, and in the password \
                          %40 for @, %3A for :, %2F for /, %3F for ?, %25 for %";

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) {
            return match text.parse::<Config>() {
                Ok(config) if is_torn(text, &config) => Err(UNREADABLE.to_owned()),
                Ok(config) if config.get_hosts().is_empty() => {
                    Err("name a host: postgres://user@host/database".to_owned())
                }
                Ok(_) => Ok(Self::Postgres(Secret::new(text.to_owned()))),
                // What the parser says of it may hold a piece of the password.
                Err(_) => Err(UNREADABLE.to_owned()),
            };
        }
        match text.strip_prefix("sqlite:") {
            Some(":memory:") => Err("members have to outlive the process: name a file".to_owned()),
            Some(path) if !path.is_empty() && !path.starts_with("//") => {
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            _ => Err("write \"sqlite:FILE\", or \"postgres://USER@HOST/DATABASE\"".to_owned()),
        }
    }
}

impl StoreUrl {
    /// Whether members may cross a network without TLS: to a server that is not on this machine, and need not speak it.
    pub fn may_be_overheard(&self) -> bool {
        let Self::Postgres(url) = self else { return false };
        let config: Config = url.reveal().parse().unwrap_or_default();
        config.get_ssl_mode() != SslMode::Require && !is_local(&config)
    }
}

impl fmt::Display for StoreUrl {
    /// Without a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => formatter.write_str("memory"),
            Self::Postgres(url) => {
                let config: Config = url.reveal().parse().unwrap_or_default();
                let hosts = config.get_hosts().iter().enumerate();
                let hosts: Vec<String> =
                    hosts.map(|(number, host)| written(host, port(&config, number))).collect();
                write!(formatter, "postgres://{}", hosts.join(","))?;
                // Not the user in its place, which PostgreSQL takes: a password may have got into it.
                config.get_dbname().map_or(Ok(()), |database| write!(formatter, "/{database}"))
            }
            Self::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
        }
    }
}

/// Whether a piece of a password became something else. The parser takes what is before the first `@` for user and
/// password, and what follows for a host, which is looked up and shown.
fn is_torn(text: &str, config: &Config) -> bool {
    // One `@` at most, and none behind the first `?`: there, too, the parser would take it for the end of the password.
    let (before, behind) = text.split_once('?').unwrap_or((text, ""));
    let is_ambiguous = before.matches('@').count() > 1 || behind.contains('@');
    let is_host = |host: &Host| match host {
        Host::Tcp(name) => name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte)),
        Host::Unix(_) => true,
    };
    // Clouds have users like name@tenant.example; nobody has a mark in it that separates the parts of an address.
    let is_user = |name: &str| !name.contains([':', '/', '?']);
    let is_database = |name: &str| is_user(name) && !name.contains('@');
    is_ambiguous
        || !config.get_hosts().iter().all(is_host)
        || !config.get_user().is_none_or(is_user)
        || !config.get_dbname().is_none_or(is_database)
}

/// Whether nothing leaves this machine.
pub(super) fn is_local(config: &Config) -> bool {
    let is_local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
    };
    config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// The port of a host, as the client finds it: one for each, or one for all.
fn port(config: &Config, number: usize) -> u16 {
    let ports = config.get_ports();
    ports.get(number).or(ports.first()).copied().unwrap_or(5432)
}

fn written(host: &Host, port: u16) -> String {
    match host {
        Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
        Host::Tcp(name) => format!("{name}:{port}"),
        Host::Unix(folder) => format!("{}:{port}", folder.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let file = |path: &str| Ok(StoreUrl::Sqlite(path.into()));
        assert_eq!("sqlite:members.db".parse(), file("members.db"));
        assert_eq!("sqlite:/var/lib/wxgate/members.db".parse(), file("/var/lib/wxgate/members.db"));
        for url in
            ["postgres://gate:secret@db.example/wxgate", "postgresql://gate@/wxgate?host=/run/postgresql"]
        {
            assert_eq!(url.parse(), Ok(StoreUrl::Postgres(Secret::new(url.to_owned()))));
        }
        for wrong in [
            "",
            "members.db",
            "sqlite:",
            "sqlite://members.db",
            "sqlite::memory:",
            "memory",
            "mysql://a/b",
            "postgres:///wxgate",
            "postgres://a:b:c/d",
            "postgres://host:port/wxgate",
        ] {
            assert!(wrong.parse::<StoreUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://gate:hunter2@db.example:6432/wxgate", "postgres://db.example:6432/wxgate"),
            (
                "postgres://gate:hunter2@a.example:1,b.example/wxgate",
                "postgres://a.example:1,b.example:5432/wxgate",
            ),
            ("postgres://gate:hunter2@[::1]:6432/wxgate", "postgres://[::1]:6432/wxgate"),
            ("postgres://gate:hunter2@/wxgate?host=a&host=b&port=7", "postgres://a:7,b:7/wxgate"),
            (
                "postgres://gate@/wxgate?host=/run/postgresql&password=hunter2",
                "postgres:///run/postgresql:5432/wxgate",
            ),
            ("postgres://gate:hunter2@db.example", "postgres://db.example:5432"),
            (
                "postgres://gate%40tenant.example:hunter2@db.example/wxgate",
                "postgres://db.example:5432/wxgate",
            ),
            ("sqlite:members.db", "sqlite:members.db"),
        ] {
            let parsed: StoreUrl = url.parse().unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert!(!format!("{parsed:?}").contains("hunter2"));
        }
        for wrong in ["postgres://gate:hunter2@db.example:port/wxgate", "postgres://gate:hunter2@/wxgate"] {
            let error = wrong.parse::<StoreUrl>().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_password_whose_marks_are_not_written_as_percent_is_refused_and_not_taken_for_a_host_or_a_name() {
        for wrong in [
            "postgres://gate:p@hunter2@127.0.0.1:1/wx",
            "postgres://gate:phunter2@RET/x@db.invalid/wx",
            "postgres://gate:p@hun?ter2@127.0.0.1/wx",
            "postgres://gate:p@hunter2!/wx",
            "postgres://gate:p@a,hunter2#b/wx",
            "postgres://g%3Ahunter2@127.0.0.1:1",
            "postgres://g%2Fhunter2@127.0.0.1:1/wx",
            "postgres://127.0.0.1/wx:hunter2@db.example",
            "postgres://gate@127.0.0.1/wx%40hunter2",
            "postgres://gate@127.0.0.1/wx%3Ahunter2",
            "postgres://gate@127.0.0.1/wx/hunter2",
            "postgres://127.0.0.1:1?password=p@hunter2",
            "postgres://gate@/wx?host=p%40hunter2",
        ] {
            let error = wrong.parse::<StoreUrl>().expect_err(wrong);
            assert!(error.contains("%40 for @") && !error.contains("hunter2"), "{wrong}: {error}");
        }
        assert_eq!(StoreUrl::Memory.to_string(), "memory");
    }

    #[test]
    fn only_a_server_elsewhere_that_need_not_speak_tls_is_overheard() {
        for (rest, expected) in [
            ("db.example/wxgate", true),
            ("db.example/wxgate?sslmode=prefer", true),
            ("db.example/wxgate?sslmode=disable", true),
            ("10.0.0.7/wxgate", true),
            ("localhost,db.example/wxgate", true),
            ("localhost/wxgate?hostaddr=10.0.0.7", true),
            ("db.example/wxgate?sslmode=require", false),
            ("localhost/wxgate", false),
            ("127.0.0.1:6432/wxgate?sslmode=disable", false),
            ("[::1]/wxgate", false),
            ("/wxgate?host=/run/postgresql", false),
        ] {
            let url: StoreUrl = format!("postgres://gate@{rest}").parse().unwrap();
            assert_eq!(url.may_be_overheard(), expected, "{rest}");
        }
        assert!(!StoreUrl::Memory.may_be_overheard() && !StoreUrl::Sqlite("a".into()).may_be_overheard());
    }
}
