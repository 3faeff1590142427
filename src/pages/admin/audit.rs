//! `GET /_wxgate/admin/audit`: who did what, newest first; all of it, or what one person did and what concerns them.

use http::Response;
use minijinja::context;

use super::super::face::{Face, shown};
use super::super::failure::Failure;
use super::super::forms::Form;
use super::super::page::Malformed;
use super::complaint::Complaint;
use super::desk::{Desk, Frame};
use super::names::{self, Names};
use super::rows;
use crate::model::audit::AuditKind;
use crate::model::member::{Member, MemberId};
use crate::net::body::Body;
use crate::store::StoreError;
use crate::store::records::{AuditQuery, AuditRow, MembersQuery};

/// How many lines are on a page.
const PAGE: usize = 100;

/// How many people are offered where what was typed fits several.
const CHOICES: usize = 10;

/// Longest text to search for, in characters.
const LONGEST_SEARCH: usize = 100;

/// Which lines, as the address says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in super::super) struct Filter {
    /// Only this.
    pub(in super::super) kind: Option<AuditKind>,
    /// Only about or by whoever is called that: an id, or some of a name.
    pub(in super::super) member: String,
    /// Only older ones than this line.
    pub(in super::super) before: Option<i64>,
}

/// Whom the lines are about.
#[derive(Debug)]
pub(in super::super) enum Whom {
    /// No matter who.
    Anybody,
    /// Several fit what was typed; who is meant is asked first.
    Several(Vec<Member>),
    /// Nobody fits it.
    Nobody,
    /// This member.
    One(MemberId),
}

/// What the page shows.
#[derive(Debug)]
pub(in super::super) struct Trail {
    /// What was asked for.
    pub(in super::super) filter: Filter,
    /// Who is meant by it.
    pub(in super::super) whom: Whom,
    /// The lines.
    pub(in super::super) lines: Vec<AuditRow>,
    /// What those who are named in them are called.
    pub(in super::super) names: Names,
    /// The number of the last line, if older ones follow.
    pub(in super::super) next: Option<i64>,
}

impl Filter {
    /// Reads the query of the page.
    pub(in super::super) fn read(query: Option<&str>) -> Result<Self, Failure> {
        let malformed = || Failure::Malformed(Malformed::Address);
        let mut form = Form::of_query(query)?;
        let mut some = |name| form.take(name).filter(|value| !value.is_empty());
        let kind = some("kind").map(|kind| kind.parse()).transpose().map_err(|_| malformed())?;
        let before = some("before").map(|number| number.parse()).transpose().map_err(|_| malformed())?;
        let member = some("member").unwrap_or_default();
        let member = member.trim().chars().take(LONGEST_SEARCH).collect();
        Ok(Self { kind, member, before })
    }

    /// The address of the same lines about whomever is written behind it.
    fn about(&self) -> String {
        let kind = self.kind.map(AuditKind::as_str).unwrap_or_default();
        format!("/_wxgate/admin/audit?kind={kind}&member=")
    }

    fn behind(&self, line: i64, whom: &Whom) -> String {
        let member = if let Whom::One(id) = whom { id.as_str() } else { "" };
        format!("{}{member}&before={line}", self.about())
    }
}

impl Desk<'_> {
    /// The page.
    pub(super) async fn audit(&self) -> Result<Response<Body>, Failure> {
        let filter = Filter::read(self.asking.query())?;
        let whom = self.meant(&filter.member).await?;
        let member = match &whom {
            Whom::Anybody => None,
            Whom::One(id) => Some(id.clone()),
            Whom::Nobody | Whom::Several(_) => {
                let nobody = Complaint { at: "filter", words: "complaint.nobody" };
                let complaint = matches!(whom, Whom::Nobody).then_some(nobody);
                let trail = Trail { filter, whom, lines: Vec::new(), names: Names::default(), next: None };
                return Ok(self.show(complaint, |frame| face(frame, &trail)));
            }
        };
        let (kind, before) = (filter.kind, filter.before);
        let query = AuditQuery { member: member.clone(), kind, before, limit: PAGE as u32 + 1 };
        let mut lines = self.own.directory.audit(query).await?;
        let more = lines.len() > PAGE;
        lines.truncate(PAGE);
        let next = lines.last().filter(|_| more).map(|(number, _)| *number);
        let names = self.names(names::named(&lines).into_iter().chain(member).collect()).await?;
        let trail = Trail { filter, whom, lines, names, next };
        Ok(self.show(None, |frame| face(frame, &trail)))
    }

    /// Who is called that. Of whoever was deleted only the whole id is left.
    async fn meant(&self, typed: &str) -> Result<Whom, StoreError> {
        if typed.is_empty() {
            return Ok(Whom::Anybody);
        }
        if let Ok(id) = typed.parse() {
            return Ok(Whom::One(id));
        }
        let search = Some(typed.to_owned());
        let query = MembersQuery { search, limit: CHOICES as u32 + 1, ..MembersQuery::default() };
        let mut found = self.own.directory.members(query).await?;
        Ok(match (found.pop(), found.is_empty()) {
            (None, _) => Whom::Nobody,
            (Some(member), true) => Whom::One(member.id),
            (Some(member), false) => {
                found.push(member);
                Whom::Several(found)
            }
        })
    }
}

/// How the page is laid out.
pub(in super::super) fn face(frame: &Frame<'_>, trail: &Trail) -> Face<'static> {
    let Trail { filter, whom, lines, names, next } = trail;
    let kind = |kind: &AuditKind| {
        context! {
            word => kind.as_str(),
            words => format!("audit.{}", kind.as_str()),
            chosen => filter.kind == Some(*kind),
        }
    };
    let choices = if let Whom::Several(found) = whom { found.as_slice() } else { &[] };
    let only = if let Whom::One(id) = whom { Some(names.who(id)) } else { None };
    frame
        .face("audit", "admin.audit", "admin_audit.html")
        .value("kinds", AuditKind::ALL.iter().map(kind).collect::<Vec<_>>())
        .value("typed", shown(&filter.member))
        .value("only", only)
        .value("choices", choices.iter().take(CHOICES).map(rows::member).collect::<Vec<_>>())
        .value("more_choices", choices.len() > CHOICES)
        .value("choose", filter.about())
        .value("narrowed", *filter != Filter::default())
        .value("lines", lines.iter().map(|row| rows::line(row, names)).collect::<Vec<_>>())
        .value("next", next.map(|line| filter.behind(line, whom)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_which_lines() {
        let id: MemberId = "wx-00112233445566778899".parse().unwrap();
        let filter = Filter::read(Some("kind=approved&member=+%E5%BC%A0+&before=7")).unwrap();
        assert_eq!((filter.kind, filter.before), (Some(AuditKind::Approved), Some(7)));
        assert_eq!(filter.member, "张");
        let next = filter.behind(3, &Whom::One(id.clone()));
        let next = Filter::read(next.split_once('?').map(|(_, query)| query)).unwrap();
        assert_eq!(next, Filter { before: Some(3), member: id.to_string(), ..filter });
        assert_eq!(Filter::read(Some("kind=&member=&before=")).unwrap(), Filter::default());
        for query in ["kind=all", "before=x", "before=1.5", "kind=approved&kind=refused"] {
            assert!(Filter::read(Some(query)).is_err(), "{query}");
        }
    }
}
