//! How strangers become members: by asking, by invitation, by themselves, or not at all. And how the first administrator does.

use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use super::act::Act;
use super::directory::Directory;
use crate::model::audit::{Actor, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Profile};
use crate::model::legible::is_invisible;
use crate::model::member::{AccessRequest, Change, Member, MemberId, SessionId, Status};
use crate::model::secret::Secret;
use crate::seal::{digest, random};
use crate::store::StoreError;
use crate::store::records::{Arrival, Arrived, Invite, NewSession};

/// Longest message to the administrator, in characters.
pub const LONGEST_MESSAGE: usize = 200;

/// Longest User-Agent that is kept, in characters.
const LONGEST_BROWSER: usize = 200;

/// Letters of a request's code: none that is taken for another.
const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

/// How strangers become members (`access.join`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Join {
    /// Only administrators make members.
    Closed,
    /// Whoever opens an invitation.
    Invite,
    /// Whoever signs in.
    Open,
    /// Whoever asks, and is approved.
    #[default]
    Request,
}

/// What the configuration says about joining.
#[derive(Clone, Debug, Default)]
pub struct JoinSettings {
    /// `access.join`.
    pub join: Join,
    /// `access.admins`: openids and unionids that are administrators from their next sign-in on.
    pub admins: Vec<String>,
}

/// Somebody who has just come from WeChat.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// How the app knows them.
    pub account: Account,
    /// The id shared by all apps of one Open Platform account.
    pub unionid: Option<String>,
    /// Name and picture.
    pub profile: Profile,
    /// The sessions that the same proof has led to, where a callback is repeated.
    pub repeats: Vec<SessionId>,
    /// Their User-Agent.
    pub browser: String,
    /// From where.
    pub client: IpAddr,
    /// The request they came with.
    pub request_id: String,
}

/// Somebody cannot be signed in.
#[derive(Clone, Debug, Error)]
pub enum WelcomeError {
    /// An administrator has shut them out.
    #[error("the member {0} is blocked")]
    Blocked(MemberId),
    /// What this login led to before was ended since.
    #[error("the session that this login led to was ended")]
    Overtaken,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FromStr for Join {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "closed" => Ok(Self::Closed),
            "invite" => Ok(Self::Invite),
            "open" => Ok(Self::Open),
            "request" => Ok(Self::Request),
            _ => Err("write \"request\", \"open\", \"invite\" or \"closed\"".to_owned()),
        }
    }
}

impl Directory {
    /// Signs somebody in: who they are from now on. `session` begins at `now` and ends by itself at `expires`.
    pub async fn welcome(
        &self,
        newcomer: Newcomer,
        session: SessionId,
        expires: Timestamp,
        settings: &JoinSettings,
        now: Timestamp,
    ) -> Result<Member, WelcomeError> {
        let Newcomer { account, unionid, profile, repeats, browser, client, request_id } = newcomer;
        let names = [Some(account.openid.as_str()), unionid.as_deref()];
        let is_listed_admin = settings.admins.iter().any(|admin| names.contains(&Some(admin.as_str())));
        let arrival = Arrival {
            fresh_id: MemberId::of(random()),
            newcomer: if settings.join == Join::Open { Status::Active } else { Status::Guest },
            is_listed_admin,
            account,
            unionid,
            profile,
            repeats,
            session: NewSession {
                id: session,
                started: now,
                expires,
                browser: browser
                    .chars()
                    .filter(|letter| !is_invisible(*letter))
                    .take(LONGEST_BROWSER)
                    .collect(),
                client,
            },
            request_id,
        };
        let Arrived { member, is_in, .. } = self.ask(self.store.arrive(arrival)).await?;
        self.standings.forget(&member.id);
        match member.status {
            _ if is_in => Ok(member),
            Status::Blocked => Err(WelcomeError::Blocked(member.id)),
            _ => Err(WelcomeError::Overtaken),
        }
    }

    /// A guest asks to be let in; where everybody may join, they are.
    pub async fn request(
        &self,
        act: &Act,
        who: &MemberId,
        message: &str,
        settings: &JoinSettings,
    ) -> Result<Member, StoreError> {
        if settings.join == Join::Open {
            let by_itself = Act { actor: Actor::Gateway, ..act.clone() };
            return self.change(&by_itself, who, Change::Approve(None)).await;
        }
        let request = AccessRequest { code: code(), message: clipped(message), at: act.now };
        let note = act.note(AuditKind::Asked, Some(who), format!("code {}", request.code));
        self.ask_about(who, self.store.ask(who.clone(), request, note)).await
    }

    /// The invitation behind a code, if it is still good.
    pub async fn invitation(&self, code: &str, now: Timestamp) -> Result<Option<Invite>, StoreError> {
        self.read(self.store.invite(digest(code.as_bytes()), now)).await
    }

    /// Makes somebody a member by the code of an invitation.
    pub async fn join(&self, act: &Act, who: &MemberId, code: &str) -> Result<Member, StoreError> {
        let note = act.note(AuditKind::InviteUsed, Some(who), String::new());
        self.ask_about(who, self.store.join(digest(code.as_bytes()), who.clone(), note)).await
    }

    /// Whether nobody can administer.
    pub async fn needs_setup(&self) -> Result<bool, StoreError> {
        self.read(self.store.needs_setup()).await
    }

    /// Makes a link that makes one person an administrator: its code.
    pub async fn make_setup_link(&self, act: &Act, expires: Timestamp) -> Result<Secret, StoreError> {
        let code = crate::seal::hex(&random::<16>());
        let note = act.note(AuditKind::SetupLinkMade, None, String::new());
        self.ask(self.store.make_setup_link(digest(code.as_bytes()), expires, note)).await?;
        Ok(Secret::new(code))
    }

    /// Whether the code of a setup link is still good.
    pub async fn is_setup_code(&self, code: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.read(self.store.is_setup_link(digest(code.as_bytes()), now)).await
    }

    /// Makes somebody an administrator by the code of a setup link.
    pub async fn set_up(&self, act: &Act, who: &MemberId, code: &str) -> Result<Member, StoreError> {
        let note = act.note(AuditKind::SetupUsed, Some(who), String::new());
        self.ask_about(who, self.store.set_up(digest(code.as_bytes()), who.clone(), note)).await
    }
}

/// Four letters by which an administrator tells one 张伟 from another.
fn code() -> String {
    random::<4>().iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// A message as it is kept: in bounds, in one line, and nothing in it that cannot be seen, as in names.
fn clipped(message: &str) -> String {
    let breaks = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    let line = message.chars().map(|letter| if breaks(letter) { ' ' } else { letter });
    let visible = line.filter(|letter| !is_invisible(*letter));
    visible.take(LONGEST_MESSAGE).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_of_what_can_be_seen() {
        let invisible: String = ('\0'..=char::MAX).filter(|letter| is_invisible(*letter)).collect();
        assert!(clipped(&invisible).is_empty());
        assert!(!clipped(&format!("a{invisible}b")).contains(is_invisible));
        assert_eq!(
            clipped(" 我是\u{202e}王芳\u{200b},\r\nthe\u{2028}new\u{1b}one\t"),
            "我是王芳,  the new one"
        );
        assert_eq!(clipped("👩\u{200d}💻 ❤\u{fe0f}"), "👩💻 ❤", "as in names");
        assert_eq!(clipped(&"王\u{200b}".repeat(300)).chars().count(), LONGEST_MESSAGE);
    }
}
