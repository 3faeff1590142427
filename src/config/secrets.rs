//! Takes secrets out of a section: from the key itself or from the file its `…_file` twin names.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::document::{Located, Value, hide};
use super::problem::{Place, Problem};
use super::section::Section;
use crate::model::secret::Secret;

impl Section<'_> {
    /// The secret `key`, or what the file named by `key_file` holds without its last newline. Giving both, or
    /// nothing between the quotes, is an error. No problem ever shows the value.
    pub fn secret(&mut self, key: &'static str) -> Option<Secret> {
        let twin = format!("{key}_file");
        match (self.take_hidden(key), self.take(&twin)) {
            (None, None) => None,
            (Some(value), None) => self.secret_text(key, value),
            (None, Some(path)) => self.secret_file(&twin, path),
            (Some(value), Some(path)) => {
                let title = format!("`{key}` and `{twin}` are both given");
                let problem = Problem::error(&Place::from(&value.origin), title)
                    .also(&Place::from(&path.origin), "and here")
                    .help("remove one of the two");
                self.reading.problems.add(problem);
                None
            }
        }
    }

    /// Like [`secret`](Self::secret), but the key or its twin has to be there.
    pub fn required_secret(&mut self, key: &'static str, example: &str) -> Option<Secret> {
        if !self.is_secret_given(key) {
            self.miss(key, &format!("{example}, or {key}_file = \"/path\","));
        }
        self.secret(key)
    }

    /// A secret that `parse` understands, or says what to write instead without repeating it.
    pub fn parsed_secret<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Secret) -> Result<T, String>,
    ) -> Option<T> {
        let secret = self.secret(key)?;
        match parse(&secret) {
            Ok(value) => Some(value),
            Err(wish) => {
                let located = self.take(key).or_else(|| self.take(&format!("{key}_file")))?;
                self.reject(key, located, wish);
                None
            }
        }
    }

    /// Whether a secret is there, right or wrong.
    pub fn is_secret_given(&self, key: &str) -> bool {
        self.is_given(key) || self.is_given(&format!("{key}_file"))
    }

    /// Where the secret `key` stands, or its file is named.
    pub fn secret_place(&self, key: &str) -> Place {
        let twin = format!("{key}_file");
        self.place(if self.is_given(&twin) { &twin } else { key })
    }

    /// A list of secrets.
    pub fn secrets(&mut self, key: &'static str) -> Option<Vec<Secret>> {
        if let Some(located) = self.take_hidden(key)
            && let Value::List(elements) = &located.value
        {
            for element in elements {
                if matches!(&element.value, Value::Text(text) if text.trim().is_empty()) {
                    self.reject_empty(key, element);
                }
            }
        }
        self.texts(key, |text| Ok(Secret::new(text.to_owned())))
    }

    fn take_hidden(&self, key: &str) -> Option<&Located> {
        self.reading.problems.hide_name(key);
        let located = self.take(key)?;
        hide(located, self.reading.problems);
        Some(located)
    }

    fn secret_text(&self, key: &str, located: &Located) -> Option<Secret> {
        if !matches!(located.value, Value::Text(_)) {
            self.mistyped(key, located, "text", "write it in double quotes");
            return None;
        }
        let text = self.text(key, located)?.expanded;
        if text.trim().is_empty() {
            self.reject_empty(key, located);
            return None;
        }
        Some(Secret::new(text))
    }

    fn secret_file(&self, twin: &str, located: &Located) -> Option<Secret> {
        let path = self.text(twin, located)?.expanded;
        let path = self.reading.folder.join(path);
        let text = match read_small(&path) {
            Ok(text) => text,
            Err(reason) => {
                self.reject(twin, located, format!("cannot read {}: {reason}", path.display()));
                return None;
            }
        };
        let text = text.trim_end_matches(['\n', '\r']);
        if text.trim().is_empty() {
            self.reject(twin, located, format!("{} is empty", path.display()));
            return None;
        }
        if is_open_to_others(&path) {
            let title = format!("{} can be read by other users", path.display());
            self.warn(&Place::from(&located.origin), title, format!("chmod 600 {}", path.display()));
        }
        Some(Secret::new(text.to_owned()))
    }

    fn reject_empty(&self, key: &str, located: &Located) {
        self.complain(
            &Place::from(&located.origin),
            format!("`{key}` is empty"),
            "write the secret, or remove the key",
        );
    }
}

fn read_small(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST_SECRET + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST_SECRET {
        return Err("it is too large for a secret".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    const READABLE_BY_GROUP_OR_OTHERS: u32 = 0o044;
    std::fs::metadata(path).is_ok_and(|metadata| {
        metadata.is_file() && metadata.permissions().mode() & READABLE_BY_GROUP_OR_OTHERS != 0
    })
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> bool {
    false
}

const LARGEST_SECRET: u64 = 64 << 10;
