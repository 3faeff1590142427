//! The files by which WeChat sees that a host belongs to an account (`MP_verify_….txt`): those of the configuration, no others.

use std::str::FromStr;

use http::Method;

use crate::model::policy::{Access, Policy};
use crate::model::visit::Visit;

/// How the path of every such file begins and ends.
const BEGINNING: &str = "/MP_verify_";
const END: &str = ".txt";

/// Letters and digits between the two. They are also what the file holds.
const LETTERS: usize = 16;

/// One file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnershipFile {
    path: String,
}

/// The files that are shown.
#[derive(Clone, Debug)]
pub struct OwnershipFiles {
    files: Vec<OwnershipFile>,
    /// Who may read them, where another proxy has them from the application and only asks.
    pub access: Access,
}

impl FromStr for OwnershipFile {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let path = format!("/{name}");
        let letters = path.strip_prefix(BEGINNING).and_then(|rest| rest.strip_suffix(END));
        let is_sound =
            |text: &str| text.len() == LETTERS && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match letters.is_some_and(is_sound) {
            true => Ok(Self { path }),
            false => Err(format!(
                "write the file's name as the WeChat console gives it: MP_verify_, {LETTERS} letters and digits, .txt"
            )),
        }
    }
}

impl OwnershipFile {
    /// Where it is read.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.path[BEGINNING.len()..BEGINNING.len() + LETTERS]
    }
}

impl OwnershipFiles {
    /// These files.
    pub fn new(files: Vec<OwnershipFile>) -> Self {
        Self { files, access: Policy::Public.into() }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &OwnershipFile> {
        self.files.iter()
    }

    /// The file that is read at this address, whatever the host. What an application may take for something else, where
    /// another proxy passes it on, is none.
    pub fn at(&self, visit: &Visit) -> Option<&OwnershipFile> {
        // Nearly every visit is over with the first comparison.
        let path = visit.path.as_str();
        if self.files.is_empty() || !path.starts_with(BEGINNING) || !visit.as_sent.is_nothing() {
            return None;
        }
        let is_read = matches!(visit.method, Method::GET | Method::HEAD);
        self.files.iter().find(|file| is_read && file.path == path)
    }
}

impl Default for OwnershipFiles {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::visit::Scheme;

    fn file(name: &str) -> Result<OwnershipFile, String> {
        name.parse()
    }

    #[test]
    fn a_name_is_as_the_console_gives_it() {
        assert_eq!(file("MP_verify_0123456789abCDEF.txt").unwrap().text(), "0123456789abCDEF");
        for name in [
            "",
            "MP_verify_0123456789abCDE.txt",
            "MP_verify_0123456789abCDEF0.txt",
            "mp_verify_0123456789abCDEF.txt",
            "/MP_verify_0123456789abCDEF.txt",
            "MP_verify_0123456789abCDEF",
            "MP_verify_0123456789ab/DEF.txt",
            "MP_verify_0123456789abCDEF.txt.txt",
            "MP_verify_/../../../passwd.txt",
        ] {
            assert!(file(name).unwrap_err().contains("MP_verify_, 16 letters"), "{name}");
        }
    }

    #[test]
    fn only_reading_a_configured_name_finds_a_file() {
        let files = OwnershipFiles::new(vec![file("MP_verify_0123456789abCDEF.txt").unwrap()]);
        let visit = |method: Method, path: &str| {
            Visit::parse(method, Scheme::Http, "a.test", path, Some("x=1")).unwrap()
        };
        let path = "/MP_verify_0123456789abCDEF.txt";
        for (method, path) in
            [(Method::GET, path), (Method::HEAD, path), (Method::GET, "/%4DP_verify_0123456789abCDEF.txt")]
        {
            assert!(files.at(&visit(method, path)).is_some(), "{path}");
        }
        for (method, path) in [
            (Method::POST, path),
            (Method::GET, "/"),
            (Method::GET, "/MP_verify_0123456789abCDEF.txt/"),
            (Method::GET, "/MP_verify_0123456789abCDEF.txt;x"),
            (Method::GET, "/MP_verify_0123456789abcdef.txt"),
            (Method::GET, "/x/MP_verify_0123456789abCDEF.txt"),
            (Method::GET, "/MP_verify_"),
        ] {
            assert!(files.at(&visit(method, path)).is_none(), "{path}");
        }
        assert!(OwnershipFiles::default().at(&visit(Method::GET, path)).is_none());
    }

    #[test]
    fn what_an_application_may_read_otherwise_is_no_file() {
        let files = OwnershipFiles::new(vec![file("MP_verify_0123456789abCDEF.txt").unwrap()]);
        let asked = |path: &str, headers: &http::HeaderMap| {
            let visit = Visit::parse(Method::GET, Scheme::Http, "a.test", path, None).unwrap();
            files.at(&visit.passed_on(path, headers).unwrap()).is_some()
        };
        let path = "/MP_verify_0123456789abCDEF.txt";
        assert!(asked(path, &http::HeaderMap::new()));
        assert!(!asked(&format!("/{path}"), &http::HeaderMap::new()));
        let mut other_method = http::HeaderMap::new();
        other_method.insert("x-http-method-override", http::HeaderValue::from_static("DELETE"));
        assert!(!asked(path, &other_method));
    }
}
