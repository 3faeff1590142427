//! A no is a no.

use futures_util::future::join_all;
use http::{Method, StatusCode};

use crate::proxies::Proxy;
use crate::stage::Stage;
use crate::support::eventually;

pub(crate) async fn what_is_blocked_is_refused_without_a_loop(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    for mut browser in [stage.signed_in("Lin").await, stage.browser()] {
        for path in ["/closed", "/closed/x?y=1"] {
            let answers = [
                browser.open(&stage.url(path)).await,
                browser.fetch(&stage.url(path)).await,
                browser.submit(&stage.url(path), "a=b").await,
            ];
            for answer in answers {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {}", answer.text());
                assert!(!answer.headers.contains_key("location"));
                assert_eq!(answer.header("cache-control"), "no-store");
            }
        }
    }
    assert_eq!(stage.count(), 0);
}

pub(crate) async fn without_the_gateway_nobody_enters(proxy: Proxy) {
    let mut stage = Stage::before(proxy).await;
    let mut person = stage.signed_in("Lin").await;
    assert_eq!(person.fetch(&stage.url("/before")).await.status, StatusCode::OK);
    let stranger = stage.browser();
    stage.gateway.signal("TERM");
    assert_eq!(stage.gateway.exit_code().await, Some(0));
    stage.application.take();
    // At the same time: some ask again for a while before they give up.
    let visits = ["/", "/public", "/closed", "/_wxgate/login", "/_wxgate/me", "/_wxgate/auth/nginx"]
        .iter()
        .flat_map(|path| {
            [(path, Method::GET, &person), (path, Method::POST, &person), (path, Method::GET, &stranger)]
        });
    let visits = visits.map(|(path, method, browser)| {
        let (mut browser, url) = (browser.clone(), stage.url(path));
        async move {
            let status = browser.send(method, &url, &[("accept", "*/*")], "").await.status.as_u16();
            assert!((500..=504).contains(&status) || status == 403 || status == 404, "{url}: {status}");
        }
    });
    join_all(visits).await;
    assert_eq!(stage.count(), 0);
    stage.gateway.start_again();
    eventually("it is open again", async || {
        person.fetch(&stage.url("/after")).await.status == StatusCode::OK
    })
    .await;
    assert_eq!(stage.browser().fetch(&stage.url("/after")).await.status, StatusCode::UNAUTHORIZED);
}
