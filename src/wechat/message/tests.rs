//! Messages as WeChat sends them, and as others would.

use super::*;

const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const PLAIN: &str = "<xml><ToUserName>gh_1</ToUserName><FromUserName>oPerson</FromUserName>\
     <CreateTime>1800000000</CreateTime><MsgType>event</MsgType><Event>SCAN</Event><EventKey>abc</EventKey></xml>";

fn settings(mode: Mode) -> InboxSettings {
    InboxSettings {
        app_id: "wx1".to_owned(),
        original_id: Some("gh_1".to_owned()),
        token: Secret::new("token".to_owned()),
        mode,
    }
}

fn key() -> MessageKey {
    KEY.parse().unwrap()
}

fn secure() -> InboxSettings {
    settings(Mode::Secure(key()))
}

/// The address of a message with this encrypted part, signed at `at`.
fn query(at: i64, encrypted: &str) -> Query {
    let (timestamp, nonce) = (at.to_string(), "nonce".to_owned());
    let token = Secret::new("token".to_owned());
    Query {
        signature: signature::sign(&token, &[&timestamp, &nonce]),
        msg_signature: signature::sign(&token, &[&timestamp, &nonce, encrypted]),
        echostr: "5927782489442352469".to_owned(),
        timestamp,
        nonce,
    }
}

fn sealed(plain: &str, receiver: &str) -> String {
    key().seal([3; 16], plain.as_bytes(), receiver).unwrap()
}

fn envelope(encrypted: &str, beside: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt>{beside}</xml>"
    )
}

fn open(settings: &InboxSettings, encrypted: &str, body: &str) -> Result<What, Unwelcome> {
    settings.open(&query(NOW.as_unix(), encrypted), body.as_bytes(), NOW).map(|opened| opened.message.what)
}

#[test]
fn the_published_messages_are_read_with_their_signatures() {
    let vectors: Vec<serde_json::Value> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let mut read = 0;
    for vector in vectors.iter().filter(|vector| vector["signature"].is_string()) {
        let text = |name: &str| match &vector[name] {
            serde_json::Value::Number(number) => number.to_string(),
            value => value.as_str().unwrap_or_default().to_owned(),
        };
        let settings = InboxSettings {
            app_id: text("receive_id"),
            original_id: Some("gh_97417a04a28d".to_owned()),
            token: Secret::new(text("token")),
            mode: Mode::Secure(text("encoding_aes_key").parse().unwrap()),
        };
        let query = Query {
            signature: text("signature"),
            timestamp: text("timestamp"),
            nonce: text("nonce"),
            msg_signature: text("msg_signature"),
            echostr: String::new(),
        };
        let now = Timestamp::from_unix(query.timestamp.parse().unwrap());
        let body = envelope(&text("ciphertext_b64"), "");
        let opened = settings.open(&query, body.as_bytes(), now).unwrap();
        assert_eq!(opened.message.from, "o9AgO5Kd5ggOC-bXrbNODIiE3bGY", "{vector}");
        read += 1;
    }
    assert_eq!(read, 2);
}

#[test]
fn wechat_asks_whether_the_address_is_ours() {
    for settings in [secure(), settings(Mode::Plaintext)] {
        let query = query(NOW.as_unix(), "");
        assert_eq!(settings.greet(&query, NOW).as_deref(), Ok("5927782489442352469"));
        let forged = Query { signature: "0".repeat(40), ..query.clone() };
        assert_eq!(settings.greet(&forged, NOW), Err(Unwelcome::Signature));
        let unsigned = Query { signature: String::new(), ..query.clone() };
        assert_eq!(settings.greet(&unsigned, NOW), Err(Unwelcome::Signature));
        for echostr in ["", "<script>", "a b", &"1".repeat(LONGEST_ECHO + 1)] {
            let odd = Query { echostr: echostr.to_owned(), ..query.clone() };
            assert_eq!(settings.greet(&odd, NOW), Err(Unwelcome::Unreadable), "{echostr}");
        }
    }
}

#[test]
fn an_encrypted_message_is_opened_in_both_syntaxes() {
    let encrypted = sealed(PLAIN, "wx1");
    let scan = Ok(What::Scan("abc".to_owned()));
    assert_eq!(open(&secure(), &encrypted, &envelope(&encrypted, "")), scan);
    let json = format!(r#"{{"ToUserName":"gh_1","Encrypt":"{encrypted}"}}"#);
    assert_eq!(open(&secure(), &encrypted, &json), scan);
}

#[test]
fn beside_the_encrypted_half_the_plain_one_says_nothing() {
    let encrypted = sealed(PLAIN, "wx1");
    let beside = "<FromUserName>oAttacker</FromUserName><MsgType>event</MsgType><Event>SCAN</Event>\
                  <EventKey>evil</EventKey>";
    let compatible = settings(Mode::Compatible(key()));
    let scan = Ok(What::Scan("abc".to_owned()));
    assert_eq!(open(&compatible, &encrypted, &envelope(&encrypted, beside)), scan);
    assert_eq!(open(&secure(), &encrypted, &envelope(&encrypted, beside)), Err(Unwelcome::Mode));
    assert_eq!(open(&compatible, "", PLAIN), Err(Unwelcome::Mode), "the encrypted half taken away");
    assert_eq!(open(&secure(), "", PLAIN), Err(Unwelcome::Mode));
    assert_eq!(open(&settings(Mode::Plaintext), &encrypted, &envelope(&encrypted, "")), Err(Unwelcome::Mode));
    assert_eq!(open(&settings(Mode::Plaintext), "", PLAIN), scan);
}

#[test]
fn what_is_not_wholly_right_is_not_taken() {
    let encrypted = sealed(PLAIN, "wx1");
    let body = envelope(&encrypted, "");
    let of = |query: Query| secure().open(&query, body.as_bytes(), NOW).map(|_| ()).unwrap_err();
    let right = query(NOW.as_unix(), &encrypted);
    assert_eq!(of(Query { msg_signature: right.signature.clone(), ..right.clone() }), Unwelcome::Signature);
    assert_eq!(of(Query { msg_signature: String::new(), ..right.clone() }), Unwelcome::Signature);
    assert_eq!(of(Query { signature: String::new(), ..right.clone() }), Unwelcome::Signature);
    assert_eq!(of(Query { nonce: "another".to_owned(), ..right }), Unwelcome::Signature);
    for seconds in [-301, 301] {
        assert_eq!(of(query(NOW.as_unix() - seconds, &encrypted)), Unwelcome::Stale(seconds));
    }
    let swapped = sealed("<xml></xml>", "wx1");
    let elsewhere = secure().open(&query(NOW.as_unix(), &encrypted), envelope(&swapped, "").as_bytes(), NOW);
    assert_eq!(elsewhere.map(|_| ()), Err(Unwelcome::Signature));
    let for_another_app = sealed(PLAIN, "wx2");
    assert_eq!(open(&secure(), &for_another_app, &envelope(&for_another_app, "")), Err(Unwelcome::Sealed));
    let for_another_account = sealed(&PLAIN.replace("gh_1", "gh_2"), "wx1");
    assert_eq!(
        open(&secure(), &for_another_account, &envelope(&for_another_account, "")),
        Err(Unwelcome::AnotherAccount)
    );
}

#[test]
fn a_reply_can_be_opened_by_wechat_alone() {
    const JSON: &str = r#"{"ToUserName":"gh_1","FromUserName":"oPerson","MsgType":"text","Content":"8341"}"#;
    for (plain, is_json) in [(PLAIN, false), (JSON, true)] {
        let encrypted = sealed(plain, "wx1");
        let body = envelope(&encrypted, "");
        let settings = secure();
        let opened = settings.open(&query(NOW.as_unix(), &encrypted), body.as_bytes(), NOW).unwrap();
        let reply = settings.reply(&opened, "允许登录吗？]]> <b>", NOW).unwrap();
        assert_eq!(reply.content_type.contains("json"), is_json);
        assert!(!reply.body.contains("允许"), "{}", reply.body);
        let sent = Body::parse(reply.body.as_bytes()).unwrap();
        let parts = ["TimeStamp", "Nonce", "Encrypt"].map(|name| sent.text(name).unwrap());
        assert!(signature::is_signed(&settings.token, &parts, sent.text("MsgSignature").unwrap()));
        let plain = Body::parse(&key().open(parts[2], "wx1").unwrap()).unwrap();
        for (name, value) in [
            ("ToUserName", "oPerson"),
            ("FromUserName", "gh_1"),
            ("CreateTime", "1800000000"),
            ("MsgType", "text"),
            ("Content", "允许登录吗？]]> <b>"),
        ] {
            assert_eq!(plain.text(name), Some(value));
        }
    }
}
