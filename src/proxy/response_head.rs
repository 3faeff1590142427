//! The head of an application's answer: what of it ends here, and whether the connection that brought it can be kept.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, Version};
use smallvec::SmallVec;

use super::headers::{is_hop_by_hop, listed, tokens};
use crate::model::own_cookie;

/// What was read of a head whose lines may pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Passed {
    /// Whether the application keeps the connection after this answer.
    pub persists: bool,
    /// How many cookies of our names were taken out.
    pub dropped_cookies: usize,
}

/// Takes hop-by-hop fields and cookies of our names out of an answer, in one pass over its lines.
///
/// `None` unless it has one length, or one `chunked`, or neither (RFC 9112 §6.3): hyper chooses one where there are
/// several, and the visitor would be told the other.
pub fn pass<B>(response: &mut Response<B>) -> Option<Passed> {
    let is_http11 = response.version() == Version::HTTP_11;
    // A version holds for one connection only (RFC 9110 §2.5): an application of 1996 does not cost the visitor theirs.
    *response.version_mut() = Version::HTTP_11;
    let headers = response.headers_mut();
    let mut passed = Passed { persists: is_http11, dropped_cookies: 0 };
    let mut gone: SmallVec<[HeaderName; 4]> = SmallVec::new();
    let (mut ends, mut is_clear) = (0, true);
    for (name, value) in &*headers {
        if *name == header::CONTENT_LENGTH {
            ends += 1;
            is_clear &= value.as_bytes().iter().all(u8::is_ascii_digit);
        } else if *name == header::SET_COOKIE {
            passed.dropped_cookies += usize::from(sets_own_cookie(value));
        } else if is_hop_by_hop(name) {
            if *name == header::TRANSFER_ENCODING {
                ends += 1;
                is_clear &= is_http11 && value.as_bytes().eq_ignore_ascii_case(b"chunked");
            } else if *name == header::CONNECTION {
                // Node.js and nginx write `keep-alive`.
                passed.persists &= !tokens([value]).any(|option| option.eq_ignore_ascii_case(b"close"));
                gone.extend(listed(headers, [value]));
            }
            gone.push(name.clone());
        }
    }
    for name in gone {
        headers.remove(name);
    }
    if passed.dropped_cookies > 0 {
        drop_own_cookies(headers);
    }
    (is_clear && ends <= 1).then_some(passed)
}

fn drop_own_cookies(headers: &mut HeaderMap) {
    if let header::Entry::Occupied(cookies) = headers.entry(header::SET_COOKIE) {
        let (name, cookies) = cookies.remove_entry_mult();
        let others: Vec<HeaderValue> = cookies.filter(|cookie| !sets_own_cookie(cookie)).collect();
        for cookie in others {
            headers.append(name.clone(), cookie);
        }
    }
}

fn sets_own_cookie(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let pair = bytes.split(|byte| *byte == b';').next().unwrap_or(bytes);
    // Browsers send a cookie without a name (`=wxgate=x`) back as its bare value, and that reads like one of ours.
    let lead = pair.iter().take_while(|byte| **byte == b'=' || byte.is_ascii_whitespace()).count();
    let name = pair[lead..].split(|byte| *byte == b'=').next().unwrap_or(pair).trim_ascii();
    std::str::from_utf8(name).is_ok_and(own_cookie::is_own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(lines: &[(&str, &[u8])]) -> (Option<Passed>, HeaderMap) {
        let lines = lines.iter().map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap())
        });
        let mut response = Response::new(());
        lines.for_each(|(name, value)| {
            response.headers_mut().append(name, value);
        });
        (pass(&mut response), response.into_parts().0.headers)
    }

    #[test]
    fn fields_listed_in_connection_end_here() {
        for connection in [
            &b"close, X-Listed"[..],
            b"x-listed,close",
            b"\xff, x-listed ,\tclose",
            b"keep-alive, via, keep-alive, keep-alive, X-LISTED, close",
        ] {
            let (passed, headers) = passed(&[
                ("connection", connection),
                ("x-listed", b"1"),
                ("keep-alive", b"5"),
                ("x-kept", b"2"),
            ]);
            assert!(!passed.unwrap().persists);
            assert_eq!((headers.len(), headers["x-kept"].as_bytes()), (1, &b"2"[..]));
        }
    }

    #[test]
    fn an_application_cannot_set_our_cookies() {
        let (passed, headers) = passed(&[
            ("set-cookie", b"__Host-wxgate=evil; Path=/"),
            ("set-cookie", b" wxgate-login-1=x"),
            ("set-cookie", b"__secure-WXGATE=x"),
            ("set-cookie", b"=wxgate=x"),
            ("set-cookie", b" = =__Host-wxgate=x"),
            ("set-cookie", b"session=fine"),
        ]);
        assert_eq!(passed, Some(Passed { persists: true, dropped_cookies: 5 }));
        assert_eq!(headers["set-cookie"], "session=fine");
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn an_old_version_ends_the_applications_connection_and_not_the_visitors() {
        let mut response = Response::new(());
        *response.version_mut() = Version::HTTP_10;
        assert!(!pass(&mut response).unwrap().persists);
        assert_eq!(response.version(), Version::HTTP_11);
    }

    #[test]
    fn an_answer_ends_in_one_way() {
        let (length, chunked) = (("content-length", &b"5"[..]), ("transfer-encoding", &b"Chunked"[..]));
        for lines in [&[][..], &[length], &[chunked]] {
            assert!(passed(lines).0.is_some(), "{lines:?}");
        }
        for lines in [
            &[length, length][..],
            &[length, chunked],
            &[chunked, chunked],
            &[("content-length", b"5, 5")],
            &[("content-length", b"+5")],
            &[("transfer-encoding", b"gzip, chunked")],
        ] {
            assert_eq!(passed(lines).0, None, "{lines:?}");
        }
    }
}
