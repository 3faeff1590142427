//! The gateway's own pages, and its answers to proxies.

use crate::proxies::Proxy;
use crate::reading::{NAVIGATION, assert_refusal, is_below, readings, sent};
use crate::stage::Stage;

pub(crate) async fn the_gateways_own_paths_stay_its_own(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let lin = stage.cookie_line("Lin").await;
    let spellings = [
        "/_wxgate",
        "/_wxgate/",
        "/_wxgate/auth",
        "/_wxgate/auth/",
        "/_wxgate/auth/nginx",
        "/_wxgate/auth/traefik",
        "/_wxgate/auth/caddy",
        "/_wxgate/auth/envoy",
        "/_wxgate/auth/envoy/public",
        "/_wxgate/auth/envoy/",
        "/_wxgate/auth/nginx?x=1",
        "/_wxgate//auth/nginx",
        "//_wxgate/auth/nginx",
        "/_wxgate/./auth/nginx",
        "/_wxgate/x/../auth/nginx",
        "/public/../_wxgate/auth/nginx",
        "/_wxgate/%61uth/nginx",
        "/%5fwxgate/auth/nginx",
        "/_wxgate%2fauth%2fnginx",
        "/_wxgate/auth%2fnginx",
        "/_wxgate/auth/nginx/",
        "/_wxgate/auth/nginx;x",
        "/_WXGATE/auth/nginx",
        "/_wxgate/AUTH/nginx",
        "/_WXGATE/login",
        "/_Wxgate/me",
        "/_wxgate/../x",
        "/_wxgate/../closed",
        "/_wxgate/../public",
        "/_wxgate/..%2fclosed",
        "/_wxgate/%2e%2e/closed",
        "/_wxgate/login/../../closed",
        "/_wxgate;x/auth/nginx",
        "/_wxgate\\auth\\nginx",
        "/_wxgate/..;/closed",
        "/_wxgate%00/x",
        "/_wxgatex",
        "/_wxgate/nothing",
        "/.well-known/../_wxgate/auth/caddy",
        "/_wxgate/me%2f..%2fx",
    ];
    let asked = format!("X-Original-URL: {}\r\nX-Original-Method: GET\r\n", stage.url("/public"));
    for spelling in spellings {
        for visitor in
            [String::new(), lin.clone(), asked.clone(), format!("{lin}{asked}"), NAVIGATION.to_owned()]
        {
            for method in ["GET", "POST"] {
                let (status, arrived, second) =
                    sent(&stage, &stage.request(method, spelling, &visitor)).await;
                assert_eq!(second.len(), 0, "{spelling}");
                for arrived in &arrived {
                    for reading in readings(&arrived.target) {
                        let lower = reading.to_ascii_lowercase();
                        let own = is_below(&reading, "/_wxgate");
                        assert!(!own, "{spelling} arrives as {}", arrived.target);
                        assert!(
                            !lower.starts_with("/_wxgate/auth"),
                            "{spelling} arrives as {}",
                            arrived.target
                        );
                        let stranger = !visitor.contains(&lin);
                        assert!(!stranger || is_below(&reading, "/public"), "{spelling}: {}", arrived.target);
                        assert!(!is_below(&reading, "/closed"), "{spelling}: {}", arrived.target);
                    }
                }
                if arrived.is_empty() {
                    assert_refusal(status, spelling);
                }
            }
        }
    }
}

pub(crate) async fn nobody_but_the_proxy_asks(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let lin = stage.cookie_line("Lin").await;
    let original = format!("X-Original-URL: {}\r\nX-Original-Method: GET\r\n", stage.url("/public"));
    let forwarded = format!(
        "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /public\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: {}\r\n",
        stage.authority
    );
    for dialect in ["nginx", "traefik", "caddy", "envoy/", "envoy/public", "envoy/x?y=1", "haproxy", ""] {
        for asking in ["", &original, &forwarded] {
            for visitor in ["", &lin, NAVIGATION, &format!("{NAVIGATION}{lin}")] {
                let target = format!("/_wxgate/auth/{dialect}");
                let answer = stage.get(&target, &format!("{asking}{visitor}")).await;
                let status = answer.status.as_u16();
                assert!([302, 401, 403, 404].contains(&status), "{target} with {asking}: {status}");
                let told = ["remote-user", "x-wechat-openid", "cookie", "x-wxgate-redirect"];
                let told = told.map(|name| answer.all(name).concat()).concat();
                assert_eq!(told, "", "{target} with {asking}");
            }
        }
    }
    assert_eq!(stage.count(), 0);
}
