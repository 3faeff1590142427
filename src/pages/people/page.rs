//! What people see who are no members yet: the pages, their status and how they are laid out.

use http::StatusCode;
use minijinja::Value;

use super::super::avatar::avatar;
use super::super::face::{Face, shown};
use super::super::moment::moment;
use super::super::sign::Sign;
use crate::model::member::{AccessRequest, Status};

/// A page for somebody who is signed in and not, or not yet, what they could be.
#[derive(Clone, Copy, Debug)]
pub enum Joining<'a> {
    /// No member, and came for a page for members.
    Stranger {
        /// 403 in place of the page they came for, 200 at our own address.
        status: StatusCode,
        /// Who they are.
        who: Somebody<'a>,
        /// The host they came for.
        site: &'a str,
        /// The page they came for, as a return address.
        to: &'a str,
        /// Where this page stands by itself.
        url: &'a str,
        /// What they can do.
        step: Step<'a>,
    },
    /// Opened an invitation.
    Invited(Offer<'a>),
    /// Opened the link of the first administrator.
    SetUp(Offer<'a>),
    /// The code of an invitation is good for nothing.
    InvitationSpent,
    /// The code of a setup link is good for nothing.
    SetUpLinkSpent {
        /// Whether they can administer members already.
        administers: bool,
    },
}

/// What becomes of a stranger.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// They can ask.
    Ask {
        /// Of the form.
        token: &'a str,
    },
    /// Everybody may join: one button.
    Join {
        /// Of the form.
        token: &'a str,
    },
    /// Only administrators make members.
    Closed,
    /// Only an invitation helps.
    Uninvited,
    /// They have asked. What, unless that cannot be read right now.
    Wait(Option<&'a AccessRequest>),
    /// An administrator said no.
    Refused,
}

/// What one button makes of somebody.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Who they are.
    pub who: Somebody<'a>,
    /// The host it is about.
    pub site: &'a str,
    /// The code in the link.
    pub code: &'a str,
    /// Of the form.
    pub token: &'a str,
}

/// Who is signed in.
#[derive(Clone, Copy, Debug)]
pub struct Somebody<'a> {
    /// What people call them.
    pub name: &'a str,
    /// Address of their picture, or nothing.
    pub avatar: &'a str,
    /// The member id: names can be copied.
    pub id: &'a str,
}

impl Joining<'_> {
    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Stranger { status, .. } => *status,
            Self::Invited(_) | Self::SetUp(_) => StatusCode::OK,
            Self::InvitationSpent | Self::SetUpLinkSpent { .. } => StatusCode::GONE,
        }
    }

    /// The word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Stranger { .. } => "not_a_member",
            Self::Invited(_) => "invited",
            Self::SetUp(_) => "set_up",
            Self::InvitationSpent => "invitation_spent",
            Self::SetUpLinkSpent { .. } => "setup_link_spent",
        }
    }

    /// How the stranger stands, for programs.
    pub fn standing(&self) -> Option<Status> {
        let Self::Stranger { step, .. } = self else { return None };
        Some(match step {
            Step::Ask { .. } | Step::Join { .. } | Step::Closed | Step::Uninvited => Status::Guest,
            Step::Wait(_) => Status::Pending,
            Step::Refused => Status::Refused,
        })
    }

    /// Whether the page holds a form.
    pub fn has_form(&self) -> bool {
        match self {
            Self::Stranger { step, .. } => matches!(step, Step::Ask { .. } | Step::Join { .. }),
            Self::Invited(_) | Self::SetUp(_) => true,
            Self::InvitationSpent | Self::SetUpLinkSpent { .. } => false,
        }
    }
}

impl<'a> Face<'a> {
    /// How a page for people on their way is laid out.
    pub(in super::super) fn of_joining(page: &Joining<'a>) -> Self {
        match *page {
            Joining::Stranger { who, site, to, url, step, .. } => {
                let path = if to.starts_with('/') && to != "/" { shown(to) } else { String::new() };
                Self::of_stranger(step, url).about(who, site).value("to", to).value("path", path)
            }
            Joining::Invited(offer) => {
                Self::of_offer(offer, ["invited.title", "invited.text", "invited.button"], "/_wxgate/invite")
            }
            Joining::SetUp(offer) => {
                Self::of_offer(offer, ["set_up.title", "set_up.text", "set_up.button"], "/_wxgate/setup")
            }
            Joining::InvitationSpent => {
                Self::notice(Sign::Clock, "invitation_spent.title", "invitation_spent.text").home()
            }
            Joining::SetUpLinkSpent { administers } => {
                let face = Self::notice(Sign::Clock, "set_up_spent.title", "set_up_spent.text");
                if administers { face.action("action.members", "/_wxgate/admin") } else { face }
            }
        }
    }

    fn of_stranger(step: Step<'a>, url: &'a str) -> Self {
        let ask = |label, token: &str, has_message| {
            let mut face = Self::notice(Sign::Lock, "stranger.title", "stranger.text").action(label, url);
            (face.template, face.sign) = ("ask.html", None);
            face.value("token", token).value("has_message", has_message).value("button", label)
        };
        match step {
            Step::Ask { token } => ask("stranger.ask", token, true),
            Step::Join { token } => ask("stranger.join", token, false),
            Step::Closed => Self::stopped("stranger.title", "stranger.text", "stranger.closed"),
            Step::Uninvited => Self::stopped("stranger.title", "stranger.text", "stranger.uninvited"),
            Step::Refused => {
                Self::stopped("stranger_refused.title", "stranger_refused.text", "stranger_refused.more")
            }
            Step::Wait(request) => {
                let mut face =
                    Self::notice(Sign::Clock, "waiting.title", "waiting.text").action("waiting.look", url);
                face.template = "wait.html";
                face.value("code", request.map(|request| request.code.as_str()))
                    .value("asked", request.map(|request| moment(request.at)))
                    .value("message", request.map(|request| shown(&request.message)))
            }
        }
    }

    /// A stranger who can do nothing here.
    fn stopped(title: &'static str, text: &'static str, more: &'static str) -> Self {
        let mut face = Self::notice(Sign::Lock, title, text);
        face.template = "stopped.html";
        face.texts.push(more);
        face
    }

    fn of_offer(offer: Offer<'a>, [title, text, button]: [&'static str; 3], target: &'static str) -> Self {
        let mut face = Self::notice(Sign::Check, title, text);
        (face.template, face.sign) = ("offer.html", None);
        face.about(offer.who, offer.site)
            .value("code", offer.code)
            .value("token", offer.token)
            .value("button", button)
            .value("target", target)
    }

    fn about(self, who: Somebody<'_>, site: &str) -> Self {
        self.value("name", shown(who.name))
            .value("avatar", avatar(who.avatar).map_or(Value::from(()), Value::from))
            .value("id", who.id)
            .value("site", shown(site))
    }
}
