//! A request head that the guard lets through is read in exactly one way by the parser behind it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wxgate::net::accepted_head;

fuzz_target!(|bytes: &[u8]| {
    let Some(length) = accepted_head(bytes) else { return };
    let head = &bytes[..length];
    let mut headers = [httparse::EMPTY_HEADER; 256];
    let mut request = httparse::Request::new(&mut headers);
    // The parser may refuse more than the guard; what it accepts must end where the guard said.
    let Ok(status) = request.parse(head) else { return };
    assert_eq!(status, httparse::Status::Complete(length));
    let of =
        |name: &str| request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).count();
    assert!(of("host") <= 1 && of("content-length") + of("transfer-encoding") <= 1);
    assert!(request.path.is_some_and(|target| !target.contains(['#', ' '])));
    assert_eq!(
        request.headers.len(),
        head.split(|byte| *byte == b'\n').count() - 3,
        "no line is folded or dropped"
    );
});
