//! The file `store.id` in `data_dir`: it remembers that this gateway has a database, and which.
//!
//! A database that is suddenly missing, empty or another one would forget every approval and every revocation. So it is
//! never made anew while the marker is there. The database is written first and the marker second: whoever is killed between
//! the two finds a database without a marker, and takes it for theirs.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{OpenError, Opening};
use crate::seal::{hex, random};

/// The file in `data_dir`.
const FILE: &str = "store.id";

/// Which kind of database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A server.
    Postgres,
    /// A file.
    Sqlite,
}

/// What is at the place of the database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// A database without tables.
    Empty,
    /// A store with this id.
    Store(String),
}

/// What to do with what was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Plan {
    /// Make the tables, with a [`fresh_id`]; then [`Marker::keep`] it.
    Create,
    /// Take what is there.
    Use,
}

/// The marker, as it is at start.
#[derive(Debug)]
pub(super) struct Marker {
    path: PathBuf,
    kind: Kind,
    held: Option<String>,
}

/// A new id for a store.
pub(super) fn fresh_id() -> String {
    hex(&random::<16>())
}

impl Marker {
    /// Reads the marker in `data_dir`, for a database of this kind.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub(super) fn read(data_dir: &Path, kind: Kind) -> Result<Self, OpenError> {
        let path = data_dir.join(FILE);
        let held = match fs::read_to_string(&path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(broken(&path, &error, "let the user that runs wxgate read it")),
        };
        Ok(Self { path, kind, held })
    }

    /// What to do with what was `found` at `place`; a store without a marker gets one.
    ///
    /// # Errors
    /// When that is not what the marker says, or there is nothing and nothing may be made.
    pub(super) fn judge(&self, found: &Found, opening: Opening, place: &str) -> Result<Plan, OpenError> {
        match (&self.held, found) {
            (Some(held), Found::Store(id)) if *held == self.line(id) => Ok(Plan::Use),
            (Some(_), found) => Err(OpenError::Lost {
                place: place.to_owned(),
                what: match found {
                    Found::Nothing => "is not there",
                    Found::Empty => "is empty",
                    Found::Store(_) => "is another database",
                },
                marker: self.path.display().to_string(),
            }),
            (None, Found::Store(id)) => {
                // Only the gateway writes here: a command may be run by another user, whose file it could not read.
                if opening == Opening::Create {
                    self.keep(id)?;
                    tracing::info!(place, marker = %self.path.display(), "took over a database");
                }
                Ok(Plan::Use)
            }
            (None, _) if opening == Opening::Create => Ok(Plan::Create),
            (None, _) => Err(OpenError::NotYet { place: place.to_owned() }),
        }
    }

    /// Remembers the store of this id. All of the file is there, or none of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(&self, id: &str) -> Result<(), OpenError> {
        let write = || -> io::Result<()> {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let half = self.path.with_extension(format!("{}.new", hex(&random::<4>())));
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
            writeln!(file, "{}", self.line(id))?;
            file.sync_all()?;
            fs::rename(&half, &self.path)?;
            fs::File::open(folder)?.sync_all()
        };
        write().map_err(|error| broken(&self.path, &error, "let the user that runs wxgate write there"))
    }

    fn line(&self, id: &str) -> String {
        let kind = match self.kind {
            Kind::Postgres => "postgres",
            Kind::Sqlite => "sqlite",
        };
        format!("{kind} {id}")
    }
}

fn broken(path: &Path, error: &io::Error, advice: &'static str) -> OpenError {
    OpenError::Broken { place: path.display().to_string(), cause: error.to_string(), advice }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_marker_is_kept_for_its_owner_and_holds_against_all_else() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        let store = |id: &str| Found::Store(id.to_owned());
        let first = Marker::read(&data, Kind::Sqlite).unwrap();
        assert_eq!(first.judge(&Found::Nothing, Opening::Create, "x").unwrap(), Plan::Create);
        assert_eq!(first.judge(&Found::Empty, Opening::Create, "x").unwrap(), Plan::Create);
        assert!(matches!(first.judge(&Found::Empty, Opening::Existing, "x"), Err(OpenError::NotYet { .. })));
        assert_eq!(first.judge(&store("a"), Opening::Existing, "x").unwrap(), Plan::Use);
        assert!(!data.exists(), "a command writes no marker");

        assert_eq!(first.judge(&store("a"), Opening::Create, "x").unwrap(), Plan::Use);
        let mode = fs::metadata(data.join(FILE)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "nothing half-written is left");

        let second = Marker::read(&data, Kind::Sqlite).unwrap();
        assert_eq!(second.judge(&store("a"), Opening::Existing, "x").unwrap(), Plan::Use);
        for (found, word) in
            [(store("b"), "another"), (Found::Empty, "is empty"), (Found::Nothing, "is not there")]
        {
            for opening in [Opening::Create, Opening::Existing] {
                let error = second.judge(&found, opening, "x").unwrap_err();
                assert!(
                    matches!(error, OpenError::Lost { .. }) && error.to_string().contains(word),
                    "{error}"
                );
            }
        }
        let other = Marker::read(&data, Kind::Postgres).unwrap();
        assert!(matches!(other.judge(&store("a"), Opening::Create, "x"), Err(OpenError::Lost { .. })));
    }
}
