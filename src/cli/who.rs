//! Finds the member that a command names, and goes through all of them.

use anyhow::{anyhow, bail};

use super::store::Opened;
use super::written::called;
use crate::members::Directory;
use crate::model::member::{Member, MemberId, Status, UserName};
use crate::store::records::{MemberDetail, MembersQuery};
use crate::store::{MemberKey, StoreError};

/// Members asked for at a time.
const PAGE: u32 = 200;

/// Letters of the code of a request.
const CODE: usize = 4;

/// The member who is called `text`: an id, a user name, or the code of a request that waits.
pub(super) async fn find(opened: &Opened, text: &str) -> anyhow::Result<MemberDetail> {
    let unknown = || anyhow!("no member {text:?}; look with `wxgate members list --search {text:?}`");
    let key = |id: &MemberId| MemberKey::Id(id.clone());
    let found = |key| opened.directory.member(key, opened.now);
    if let Ok(id) = text.parse::<MemberId>() {
        return found(MemberKey::Id(id)).await?.ok_or_else(unknown);
    }
    let named = match text.parse::<UserName>() {
        Ok(name) => found(MemberKey::UserName(name)).await?,
        Err(_) => None,
    };
    let mut asking = asking(&opened.directory, text).await?;
    if let Some(named) = &named {
        asking.retain(|member| member.id != named.member.id);
    }
    match (named, asking.as_slice()) {
        (Some(named), []) => Ok(named),
        (None, [one]) => found(key(&one.id)).await?.ok_or_else(unknown),
        (None, []) => Err(unknown()),
        (named, asking) => {
            let all = named.iter().map(|named| &named.member).chain(asking);
            let all: Vec<String> = all.map(called).collect();
            bail!("{text:?} may be {}: say it by the id", all.join(" or "))
        }
    }
}

/// Those who wait for an answer to a request with this code.
async fn asking(directory: &Directory, code: &str) -> Result<Vec<Member>, StoreError> {
    if code.len() != CODE || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(Vec::new());
    }
    let mut asking = Vec::new();
    let mut pages = Pages::new(directory, Some(Status::Pending), Some(code.to_owned()), None);
    while let Some(mut page) = pages.next().await? {
        page.retain(|member| {
            member.request.as_ref().is_some_and(|request| request.code.eq_ignore_ascii_case(code))
        });
        asking.append(&mut page);
    }
    Ok(asking)
}

/// All members that fit, a page at a time.
pub(super) struct Pages<'a> {
    directory: &'a Directory,
    query: Option<MembersQuery>,
    left: Option<u32>,
}

impl<'a> Pages<'a> {
    /// Those of a status, those a text is found in, and not more than a limit, each if it is given.
    pub(super) fn new(
        directory: &'a Directory,
        status: Option<Status>,
        search: Option<String>,
        limit: Option<u32>,
    ) -> Self {
        let query = MembersQuery { status, search, after: None, limit: PAGE };
        Self { directory, query: Some(query), left: limit }
    }

    /// The next page; `None` behind the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Member>>, StoreError> {
        let Some(mut query) = self.query.take() else { return Ok(None) };
        query.limit = self.left.map_or(PAGE, |left| left.min(PAGE));
        let page = self.directory.members(query.clone()).await?;
        let count = u32::try_from(page.len()).unwrap_or(u32::MAX);
        self.left = self.left.map(|left| left.saturating_sub(count));
        if let Some(last) = page.last().filter(|_| count == query.limit && self.left != Some(0)) {
            query.after = Some(query.place_of(last));
            self.query = Some(query);
        }
        Ok((!page.is_empty()).then_some(page))
    }
}
