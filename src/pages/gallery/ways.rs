//! The ways in, and out.

use std::sync::LazyLock;

use super::super::page::Page;
use super::{Named, Said};

const LOGIN: &str = "/_wxgate/login?to=%2Freports";
const SCAN: Option<&str> = Some("/_wxgate/login?way=qr&to=/reports");
const CHOOSE: Option<&str> = Some("/_wxgate/login?way=choose&to=/reports");

static WAYS: LazyLock<[(&str, String); 4]> = LazyLock::new(|| {
    [
        ("choose.qr", "/_wxgate/login?way=qr&to=/".to_owned()),
        ("choose.follow", "/_wxgate/login?way=follow&to=/".to_owned()),
        ("choose.chat", "/_wxgate/login?way=code&to=/".to_owned()),
        ("choose.link", "/_wxgate/login?way=link&to=/".to_owned()),
    ]
});

static INSIDE_WECHAT: LazyLock<[(&str, String); 2]> = LazyLock::new(|| {
    [
        ("sign_in.button", "/_wxgate/login?way=wechat&to=/".to_owned()),
        ("choose.qr", "/_wxgate/login?way=qr&to=/".to_owned()),
    ]
});

pub(super) fn ways(said: Said<'_>) -> Vec<Named<'_>> {
    let Said { site, path, page_url, name, .. } = said;
    let host = site;
    let frame_url = "https://open.weixin.qq.com/connect/qrconnect";
    let inside = |ways_url| Page::SignInInsideWechat {
        site,
        host,
        path,
        continue_url: "/_wxgate/login?way=wechat&to=%2Freports",
        ways_url,
    };
    vec![
        ("choose-way", Page::ChooseWay { site, ways: &*WAYS }),
        ("choose-way-inside-wechat", Page::ChooseWay { site, ways: &*INSIDE_WECHAT }),
        ("framed-code", Page::Framed { site, frame_url, again_url: LOGIN, ways_url: None }),
        ("framed-code-and-other-ways", Page::Framed { site, frame_url, again_url: LOGIN, ways_url: CHOOSE }),
        ("need-computer", Page::NeedComputer { site, page_url, qr_way: None }),
        ("need-computer-or-scan", Page::NeedComputer { site, page_url, qr_way: SCAN }),
        ("need-wechat", Page::NeedWechat { site, page_url, qr_way: None, ways_url: None }),
        ("need-wechat-or-scan", Page::NeedWechat { site, page_url, qr_way: SCAN, ways_url: CHOOSE }),
        ("open-in-wechat", Page::OpenInWechat { site, host, page_url, scan_url: None, ways_url: None }),
        (
            "open-in-wechat-or-otherwise",
            Page::OpenInWechat { site, host, page_url, scan_url: SCAN, ways_url: CHOOSE },
        ),
        ("sign-in-inside-wechat", inside(None)),
        ("sign-in-inside-wechat-or-otherwise", inside(CHOOSE)),
        ("sign-out", Page::SignOutConfirm { site, name: Some(name) }),
        ("sign-out-nameless", Page::SignOutConfirm { site, name: None }),
        ("signed-out", Page::SignedOut { site, login_url: LOGIN }),
        ("wecom", Page::WecomNotSupported { site, page_url, scan_url: None, ways_url: CHOOSE }),
        ("wecom-or-scan", Page::WecomNotSupported { site, page_url, scan_url: SCAN, ways_url: CHOOSE }),
    ]
}
