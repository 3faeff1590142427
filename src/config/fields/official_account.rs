//! `[wechat.official_account]`: what the account is used for, where its token comes from, and what WeChat tells us of it.

use url::Url;

use super::addresses::PublicUrl;
use super::app::app;
use crate::config::section::Section;
use crate::login::AccountWays;
use crate::model::host::Host;
use crate::model::return_to::OWN_PREFIX;
use crate::model::secret::Secret;
use crate::pages::ownership::OwnershipFiles;
use crate::wechat::account::TokenSource;
use crate::wechat::api::App;
use crate::wechat::message::{InboxSettings, MessageKey, Mode};

/// What to write where the token is missing.
const TOKEN: &str = "make up 3 to 32 letters and digits, write them as token = \"…\", and enter them under 服务器配置 in the WeChat console with the address that `wxgate check` prints";

/// What to write where the key is missing.
const KEY: &str = "write encoding_aes_key = \"…\", the 43 letters and digits (EncodingAESKey) under 服务器配置 in the WeChat console";

/// `[wechat.official_account]`.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// `app_id` and `app_secret`.
    pub app: App,
    /// `name`: what people see the account is called. Default: it is not named.
    pub name: Option<String>,
    /// `oauth`, `qr_login` and `chat_login`.
    pub ways: AccountWays,
    /// `token_server` and `token_server_secret`. Default: WeChat's `stable_token`.
    pub token_source: TokenSource,
    /// `token`, `encoding_aes_key`, `message_mode` and `original_id`; without a token WeChat's server tells us nothing.
    pub inbox: Option<InboxSettings>,
    /// `message_backend`: where messages go that are not for us. Default: nowhere.
    pub message_backend: Option<Url>,
    /// `end_sessions_on_unfollow`. Default: no.
    pub end_sessions_on_unfollow: bool,
    /// `verify_files`. Default: none.
    pub ownership: OwnershipFiles,
}

/// `message_mode`, before its key is known.
#[derive(Clone, Copy, Eq, PartialEq)]
enum ModeName {
    Compatible,
    Plaintext,
    Secure,
}

/// Reads `[wechat.official_account]`; `has_website` says whether people can sign in otherwise.
pub(super) fn read(
    mut section: Section<'_>,
    public_url: Option<&PublicUrl>,
    has_website: bool,
) -> Option<AccountSettings> {
    let app = app(&mut section);
    let name = section.optional("name", account_name);
    let ways = ways(&mut section);
    let original_id = section.optional("original_id", original_id);
    let token = section.parsed_secret("token", token);
    let key = section.parsed_secret("encoding_aes_key", |key| key.reveal().parse::<MessageKey>());
    let mode = section.optional("message_mode", mode_name).unwrap_or(ModeName::Secure);
    let message_backend = section.optional("message_backend", |text| backend(text, public_url));
    let end_sessions_on_unfollow = section.boolean("end_sessions_on_unfollow").unwrap_or(false);
    let ownership = section.texts("verify_files", str::parse).map(OwnershipFiles::new).unwrap_or_default();
    let token_source = token_source(&mut section, ways);
    complain_about_ways(&section, ways, has_website);
    complain_about_messages(&section, ways, end_sessions_on_unfollow, mode);
    warn_about_messages(&section, mode);
    if has_website && !end_sessions_on_unfollow {
        warn_about_idleness(&section, ways);
    }
    section.finish();
    let app = app?;
    let mode = match (mode, key) {
        (ModeName::Plaintext, _) => Some(Mode::Plaintext),
        (ModeName::Compatible, key) => key.map(Mode::Compatible),
        (ModeName::Secure, key) => key.map(Mode::Secure),
    };
    let inbox = token.zip(mode).map(|(token, mode)| InboxSettings {
        app_id: app.id.clone(),
        original_id,
        token,
        mode,
    });
    Some(AccountSettings {
        app,
        name,
        ways,
        token_source,
        inbox,
        message_backend,
        end_sessions_on_unfollow,
        ownership,
    })
}

/// A name as people read it; WeChat's have at most 30 letters.
fn account_name(text: &str) -> Result<String, String> {
    let is_sound = (1..=30).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    is_sound
        .then(|| text.to_owned())
        .ok_or_else(|| "write the account's name (名称) as WeChat shows it, at most 30 letters".to_owned())
}

fn ways(section: &mut Section<'_>) -> AccountWays {
    let usual = AccountWays::default();
    AccountWays {
        in_app: section.boolean("oauth").unwrap_or(usual.in_app),
        qr: section.boolean("qr_login").unwrap_or(usual.qr),
        chat: section.boolean("chat_login").unwrap_or(usual.chat),
    }
}

/// Where the access token comes from, which WeChat wants of whoever asks for a code to scan.
fn token_source(section: &mut Section<'_>, ways: AccountWays) -> TokenSource {
    let url = section.optional("token_server", web_address);
    let secret = section.secret("token_server_secret");
    if section.is_secret_given("token_server_secret") && !section.is_given("token_server") {
        let title = "`token_server_secret` without `token_server`";
        let help = "write the address of the server that keeps the account's access_token as token_server, or take the secret out";
        section.complain(&section.secret_place("token_server_secret"), title, help);
    }
    if section.is_given("token_server") && !(ways.qr || ways.chat) {
        let title = "`token_server` has no effect without `qr_login` or `chat_login`";
        let help =
            "only they need the account's access_token: set one of them to true, or take token_server out";
        section.complain(&section.place("token_server"), title, help);
    }
    let Some(url) = url else { return TokenSource::Stable };
    if url.scheme() == "http" && !is_here(&url) {
        let help = "whoever has it acts for the account; let token_server begin with https";
        section.warn(&section.place("token_server"), "the account's access_token travels unencrypted", help);
    }
    TokenSource::Server { url: url.into(), secret }
}

/// Ways of signing in that do not go together, or lead nowhere.
fn complain_about_ways(section: &Section<'_>, ways: AccountWays, has_website: bool) {
    if ways.in_app {
        return;
    }
    if ways.qr {
        let help = "an account without web authorization (网页授权) cannot make such codes either: take qr_login out, and set chat_login = true";
        section.complain(&section.place("qr_login"), "`qr_login` without `oauth`", help);
    } else if !ways.chat && !has_website {
        let help = "without web authorization people sign in by sending a code to the account: set chat_login = true, or take oauth out";
        section.complain(&section.place("oauth"), "nobody can sign in", help);
    }
}

/// An account that nobody signs in by may still show its files or hand its messages on.
fn warn_about_idleness(section: &Section<'_>, ways: AccountWays) {
    let is_used = ["message_backend", "verify_files"].iter().any(|key| section.is_given(key));
    if !(ways.in_app || ways.qr || ways.chat || is_used) {
        let help = "nobody signs in by it: set chat_login = true, take oauth = false out if the account has web authorization (网页授权), or take [wechat.official_account] out";
        section.warn(&section.place("oauth"), "the Official Account is used for nothing", help);
    }
}

/// Keys that do nothing without a token, and tokens that do nothing without a key.
fn complain_about_messages(
    section: &Section<'_>,
    ways: AccountWays,
    end_sessions_on_unfollow: bool,
    mode: ModeName,
) {
    let has_key = section.is_secret_given("encoding_aes_key");
    if section.is_secret_given("token") {
        // Digits are the whole proof: whoever can write in somebody's name signs in as them.
        if ways.chat && mode == ModeName::Plaintext {
            let help = "whoever sees the address of one message could sign in as anybody: choose 安全模式 in the WeChat console and message_mode = \"secure\", or take chat_login out";
            section.complain(&section.place("message_mode"), "`chat_login` with plaintext messages", help);
        }
        if !has_key && mode != ModeName::Plaintext {
            section.complain(&section.secret_place("token"), "`token` without `encoding_aes_key`", KEY);
        }
        return;
    }
    for (key, is_wanted) in [("qr_login", ways.qr), ("chat_login", ways.chat)] {
        if is_wanted {
            section.complain(&section.place(key), format!("`{key}` without `token`"), TOKEN);
        }
    }
    if ways.qr || ways.chat {
        return;
    }
    for (key, is_idle) in [
        ("encoding_aes_key", has_key),
        ("end_sessions_on_unfollow", end_sessions_on_unfollow),
        ("message_backend", section.is_given("message_backend")),
        ("message_mode", section.is_given("message_mode")),
        ("original_id", section.is_given("original_id")),
    ] {
        if is_idle {
            let title = format!("`{key}` has no effect without `token`");
            section.complain(&section.secret_place(key), title, TOKEN);
        }
    }
}

/// What is allowed and lets strangers in more easily.
fn warn_about_messages(section: &Section<'_>, mode: ModeName) {
    if !section.is_secret_given("token") {
        return;
    }
    if mode == ModeName::Plaintext {
        let help = "whoever sees the address of one message, as in a proxy's log, can write others in anybody's name for five minutes; choose 安全模式 in the WeChat console and message_mode = \"secure\"";
        section.warn(
            &section.place("message_mode"),
            "WeChat's messages are not encrypted, and what they say is not signed",
            help,
        );
    }
    if !section.is_given("original_id") {
        let help = "write original_id = \"gh_…\", which the WeChat console shows as 原始ID";
        let title = "messages to other accounts with this token are not told apart";
        section.warn(&section.secret_place("token"), title, help);
    }
}

fn original_id(text: &str) -> Result<String, String> {
    let is_sound =
        |id: &str| (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match text.strip_prefix("gh_").is_some_and(is_sound) {
        true => Ok(text.to_owned()),
        false => {
            Err("write the account's 原始ID as the WeChat console shows it, such as \"gh_0123456789ab\""
                .to_owned())
        }
    }
}

fn token(token: &Secret) -> Result<Secret, String> {
    let text = token.reveal();
    match (3..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(token.clone()),
        false => Err("a token is 3 to 32 letters and digits, the same as in the WeChat console".to_owned()),
    }
}

fn mode_name(text: &str) -> Result<ModeName, String> {
    match text {
        "compatible" => Ok(ModeName::Compatible),
        "plaintext" => Ok(ModeName::Plaintext),
        "secure" => Ok(ModeName::Secure),
        _ => {
            Err("write \"secure\" (安全模式), \"compatible\" (兼容模式) or \"plaintext\" (明文模式)"
                .to_owned())
        }
    }
}

/// Where others' messages go; never back to us, or they would go round.
fn backend(text: &str, public_url: Option<&PublicUrl>) -> Result<Url, String> {
    let url = web_address(text)?;
    let ours = public_url.map(|url| url.authority.host.as_str());
    if url.host_str() == ours && url.path().starts_with(OWN_PREFIX) {
        return Err(
            "that is wxgate's own address; write that of the server that took the messages before".to_owned()
        );
    }
    Ok(url)
}

/// A whole http(s) address. What is wrong with it is said without repeating it: people put secrets into such addresses.
fn web_address(text: &str) -> Result<Url, String> {
    let wish = || "write a whole address, such as \"http://127.0.0.1:3000/wechat\"".to_owned();
    let url = Url::parse(text).map_err(|_| wish())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wish());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("write it without user name and password".to_owned());
    }
    if url.fragment().is_some() {
        return Err("write it without # and what follows".to_owned());
    }
    Ok(url)
}

/// Whether what is sent there stays on this computer.
fn is_here(url: &Url) -> bool {
    url.host_str().is_some_and(|host| Host::parse(host).is_ok_and(|host| host.is_loopback()))
}
