//! One of every page that visitors can see, each in all of its states, under the name its snapshot has: to be compared with
//! how it was, and to be drawn with an operator's templates before anybody asks for it.

mod failures;
mod people;
mod phones;
mod ways;

use std::sync::LazyLock;

use super::page::Page;
use crate::model::clock::Timestamp;
use crate::model::member::AccessRequest;

pub(super) use people::for_people;

/// When all of this is.
pub(super) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

static ASKED: LazyLock<AccessRequest> =
    LazyLock::new(|| asked("我是财务部的王芳，要看一月的报表。".to_owned()));

/// What somebody else says and a page shows.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) site: &'a str,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) page_url: &'a str,
    pub(super) name: &'a str,
    pub(super) avatar: &'a str,
    pub(super) asked: &'a AccessRequest,
    pub(super) browser: &'a str,
    pub(super) code: &'a str,
}

/// A page and the name of the state it is in.
pub(super) type Named<'a> = (&'static str, Page<'a>);

impl Said<'_> {
    /// As people say it.
    pub(super) fn usual() -> Said<'static> {
        Said {
            site: "app.example.com",
            host: "app.example.net",
            path: "/reports/2027?month=1",
            page_url: "https://app.example.com/reports/2027?month=1",
            name: "王芳",
            avatar: "",
            asked: &ASKED,
            browser: "Chrome · Windows",
            code: "K7QM",
        }
    }
}

/// Every page in every state.
pub(super) fn gallery(said: Said<'_>) -> Vec<Named<'_>> {
    [failures::failures(said), ways::ways(said), for_people(said), phones::about_phones(said)].concat()
}

/// What somebody asked with, when they asked for access.
pub(super) fn asked(message: String) -> AccessRequest {
    AccessRequest { code: "ABCD".to_owned(), message, at: NOW }
}
