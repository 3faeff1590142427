//! What the pretend phone shows: what waits to be scanned, a chat, or a page in WeChat's browser.

use http::StatusCode;
use minijinja::{Value, context};
use url::Url;

use super::{PAGES, Phone, markup};
use crate::wechat::simulator::{Asked, Chat, ChatMessage, Reply, Speaker, pages};
use crate::wechat::user_agent::{Browser, Program};

/// What is in a message besides words: WeChat lets accounts write links, and nothing else.
const LINK: (&str, &str, &str) = ("<a href=\"", "\">", "</a>");

/// The phone in the hands of `holder`.
pub(super) fn show(phone: &Phone, asked: &Asked, holder: &str) -> Reply {
    let (chat, open) = (asked.query.get("chat"), asked.query.get("open"));
    let simulator = &phone.simulator;
    let people = simulator.people().iter().map(|person| person.name().to_owned()).collect::<Vec<_>>();
    let accounts = simulator.accounts(holder);
    let view = match accounts.iter().find(|account| account.app_id == chat) {
        _ if !open.is_empty() => web(open),
        Some(account) => in_chat(account, is_wechat(asked)),
        None => home(phone, asked, holder, &accounts),
    };
    pages::page(&PAGES, StatusCode::OK, "phone.html", context! { holder, people, ..view })
}

/// Whether the phone is shown by WeChat's own browser, so that links may simply be followed.
pub(super) fn is_wechat(asked: &Asked) -> bool {
    Browser::of(&asked.user_agent).program == Program::Wechat
}

/// What somebody typed, as an address of this computer.
pub(super) fn address(typed: &str) -> Option<Url> {
    let typed = typed.trim();
    let url = if typed.contains("://") { Url::parse(typed) } else { Url::parse(&format!("http://{typed}")) };
    url.ok().filter(markup::is_here)
}

fn home(phone: &Phone, asked: &Asked, holder: &str, accounts: &[Chat]) -> Value {
    let pointed_at = asked.query.get("uuid");
    let scans = phone.simulator.waiting_scans();
    let gone = !pointed_at.is_empty() && !scans.iter().any(|scan| scan.uuid == pointed_at);
    // A phone is pointed at the code on the screen, which is the newest; older ones were left behind.
    let scans = scans.into_iter().rev().map(|scan| {
        context! {
            mine => scan.scanned_by.as_deref() == Some(holder),
            pointed_at => scan.uuid == pointed_at,
            uuid => scan.uuid,
            app => scan.app_name,
            host => scan.host,
            scanned_by => scan.scanned_by,
        }
    });
    let codes = phone.simulator.open_codes();
    let codes = codes.into_iter().rev().filter(|code| !phone.has_scanned(&code.ticket)).map(|code| {
        let follows = accounts.iter().any(|account| account.app_id == code.app_id && account.follows);
        context! { ticket => code.ticket, app => code.app_name, follows }
    });
    let accounts = accounts.iter().map(|account| {
        let last = account.messages.last().map(|message| words(&message.text));
        context! { id => account.app_id.as_str(), name => account.app_name.as_str(), follows => account.follows, last }
    });
    context! {
        view => "home",
        gone,
        scans => scans.collect::<Vec<_>>(),
        codes => codes.collect::<Vec<_>>(),
        accounts => accounts.collect::<Vec<_>>(),
    }
}

fn in_chat(account: &Chat, is_wechat: bool) -> Value {
    let messages = account.messages.iter().map(|message| said(message, is_wechat)).collect::<Vec<_>>();
    context! {
        view => "chat",
        id => account.app_id.as_str(),
        name => account.app_name.as_str(),
        follows => account.follows,
        messages,
    }
}

fn web(open: &str) -> Value {
    let url = address(open);
    let frame = url.as_ref().and_then(markup::on_phone);
    let host = url.as_ref().and_then(Url::host_str);
    context! { view => "web", frame, host }
}

fn said(message: &ChatMessage, is_wechat: bool) -> Value {
    let parts = parts(&message.text).into_iter().map(|(text, link)| match link {
        Some(link) if is_wechat => context! { text, link },
        Some(link) => {
            let link: String = url::form_urlencoded::byte_serialize(link.as_bytes()).collect();
            context! { text, link => format!("/phone?open={link}") }
        }
        None => context! { text },
    });
    let speaker = match message.speaker {
        Speaker::Account => "account",
        Speaker::Person => "person",
        Speaker::Wechat => "wechat",
    };
    context! { speaker, parts => parts.collect::<Vec<_>>() }
}

/// A message without its links.
fn words(text: &str) -> String {
    parts(text).into_iter().map(|(text, _)| text).collect()
}

/// The pieces of a message, each with where it leads.
fn parts(text: &str) -> Vec<(&str, Option<&str>)> {
    let (before, between, after) = LINK;
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((words, tail)) = rest.split_once(before) {
        let Some((link, tail)) = tail.split_once(between) else { break };
        let Some((label, tail)) = tail.split_once(after) else { break };
        parts.extend([(words, None), (label, Some(link))]);
        rest = tail;
    }
    parts.push((rest, None));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_words_and_links() {
        let message = "登录？\n<a href=\"http://localhost/c?x=1\">确认</a>。<b>";
        let expected = [("登录？\n", None), ("确认", Some("http://localhost/c?x=1")), ("。<b>", None)];
        assert_eq!(parts(message), expected);
        assert_eq!(words(message), "登录？\n确认。<b>");
        assert_eq!(parts("<a href=\"x"), [("<a href=\"x", None)]);
    }

    #[test]
    fn only_addresses_of_this_computer_are_opened() {
        assert_eq!(address(" localhost:8480/x ").unwrap().as_str(), "http://localhost:8480/x");
        assert_eq!(address("http://127.0.0.1/").unwrap().as_str(), "http://127.0.0.1/");
        for elsewhere in ["example.com", "https://localhost/", "javascript://localhost/%0aalert(1)", ""] {
            assert_eq!(address(elsewhere), None, "{elsewhere}");
        }
    }
}
