//! WeChat's answers as they really arrive: lossy, bounded, fail-soft.
//!
//! Bodies come as `text/plain`, may hold raw control bytes, invalid UTF-8 and private-use emoji, and numbers may be
//! text. Errors come with status 200. Nothing here repairs; what cannot be read is left out.

use serde_json::{Map, Value};

use super::errcode::Errcode;
use crate::model::identity::Profile;
use crate::model::legible::legible;

/// Longest openid or unionid that is believed; WeChat's have 28 characters.
const LONGEST_ID: usize = 64;

/// Longest display name kept, in bytes: a session cookie has room for no more.
const LONGEST_NAME: usize = 128;

/// Longest picture address kept.
const LONGEST_AVATAR: usize = 256;

/// Longest place name kept.
const LONGEST_PLACE: usize = 32;

/// An answer that says no.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refused {
    pub(super) errcode: Errcode,
    pub(super) errmsg: String,
}

/// The answer to a code exchange.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct TokenAnswer {
    pub(super) access_token: String,
    pub(super) openid: String,
    pub(super) unionid: Option<String>,
    pub(super) is_snapshot: bool,
    /// Whether name and picture may be asked for; a silent authorization gives a token that must not (48001).
    pub(super) tells_profile: bool,
}

/// Why an answer is no answer.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Unusable {
    Refused(Refused),
    Unreadable,
}

/// Reads the answer of `/sns/oauth2/access_token`.
pub(super) fn token_answer(body: &[u8]) -> Result<TokenAnswer, Unusable> {
    let object = object(body)?;
    let id = |key| text(&object, key).filter(|id| is_id(id));
    let access_token = text(&object, "access_token").filter(|token| !token.is_empty() && token.len() <= 1024);
    match (access_token, id("openid")) {
        (Some(access_token), Some(openid)) => Ok(TokenAnswer {
            access_token,
            openid,
            unionid: id("unionid"),
            is_snapshot: is_truthy(object.get("is_snapshotuser")),
            tells_profile: text(&object, "scope").is_none_or(|scope| scope != "snsapi_base"),
        }),
        _ => Err(Unusable::Unreadable),
    }
}

/// Reads the answer of `/sns/userinfo` for the person known as `openid`.
pub(super) fn profile_answer(body: &[u8], openid: &str) -> Result<(Profile, Option<String>), Unusable> {
    let object = object(body)?;
    if text(&object, "openid").as_deref() != Some(openid) {
        return Err(Unusable::Unreadable);
    }
    let clean = |key, longest| clip(&clean(&text(&object, key).unwrap_or_default()), longest);
    let sex = match object.get("sex") {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        _ => String::new(),
    };
    let profile = Profile {
        name: clean("nickname", LONGEST_NAME),
        avatar: avatar(&text(&object, "headimgurl").unwrap_or_default()),
        sex: if matches!(sex.as_str(), "1" | "2") { sex } else { String::new() },
        city: clean("city", LONGEST_PLACE),
        province: clean("province", LONGEST_PLACE),
        country: clean("country", LONGEST_PLACE),
    };
    Ok((profile, text(&object, "unionid").filter(|id| is_id(id))))
}

/// The answer to a request for the account's token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct AccountTokenAnswer {
    pub(super) access_token: String,
    /// Seconds left.
    pub(super) expires_in: u64,
}

/// What the account knows of somebody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Follower {
    /// Whether they follow the account. Nothing else is told of those who do not.
    pub follows: bool,
    /// The id shared by all apps of one Open Platform account, if the account is bound to one.
    pub unionid: Option<String>,
}

/// Reads the answer of `/cgi-bin/stable_token`, and of a token server of the administrator's.
pub(super) fn account_token_answer(body: &[u8]) -> Result<AccountTokenAnswer, Unusable> {
    let object = object(body)?;
    let token = text(&object, "access_token").filter(|token| (1..=1024).contains(&token.len()));
    let expires_in =
        object.get("expires_in").and_then(number).and_then(|seconds| u64::try_from(seconds).ok());
    match (token, expires_in) {
        (Some(access_token), Some(expires_in)) => Ok(AccountTokenAnswer { access_token, expires_in }),
        _ => Err(Unusable::Unreadable),
    }
}

/// Reads the answer of `/cgi-bin/qrcode/create`: the address that the code stands for.
pub(super) fn code_answer(body: &[u8]) -> Result<String, Unusable> {
    let is_sound =
        |url: &String| url.len() <= 256 && (url.starts_with("http://") || url.starts_with("https://"));
    text(&object(body)?, "url").filter(is_sound).ok_or(Unusable::Unreadable)
}

/// Reads the answer of `/cgi-bin/user/info` for the person known as `openid`.
pub(super) fn follower_answer(body: &[u8], openid: &str) -> Result<Follower, Unusable> {
    let object = object(body)?;
    if text(&object, "openid").as_deref() != Some(openid) {
        return Err(Unusable::Unreadable);
    }
    let follows = is_truthy(object.get("subscribe"));
    Ok(Follower { follows, unionid: text(&object, "unionid").filter(|id| follows && is_id(id)) })
}

/// The object an answer must be, unless it says no.
fn object(body: &[u8]) -> Result<Map<String, Value>, Unusable> {
    // A raw control byte is a blank between tokens, and legal text inside a string once it is one.
    let text: String = String::from_utf8_lossy(body).chars().map(|c| if c < ' ' { ' ' } else { c }).collect();
    let Ok(Value::Object(object)) = serde_json::from_str(&text) else { return Err(Unusable::Unreadable) };
    match object.get("errcode").and_then(number) {
        None | Some(0) => Ok(object),
        Some(errcode) => {
            let errmsg = self::text(&object, "errmsg").unwrap_or_default();
            Err(Unusable::Refused(Refused { errcode: Errcode(errcode), errmsg: clip(&clean(&errmsg), 200) }))
        }
    }
}

fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    object.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn is_truthy(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !matches!(text.as_str(), "" | "0" | "false"),
        Some(Value::Array(_) | Value::Object(_)) => true,
        Some(Value::Null) | None => false,
    }
}

/// `[A-Za-z0-9_-]`, the alphabet of openid and unionid.
fn is_id(id: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_letter)
}

/// Without control characters, private-use code points (SoftBank emoji), replacement marks, and the invisible marks
/// that turn text around (bidirectional controls).
fn clean(text: &str) -> String {
    let is_unwanted = |c: char| matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fffd}');
    let text: String = text.chars().filter(|c| !is_unwanted(*c)).collect();
    legible(&text).trim().to_owned()
}

/// Cuts at a character boundary. Of an emoji cut in two, what joined it to the rest goes, too.
fn clip(text: &str, longest: usize) -> String {
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    legible(&text[..end])
}

/// The picture's address by https, only from WeChat's picture hosts.
fn avatar(address: &str) -> String {
    let Some(rest) = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")) else {
        return String::new();
    };
    let host = rest.split('/').next().unwrap_or_default();
    let is_ours =
        host.ends_with(".qlogo.cn") && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    let is_sound =
        rest.len() <= LONGEST_AVATAR && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if is_ours && is_sound { format!("https://{rest}") } else { String::new() }
}

/// Reads hostile bytes as either answer; for fuzzing.
pub(super) fn read_anything(body: &[u8]) {
    let _ = token_answer(body);
    let _ = profile_answer(body, "oOPENID");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(body: &[u8]) -> Option<String> {
        profile_answer(body, "o1").ok().map(|(profile, _)| profile.name)
    }

    #[test]
    fn a_plain_answer_is_read() {
        let body =
            br#"{"openid":"o1","access_token":"T","scope":"snsapi_login","unionid":"u1","expires_in":7200}"#;
        let answer = token_answer(body).unwrap();
        assert_eq!(
            (answer.openid.as_str(), answer.unionid.as_deref(), answer.is_snapshot),
            ("o1", Some("u1"), false)
        );
    }

    #[test]
    fn a_snapshot_user_is_known_in_every_spelling() {
        for flag in ["1", "\"1\"", "true", "2", "\"true\"", "{}"] {
            let body = format!(r#"{{"openid":"o1","access_token":"T","is_snapshotuser":{flag}}}"#);
            assert!(token_answer(body.as_bytes()).unwrap().is_snapshot, "{flag}");
        }
        for flag in ["0", "\"0\"", "false", "null", "\"\""] {
            let body = format!(r#"{{"openid":"o1","access_token":"T","is_snapshotuser":{flag}}}"#);
            assert!(!token_answer(body.as_bytes()).unwrap().is_snapshot, "{flag}");
        }
    }

    #[test]
    fn an_error_is_an_error_with_status_200() {
        let Err(Unusable::Refused(refused)) =
            token_answer(br#"{"errcode":40029,"errmsg":"invalid code, rid: 62"}"#)
        else {
            panic!("not refused")
        };
        assert_eq!((refused.errcode, refused.errmsg.as_str()), (Errcode(40029), "invalid code, rid: 62"));
        assert!(matches!(token_answer(br#"{"errcode":"40029"}"#), Err(Unusable::Refused(_))));
    }

    #[test]
    fn what_is_no_answer_signs_nobody_in() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for body in [
            "",
            "[]",
            "{}",
            "\"\"",
            "1",
            "null",
            "<html>",
            r#"{"openid":null,"access_token":"T"}"#,
            r#"{"openid":"","access_token":"T"}"#,
            r#"{"openid":"o1"}"#,
            r#"{"openid":"a\r\nb","access_token":"T"}"#,
            r#"{"openid":"o1","access_token":""}"#,
            r#"{"openid":12,"access_token":"T"}"#,
            &deep,
            r#"{"openid":"o 1","access_token":"T"}"#,
            r#"{"errcode":0}"#,
        ] {
            assert_eq!(token_answer(body.as_bytes()), Err(Unusable::Unreadable), "{body}");
        }
    }

    #[test]
    fn names_arrive_as_messy_as_people_make_them() {
        assert_eq!(name(b"{\"openid\":\"o1\",\"nickname\":\"a\x14b\"}").as_deref(), Some("a b"));
        assert_eq!(name(b"{\"openid\":\"o1\",\"nickname\":\"a\xffb\"}").as_deref(), Some("ab"));
        assert_eq!(
            name(r#"{"openid":"o1","nickname":"\ue13c王\u202e芳"}"#.as_bytes()).as_deref(),
            Some("王芳")
        );
        assert_eq!(
            name(br#"{"openid":"o1","nickname":"\"errcode\":40029"}"#).as_deref(),
            Some("\"errcode\":40029")
        );
        let long = format!(r#"{{"openid":"o1","nickname":"{}"}}"#, "王".repeat(20_000));
        assert_eq!(name(long.as_bytes()).unwrap().len(), 126);
        assert_eq!(name(br#"{"openid":"other","nickname":"x"}"#), None);
    }

    #[test]
    fn a_name_that_cannot_be_seen_is_none_and_none_hides_what_makes_it_another() {
        for (sent, kept) in [
            ("\u{200d}\u{fe0f}\u{200d}", ""),
            ("\u{16fe4}\u{3000}", ""),
            ("L\u{200d}i\u{fe0f}n", "Lin"),
            ("王\u{200d}芳\u{fe0f}", "王芳"),
            ("👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥", "👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥"),
        ] {
            let answer = format!(r#"{{"openid":"o1","nickname":"{sent}"}}"#);
            assert_eq!(name(answer.as_bytes()).as_deref(), Some(kept), "{sent:?}");
        }
        // Cut within an emoji of two parts.
        let long = format!(r#"{{"openid":"o1","nickname":"{}👩‍💻"}}"#, "x".repeat(LONGEST_NAME - 7));
        assert!(name(long.as_bytes()).unwrap().ends_with("x👩"));
    }

    #[test]
    fn pictures_come_from_wechat_by_https_or_not_at_all() {
        assert_eq!(avatar("http://wx.qlogo.cn/a/0"), "https://wx.qlogo.cn/a/0");
        for address in
            ["https://evil.test/x", "https://evilqlogo.cn/", "javascript:x", "https://a@b.qlogo.cn/", ""]
        {
            assert_eq!(avatar(address), "", "{address}");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_make_a_fall(body in prop::collection::vec(any::<u8>(), 0..200)) {
            read_anything(&body);
        }
    }
}
