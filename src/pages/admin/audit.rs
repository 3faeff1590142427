//! `GET /_wxgate/admin/audit`: who did what, newest first.

use http::Response;
use minijinja::context;

use super::super::face::Face;
use super::super::failure::Failure;
use super::super::forms::Form;
use super::super::page::Malformed;
use super::complaint::Complaint;
use super::desk::{Desk, Frame};
use super::rows;
use crate::model::audit::AuditKind;
use crate::model::member::MemberId;
use crate::net::body::Body;
use crate::store::records::{AuditQuery, AuditRow};

/// How many lines are on a page.
const PAGE: usize = 100;

/// Which lines, as the address says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in super::super) struct Filter {
    /// Only this.
    pub(in super::super) kind: Option<AuditKind>,
    /// Only about or by this member, as it was typed.
    pub(in super::super) member: String,
    /// Only older ones than this line.
    pub(in super::super) before: Option<i64>,
}

/// What the page shows.
#[derive(Debug)]
pub(in super::super) struct Trail {
    /// What was asked for.
    pub(in super::super) filter: Filter,
    /// The lines.
    pub(in super::super) lines: Vec<AuditRow>,
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
        let member = some("member").unwrap_or_default().trim().to_owned();
        Ok(Self { kind, member, before })
    }

    /// Whom it is about; `None` for nobody, and for what is no member id.
    fn about(&self) -> Result<Option<MemberId>, Complaint> {
        let complaint = Complaint { at: "filter", words: "complaint.member_id" };
        let member = Some(self.member.as_str()).filter(|member| !member.is_empty());
        member.map(str::parse).transpose().map_err(|_| complaint)
    }

    fn behind(&self, line: i64) -> String {
        let kind = self.kind.map(AuditKind::as_str).unwrap_or_default();
        format!("/_wxgate/admin/audit?kind={kind}&member={}&before={line}", self.member)
    }
}

impl Desk<'_> {
    /// The page.
    pub(super) async fn audit(&self) -> Result<Response<Body>, Failure> {
        let filter = Filter::read(self.asking.query())?;
        let member = match filter.about() {
            Ok(member) => member,
            Err(complaint) => {
                let trail = Trail { filter, lines: Vec::new(), next: None };
                return Ok(self.show(Some(complaint), |frame| face(frame, &trail)));
            }
        };
        let (kind, before) = (filter.kind, filter.before);
        let query = AuditQuery { member, kind, before, limit: PAGE as u32 + 1 };
        let mut lines = self.own.directory.audit(query).await?;
        let more = lines.len() > PAGE;
        lines.truncate(PAGE);
        let next = lines.last().filter(|_| more).map(|(number, _)| *number);
        let trail = Trail { filter, lines, next };
        Ok(self.show(None, |frame| face(frame, &trail)))
    }
}

/// How the page is laid out.
pub(in super::super) fn face(frame: &Frame<'_>, trail: &Trail) -> Face<'static> {
    let Trail { filter, lines, next } = trail;
    let kind = |kind: &AuditKind| {
        context! {
            word => kind.as_str(),
            words => format!("audit.{}", kind.as_str()),
            chosen => filter.kind == Some(*kind),
        }
    };
    frame
        .face("audit", "admin.audit", "admin_audit.html")
        .value("kinds", AuditKind::ALL.iter().map(kind).collect::<Vec<_>>())
        .value("about", filter.member.as_str())
        .value("narrowed", *filter != Filter::default())
        .value("lines", lines.iter().map(rows::line).collect::<Vec<_>>())
        .value("next", next.map(|line| filter.behind(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_which_lines() {
        let id = "wx-00112233445566778899";
        let filter = Filter::read(Some(&format!("kind=approved&member=+{id}&before=7"))).unwrap();
        assert_eq!((filter.kind, filter.before), (Some(AuditKind::Approved), Some(7)));
        assert_eq!(filter.about().unwrap().unwrap().as_str(), id);
        let next = filter.behind(3);
        let next = Filter::read(next.split_once('?').map(|(_, query)| query)).unwrap();
        assert_eq!(next, Filter { before: Some(3), ..filter });
        assert_eq!(Filter::read(Some("kind=&member=&before=")).unwrap(), Filter::default());
        assert!(Filter::read(Some("member=%E5%BC%A0")).unwrap().about().is_err());
        for query in ["kind=all", "before=x", "before=1.5", "kind=approved&kind=refused"] {
            assert!(Filter::read(Some(query)).is_err(), "{query}");
        }
    }
}
