//! `GET /_wxgate/admin`: everybody, those who wait for an answer first.

use http::Response;
use minijinja::{Value, context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::face::{Face, shown};
use super::super::failure::Failure;
use super::super::forms::Form;
use super::super::page::Malformed;
use super::desk::{Desk, Frame};
use super::rows;
use crate::model::clock::Timestamp;
use crate::model::member::{Member, MemberId, Status};
use crate::net::body::Body;
use crate::store::records::MembersQuery;

/// How many are on a page.
const PAGE: usize = 50;

/// How many of those who wait stand above everybody else.
const FIRST: u32 = 3;

/// Longest text to search for, in characters.
const LONGEST_SEARCH: usize = 100;

/// What is listed, as the address says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in super::super) struct Listed {
    /// Only those that hold this text.
    pub(in super::super) search: Option<String>,
    /// Only these.
    pub(in super::super) status: Option<Status>,
    /// Only those behind this one.
    pub(in super::super) after: Option<(Timestamp, MemberId)>,
}

/// What the page shows.
#[derive(Debug)]
pub(in super::super) struct Everybody {
    /// What was asked for.
    pub(in super::super) listed: Listed,
    /// The first of those who wait, on the first page.
    pub(in super::super) pending: Vec<Member>,
    /// Everybody who is not among those.
    pub(in super::super) members: Vec<Member>,
    /// The cursor of the next page.
    pub(in super::super) next: Option<String>,
    /// How many there are of each status.
    pub(in super::super) counts: Vec<(Status, u64)>,
    /// How many conflicts nobody has settled.
    pub(in super::super) conflicts: usize,
}

impl Listed {
    /// Reads the query of the page.
    pub(in super::super) fn read(query: Option<&str>) -> Result<Self, Failure> {
        let malformed = || Failure::Malformed(Malformed::Address);
        let mut form = Form::of_query(query)?;
        let search = form.take("q").unwrap_or_default();
        let search: String = search.trim().chars().take(LONGEST_SEARCH).collect();
        let mut some = |name| form.take(name).filter(|value| !value.is_empty());
        let status = some("status").map(|status| status.parse()).transpose().map_err(|_| malformed())?;
        let after = some("after").map(|after| read_cursor(&after).ok_or_else(malformed)).transpose()?;
        Ok(Self { search: Some(search).filter(|search| !search.is_empty()), status, after })
    }

    /// The address of the same list behind `cursor`.
    fn behind(&self, cursor: &str) -> String {
        let search = self.search.as_deref().unwrap_or_default();
        let status = self.status.map(Status::as_str).unwrap_or_default();
        let search = utf8_percent_encode(search, NON_ALPHANUMERIC);
        format!("/_wxgate/admin?q={search}&status={status}&after={cursor}")
    }

    /// Whether those who wait, or those of them who were found, stand above the list: at its beginning.
    fn shows_pending_first(&self) -> bool {
        self.status.is_none() && self.after.is_none()
    }

    /// The address of all of those.
    fn all_pending(&self) -> String {
        let search = utf8_percent_encode(self.search.as_deref().unwrap_or_default(), NON_ALPHANUMERIC);
        format!("/_wxgate/admin?q={search}&status={}", Status::Pending.as_str())
    }
}

impl Desk<'_> {
    /// The page.
    pub(super) async fn members(&self) -> Result<Response<Body>, Failure> {
        let directory = &self.own.directory;
        let listed = Listed::read(self.asking.query())?;
        let query = MembersQuery {
            status: listed.status,
            search: listed.search.clone(),
            after: listed.after.clone(),
            limit: PAGE as u32 + 1,
        };
        let mut members = directory.members(query.clone()).await?;
        let more = members.len() > PAGE;
        members.truncate(PAGE);
        let next = members.last().filter(|_| more).map(|last| cursor(&query.place_of(last)));
        let mut pending = Vec::new();
        if listed.shows_pending_first() {
            let status = Some(Status::Pending);
            let query = MembersQuery { status, search: listed.search.clone(), limit: FIRST, after: None };
            pending = directory.members(query).await?;
            // Nobody twice. Whoever waits and is not above stays: a crowd of them would leave nothing of the page.
            members.retain(|member| pending.iter().all(|above| above.id != member.id));
        }
        let counts = directory.count().await?;
        let conflicts = directory.conflicts().await?.len();
        let everybody = Everybody { listed, pending, members, next, counts, conflicts };
        Ok(self.show(None, |frame| face(frame, &everybody)))
    }
}

/// How the page is laid out.
pub(in super::super) fn face(frame: &Frame<'_>, everybody: &Everybody) -> Face<'static> {
    let Everybody { listed, pending, members, next, counts, conflicts } = everybody;
    let count = |status| {
        counts.iter().find_map(|(known, count)| (*known == status).then_some(*count)).unwrap_or_default()
    };
    let filter = |status: Status| {
        context! {
            word => status.as_str(),
            words => format!("status.{}", status.as_str()),
            count => count(status),
            chosen => listed.status == Some(status),
        }
    };
    let waiting = count(Status::Pending);
    // Those who wait can be answered wherever they are listed by themselves.
    let is_for_pending = listed.status == Some(Status::Pending);
    let (pending, members) = if is_for_pending { (members, pending) } else { (pending, members) };
    let is_more = match listed.search {
        None => waiting > pending.len() as u64,
        Some(_) => pending.len() >= FIRST as usize,
    };
    let all = |members: &[Member]| Value::from(members.iter().map(rows::member).collect::<Vec<_>>());
    frame
        .face("members", "admin.members", "admin_members.html")
        .value("pending", all(pending))
        .value("waiting", waiting)
        .value("is_for_pending", is_for_pending)
        .value("more_pending", !is_for_pending && !pending.is_empty() && is_more)
        .value("all_pending", listed.all_pending())
        .value("members", all(members))
        .value("filters", Status::ALL.into_iter().map(filter).collect::<Vec<_>>())
        .value("total", counts.iter().map(|(_, count)| count).sum::<u64>())
        .value("status", listed.status.map(Status::as_str))
        .value("search", listed.search.as_deref().map(shown))
        .value("narrowed", *listed != Listed::default())
        .value("next", next.as_deref().map(|cursor| listed.behind(cursor)))
        .value("conflicts", *conflicts)
}

/// Where a page of the list ends.
fn cursor((moment, id): &(Timestamp, MemberId)) -> String {
    format!("{}-{id}", moment.as_unix())
}

fn read_cursor(cursor: &str) -> Option<(Timestamp, MemberId)> {
    let (time, id) = cursor.split_once('-')?;
    Some((Timestamp::from_unix(time.parse().ok()?), id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_what_is_listed() {
        let listed = Listed::read(Some("lang=en&q=+%E5%BC%A0+%E4%BC%9F%26+&status=pending&done=approve"));
        let listed = listed.unwrap();
        assert_eq!((listed.search.as_deref(), listed.status), (Some("张 伟&"), Some(Status::Pending)));
        assert_eq!(Listed::read(Some("q=&status=&after=")).unwrap(), Listed::default());
        let again = listed.behind("5-wx-00112233445566778899");
        let again = Listed::read(again.split_once('?').map(|(_, query)| query)).unwrap();
        assert_eq!((again.search, again.status), (listed.search, listed.status));
        assert_eq!(again.after, Some((Timestamp::from_unix(5), "wx-00112233445566778899".parse().unwrap())));
    }

    #[test]
    fn an_address_that_no_page_of_ours_holds_is_none() {
        for query in [
            "status=owner",
            "after=5",
            "after=x-wx-00112233445566778899",
            "after=5-wx-1",
            "after=-5-wx-00112233445566778899",
            "q=%ff",
            "q=1&q=2",
        ] {
            assert!(Listed::read(Some(query)).is_err(), "{query}");
        }
    }
}
