//! Where a request begins and ends has one reading, or there is no request.

use http::{Method, StatusCode};

use crate::support::{TestGateway, Wire};

/// Everything that two servers on a way may cut differently: each is the head behind the request line, and a body.
const ODD_FRAMINGS: [&str; 46] = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nabcde",
    "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    "Content-Length: 5\r\ncontent-length: 5\r\n\r\nabcde",
    "Content-Length: 5,5\r\n\r\nabcde",
    "Content-Length: 5, 6\r\n\r\nabcde",
    "Content-Length: +5\r\n\r\nabcde",
    "Content-Length: -1\r\n\r\nabcde",
    "Content-Length: 0x5\r\n\r\nabcde",
    "Content-Length: 5_0\r\n\r\nabcde",
    "Content-Length: 05\r\n\r\nabcde",
    "Content-Length: 5 5\r\n\r\nabcde",
    "Content-Length: 5;x\r\n\r\nabcde",
    "Content-Length: \"5\"\r\n\r\nabcde",
    "Content-Length:\r\n\r\nabcde",
    "Content-Length: 18446744073709551616\r\n\r\nabcde",
    "Content-Length: 18446744073709551621\r\n\r\nabcde",
    "Content-Length : 5\r\n\r\nabcde",
    "Content-Length\t: 5\r\n\r\nabcde",
    " Content-Length: 5\r\n\r\nabcde",
    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: gzip\r\n\r\nabcde",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\u{0}\r\n\r\n0\r\n\r\n",
    "Foo: bar\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Foo: bar\r\n\tContent-Length: 5\r\n\r\nabcde",
    "Foo: bar\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Foo: bar\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Foo: bar\r\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Foo: bar\r\n\nContent-Length: 5\r\n\r\nabcde",
    "Content-Length: 5\n\nabcde",
    "Content-Length: 5\r\n\nabcde",
];

/// Request lines and header lines that are not what the standard says.
const ODD_HEADS: [&str; 38] = [
    "GET /public\r\n\r\n",
    "GET /public HTTP/0.9\r\nHost: a.localhost\r\n\r\n",
    "GET /public HTTP/1.2\r\nHost: a.localhost\r\n\r\n",
    "GET /public HTTP/1.32\r\nHost: a.localhost\r\n\r\n",
    "GET /public HTTP/2.0\r\nHost: a.localhost\r\n\r\n",
    "GET /public HTTP/3\r\nHost: a.localhost\r\n\r\n",
    "GET /public hTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET /public HTTP/1.1 \r\nHost: a.localhost\r\n\r\n",
    "GET /public HTTP/1.1 x\r\nHost: a.localhost\r\n\r\n",
    "GET  /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET /public  HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET\t/public\tHTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    " GET /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "\r\nGET /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "\nGET /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "/public HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "G:T /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "G\u{c9}T /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET /public#x HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET /public?x#/../closed HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET /pub\u{0}lic HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET /pub\u{1}lic HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET /pub\u{7f}lic HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET /pub lic HTTP/1.1\r\nHost: a.localhost\r\n\r\n",
    "GET /public HTTP/1.1\nHost: a.localhost\n\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\n\r\n",
    "GET /public HTTP/1.1\rHost: a.localhost\r\r",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\nX: a\u{0}b\r\n\r\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\nX: a\u{1}b\r\n\r\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\nX: a\u{7f}b\r\n\r\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\nX\u{0}: a\r\n\r\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\nX Y: a\r\n\r\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\nX\tY: a\r\n\r\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\n: a\r\n\r\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\nno colon\r\n\r\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\nN\u{e4}me: a\r\n\r\n",
    "GET /public HTTP/1.1\r\nHost: a.localhost\r\n X: a\r\n\r\n",
];

/// A request line whose method is longer than any.
fn long_method() -> String {
    format!("{} /public HTTP/1.1\r\nHost: a.localhost\r\n\r\n", "X".repeat(1024))
}

const HIDDEN: &str = "GET /public/hidden HTTP/1.1\r\nHost: a.localhost\r\n\r\n";

/// 400 (or 505), the connection closed, nothing at the application, and no second answer.
async fn assert_refused(gateway: &TestGateway, request: &str) {
    let arrived = gateway.upstream.count();
    let answer = gateway.raw(format!("{request}{HIDDEN}")).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 505 "),
        "{request:?}: {answer}"
    );
    assert_eq!(answer.matches("HTTP/1.").count(), 1, "{request:?}: {answer}");
    assert_eq!(gateway.upstream.count(), arrived, "{request:?}");
}

#[tokio::test]
async fn a_body_whose_end_is_unclear_is_refused() {
    let gateway = TestGateway::start().await;
    for framing in ODD_FRAMINGS {
        for path in ["/public", "/x", "/_wxgate/me"] {
            assert_refused(&gateway, &format!("POST {path} HTTP/1.1\r\nHost: a.localhost\r\n{framing}"))
                .await;
        }
    }
    assert_eq!(gateway.get("/public", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_head_that_is_not_what_the_standard_says_is_refused() {
    let gateway = TestGateway::start().await;
    for head in ODD_HEADS.into_iter().chain([long_method().as_str()]) {
        assert_refused(&gateway, head).await;
    }
    assert_eq!(gateway.get("/public", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_odd_request_is_refused_on_a_connection_that_was_fine_so_far() {
    let gateway = TestGateway::start().await;
    let honest = "POST /public/honest HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\n\r\nabc";
    for framing in ODD_FRAMINGS {
        let arrived = gateway.upstream.count();
        let mut wire = Wire::to(&gateway).await;
        wire.send(honest).await;
        assert_eq!(wire.answer().await.status, StatusCode::OK);
        wire.send(format!("POST /public HTTP/1.1\r\nHost: a.localhost\r\n{framing}{HIDDEN}")).await;
        let rest = String::from_utf8_lossy(&wire.rest().await).into_owned();
        assert!(
            rest.starts_with("HTTP/1.1 400 ") && rest.matches("HTTP/1.").count() == 1,
            "{framing:?}: {rest}"
        );
        assert_eq!(gateway.upstream.count(), arrived + 1, "{framing:?}");
    }
}

#[tokio::test]
async fn an_odd_request_is_refused_in_one_piece_with_an_honest_one() {
    let gateway = TestGateway::start().await;
    for framing in ODD_FRAMINGS {
        let honest = "GET /public/honest HTTP/1.1\r\nHost: a.localhost\r\n\r\n";
        gateway.raw(format!("{honest}POST /public HTTP/1.1\r\nHost: a.localhost\r\n{framing}{HIDDEN}")).await;
        for seen in gateway.upstream.seen() {
            assert_eq!(seen.uri.path(), "/public/honest", "{framing:?}");
        }
    }
}

#[tokio::test]
async fn heads_that_arrive_byte_by_byte_are_judged_the_same() {
    let gateway = TestGateway::start().await;
    for framing in ODD_FRAMINGS.into_iter().step_by(5) {
        let request = format!("POST /public HTTP/1.1\r\nHost: a.localhost\r\n{framing}");
        let mut wire = Wire::to(&gateway).await;
        for byte in request.bytes() {
            wire.send([byte]).await;
        }
        let rest = String::from_utf8_lossy(&wire.rest().await).into_owned();
        // Bytes that come behind a refusal may cost its answer, never more.
        assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 400 "), "{framing:?}: {rest}");
    }
    assert_eq!(gateway.upstream.count(), 0);
    let mut wire = Wire::to(&gateway).await;
    for byte in b"POST /public HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\n\r\nabc" {
        wire.send([*byte]).await;
    }
    assert_eq!(wire.answer().await.status, StatusCode::OK);
    assert_eq!(gateway.upstream.last().body, "abc");
}

/// Bodies in pieces that no reader of chunks agrees on: whatever arrives is no whole request.
#[tokio::test]
async fn odd_chunks_end_the_request_and_the_connection() {
    let gateway = TestGateway::start().await;
    for body in [
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3_\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "-1\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "\r\n3\r\nabc\r\n0\r\n\r\n",
        "ffffffffffffffff1\r\nabc\r\n0\r\n\r\n",
        "10000000000000003\r\nabc\r\n0\r\n\r\n",
        "3\nabc\n0\n\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc\r\nx\r\n",
        "3;ext\nabc\r\n0\r\n\r\n",
        "3;a=\"\n\"\r\nabc\r\n0\r\n\r\n",
        "3\rabc\r\n0\r\n\r\n",
        "g\r\nabc\r\n0\r\n\r\n",
        "3,3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nno colon\r\n\r\n",
        "3\r\nabc\r\n0\r\nX: a\u{0}b\r\n\r\n",
    ] {
        let arrived = gateway.upstream.seen().len();
        let head = "POST /public HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = gateway.raw(format!("{head}{body}{HIDDEN}")).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{body:?}: {answer}");
        assert!(answer.matches("HTTP/1.").count() <= 1, "{body:?}: {answer}");
        let seen = gateway.upstream.seen().split_off(arrived);
        assert!(
            seen.iter().all(|seen| seen.uri.path() == "/public" && seen.body.is_empty()),
            "{body:?}: {seen:?}"
        );
    }
    let huge = format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(64 * 1024));
    let head = "POST /public HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = gateway.raw(format!("{head}{huge}")).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn good_chunks_arrive_anew() {
    let gateway = TestGateway::start().await;
    for body in [
        "3\r\nabc\r\n0\r\n\r\n",
        "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        "003\r\nabc\r\n0\r\n\r\n",
        "3;name=value\r\nabc\r\n0;last\r\n\r\n",
        "3\r\nabc\r\n0\r\nX-Trailer: y\r\n\r\n",
        "3\r\nabc\r\n000\r\n\r\n",
    ] {
        let head = "POST /public HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: Chunked\r\n\r\n";
        assert_eq!(gateway.asked(format!("{head}{body}")).await.status, StatusCode::OK, "{body:?}");
        let seen = gateway.upstream.last();
        assert_eq!((seen.body.as_ref(), seen.trailers.as_ref()), (b"abc".as_slice(), None), "{body:?}");
        assert_eq!(seen.all("transfer-encoding"), ["chunked"]);
    }
}

/// A visitor who leaves in the middle of a body has sent no request that the application could take for whole.
#[tokio::test]
async fn a_body_that_breaks_off_is_never_whole() {
    let gateway = TestGateway::start().await;
    for request in [
        "POST /public HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 10\r\n\r\nabc",
        "POST /public HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "POST /public HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ] {
        let mut wire = Wire::to(&gateway).await;
        wire.send(request).await;
        wire.finish_sending().await;
        let answer = wire.answer_to(&Method::POST).await;
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status.is_client_error()), "{request:?}");
    }
    assert!(gateway.upstream.seen().iter().all(|seen| seen.body.is_empty()));
}

#[tokio::test]
async fn many_requests_in_one_piece_are_answered_in_order() {
    let gateway = TestGateway::start().await;
    let mut wire = Wire::to(&gateway).await;
    let requests: String = (0..50)
        .map(|number| {
            format!(
                "POST /public/{number} HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 2\r\n\r\n{number:02}"
            )
        })
        .collect();
    wire.send(requests).await;
    for number in 0..50 {
        assert_eq!(wire.answer().await.json()["uri"], format!("/public/{number}"));
    }
    let bodies: Vec<_> = gateway.upstream.seen().into_iter().map(|seen| seen.body).collect();
    assert!(bodies.iter().enumerate().all(|(number, body)| body == format!("{number:02}").as_bytes()));
}
