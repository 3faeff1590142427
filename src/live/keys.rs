//! The secret that seals cookies: from the configuration, or kept in `data_dir` from the first start on.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::fields::Config;
use crate::model::secret::Secret;
use crate::seal::{KeyRing, WeakSecret, hex, random};

/// The file in `data_dir`.
const FILE: &str = "session.key";

/// The secret cannot be had.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Reading or writing failed.
    #[error("{path} cannot be {doing}: {source}; sessions are sealed with a key that is kept there")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `created`.
        doing: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Others may read the key, so others may sign sessions.
    #[error(
        "{path} can be read by others (mode {mode:o}): chmod 600 it, or delete it to sign everybody out and begin anew"
    )]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Too short.
    #[error(transparent)]
    Weak(#[from] WeakSecret),
}

/// The key ring for `config`. With `create`, a missing key file is created; without, a passing key stands in for it.
pub(super) fn ring(config: &Config, create: bool) -> Result<KeyRing, KeyError> {
    let newest = match &config.secret {
        Some(secret) => secret.clone(),
        None => kept(&config.data_dir, create)?,
    };
    Ok(KeyRing::new(newest, config.old_secrets.clone())?)
}

/// The key ring that a gateway with `config` has, if there is one already; nothing is made.
pub fn known(config: &Config) -> Result<Option<KeyRing>, KeyError> {
    let is_there = config.secret.is_some() || config.data_dir.join(FILE).exists();
    is_there.then(|| ring(config, false)).transpose()
}

/// A new secret: 256 random bits.
pub(super) fn fresh() -> Secret {
    Secret::new(hex(&random::<32>()))
}

fn kept(folder: &Path, create: bool) -> Result<Secret, KeyError> {
    let path = folder.join(FILE);
    let fail = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| KeyError::File { path, doing, source }
    };
    match fs::metadata(&path) {
        Ok(metadata) if metadata.mode() & 0o077 != 0 => {
            Err(KeyError::Readable { path, mode: metadata.mode() & 0o777 })
        }
        Ok(_) => {
            let text = fs::read_to_string(&path).map_err(fail("read", &path))?;
            Ok(Secret::new(text.trim().to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !create => Ok(fresh()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(folder).map_err(fail("created", folder))?;
            let secret = fresh();
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .map_err(fail("created", &path))?;
            writeln!(file, "{}", secret.reveal())
                .and_then(|()| file.sync_all())
                .map_err(fail("created", &path))?;
            tracing::info!(path = %path.display(), "created a key for sealing sessions");
            Ok(secret)
        }
        Err(error) => Err(fail("read", &path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_created_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        let first = kept(&data, true).unwrap();
        assert_eq!(first, kept(&data, true).unwrap());
        assert_eq!(fs::metadata(data.join(FILE)).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(data.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(kept(&data, true), Err(KeyError::Readable { mode: 0o644, .. })));
    }

    #[test]
    fn a_check_creates_nothing() {
        let folder = tempfile::tempdir().unwrap();
        kept(&folder.path().join("data"), false).unwrap();
        assert!(!folder.path().join("data").exists());
    }
}
