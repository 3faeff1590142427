//! Finds and loads the configuration file.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A configuration file in memory. It may hold secrets, so it does not print itself.
#[derive(Clone)]
pub struct ConfigFile {
    /// Where it was found; relative paths in it start from its folder.
    pub path: PathBuf,
    /// All that is in it.
    pub text: String,
}

impl ConfigFile {
    /// The empty configuration, for a gateway that is set up by environment variables alone.
    pub fn absent() -> Self {
        Self { path: PathBuf::from("config.toml"), text: String::new() }
    }
}

impl fmt::Debug for ConfigFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ConfigFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why there is no configuration file.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The path is a folder.
    #[error("{} is a directory, not a file (Docker creates one when the file to mount does not exist)", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
    },
    /// A file that was asked for is not there.
    #[error("{}, given by {given_by}, does not exist", path.display())]
    Missing {
        /// Its path.
        path: PathBuf,
        /// Who asked for it.
        given_by: &'static str,
    },
    /// None of the usual files is there.
    #[error(
        "no configuration file: looked for {}; give one with --config PATH or WXGATE_CONFIG",
        looked_at.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
    )]
    NotFound {
        /// The usual places.
        looked_at: Vec<PathBuf>,
    },
    /// The file is in another encoding, or not text at all.
    #[error("{} is not UTF-8 text (line {line}): save it as UTF-8", path.display())]
    NotText {
        /// Its path.
        path: PathBuf,
        /// Where the first wrong byte is.
        line: usize,
    },
    /// The file is larger than any configuration.
    #[error("{} is larger than 1 MiB: this cannot be the configuration", path.display())]
    TooLarge {
        /// Its path.
        path: PathBuf,
    },
    /// The operating system does not let us read it.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Which file to read: `named` by `--config`, else by `WXGATE_CONFIG`, else the first usual one that exists.
pub fn find(named: Option<&Path>, environment: &[(String, String)]) -> Result<PathBuf, SourceError> {
    find_among(USUAL_PLACES.map(Path::new), named, environment)
}

/// Reads the file at `path`.
pub fn load(path: &Path) -> Result<ConfigFile, SourceError> {
    let unreadable = |source: io::Error| SourceError::Unreadable { path: path.to_owned(), source };
    if fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Err(SourceError::Directory { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(SourceError::TooLarge { path: path.to_owned() });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        SourceError::NotText { path: path.to_owned(), line }
    })?;
    Ok(ConfigFile { path: path.to_owned(), text })
}

fn find_among<const N: usize>(
    usual_places: [&Path; N],
    named: Option<&Path>,
    environment: &[(String, String)],
) -> Result<PathBuf, SourceError> {
    let variable = environment.iter().find(|(name, value)| name == "WXGATE_CONFIG" && !value.is_empty());
    let given = named
        .map(|path| (path, "--config"))
        .or_else(|| variable.map(|(_, value)| (Path::new(value), "WXGATE_CONFIG")));
    if let Some((path, given_by)) = given {
        let path = path.to_owned();
        return if exists(&path) { Ok(path) } else { Err(SourceError::Missing { path, given_by }) };
    }
    match usual_places.into_iter().find(|path| exists(path)) {
        Some(path) => Ok(path.to_owned()),
        None => Err(SourceError::NotFound { looked_at: usual_places.map(Path::to_owned).into() }),
    }
}

/// Whether something is there, readable or not: what cannot be read is better complained about than skipped.
fn exists(path: &Path) -> bool {
    !matches!(fs::metadata(path), Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
}

const USUAL_PLACES: [&str; 2] = ["config.toml", "/etc/wxgate/config.toml"];

const LARGEST_FILE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_beats_the_variable_beats_the_usual_places() {
        let folder = tempfile::tempdir().unwrap();
        let [named, by_variable, usual] = ["named", "variable", "usual"].map(|name| folder.path().join(name));
        for path in [&named, &by_variable, &usual] {
            fs::write(path, "").unwrap();
        }
        let environment = [("WXGATE_CONFIG".to_owned(), by_variable.display().to_string())];
        let absent = folder.path().join("absent");
        let places = [absent.as_path(), usual.as_path()];
        assert_eq!(find_among(places, Some(&named), &environment).unwrap(), named);
        assert_eq!(find_among(places, None, &environment).unwrap(), by_variable);
        assert_eq!(find_among(places, None, &[]).unwrap(), usual);
        let sentence = find_among([&absent, Path::new("/x/y")], None, &[]).unwrap_err().to_string();
        assert!(sentence.contains("absent and /x/y; give one with --config PATH"), "{sentence}");
        let sentence = find_among(places, Some(&absent), &[]).unwrap_err().to_string();
        assert!(sentence.ends_with("absent, given by --config, does not exist"), "{sentence}");
    }

    #[test]
    fn unreadable_files_are_explained() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, b"a = 1\nb = \"\xff\"").unwrap();
        assert!(
            load(&path).unwrap_err().to_string().ends_with("is not UTF-8 text (line 2): save it as UTF-8")
        );
        fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("larger than 1 MiB"));
        assert!(load(folder.path()).unwrap_err().to_string().contains("is a directory"));
        assert!(matches!(load(&folder.path().join("none")), Err(SourceError::Unreadable { .. })));
        fs::write(&path, "a = 1").unwrap();
        assert_eq!(load(&path).unwrap().text, "a = 1");
    }
}
