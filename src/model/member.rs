//! A person as the directory knows them: who they are, what the administrator made of them, how they stand.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use super::clock::Timestamp;
use super::legible::{is_blank, is_invisible};
use super::session::Session;

/// Names a sign-in in one browser.
pub type SessionId = [u8; 16];

/// Most groups a person is in, and longest name of one in bytes: all of them together have to fit in a header line.
const MOST_GROUPS: usize = 32;
const LONGEST_GROUP: usize = 64;

/// Longest user name in bytes.
const LONGEST_USER_NAME: usize = 64;

/// Longest display name in characters.
const LONGEST_DISPLAY_NAME: usize = 64;

/// How a member id begins; no user name does, so that nobody can be given the id of somebody else.
const ID_PREFIX: &str = "wx-";

/// The stable name of a member: `wx-` and 20 hexadecimal digits, random, so that it says nothing of the person.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MemberId(String);

/// The name an administrator gave a member for applications: ASCII, and nobody else's in any case of letters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserName(String);

/// The name an administrator gave a member for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DisplayName(String);

/// Names of groups, each once, in alphabetical order; held as applications are told them, with commas between.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Groups(Bytes);

/// What the directory makes of a person.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Status {
    /// A member: may enter.
    Active,
    /// Shut out, from everything that needs a sign-in.
    Blocked,
    /// Has signed in with WeChat, and asked for nothing.
    Guest,
    /// Has asked for access.
    Pending,
    /// Has asked, and an administrator said no.
    Refused,
}

/// A person's record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The stable name.
    pub id: MemberId,
    /// What the directory makes of them.
    pub status: Status,
    /// What it was before they were blocked, and is again when the block ends.
    pub before_block: Option<Status>,
    /// Given by an administrator; applications are told the id without it.
    pub user_name: Option<UserName>,
    /// Given by an administrator; people see the profile's name without it.
    pub display_name: Option<DisplayName>,
    /// What they belong to.
    pub groups: Groups,
    /// Whether they may administer members.
    pub is_admin: bool,
    /// The id shared by all apps of one Open Platform account, once WeChat gave it.
    pub unionid: Option<String>,
    /// The name they chose in WeChat, as of the last sign-in that told it; may be empty.
    pub profile_name: String,
    /// Address of their picture; may be empty.
    pub avatar: String,
    /// What they asked, when they asked.
    pub request: Option<AccessRequest>,
    /// First sign-in.
    pub created: Timestamp,
    /// Last sign-in.
    pub signed_in: Timestamp,
    /// Sessions that began before this moment have ended.
    pub ended_before: Timestamp,
}

/// Somebody asks to be let in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessRequest {
    /// Four letters to tell the administrator: nicknames can be copied.
    pub code: String,
    /// What they wrote, 200 characters at most; may be empty.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// What a request needs to know of the member who makes it. Read from the store, and remembered for seconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    /// What the directory makes of them.
    pub status: Status,
    /// Whether they may administer members.
    pub is_admin: bool,
    /// What they belong to.
    pub groups: Groups,
    /// What applications call them: the user name, else the id.
    pub user: Bytes,
    /// What people call them: the display name, else the profile's; may be empty.
    pub name: Bytes,
    /// Sessions that began before this moment have ended.
    pub ended_before: Timestamp,
    /// Sessions that were ended one by one.
    pub ended: Vec<SessionId>,
    /// What they asked, while they wait for the answer.
    pub request: Option<AccessRequest>,
}

/// What an administrator does with a member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// Lets them in; with groups, into these.
    Approve(Option<Groups>),
    /// Shuts them out.
    Block,
    /// Another name for people; the profile's without one.
    DisplayName(Option<DisplayName>),
    /// Other groups.
    Groups(Groups),
    /// Gives or takes the right to administer.
    MakeAdmin(bool),
    /// Does not let them in.
    Refuse,
    /// Ends a block: what they were before, they are again.
    Unblock,
    /// Another name for applications; the id without one.
    UserName(Option<UserName>),
}

/// Why a change cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChangeError {
    /// Nobody could administer any more.
    #[error("that is the last administrator: make another one first")]
    LastAdmin,
    /// It does not follow on their status.
    #[error("that cannot be done to somebody whose status is {}", .0.as_str())]
    Status(Status),
    /// Somebody else has the user name.
    #[error("somebody else has that user name")]
    UserNameTaken,
}

impl MemberId {
    /// The id these random bytes make.
    pub fn of(random: [u8; 10]) -> Self {
        let digits = random.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Self(ID_PREFIX.chars().chain(digits.filter_map(|digit| char::from_digit(digit.into(), 16))).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MemberId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match text.strip_prefix(ID_PREFIX) {
            Some(digits) if digits.len() == 20 && digits.bytes().all(is_digit) => Ok(Self(text.to_owned())),
            _ => Err("a member id is wx- and 20 hexadecimal digits".to_owned()),
        }
    }
}

impl UserName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        if text.len() > LONGEST_USER_NAME
            || !text.bytes().all(is_sound)
            || !text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        {
            return Err(format!(
                "a user name is 1 to {LONGEST_USER_NAME} letters, digits and . _ @ -, beginning with a letter or digit"
            ));
        }
        if text.get(..ID_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(ID_PREFIX)) {
            return Err(format!("{ID_PREFIX} is how member ids begin: choose another user name"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl DisplayName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST_DISPLAY_NAME || text.chars().any(is_invisible) {
            return Err(format!(
                "a display name is 1 to {LONGEST_DISPLAY_NAME} characters, none of them invisible"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Groups {
    /// The names, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.as_str().split(',').filter(|name| !name.is_empty())
    }

    /// With commas between.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The same, to be kept without a copy.
    pub fn shared(&self) -> Bytes {
        self.0.clone()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any of these is one of `others`.
    pub fn meet(&self, others: &Self) -> bool {
        self.iter().any(|name| others.iter().any(|other| other == name))
    }

    /// All of these and `others`.
    ///
    /// # Errors
    /// When that is too many.
    pub fn and(&self, others: &Self) -> Result<Self, String> {
        Self::of(self.iter().chain(others.iter()))
    }

    /// Groups of these names.
    ///
    /// # Errors
    /// What is wrong with one of them, or too many.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let names: std::collections::BTreeSet<&str> = names.into_iter().collect();
        if names.len() > MOST_GROUPS {
            return Err(format!("at most {MOST_GROUPS} groups"));
        }
        if let Some(wrong) = names.iter().find(|name| !is_group(name)) {
            return Err(format!(
                "{wrong:?} is no group: write letters of any script, digits and . _ : @ / + -, at most {LONGEST_GROUP} bytes"
            ));
        }
        Ok(Self(Bytes::from(names.into_iter().collect::<Vec<_>>().join(","))))
    }
}

impl FromStr for Groups {
    type Err = String;

    /// Reads names with commas or blanks between.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::of(text.split([',', '，', '、', ' ', '\t', '\n', '\r']).filter(|name| !name.is_empty()))
    }
}

fn is_group(name: &str) -> bool {
    let is_sound = |letter: char| letter.is_alphanumeric() || "._:@/+-".contains(letter);
    (1..=LONGEST_GROUP).contains(&name.len()) && name.chars().all(is_sound)
}

impl Status {
    /// All of them, those who wait for an administrator first.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Active, Self::Guest, Self::Refused, Self::Blocked];

    /// The word in the store, on the command line and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Guest => "guest",
            Self::Pending => "pending",
            Self::Refused => "refused",
        }
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|status| status.as_str()).collect();
            format!("write {}", words.join(", "))
        })
    }
}

impl Member {
    /// What people call them; the id where nobody gave them a name.
    pub fn name(&self) -> &str {
        match (&self.display_name, self.profile_name.as_str()) {
            (Some(name), _) => name.as_str(),
            (None, name) if is_blank(name) => self.id.as_str(),
            (None, name) => name,
        }
    }

    /// What applications call them.
    pub fn user(&self) -> &str {
        self.user_name.as_ref().map_or(self.id.as_str(), UserName::as_str)
    }

    /// Whether they can administer members.
    pub fn administers(&self) -> bool {
        self.is_admin && self.status == Status::Active
    }

    /// Their standing, with the sessions that were ended one by one.
    pub fn standing(&self, ended: Vec<SessionId>) -> Standing {
        let name = self.display_name.as_ref().map_or(self.profile_name.as_str(), DisplayName::as_str);
        Standing {
            status: self.status,
            is_admin: self.is_admin,
            groups: self.groups.clone(),
            user: Bytes::copy_from_slice(self.user().as_bytes()),
            name: Bytes::copy_from_slice(name.as_bytes()),
            ended_before: self.ended_before,
            ended,
            request: self.request.clone().filter(|_| self.status == Status::Pending),
        }
    }

    /// The member after `change`. That a user name is free, and that an administrator is left, the store sees to.
    ///
    /// # Errors
    /// When the change does not follow on their status.
    pub fn changed(mut self, change: &Change) -> Result<Self, ChangeError> {
        let wrong = Err(ChangeError::Status(self.status));
        match change {
            Change::Approve(_) if self.status == Status::Blocked => return wrong,
            Change::Approve(groups) => {
                self.status = Status::Active;
                if let Some(groups) = groups {
                    self.groups = groups.clone();
                }
            }
            Change::Block if self.status == Status::Blocked => {}
            Change::Block => self.before_block = Some(std::mem::replace(&mut self.status, Status::Blocked)),
            Change::DisplayName(name) => self.display_name.clone_from(name),
            Change::Groups(groups) => self.groups = groups.clone(),
            Change::MakeAdmin(true) if self.status != Status::Active => return wrong,
            Change::MakeAdmin(is_admin) => self.is_admin = *is_admin,
            Change::Refuse if matches!(self.status, Status::Guest | Status::Pending) => {
                self.status = Status::Refused;
            }
            Change::Unblock if self.status == Status::Blocked => {
                // Of whoever was blocked by an older version it is not known: they are nobody until somebody says otherwise.
                self.is_admin &= self.before_block.is_some();
                self.status = self.before_block.take().unwrap_or(Status::Guest);
            }
            Change::Refuse | Change::Unblock => return wrong,
            Change::UserName(name) => self.user_name.clone_from(name),
        }
        Ok(self)
    }
}

impl Standing {
    /// Whether an administrator, or the person, ended this session.
    pub fn has_ended(&self, session: &Session) -> bool {
        session.started < self.ended_before || self.ended.contains(&session.id)
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Groups {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn member(status: Status) -> Member {
        Member {
            id: MemberId::of([7; 10]),
            status,
            before_block: None,
            user_name: None,
            display_name: None,
            groups: Groups::default(),
            is_admin: false,
            unionid: None,
            profile_name: "in WeChat".to_owned(),
            avatar: String::new(),
            request: None,
            created: Timestamp::from_unix(0),
            signed_in: Timestamp::from_unix(0),
            ended_before: Timestamp::from_unix(10),
        }
    }

    #[test]
    fn every_change_on_every_status() {
        use Status::{Active, Blocked, Guest, Pending, Refused};
        let name = || Change::UserName(Some("ann".parse().unwrap()));
        let label = || Change::DisplayName(Some("Ann".parse().unwrap()));
        let groups: Groups = "a".parse().unwrap();
        // The status afterwards; none where the change is refused.
        let stays = |before: Status| Some(before);
        for before in Status::ALL {
            let lets_in = (before != Blocked).then_some(Active);
            for (change, after) in [
                (Change::Approve(None), lets_in),
                (Change::Approve(Some(groups.clone())), lets_in),
                (Change::Block, Some(Blocked)),
                (label(), stays(before)),
                (Change::DisplayName(None), stays(before)),
                (Change::Groups(groups.clone()), stays(before)),
                (Change::MakeAdmin(true), (before == Active).then_some(Active)),
                (Change::MakeAdmin(false), stays(before)),
                (Change::Refuse, matches!(before, Guest | Pending).then_some(Refused)),
                (Change::Unblock, (before == Blocked).then_some(Guest)),
                (name(), stays(before)),
                (Change::UserName(None), stays(before)),
            ] {
                let said = member(before).changed(&change);
                let Some(after) = after else {
                    assert_eq!(said, Err(ChangeError::Status(before)), "{before:?} {change:?}");
                    continue;
                };
                let said = said.unwrap();
                let mut expected = Member { status: after, ..member(before) };
                match &change {
                    Change::Approve(Some(groups)) | Change::Groups(groups) => {
                        expected.groups = groups.clone()
                    }
                    Change::DisplayName(name) => expected.display_name = name.clone(),
                    Change::UserName(name) => expected.user_name = name.clone(),
                    Change::MakeAdmin(is_admin) => expected.is_admin = *is_admin,
                    Change::Block if before != Blocked => expected.before_block = Some(before),
                    _ => {}
                }
                assert_eq!(said, expected, "{before:?} {change:?}");
            }
        }
    }

    #[test]
    fn whoever_was_blocked_before_that_was_kept_is_nobody_afterwards() {
        let old = Member { is_admin: true, ..member(Status::Blocked) };
        assert_eq!(old.changed(&Change::Unblock).unwrap(), member(Status::Guest));
    }

    #[test]
    fn a_block_that_ends_gives_back_what_was_before_and_no_more() {
        for before in Status::ALL.into_iter().filter(|before| *before != Status::Blocked) {
            let blocked = member(before).changed(&Change::Block).unwrap().changed(&Change::Block).unwrap();
            assert_eq!(blocked.changed(&Change::Unblock).unwrap(), member(before));
        }
    }

    #[test]
    fn approval_without_groups_keeps_them() {
        let approved = Member { groups: "a,b".parse().unwrap(), ..member(Status::Pending) };
        let approved = approved.changed(&Change::Approve(None)).unwrap();
        assert_eq!(approved.groups.as_str(), "a,b");
    }

    #[test]
    fn only_active_administrators_administer() {
        for status in Status::ALL {
            let member = Member { is_admin: true, ..member(status) };
            assert_eq!(member.administers(), status == Status::Active);
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("Active".parse::<Status>().is_err());
    }

    #[test]
    fn names_have_an_order_of_preference() {
        let plain = member(Status::Active);
        assert_eq!((plain.name(), plain.user()), ("in WeChat", plain.id.as_str()));
        let nameless = Member { profile_name: String::new(), ..member(Status::Active) };
        assert_eq!(nameless.name(), nameless.id.as_str());
        assert_eq!(nameless.standing(Vec::new()).name, "");
        let unseen = Member { profile_name: "\u{200d}\u{fe0f} ".to_owned(), ..member(Status::Active) };
        assert_eq!(unseen.name(), unseen.id.as_str(), "as an earlier version kept it");
        let named = Member {
            user_name: Some("ann".parse().unwrap()),
            display_name: Some("Ann".parse().unwrap()),
            ..member(Status::Active)
        };
        assert_eq!((named.name(), named.user()), ("Ann", "ann"));
        let standing = named.standing(vec![[1; 16]]);
        assert_eq!((&standing.user[..], &standing.name[..]), (&b"ann"[..], &b"Ann"[..]));
        assert_eq!((standing.ended_before, standing.ended), (Timestamp::from_unix(10), vec![[1; 16]]));
    }

    #[test]
    fn names_that_could_pass_for_others_are_no_names() {
        for name in ["a", "A.b_c@d-e", "0", &"x".repeat(64)] {
            assert_eq!(name.parse::<UserName>().unwrap().as_str(), name);
        }
        for name in ["", ".a", "-a", "a b", "a,b", "李", "a\r\nb", "wx-1", "WX-abc", &"x".repeat(65)] {
            assert!(name.parse::<UserName>().is_err(), "{name:?}");
        }
        for name in [
            "",
            "  ",
            "a\nb",
            "a\u{202e}b",
            "\u{feff}",
            "a\u{200b}",
            "a\u{2800}",
            "a\u{1bca0}",
            "a\u{1d173}",
            "a\u{13430}",
            "a\u{16fe4}",
            &"王".repeat(65),
        ] {
            assert!(name.parse::<DisplayName>().is_err(), "{name:?}");
        }
        assert_eq!("  王 芳 ".parse::<DisplayName>().unwrap().as_str(), "王 芳");
        assert!("王".repeat(64).parse::<DisplayName>().is_ok());
        for groups in ["a b", "a，b、a", " b\ta,,"] {
            assert_eq!(groups.parse::<Groups>().unwrap().as_str(), "a,b", "{groups:?}");
        }
        for groups in ["a;b", "a\u{202e}", "\"a\"", "a=b", &"x".repeat(65)] {
            assert!(groups.parse::<Groups>().is_err(), "{groups:?}");
        }
        let names: Vec<String> = (0..33).map(|number| format!("g{number}")).collect();
        assert!(Groups::of(names.iter().map(String::as_str)).is_err());
        assert!(Groups::of(names[..32].iter().map(String::as_str)).is_ok());
    }

    #[test]
    fn groups_meet_and_join() {
        let (some, others): (Groups, Groups) = ("a,c".parse().unwrap(), "b,c".parse().unwrap());
        assert!(some.meet(&others) && !some.meet(&"b".parse().unwrap()) && !some.meet(&Groups::default()));
        assert_eq!(some.and(&others).unwrap().as_str(), "a,b,c");
        assert!(Groups::default().is_empty() && Groups::default().iter().next().is_none());
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(text in "\\PC{0,70}|[a-zA-Z0-9._@ ,-]{0,70}|wx-[0-9a-f]{18,22}") {
            if let Ok(name) = text.parse::<UserName>() {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!(text.is_ascii() && !text.starts_with("wx-") && text.parse::<MemberId>().is_err());
            }
            if let Ok(name) = text.parse::<DisplayName>() {
                prop_assert_eq!(&name.as_str().parse::<DisplayName>().unwrap(), &name);
                prop_assert!(!name.as_str().contains(['\n', '\r', '\0']));
            }
            if let Ok(groups) = text.parse::<Groups>() {
                prop_assert_eq!(&groups.as_str().parse::<Groups>().unwrap(), &groups);
                let names: Vec<&str> = groups.iter().collect();
                prop_assert!(names.is_sorted() && names.windows(2).all(|two| two[0] != two[1]));
                prop_assert!(!groups.as_str().contains([' ', '\n', '\r', '\0']));
                prop_assert_eq!(&groups.and(&groups).unwrap(), &groups);
            }
            if let Ok(id) = text.parse::<MemberId>() {
                prop_assert_eq!(id.as_str(), &text);
            }
        }

        #[test]
        fn every_random_id_is_an_id(random in any::<[u8; 10]>()) {
            let id = MemberId::of(random);
            prop_assert_eq!(id.as_str().parse::<MemberId>(), Ok(id.clone()));
            prop_assert!(id.as_str().parse::<UserName>().is_err());
        }
    }
}
