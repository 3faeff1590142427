//! Every page of administration in both languages, with friendly and with hostile values, and every word of its forms.

use super::super::face::Face;
use super::super::forms::Form;
use super::super::language::{Language, LanguageLinks};
use super::super::render::{Pages, PagesSettings};
use super::audit::{Filter, Trail, Whom};
use super::complaint::Complaint;
use super::conflicts::Both;
use super::deed::{DEEDS, Deed, Order, words_when_done};
use super::desk::Frame;
use super::invites::{Draft, Invitations};
use super::member::OneMember;
use super::members::{Everybody, Listed};
use super::names::Names;
use super::{audit, conflicts, invites, member, members};
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::identity::Account;
use crate::model::member::{AccessRequest, Change, Member, MemberId, Status};
use crate::store::records::{AccountRow, AuditRow, Conflict, Invite, MemberDetail, SessionRow};

const HOSTILE: &str = r#""><img src=x onerror=alert(1)>{{7*7}}{name}{% raw %}'"#;
const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn id(number: u8) -> MemberId {
    MemberId::of([number; 10])
}

fn somebody(number: u8, text: &str, status: Status) -> Member {
    Member {
        id: id(number),
        status,
        before_block: None,
        user_name: "wang.fang".parse().ok().filter(|_| number.is_multiple_of(2)),
        display_name: None,
        groups: "staff, 财务".parse().unwrap(),
        is_admin: number == 1,
        unionid: Some(text.to_owned()),
        profile_name: text.to_owned(),
        avatar: text.to_owned(),
        request: Some(AccessRequest { code: "ABCD".to_owned(), message: text.to_owned(), at: NOW }),
        created: NOW,
        signed_in: NOW,
        ended_before: Timestamp::from_unix(0),
    }
}

fn lines(text: &str) -> Vec<AuditRow> {
    let line = |(number, kind): (usize, &AuditKind)| {
        let event = AuditEvent {
            at: NOW,
            kind: *kind,
            actor: [Actor::CommandLine, Actor::Gateway, Actor::Member(id(1))][number % 3].clone(),
            member: Some(id(2)).filter(|_| number.is_multiple_of(2)),
            client: Some("192.0.2.1".parse().unwrap()),
            request_id: Some(text.to_owned()),
            detail: text.to_owned(),
        };
        (number as i64, event)
    };
    AuditKind::ALL.iter().enumerate().map(line).collect()
}

fn one(text: &str, status: Status) -> OneMember {
    let account = Account { app_id: text.to_owned(), openid: text.to_owned() };
    let session = |number: u8| SessionRow {
        id: [number; 16],
        member: id(1),
        started: NOW,
        expires: NOW,
        browser: text.to_owned(),
        client: Some("2001:db8::1".parse().unwrap()),
        ended: number == 3,
    };
    let member = somebody(1, text, status);
    let row = AccountRow {
        account,
        member: id(1),
        unionid: Some(text.to_owned()),
        first_seen: NOW,
        last_seen: NOW,
    };
    let detail = MemberDetail { member, accounts: vec![row], sessions: (1..4).map(session).collect() };
    OneMember { detail, lines: lines(text), names: names(text), current: [2; 16], typed: as_typed(text) }
}

/// Everybody but the last of those who did something.
fn names(text: &str) -> Names {
    Names::of([(id(1), text.to_owned()), (id(2), text.to_owned())])
}

/// What administrators type into a form stays as they typed it; nothing else that turns text around is shown, nor what
/// an address holds, which somebody else may have given them.
fn as_typed(text: &str) -> String {
    text.replace('\u{202e}', "")
}

fn invite(text: &str, uses_left: Option<u32>) -> Invite {
    Invite {
        id: "0011223344556677".to_owned(),
        code_hash: [0; 32],
        groups: "staff".parse().unwrap(),
        uses_left,
        expires: NOW,
        made_by: Actor::Member(id(1)),
        made_at: NOW,
        note: text.to_owned(),
    }
}

fn trail(filter: Filter, whom: Whom, text: &str) -> Trail {
    let lines = if text.is_empty() { Vec::new() } else { lines(text) };
    Trail { filter, whom, lines, names: names(text), next: Some(7) }
}

/// One of every page.
fn every_page(frame: &Frame<'_>, text: &str, people: u8) -> Vec<Face<'static>> {
    let crowd = |status| (0..people).map(|number| somebody(number, text, status)).collect::<Vec<_>>();
    let everybody = |listed| Everybody {
        listed,
        pending: crowd(Status::Pending),
        members: crowd(Status::Active),
        next: Some(format!("5-{}", id(1))),
        counts: vec![(Status::Pending, 99), (Status::Active, 50)],
        conflicts: 2,
    };
    let narrowed =
        Listed { search: Some(text.to_owned()), status: Some(Status::Blocked), ..Listed::default() };
    let link =
        Some("https://app.example.com/_wxgate/invite?code=00112233445566778899aabbccddeeff".to_owned());
    let draft = Draft { groups: as_typed(text), note: as_typed(text), ..Draft::default() };
    let open = vec![invite(text, Some(3)), invite("", None)];
    let conflict = |other: Option<Member>| Both {
        conflict: Conflict {
            id: "0011223344556677".to_owned(),
            account: Account { app_id: text.to_owned(), openid: text.to_owned() },
            holder: id(1),
            other: id(2),
            unionid: text.to_owned(),
            found: NOW,
        },
        holder: Some(somebody(1, text, Status::Active)),
        other,
    };
    let both = [conflict(Some(somebody(2, text, Status::Active))), conflict(None)];
    let filter = Filter { member: text.to_owned(), kind: Some(AuditKind::Approved), before: None };
    let mut faces = vec![
        members::face(frame, &everybody(Listed::default())),
        members::face(frame, &everybody(narrowed)),
        members::face(
            frame,
            &Everybody {
                members: Vec::new(),
                pending: Vec::new(),
                next: None,
                ..everybody(Listed::default())
            },
        ),
        invites::face(
            frame,
            &Invitations {
                invites: open.clone(),
                names: names(text),
                draft: draft.clone(),
                link,
                is_closed: false,
            },
        ),
        invites::face(
            frame,
            &Invitations { invites: open, names: Names::default(), draft, link: None, is_closed: true },
        ),
        invites::face(frame, &Invitations::default()),
        conflicts::face(frame, &both, 3),
        conflicts::face(frame, &[], 0),
        audit::face(frame, &trail(filter.clone(), Whom::One(id(2)), text)),
        audit::face(frame, &trail(filter.clone(), Whom::Several(crowd(Status::Guest)), "")),
        audit::face(frame, &trail(filter, Whom::Nobody, "")),
        audit::face(frame, &trail(Filter::default(), Whom::Anybody, "")),
    ];
    faces.extend(Status::ALL.map(|status| member::face(frame, &one(text, status))));
    faces
}

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
            for face in every_page(&frame, "王芳", 2) {
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
            for face in every_page(&frame, &hostile, 2) {
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
    ];
    let names = Names::of([(id(1), "林主任".to_owned()), (id(2), "王芳".to_owned())]);
    let (filter, whom) = (Filter::default(), Whom::Anybody);
    let trail = Trail { filter, whom, lines, names, next: None };
    let page = |language| drawn(audit::face(frame, &trail), language);
    let chinese = page(Language::Chinese);
    for words in ["<bdi>林主任</bdi>", "已清空", "申请码 ABCD", "本人", "已删除的成员", "UnionID 已属于"]
    {
        assert!(chinese.contains(words), "{words}: {chinese}");
    }
    let linked = format!("href=\"/_wxgate/admin/members/{}\"", id(1));
    assert_eq!(chinese.matches(&linked).count(), 3, "{chinese}");
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
    for face in every_page(frame, "王芳", 0) {
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
