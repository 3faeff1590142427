//! Every page of administration in both languages, with friendly and with hostile values, and every word of its forms.

pub(in super::super) mod gallery;
mod samples;

use super::super::face::Face;
use super::super::forms::Form;
use super::super::language::{Language, LanguageLinks};
use super::super::render::{MOST_STEPS, Pages, PagesSettings};
use super::audit::{Filter, Trail, Whom};
use super::complaint::Complaint;
use super::deed::{DEEDS, Deed, Order, words_when_done};
use super::desk::Frame;
use super::invites::{Draft, Invitations};
use super::names::Names;
use super::{audit, invites, member};
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::member::{Change, Status};
use gallery::gallery;
use samples::{id, one};

const HOSTILE: &str = r#""><img src=x onerror=alert(1)>{{7*7}}{name}{% raw %}'"#;
const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn frames(text: &str) -> Vec<Frame<'_>> {
    let frame = |done, complaint| Frame { site: text, name: text, token: "token.token", done, complaint };
    let mut frames = vec![frame(None, None)];
    for word in DEEDS {
        frames.push(frame(Some(word), None));
        frames.push(frame(None, Some(Complaint { at: word, words: "complaint.groups" })));
    }
    frames
}

fn drawn(face: Face<'static>, language: Language) -> String {
    let settings = PagesSettings { support: Some("help@example.com".to_owned()), ..PagesSettings::default() };
    let pages = Pages::new(&settings).expect("the templates are templates");
    let links = LanguageLinks::from_query(Some("q=x"));
    pages.render_sheet(face, language, Some(&links), "7f3a9c21", NOW)
}

#[test]
fn every_page_is_whole_in_both_languages() {
    for language in [Language::Chinese, Language::English] {
        for frame in frames("王芳") {
            for (_, face) in gallery(&frame, "王芳", 2) {
                let html = drawn(face, language);
                assert!(html.contains("</footer>") && html.contains("</nav>"), "{html}");
                assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())));
                assert_eq!(html.contains("role=\"alert\""), frame.complaint.is_some());
                assert_eq!(html.contains("class=\"notice\""), frame.done.is_some());
                assert!(html.contains("content=\"same-origin\""), "a form would have no origin");
            }
        }
    }
}

#[test]
fn hostile_values_stay_text() {
    let hostile = format!("{HOSTILE}\u{202e}");
    for language in [Language::Chinese, Language::English] {
        for frame in frames(&hostile) {
            for (_, face) in gallery(&frame, &hostile, 2) {
                let html = drawn(face, language);
                assert!(html.contains("</footer>"), "{html}");
                assert!(
                    !html.contains("<img") && !html.contains(">49<") && !html.contains('\u{202e}'),
                    "{html}"
                );
                assert!(!html.contains(" onerror=alert(1)>"), "{html}");
            }
        }
    }
}

#[test]
fn a_page_of_fifty_members_takes_a_twentieth_of_the_steps_that_operators_templates_may_take() {
    let pages = |steps| Pages::new(&PagesSettings::default()).expect("templates").within(steps);
    let is_whole = |pages: &Pages| {
        gallery(&frames("王芳")[0], "王芳", 50).into_iter().all(|(_, face)| {
            pages.render_sheet(face, Language::English, None, "7f3a9c21", NOW).contains("</footer>")
        })
    };
    assert!(is_whole(&pages(MOST_STEPS / 20)));
    assert!(!is_whole(&pages(500)), "steps are counted");
}

#[test]
fn wechats_pictures_are_shown_and_no_others() {
    let frame = &frames("王芳")[0];
    let picture = "https://thirdwx.qlogo.cn/mmopen/vi_32/x/132";
    let escaped = picture.replace('/', "&#x2f;");
    let shown = drawn(member::face(frame, &one(picture, Status::Active)), Language::Chinese);
    assert!(shown.contains(&format!("<img class=\"face\" src=\"{escaped}\"")), "{shown}");
    let other = drawn(member::face(frame, &one("https://evil.example/x", Status::Active)), Language::Chinese);
    assert!(!other.contains("<img"), "{other}");
}

#[test]
fn the_trail_says_who_and_what_in_the_words_of_its_reader() {
    let frame = &frames("王芳")[0];
    let line = |kind, actor: u8, member: u8, detail: &str| {
        let (actor, member) = (Actor::Member(id(actor)), Some(id(member)));
        let (client, request_id, detail) = (None, None, detail.to_owned());
        (1, AuditEvent { at: NOW, kind, actor, member, client, request_id, detail })
    };
    let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36";
    let lines = vec![
        line(AuditKind::Renamed, 1, 2, ""),
        line(AuditKind::Asked, 2, 2, "code ABCD"),
        line(AuditKind::SignedIn, 2, 2, agent),
        line(AuditKind::Approved, 3, 2, "staff"),
        line(AuditKind::ConflictFound, 1, 2, &format!("its unionid belongs to {}", id(1))),
        line(AuditKind::ConflictSettled, 1, 2, &format!("conflict 00ff: kept apart from {}", id(1))),
    ];
    let names = Names::of([(id(1), "林主任".to_owned()), (id(2), "王芳".to_owned())]);
    let (filter, whom) = (Filter::default(), Whom::Anybody);
    let trail = Trail { filter, whom, lines, names, next: None };
    let page = |language| drawn(audit::face(frame, &trail), language);
    let chinese = page(Language::Chinese);
    for words in [
        "<bdi>林主任</bdi>",
        "已清空",
        "申请码 ABCD",
        "本人",
        "已删除的成员",
        "UnionID 已属于",
        "不合并，另一位成员为",
    ] {
        assert!(chinese.contains(words), "{words}: {chinese}");
    }
    let linked = format!("href=\"/_wxgate/admin/members/{}\"", id(1));
    assert_eq!(chinese.matches(&linked).count(), 5, "{chinese}");
    assert!(!chinese.contains(&format!("members/{}", id(3))), "whoever was deleted has no page");
    let english = page(Language::English);
    for words in ["Name cleared", "Request code ABCD", "Themselves", "Deleted member", ">Chrome · Windows<"]
    {
        assert!(english.contains(words), "{words}: {english}");
    }
    assert!(english.contains("title=\"Mozilla"), "{english}");
}

#[test]
fn a_page_is_small_beside_what_it_lists() {
    let frame = &frames("王芳")[0];
    for (_, face) in gallery(frame, "王芳", 0) {
        let (template, html) = (face.template, drawn(face, Language::Chinese));
        assert!(html.len() < 45_000, "{template} has {} bytes", html.len());
    }
    let bare = drawn(invites::face(frame, &Invitations::default()), Language::English);
    assert!(bare.len() < 30_000, "{}", bare.len());
}

/// A form as a browser sends it, without its token.
fn form(text: &str) -> Form {
    Form::of_query(Some(text)).unwrap()
}

#[test]
fn every_word_has_its_deed() {
    let session = "07".repeat(16);
    for word in DEEDS {
        let fields = match word {
            "display-name" => "&display_name=+%E7%8E%8B%E8%8A%B3+",
            "end-session" => &format!("&session={session}"),
            "forget" => "&sure=1",
            "groups" => "&groups=staff,it",
            "rename" => "&user_name=wang.fang",
            _ => "",
        };
        let order = Order::read(form(&format!("do={word}{fields}"))).unwrap();
        let expected = match word {
            "approve" => Deed::Change(Change::Approve(None)),
            "block" => Deed::Change(Change::Block),
            "display-name" => Deed::Change(Change::DisplayName("王芳".parse().ok())),
            "end-session" => Deed::EndSession([7; 16]),
            "forget" => Deed::Forget,
            "grant-admin" => Deed::Change(Change::MakeAdmin(true)),
            "groups" => Deed::Change(Change::Groups("it,staff".parse().unwrap())),
            "refuse" => Deed::Change(Change::Refuse),
            "rename" => Deed::Change(Change::UserName("wang.fang".parse().ok())),
            "sign-out" => Deed::SignOut,
            "take-admin" => Deed::Change(Change::MakeAdmin(false)),
            "unblock" => Deed::Change(Change::Unblock),
            _ => panic!("{word}"),
        };
        assert_eq!(order.deed, Ok(expected), "{word}");
        assert!(words_when_done(word).is_some(), "{word}");
    }
}

#[test]
fn what_is_typed_is_read_or_complained_about() {
    let read = |text: &str| Order::read(form(text)).map(|order| (order.deed, order.from_list)).unwrap();
    let groups = "staff".parse().ok();
    assert_eq!(read("do=approve&groups=staff&from=list"), (Ok(Deed::Change(Change::Approve(groups))), true));
    assert_eq!(read("do=refuse&groups=!&from=list"), (Ok(Deed::Change(Change::Refuse)), true));
    assert_eq!(read("do=rename&user_name=+"), (Ok(Deed::Change(Change::UserName(None))), false));
    assert_eq!(read("do=display-name&display_name="), (Ok(Deed::Change(Change::DisplayName(None))), false));
    assert_eq!(read("do=groups&groups="), (Ok(Deed::Change(Change::Groups("".parse().unwrap()))), false));
    for (text, words, typed) in [
        ("do=approve&groups=a!b", "complaint.groups", "a!b"),
        ("do=groups&groups=%3Cb%3E", "complaint.groups", "<b>"),
        ("do=rename&user_name=wx-1", "complaint.user_name", "wx-1"),
        ("do=display-name&display_name=a%E2%80%AEb", "complaint.display_name", "a\u{202e}b"),
        ("do=forget", "complaint.sure", ""),
    ] {
        let order = Order::read(form(text)).unwrap();
        assert_eq!(order.deed.map_err(|complaint| complaint.words), Err(words), "{text}");
        assert_eq!(order.typed, typed, "{text}");
    }
}

#[test]
fn a_form_that_no_page_of_ours_sends_changes_nothing() {
    for text in [
        "",
        "do=",
        "do=delete",
        "do=make",
        "do=approve&status=active",
        "do=approve&role=admin",
        "do=approve&from=elsewhere",
        "do=block&groups=staff",
        "do=groups",
        "do=rename",
        "do=forget&sure=yes",
        "do=end-session",
        "do=end-session&session=07",
        "do=end-session&session=%2B7%2B7%2B7%2B7%2B7%2B7%2B7%2B7%2B7%2B7%2B7%2B7%2B7%2B7%2B7%2B7",
    ] {
        assert!(Order::read(form(text)).is_err(), "{text}");
    }
}

#[test]
fn an_invitation_is_read_or_complained_about() {
    let read = |text: &str| Draft::read(&mut form(text));
    let made = |text: &str| read(text).unwrap().invitation().map_err(|complaint| complaint.words);
    let one = made("uses=one&days=7&groups=staff&note=+a%0Ab+").unwrap();
    assert_eq!((one.uses, one.lifetime.as_secs(), one.note.as_str()), (Some(1), 7 * 86_400, "a b"));
    assert_eq!(made("uses=any&days=1&count=x").unwrap().uses, None);
    assert_eq!(made("uses=some&days=30&count=+12+").unwrap().uses, Some(12));
    for count in ["0", "10001", "-1", "x", ""] {
        assert_eq!(made(&format!("uses=some&days=1&count={count}")).err(), Some("complaint.count"));
    }
    assert_eq!(made("uses=one&days=1&groups=%21").err(), Some("complaint.groups"));
    assert_eq!(made(&format!("uses=one&days=1&note={}", "x".repeat(201))).err(), Some("complaint.note"));
    for text in ["uses=two&days=1", "uses=one&days=2", "uses=one", "days=1"] {
        assert!(read(text).is_err(), "{text}");
    }
}
