//! What to do when PostgreSQL cannot be reached, or does not let us in: one sentence for each cause.

use std::error::Error as _;
use std::io::{self, ErrorKind};

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::error::words;

/// When nobody answers in time.
pub(super) const SILENT: &str =
    "see that PostgreSQL runs there, and that no firewall between here and there swallows the connection";

/// When an upgrade finds a table in use for longer than it may wait.
pub(super) const READER: &str = "a backup (pg_dump) or a report holds it: start this version again when that is done (pg_stat_activity shows it)";

/// What to do about `error`.
pub(super) fn on(error: &Error) -> &'static str {
    if let Some(state) = error.code() {
        return on_state(state);
    }
    // The client says some things of its own as errors of the operating system: its words come first.
    on_words(&words(error)).or_else(|| io_cause(error).map(on_network)).unwrap_or(SILENT)
}

fn on_state(state: &SqlState) -> &'static str {
    match *state {
        SqlState::INVALID_PASSWORD => {
            "correct the user or the password in store.url (in it, %40 stands for @, %3A for :, %2F for /)"
        }
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "correct the user in store.url, or make it (createuser), and let it in from this machine in pg_hba.conf; \
             where that says hostssl, sslmode=require"
        }
        SqlState::INVALID_CATALOG_NAME => {
            "correct the name of the database in store.url, or make it: createdb --owner=USER DATABASE"
        }
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "let the user make tables there: ALTER DATABASE … OWNER TO …, or GRANT CREATE ON SCHEMA public TO …"
        }
        SqlState::TOO_MANY_CONNECTIONS => {
            "raise max_connections of the server or the limit of the user, or close other programs"
        }
        SqlState::CANNOT_CONNECT_NOW => "it is starting or stopping: try again in a moment",
        SqlState::LOCK_NOT_AVAILABLE => "another node is opening it, or somebody locks its tables: try again",
        SqlState::READ_ONLY_SQL_TRANSACTION => READ_ONLY,
        _ => "the server's log says more",
    }
}

fn on_network(cause: &io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::ConnectionRefused => {
            "see that PostgreSQL runs there, on that port, and listens to others (listen_addresses)"
        }
        ErrorKind::NotFound => {
            "no server has its socket in that folder: start PostgreSQL, or correct host and port in store.url"
        }
        ErrorKind::PermissionDenied => "let the user that runs wxgate into the folder of that socket",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            "no way leads there from this machine: correct the host in store.url, or the network"
        }
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "what answers there hung up: see that it is PostgreSQL, and what its log says"
        }
        // The resolver's own complaints have no kind.
        _ if cause.to_string().contains("lookup") => {
            "correct the host in store.url, or see that this machine can look its name up"
        }
        _ => SILENT,
    }
}

const READ_ONLY: &str = "name the primary server: this one only reads";

/// By the words of the client's libraries, which have no types for these.
fn on_words(words: &str) -> Option<&'static str> {
    let has = |piece: &str| words.contains(piece);
    Some(match () {
        () if has("does not support TLS") => {
            "switch TLS on there (ssl = on in postgresql.conf), or, only where nobody can listen, write sslmode=disable"
        }
        () if has("TLS") && has("not valid for name") => {
            "write the host into store.url by the name that the server's certificate is for"
        }
        () if has("TLS") && has("xpired") => "renew the server's certificate",
        () if has("TLS") && has("CaUsedAsEndEntity") => {
            "the server's certificate is an authority's: give it one that is not (openssl req -x509 … -addext basicConstraints=critical,CA:FALSE), and name that in store.ca_file"
        }
        () if has("TLS") => {
            "name the authority of the server's certificate in store.ca_file, or, only where nobody can listen, write sslmode=disable"
        }
        () if has("does not allow writes") => READ_ONLY,
        () if words.starts_with("authentication error") || has("password missing") => {
            "write the user's password into store.url, or let the user in without one in pg_hba.conf"
        }
        () => return None,
    })
}

/// The complaint of the operating system, if that is what it came from.
fn io_cause(error: &Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return Some(io);
        }
        source = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_refusal_has_a_sentence_of_its_own() {
        let states = ["28P01", "28000", "3D000", "42501", "53300", "57P03", "55P03", "25006", "XX000"];
        let states = states.map(|state| on_state(&SqlState::from_code(state)));
        let kinds = [
            ErrorKind::ConnectionRefused,
            ErrorKind::NotFound,
            ErrorKind::PermissionDenied,
            ErrorKind::HostUnreachable,
            ErrorKind::UnexpectedEof,
        ];
        let network = kinds.map(|kind| on_network(&kind.into()));
        let resolver =
            on_network(&io::Error::other("failed to lookup address information: Name or service not known"));
        let tls = [
            "error performing TLS handshake: server does not support TLS",
            "error performing TLS handshake: invalid peer certificate: certificate not valid for name \"db\"",
            "error performing TLS handshake: invalid peer certificate: certificate expired",
            "error performing TLS handshake: invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
            "error performing TLS handshake: invalid peer certificate: UnknownIssuer",
            "authentication error: password missing",
        ];
        let words = tls.map(|words| on_words(words).unwrap());
        assert_eq!(on_words("error connecting to server: Connection refused"), None);
        let all: Vec<&str> = [&states[..], &network, &[resolver, SILENT, READER], &words].concat();
        let different: std::collections::HashSet<&&str> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:#?}");
    }
}
