//! `sns/userinfo` and `sns/auth`: who a token belongs to, with every oddity seen in real profiles.

use super::answer::{Json, Reply};
use super::asked::Asked;
use super::codes::Granted;
use super::exchange::present;
use super::script::SnapshotProfile;
use super::{Person, Simulator};

/// How a person's profile is served.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ProfileVariant {
    /// A broken escape at the end of a string: not JSON.
    BrokenEscape,
    /// A nickname of emoji.
    Emoji,
    /// No avatar: `"headimgurl":""`.
    EmptyAvatar,
    /// No nickname: `"nickname":""`.
    EmptyNickname,
    /// An old avatar address, `http://wx.qlogo.cn/…`.
    HttpAvatar,
    /// A nickname of 64 KiB.
    HugeNickname,
    /// A nickname of bytes that are not UTF-8.
    InvalidUtf8,
    /// No `privilege` field.
    MissingPrivilege,
    /// A nickname that contains the text `"errcode":40029`.
    NicknameSaysErrcode,
    /// A profile as the documents promise it.
    #[default]
    Normal,
    /// A nickname of SoftBank emoji in the private-use area.
    PrivateUse,
    /// A nickname with the raw byte 0x14: not JSON.
    RawControlByte,
    /// `"sex":"1"` instead of a number.
    SexAsText,
}

impl ProfileVariant {
    /// Every variant, for tests that try them all.
    pub const ALL: [Self; 13] = [
        Self::BrokenEscape,
        Self::Emoji,
        Self::EmptyAvatar,
        Self::EmptyNickname,
        Self::HttpAvatar,
        Self::HugeNickname,
        Self::InvalidUtf8,
        Self::MissingPrivilege,
        Self::NicknameSaysErrcode,
        Self::Normal,
        Self::PrivateUse,
        Self::RawControlByte,
        Self::SexAsText,
    ];
}

impl Simulator {
    pub(super) async fn user_info(&self, asked: &Asked) -> Reply {
        let fault = self.script.take_profile_fault();
        self.answer_api(asked, fault, |simulator| Ok(simulator.read_profile(asked)?)).await
    }

    pub(super) async fn check_token(&self, asked: &Asked) -> Reply {
        let decide = |simulator: &Self| {
            simulator.owner(asked)?;
            Ok(Json::default().number("errcode", 0).text("errmsg", "ok"))
        };
        self.answer_api(asked, None, decide).await
    }

    fn read_profile(&self, asked: &Asked) -> Result<Json, i64> {
        let granted = self.owner(asked)?;
        let refused = granted.snapshot && self.script.snapshot_profiles() == SnapshotProfile::Refused;
        if granted.scope == "snsapi_base" || refused {
            return Err(48001);
        }
        let app = self.app(&granted.app_id).ok_or(40013)?;
        let variant = self.script.profile_of(granted.person.name());
        let person = account(&granted);
        let mut json = Json::default()
            .text("openid", &person.openid(app.id()))
            .text("nickname", person.name())
            .number("sex", 0)
            .text("language", "")
            .text("city", "")
            .text("province", "")
            .text("country", "")
            .text("headimgurl", person.avatar())
            .raw("privilege", b"[]".to_vec());
        if let Some(unionid) = person.unionid(app) {
            json = json.text("unionid", &unionid);
        }
        Ok(varied(json, variant))
    }

    /// Whose token it is, if the openid belongs to it.
    fn owner(&self, asked: &Asked) -> Result<Granted, i64> {
        let token = present(asked, "access_token", 41001)?;
        let openid = present(asked, "openid", 41009)?;
        let granted = self.tokens.check(token, self.now())?;
        if account(&granted).openid(&granted.app_id) == openid { Ok(granted) } else { Err(40003) }
    }
}

/// The account the app gets to see: a virtual one on a snapshot page.
fn account(granted: &Granted) -> Person {
    if granted.snapshot { granted.person.virtual_account() } else { granted.person.clone() }
}

fn varied(json: Json, variant: ProfileVariant) -> Json {
    match variant {
        ProfileVariant::BrokenEscape => json.raw("city", br#""y?v\\\\\""#.to_vec()),
        ProfileVariant::Emoji => json.text("nickname", "🐼👩‍👩‍👧‍👦🇨🇳"),
        ProfileVariant::EmptyAvatar => json.text("headimgurl", ""),
        ProfileVariant::EmptyNickname => json.text("nickname", ""),
        ProfileVariant::HttpAvatar => json.text("headimgurl", "http://wx.qlogo.cn/mmopen/g3MonUZtNHkdmzic/0"),
        ProfileVariant::HugeNickname => json.text("nickname", &"长".repeat(65_536 / '长'.len_utf8())),
        ProfileVariant::InvalidUtf8 => json.raw("nickname", b"\"\xe6\x9e\xff\xfe \xc3(\"".to_vec()),
        ProfileVariant::MissingPrivilege => json.without("privilege"),
        ProfileVariant::NicknameSaysErrcode => json.text("nickname", r#"{"errcode":40029}"#),
        ProfileVariant::Normal => json,
        ProfileVariant::PrivateUse => json.text("nickname", "\u{e13c}\u{e41d}\u{e537}"),
        ProfileVariant::RawControlByte => json.raw("nickname", b"\"a\x14b\"".to_vec()),
        ProfileVariant::SexAsText => json.text("sex", "1"),
    }
}
