//! What pages of other sites can do to a signed-in person: nothing.

use super::demo::{Demo, stranger};
use super::support::{Browser, DESKTOP, until};

/// Every frame, so that a test can wait for them.
const FRAMED: &str = "return document.querySelector('iframe').contentDocument === null";

#[tokio::test]
async fn our_pages_do_not_show_in_a_frame() {
    let demo = Demo::start();
    let browser = Browser::start(DESKTOP).await;
    demo.sign_in(&browser).await;
    let page = format!("<p>framed</p><iframe src='{}'></iframe>", demo.url("/_wxgate/logout"));
    let port = stranger(page).await;
    // Another site, and one that counts as the same: ports make no difference to that.
    for host in ["127.0.0.1", "localhost"] {
        browser.open(&format!("http://{host}:{port}/")).await;
        assert_refused(&browser).await;
    }
    browser.open(&demo.url("/")).await;
    let frame = "document.body.appendChild(document.createElement('iframe')).src = '/_wxgate/logout'";
    browser.evaluate(frame).await;
    until("the frame is refused", async || {
        let refused = browser.evaluate(FRAMED).await == true;
        if refused { Ok(()) } else { Err("it is still ours to read".to_owned()) }
    })
    .await;
    assert_refused(&browser).await;
}

async fn assert_refused(browser: &Browser) {
    browser.switch_to_frame(Some(0)).await;
    assert_eq!(browser.evaluate("return location.href").await, "chrome-error://chromewebdata/");
    browser.switch_to_frame(None).await;
}

#[tokio::test]
async fn a_picture_of_the_sign_out_page_signs_nobody_out() {
    let demo = Demo::start();
    let browser = Browser::start(DESKTOP).await;
    demo.sign_in(&browser).await;
    let port = stranger(format!("<img src='{}'>", demo.url("/_wxgate/logout"))).await;
    for host in ["127.0.0.1", "localhost"] {
        browser.open(&format!("http://{host}:{port}/")).await;
    }
    browser.open(&demo.url("/")).await;
    let picture = "const picture = document.body.appendChild(new Image());
        const done = new Promise(done => picture.onload = picture.onerror = done);
        picture.src = '/_wxgate/logout';
        await done;";
    browser.evaluate(picture).await;
    assert_still_signed_in(&demo, &browser).await;
}

#[tokio::test]
async fn a_form_of_another_site_signs_nobody_out() {
    let demo = Demo::start();
    let browser = Browser::start(DESKTOP).await;
    demo.sign_in(&browser).await;
    let logout = demo.url("/_wxgate/logout");
    let form =
        format!("<form method=post action='{logout}'></form><script>document.forms[0].submit()</script>");
    let port = stranger(form).await;
    for host in ["127.0.0.1", "localhost"] {
        browser.open(&format!("http://{host}:{port}/")).await;
        browser.arrives_at(&logout).await;
        browser.shows("h1", "已拦下来自其他网站的请求").await;
        assert_still_signed_in(&demo, &browser).await;
    }
    browser.open(&logout).await;
    browser.screenshot("foreign-form").await;
}

async fn assert_still_signed_in(demo: &Demo, browser: &Browser) {
    browser.open(&demo.url("/")).await;
    browser.shows("#name", "林主任 Lin").await;
}
