//! Which database, as the configuration names it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

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

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) {
            return match text.parse::<tokio_postgres::Config>() {
                Ok(config) if config.get_hosts().is_empty() => {
                    Err("name a host: postgres://user@host/database".to_owned())
                }
                Ok(_) => Ok(Self::Postgres(Secret::new(text.to_owned()))),
                // What the parser says of it may hold a piece of the password.
                Err(_) => Err("no address of PostgreSQL: write postgres://USER:PASSWORD@HOST/DATABASE, and in the password \
                     %40 for @, %3A for :, %2F for /, %3F for ?, %25 for %"
                    .to_owned()),
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

impl fmt::Display for StoreUrl {
    /// Without a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => formatter.write_str("memory"),
            Self::Postgres(url) => {
                let config: tokio_postgres::Config = url.reveal().parse().unwrap_or_default();
                let hosts: Vec<String> = config
                    .get_hosts()
                    .iter()
                    .map(|host| match host {
                        tokio_postgres::config::Host::Tcp(name) => name.clone(),
                        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
                    })
                    .collect();
                let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
                write!(formatter, "postgres://{}/{database}", hosts.join(","))
            }
            Self::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
        }
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
            ("postgres://gate:hunter2@db.example:6432/wxgate", "postgres://db.example/wxgate"),
            ("postgres://gate:hunter2@a.example,b.example/wxgate", "postgres://a.example,b.example/wxgate"),
            (
                "postgres://gate@/wxgate?host=/run/postgresql&password=hunter2",
                "postgres:///run/postgresql/wxgate",
            ),
            ("postgres://gate:hunter2@db.example", "postgres://db.example/gate"),
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
        assert_eq!(StoreUrl::Memory.to_string(), "memory");
    }
}
