//! One of every page that visitors can see, each in all of its states, under the name its snapshot has.

mod failures;
mod people;
mod phones;
mod ways;

use super::super::page::Page;
use crate::model::clock::Timestamp;

pub(super) use people::for_people;

/// When all of this is.
pub(in super::super) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// What somebody else says and a page shows.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) site: &'a str,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) page_url: &'a str,
    pub(super) name: &'a str,
    pub(super) avatar: &'a str,
    pub(super) message: &'a str,
    pub(super) browser: &'a str,
    pub(super) code: &'a str,
}

/// A page and the name of the state it is in.
pub(super) type Named<'a> = (&'static str, Page<'a>);

impl<'a> Said<'a> {
    /// As people say it.
    pub(super) const USUAL: Said<'static> = Said {
        site: "app.example.com",
        host: "app.example.net",
        path: "/reports/2027?month=1",
        page_url: "https://app.example.com/reports/2027?month=1",
        name: "王芳",
        avatar: "",
        message: "我是财务部的王芳，要看一月的报表。",
        browser: "Chrome · Windows",
        code: "K7QM",
    };

    /// The same everywhere.
    pub(super) fn all(text: &'a str) -> Self {
        Self {
            site: text,
            host: text,
            path: text,
            page_url: text,
            name: text,
            avatar: text,
            message: text,
            browser: text,
            code: text,
        }
    }
}

/// Every page in every state.
pub(super) fn gallery(said: Said<'_>) -> Vec<Named<'_>> {
    [failures::failures(said), ways::ways(said), for_people(said), phones::about_phones(said)].concat()
}

/// The same without names, with `text` wherever somebody else's words are shown.
pub(super) fn every_page(text: &str) -> Vec<Page<'_>> {
    gallery(Said::all(text)).into_iter().map(|(_, page)| page).collect()
}
