//! What people see who are no members yet.

use http::StatusCode;

use super::super::page::Page;
use super::super::people::page::{Joining, Offer, Somebody, Step};
use super::{Named, Said};

pub(in super::super) fn for_people(said: Said<'_>) -> Vec<Named<'_>> {
    let Said { site, name, avatar, asked, code, .. } = said;
    let who = Somebody { name, avatar, id: "wx-00112233445566778899" };
    let offer = Offer { who, site, code, token: "token" };
    let stranger = |step| Joining::Stranger {
        status: StatusCode::FORBIDDEN,
        who,
        site,
        to: "/reports?a=1",
        url: "/_wxgate/request?to=/reports?a=1",
        step,
    };
    [
        ("access-ask", stranger(Step::Ask { token: "token" })),
        ("access-join", stranger(Step::Join { token: "token" })),
        ("access-closed", stranger(Step::Closed)),
        ("access-uninvited", stranger(Step::Uninvited)),
        ("access-waiting", stranger(Step::Wait(Some(asked)))),
        ("access-waiting-store-down", stranger(Step::Wait(None))),
        ("access-refused", stranger(Step::Refused)),
        ("invited", Joining::Invited(offer)),
        ("invitation-spent", Joining::InvitationSpent),
        ("set-up", Joining::SetUp(offer)),
        ("set-up-spent", Joining::SetUpLinkSpent { administers: false }),
        ("set-up-spent-for-administrator", Joining::SetUpLinkSpent { administers: true }),
    ]
    .map(|(name, page)| (name, Page::Joining(page)))
    .into()
}
