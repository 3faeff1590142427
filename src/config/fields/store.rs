//! `[store]`: where members, sessions, invitations and the audit trail are kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::section::Section;
use crate::store::{StoreSettings, StoreUrl};

/// `prefer`, the default, takes what it gets: whoever sits on the way only has to say that there is no TLS.
const OVERHEARD: &str = "the connection to PostgreSQL on another machine need not be encrypted";
const ENCRYPT: &str = "end the address with ?sslmode=require, and name the authority of its certificate in store.ca_file \
                       if the system does not know it";

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Reads `[store]`: the store, and how long the audit trail is kept.
pub(super) fn read(top: &mut Section<'_>, data_dir: &Path) -> (StoreSettings, Duration) {
    let (mut url, mut ca_file, mut keep_audit) = (None, None, None);
    if let Some(mut section) = top.table("store") {
        let secret = section.secret("url");
        if let Some(secret) = secret {
            match secret.reveal().parse::<StoreUrl>() {
                Ok(parsed) => {
                    if parsed.may_be_overheard() {
                        section.warn(&section.place("url"), OVERHEARD, ENCRYPT);
                    }
                    url = Some(parsed);
                }
                Err(wish) => section.complain(&section.place("url"), "invalid `url`", wish),
            }
        }
        ca_file = section.optional("ca_file", |text| Ok(PathBuf::from(text)));
        if ca_file.is_some() && matches!(url, None | Some(StoreUrl::Sqlite(_))) {
            section.complain(
                &section.place("ca_file"),
                "`ca_file` is for PostgreSQL",
                "leave it out, or write url = \"postgres://…\"",
            );
        }
        keep_audit = section.duration("keep_audit", DAY..=DAY * 3660);
        section.finish();
    }
    let url = url.unwrap_or_else(|| StoreUrl::Sqlite("wxgate.db".into()));
    let settings = StoreSettings { url, ca_file, data_dir: data_dir.to_owned() };
    (settings, keep_audit.unwrap_or(DAY * 180))
}
