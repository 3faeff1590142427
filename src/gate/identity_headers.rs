//! What the application is told: every client copy removed in every spelling, then each configured header set once.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue};

use super::Admission;
use super::template::{Lines, Template};
use crate::model::alias::{self, Alias, Beginning, Lookout};
use crate::model::person::Person;
use crate::model::session::Said;

/// What a header says about the person.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Field {
    /// Address of the picture.
    Avatar,
    /// City by WeChat.
    City,
    /// Country by WeChat.
    Country,
    /// A synthetic address, or empty: WeChat gives none.
    Email,
    /// Comma separated; empty where there are none.
    Groups,
    /// Display name.
    Name,
    /// The openid under the app that signed them in.
    Openid,
    /// Province by WeChat.
    Province,
    /// Sex by WeChat.
    Sex,
    /// The unionid.
    Unionid,
    /// The stable ASCII user name.
    User,
}

/// How a value that is not plain ASCII travels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// Standard base64 of the UTF-8 text, always.
    Base64,
    /// Percent-encoded UTF-8 where needed.
    Percent,
    /// RFC 2047 `=?UTF-8?B?…?=` where needed.
    Rfc2047,
    /// Raw UTF-8 bytes; control characters become blanks.
    Utf8,
}

/// One header to set.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// What it says.
    pub field: Field,
    /// Under which name.
    pub name: HeaderName,
    /// In which encoding.
    pub encoding: Encoding,
}

/// A set of header names that one family of applications knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Preset {
    /// `Remote-User`, `Remote-Name`, `Remote-Groups`, `Remote-Email`; the default.
    Authelia,
    /// `X-authentik-username`, …
    Authentik,
    /// `X-WEBAUTH-USER`, …
    Grafana,
    /// `X-Forwarded-User`, `X-Forwarded-DisplayName`, …
    Jenkins,
    /// `X-Forwarded-User`, `X-Forwarded-Preferred-Username`, …
    Oauth2Proxy,
}

/// The identity headers of one route.
#[derive(Clone, Debug)]
pub struct IdentityHeaders {
    spoken: Vec<Spoken>,
    elsewhere: Vec<HeaderName>,
    /// In order: few as they are, comparing is cheaper than hashing.
    stripped: Vec<Alias>,
    lookout: Lookout,
    email_domain: Option<String>,
    /// What a proxy is told: the names of this route, then those of all others.
    told: Template,
    /// The same with lines for `BESIDE`, unless a name is among them.
    answer: Option<Template>,
}

const LINES_BESIDE: usize = 3;

/// What a proxy is told beside identity headers.
pub const BESIDE: [HeaderName; LINES_BESIDE] =
    [CACHE_CONTROL, HeaderName::from_static("x-request-id"), COOKIE];

/// Names that other gateways speak: an application that was configured for one of them must not be fooled through us.
pub const FOREIGN_FAMILIES: [&[u8]; 16] = [
    b"remote",
    b"xremote",
    b"xwechat",
    b"xwxgate",
    b"xauthrequest",
    b"xauthentik",
    b"xwebauth",
    b"xvouch",
    b"xpomerium",
    b"xtokenuser",
    b"xauthenticated",
    b"xgoogauthenticated",
    b"xmsclientprincipal",
    b"xamznoidc",
    b"cfaccess",
    b"tailscaleuser",
];

/// Names that nobody but us speaks. (`Remote-Host` and its kind are written by many an honest proxy.)
const OWN_FAMILIES: [&[u8]; 2] = [b"xwechat", b"xwxgate"];

/// Single names beside the families.
pub const FOREIGN_NAMES: [&[u8]; 4] = [b"xproxyuser", b"xproxyroles", b"smuser", b"authuser"];

impl Preset {
    /// The header name for `field`, or `None` where the family has none.
    pub fn header(self, field: Field) -> Option<&'static str> {
        use Field::*;
        let family = match (self, field) {
            (Self::Authelia, User) => "remote-user",
            (Self::Authelia, Name) => "remote-name",
            (Self::Authelia, Groups) => "remote-groups",
            (Self::Authelia, Email) => "remote-email",
            (Self::Authentik, User) => "x-authentik-username",
            (Self::Authentik, Name) => "x-authentik-name",
            (Self::Authentik, Groups) => "x-authentik-groups",
            (Self::Authentik, Email) => "x-authentik-email",
            (Self::Grafana, User) => "x-webauth-user",
            (Self::Grafana, Name) => "x-webauth-name",
            (Self::Grafana, Groups) => "x-webauth-groups",
            (Self::Grafana, Email) => "x-webauth-email",
            (Self::Jenkins, User) => "x-forwarded-user",
            (Self::Jenkins, Name) => "x-forwarded-displayname",
            (Self::Jenkins, Groups) => "x-forwarded-groups",
            (Self::Jenkins, Email) => "x-forwarded-mail",
            (Self::Oauth2Proxy, User) => "x-forwarded-user",
            (Self::Oauth2Proxy, Name) => "x-forwarded-preferred-username",
            (Self::Oauth2Proxy, Groups) => "x-forwarded-groups",
            (Self::Oauth2Proxy, Email) => "x-forwarded-email",
            (_, Openid) => "x-wechat-openid",
            (_, Unionid) => "x-wechat-unionid",
            (_, Avatar) => "x-wechat-avatar",
            (_, Sex) => "x-wechat-sex",
            (_, City) => "x-wechat-city",
            (_, Province) => "x-wechat-province",
            (_, Country) => "x-wechat-country",
        };
        Some(family)
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "authelia" => Ok(Self::Authelia),
            "authentik" => Ok(Self::Authentik),
            "grafana" => Ok(Self::Grafana),
            "jenkins" => Ok(Self::Jenkins),
            "oauth2-proxy" => Ok(Self::Oauth2Proxy),
            _ => {
                Err("write \"authelia\", \"oauth2-proxy\", \"authentik\", \"grafana\" or \"jenkins\""
                    .to_owned())
            }
        }
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "base64" => Ok(Self::Base64),
            "percent" => Ok(Self::Percent),
            "rfc2047" => Ok(Self::Rfc2047),
            "utf8" => Ok(Self::Utf8),
            _ => Err("write \"percent\", \"base64\", \"rfc2047\" or \"utf8\"".to_owned()),
        }
    }
}

impl Field {
    /// Every field, in the order in which the headers are set.
    pub const ALL: [Self; 11] = [
        Self::User,
        Self::Name,
        Self::Groups,
        Self::Email,
        Self::Openid,
        Self::Unionid,
        Self::Avatar,
        Self::Sex,
        Self::City,
        Self::Province,
        Self::Country,
    ];

    /// The word for the field in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avatar => "avatar",
            Self::City => "city",
            Self::Country => "country",
            Self::Email => "email",
            Self::Groups => "groups",
            Self::Name => "name",
            Self::Openid => "openid",
            Self::Province => "province",
            Self::Sex => "sex",
            Self::Unionid => "unionid",
            Self::User => "user",
        }
    }
}

impl IdentityHeaders {
    /// The headers to speak. `email_domain` makes a synthetic address of the user name; `also_stripped` are the names
    /// that other routes speak.
    pub fn new(spoken: Vec<Spoken>, also_stripped: &[HeaderName], email_domain: Option<String>) -> Self {
        let names = spoken.iter().map(|header| &header.name).chain(also_stripped);
        let mut stripped: Vec<Alias> = names.map(|name| Alias::of(name.as_str())).collect();
        stripped.sort_unstable();
        let foreign = Lookout::of(&FOREIGN_FAMILIES).and(&FOREIGN_NAMES);
        let lookout = stripped.iter().fold(foreign, |lookout, alias| lookout.and(&[alias.as_bytes()]));
        let mut headers = Self {
            spoken,
            elsewhere: Vec::new(),
            stripped,
            lookout,
            email_domain,
            told: Template::new([]),
            answer: None,
        };
        headers.also_spoken(&[]);
        headers
    }

    /// The names spoken on this route.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &HeaderName> {
        self.spoken.iter().map(|header| &header.name)
    }

    /// Makes known which names other routes speak: a proxy that only asks is told about all of them.
    pub fn also_spoken(&mut self, names: &[HeaderName]) {
        let others = names.iter().filter(|name| !self.speaks(name));
        self.elsewhere = others.cloned().collect();
        self.told = Template::new(self.names().chain(&self.elsewhere));
        let is_free = self.names().chain(&self.elsewhere).all(|name| !BESIDE.contains(name));
        self.answer = is_free.then(|| Template::new(self.names().chain(&self.elsewhere).chain(&BESIDE)));
    }

    /// A client's header that could be taken for one of ours, and that a proxy would not overwrite with what `tell`
    /// says because it is spelled otherwise.
    pub fn disguised<'a>(&self, received: &'a HeaderMap) -> Option<&'a HeaderName> {
        received.keys().find(|name| {
            if !self.lookout.may_know(Beginning::of(name.as_str().as_bytes())) {
                return false;
            }
            let alias = Alias::of(name.as_str());
            let is_ours = OWN_FAMILIES.iter().any(|family| alias.as_bytes().starts_with(family));
            (is_ours || self.has_stripped(&alias)) && !self.speaks(name) && !self.elsewhere.contains(name)
        })
    }

    fn speaks(&self, name: &HeaderName) -> bool {
        self.names().any(|spoken| spoken == name)
    }

    /// Looks out for every plain name that could be taken for one of ours.
    pub fn lookout(&self) -> Lookout {
        self.lookout
    }

    /// Whether a client's header of this name could be taken for one of ours.
    pub fn resembles(&self, name: &HeaderName) -> bool {
        self.resembles_from(Beginning::of(name.as_str().as_bytes()), name.as_str())
    }

    /// The same, for a name whose beginning is known.
    pub fn resembles_from(&self, beginning: Beginning, name: &str) -> bool {
        !alias::is_plain(name) || (self.lookout.may_know(beginning) && self.knows(name))
    }

    fn knows(&self, name: &str) -> bool {
        let alias = Alias::of(name);
        let bytes = alias.as_bytes();
        FOREIGN_FAMILIES.iter().any(|family| bytes.starts_with(family))
            || FOREIGN_NAMES.contains(&bytes)
            || self.has_stripped(&alias)
    }

    fn has_stripped(&self, alias: &Alias) -> bool {
        self.stripped.binary_search(alias).is_ok()
    }

    /// What each of the `names` says, in their order; unknown values are empty. An anonymous visitor of an open route gets
    /// none: what the client sent is gone all the same.
    pub fn values<'a>(&'a self, admission: &'a Admission) -> impl Iterator<Item = HeaderValue> + 'a {
        let person = admission.person().into_iter();
        person.flat_map(|person| self.spoken.iter().map(|header| self.value(header, person).unwrap_or(EMPTY)))
    }

    /// Puts the same in a template's lines.
    pub fn put(&self, admission: &Admission, lines: &mut Lines<'_>) {
        if let Some(person) = admission.person() {
            for header in &self.spoken {
                lines.put(self.value(header, person));
            }
        }
    }

    /// What a proxy is told that only asked: every name of every route exactly once, empty where there is nothing to
    /// say, so that it overwrites what the client sent.
    pub fn tell(&self, admission: &Admission) -> HeaderMap {
        self.told.fill_with(|lines| self.put(admission, lines))
    }

    /// The same, and what is there of the lines `BESIDE`: having their place beforehand, they need not be added.
    pub fn tell_beside(
        &self,
        admission: &Admission,
        beside: [Option<HeaderValue>; LINES_BESIDE],
    ) -> HeaderMap {
        let Some(template) = &self.answer else {
            let mut headers = self.tell(admission);
            for (name, value) in BESIDE.into_iter().zip(beside) {
                if let Some(value) = value {
                    headers.insert(name, value);
                }
            }
            return headers;
        };
        let is_there = beside.each_ref().map(Option::is_some);
        let mut headers = template.fill_with(|lines| {
            self.put(admission, lines);
            let put = if admission.person().is_some() { self.spoken.len() } else { 0 };
            for _ in put..self.spoken.len() + self.elsewhere.len() {
                lines.put(None);
            }
            beside.into_iter().for_each(|value| lines.put(value));
        });
        for (name, is_there) in BESIDE.into_iter().zip(is_there) {
            if !is_there {
                headers.remove(name);
            }
        }
        headers
    }

    /// What one header says; `None` where nothing is known.
    fn value(&self, header: &Spoken, person: &Person) -> Option<HeaderValue> {
        let standing = &person.standing;
        let said = match header.field {
            Field::Avatar => Said::Avatar,
            Field::City => Said::City,
            Field::Country => Said::Country,
            Field::Email => return self.email(header.encoding, &standing.user),
            Field::Groups => return written(standing.groups.shared(), header.encoding),
            Field::Name if !standing.name.is_empty() => {
                return written(standing.name.clone(), header.encoding);
            }
            Field::Name => Said::Name,
            Field::Openid => Said::Openid,
            Field::Province => Said::Province,
            Field::Sex => Said::Sex,
            Field::Unionid => Said::Unionid,
            Field::User => return written(standing.user.clone(), header.encoding),
        };
        written(person.session.shared(said), header.encoding)
    }

    fn email(&self, encoding: Encoding, user: &[u8]) -> Option<HeaderValue> {
        let domain = self.email_domain.as_ref()?;
        let user = std::str::from_utf8(user).ok()?;
        Some(encode(&[user, "@", domain].concat(), encoding))
    }
}

/// A text as a header line, without a copy where it can stand as it is; `None` for an empty one.
fn written(text: Bytes, encoding: Encoding) -> Option<HeaderValue> {
    if text.is_empty() {
        return None;
    }
    if !needs_no_encoding(&text, encoding) {
        return Some(match encoding {
            Encoding::Percent => percent(&text),
            _ => encode(std::str::from_utf8(&text).unwrap_or_default(), encoding),
        });
    }
    let as_it_is = HeaderValue::from_maybe_shared(text);
    as_it_is.ok()
}

/// What is said where nothing is known, in every encoding.
const EMPTY: HeaderValue = HeaderValue::from_static("");

/// Whether `encode` would give back the very text.
fn needs_no_encoding(text: &[u8], encoding: Encoding) -> bool {
    // No early end: so the compiler looks at many bytes at a time.
    let escape = if encoding == Encoding::Percent { b'%' } else { 0 };
    let is_plain = |byte: &u8| (0x20..0x7f).contains(byte) & (*byte != escape);
    let has_inner_blanks_only = text.first() != Some(&b' ') && text.last() != Some(&b' ');
    let may_hold = match encoding {
        Encoding::Base64 => false,
        Encoding::Percent | Encoding::Utf8 => true,
        Encoding::Rfc2047 => !text.starts_with(b"=?"),
    };
    may_hold && has_inner_blanks_only && text.iter().fold(true, |plain, byte| plain & is_plain(byte))
}

/// One header line's worth of `text`; never a line break, whatever the text.
fn encode(text: &str, encoding: Encoding) -> HeaderValue {
    let is_plain = || text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && text.trim() == text;
    let line = match encoding {
        Encoding::Base64 => STANDARD.encode(text),
        Encoding::Percent => return percent(text.as_bytes()),
        Encoding::Rfc2047 if !text.starts_with("=?") && is_plain() => text.to_owned(),
        Encoding::Rfc2047 => format!("=?UTF-8?B?{}?=", STANDARD.encode(text)),
        Encoding::Utf8 => text.replace(char::is_control, " "),
    };
    HeaderValue::from_maybe_shared(Bytes::from(line)).unwrap_or(EMPTY)
}

/// Percent-encodes what needs it, and blanks at either end, which HTTP would trim.
fn percent(text: &[u8]) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    // Not `%` itself, so that decoding gives back exactly what was encoded.
    const STAYS: [bool; 256] = {
        let mut stays = [false; 256];
        let mut byte = b'!';
        while byte < 0x7f {
            stays[byte as usize] = byte != b'%';
            byte += 1;
        }
        stays
    };
    let is_blank = |byte: &&u8| **byte == b' ';
    let lead = text.iter().take_while(is_blank).count();
    let end = text.len() - text.iter().rev().take_while(is_blank).count();
    let mut line = Vec::with_capacity(3 * text.len());
    for (at, &byte) in text.iter().enumerate() {
        if STAYS[usize::from(byte)] || (byte == b' ' && (lead..end).contains(&at)) {
            line.push(byte);
        } else {
            let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0f)]];
            line.extend([b'%', digits[0], digits[1]]);
        }
    }
    HeaderValue::from_maybe_shared(Bytes::from(line)).unwrap_or(EMPTY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::decide::tests::{admission, session};
    use super::*;

    fn headers() -> IdentityHeaders {
        let spoken = Field::ALL.map(|field| Spoken {
            field,
            name: HeaderName::from_static(Preset::Authelia.header(field).unwrap()),
            encoding: Encoding::Percent,
        });
        IdentityHeaders::new(spoken.to_vec(), &[HeaderName::from_static("x-sso-login")], None)
    }

    fn resembles(name: &str) -> bool {
        headers().resembles(&HeaderName::from_bytes(name.as_bytes()).unwrap())
    }

    #[test]
    fn every_spelling_of_an_identity_header_is_recognised() {
        for name in [
            "X-Wechat-Openid",
            "x_wechat_openid",
            "X-Wechat_Openid",
            "X.Wechat.Openid",
            "XWechatOpenid",
            "REMOTE_USER",
            "Remote-User",
            "remote.user",
            "X-Sso-Login",
            "x_sso_login",
            "X-Auth-Request-Email",
            "X-Remote-Group",
            "X-Wechat-Role",
            "X-WEBAUTH-USER",
            "X-Authentik-Username",
            "X-Wxgate-Assertion",
            "any_thing",
            "any.thing",
            "x~y",
        ] {
            assert!(resembles(name), "{name}");
        }
        for name in ["Accept", "X-Requested-With", "Authorization", "X-Csrf-Token", "Sec-Fetch-Mode"] {
            assert!(!resembles(name), "{name}");
        }
    }

    #[test]
    fn an_admitted_person_has_every_header_exactly_once() {
        let mut headers = headers();
        headers
            .also_spoken(&[HeaderName::from_static("x-sso-login"), HeaderName::from_static("remote-user")]);
        let map = headers.tell(&admission(Some(session("王芳"))));
        for name in headers.names() {
            assert_eq!(map.get_all(name).iter().count(), 1, "{name}");
        }
        assert_eq!(map["remote-user"], "m-1");
        assert_eq!(map["remote-name"], "%E7%8E%8B%E8%8A%B3");
        assert_eq!(map["x-wechat-unionid"], "");
        assert_eq!(map["x-sso-login"], "");
        assert!(headers.tell(&admission(None)).values().all(HeaderValue::is_empty));
    }

    #[test]
    fn what_is_told_beside_hides_nothing() {
        for elsewhere in ["x-sso-login", "cookie", "cache-control", "x-request-id"] {
            let mut headers = headers();
            headers.also_spoken(&[HeaderName::from_static(elsewhere)]);
            for person in [None, Some(session("x"))] {
                for cookie in [None, Some(HeaderValue::from_static("a=b"))] {
                    let no_store = HeaderValue::from_static("no-store");
                    let mut expected = headers.tell(&admission(person.clone()));
                    let id = HeaderValue::from_static("0192");
                    expected.insert(CACHE_CONTROL, no_store.clone());
                    expected.insert("x-request-id", id.clone());
                    cookie.clone().map(|cookie| expected.insert(COOKIE, cookie));
                    let beside = [Some(no_store), Some(id), cookie];
                    let told = headers.tell_beside(&admission(person.clone()), beside);
                    assert_eq!(told, expected, "{elsewhere}");
                }
            }
        }
    }

    #[test]
    fn an_anonymous_visitor_has_none() {
        assert_eq!(headers().values(&admission(None)).count(), 0);
    }

    #[test]
    fn encodings_say_the_same_in_their_own_way() {
        assert_eq!(encode("Wang 100%", Encoding::Percent), "Wang 100%25");
        assert_eq!(encode("王", Encoding::Base64), "546L");
        assert_eq!(encode("王", Encoding::Rfc2047), "=?UTF-8?B?546L?=");
        assert_eq!(encode("Wang", Encoding::Rfc2047), "Wang");
        assert_eq!(encode("王", Encoding::Utf8).as_bytes(), "王".as_bytes());
        assert_eq!(encode("a\r\nX: y", Encoding::Utf8), "a  X: y");
    }

    proptest! {
        #[test]
        fn any_name_is_one_lossless_line(name in "\\PC{0,20}|[\\x00-\\x7f]{0,20}") {
            for encoding in [Encoding::Percent, Encoding::Base64, Encoding::Rfc2047, Encoding::Utf8] {
                let value = encode(&name, encoding);
                prop_assert!(!value.as_bytes().iter().any(|byte| *byte == b'\r' || *byte == b'\n' || *byte == 0));
            }
            let line = encode(&name, Encoding::Percent);
            let decoded = percent_encoding::percent_decode(line.as_bytes()).decode_utf8().unwrap();
            prop_assert_eq!(decoded.as_ref(), name.as_str());
        }

        #[test]
        fn percent_encoding_is_what_its_library_makes_of_it(text in " {0,2}(\\PC{0,9}|[\\x00-\\x7f]{0,9}) {0,2}") {
            use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
            const PERCENT: &AsciiSet = &CONTROLS.add(b'%');
            let behind_lead = text.trim_start_matches(' ');
            let inner = behind_lead.trim_end_matches(' ');
            let blanks = |count| "%20".repeat(count);
            let expected = format!(
                "{}{}{}",
                blanks(text.len() - behind_lead.len()),
                utf8_percent_encode(inner, PERCENT),
                blanks(behind_lead.len() - inner.len()),
            );
            let line = encode(&text, Encoding::Percent);
            prop_assert_eq!(line.as_bytes(), expected.as_bytes());
        }

        #[test]
        fn what_needs_no_encoding_is_what_encoding_leaves_alone(text in "\\PC{0,9}|[ -~]{0,9}|[%a= ?]{0,4}") {
            for encoding in [Encoding::Percent, Encoding::Base64, Encoding::Rfc2047, Encoding::Utf8] {
                if needs_no_encoding(text.as_bytes(), encoding) {
                    let value = encode(&text, encoding);
                    prop_assert_eq!(value.as_bytes(), text.as_bytes());
                }
            }
        }

        #[test]
        fn a_quick_look_at_a_name_says_what_a_close_one_says(
            name in "([a-z0-9]{1,9}|remote|xremote|sso|tailscale|auth|x)([-_.~][a-z]{1,9}|user|-login){0,2}",
        ) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            let closely = !alias::is_plain(name.as_str()) || headers().knows(name.as_str());
            prop_assert_eq!(headers().resembles(&name), closely);
            let map = HeaderMap::from_iter([(name.clone(), EMPTY)]);
            let alias = Alias::of(name.as_str());
            let is_ours = OWN_FAMILIES.iter().any(|family| alias.as_bytes().starts_with(family));
            let is_disguised = (is_ours || headers().stripped.contains(&alias)) && !headers().speaks(&name);
            prop_assert_eq!(headers().disguised(&map).is_some(), is_disguised);
        }

        #[test]
        fn no_punctuation_hides_an_identity_header(glue in "[-_.!#$%&'*+^`|~]{0,3}", upper in any::<bool>()) {
            let name = format!("x{glue}wechat{glue}openid");
            let name = if upper { name.to_uppercase() } else { name };
            prop_assert!(resembles(&name));
        }
    }
}
