//! The example application's clock: a WebSocket (RFC 6455) that says the time once per second.

use std::io;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::model::clock;

/// Appended to the client's key before hashing (RFC 6455, 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The largest message a client may send; nobody needs to send any.
const MAX_PAYLOAD: usize = 4096;
/// How long a client may refuse to read.
const PATIENCE: Duration = Duration::from_secs(10);

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
const TOO_BIG: u16 = 1009;

/// Answers the handshake; the clock ticks until the client leaves or `closing` loses its sender.
pub(super) fn accept(request: &mut Request<Incoming>, closing: watch::Receiver<()>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let Some(accept) = handshake(request.headers()) else {
        *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return response;
    };
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let ended = match upgrade.await {
            Ok(upgraded) => tick(TokioIo::new(upgraded), closing).await,
            Err(error) => Err(io::Error::other(error)),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a clock ended early");
        }
    });
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// The answer to the client's key, if this is a handshake at all.
fn handshake(headers: &HeaderMap) -> Option<HeaderValue> {
    let says = |name, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    let asks = says(header::CONNECTION, "upgrade")
        && says(header::UPGRADE, "websocket")
        && says(header::SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    let long_enough = STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
    if !(asks && long_enough) {
        return None;
    }
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    HeaderValue::from_str(&STANDARD.encode(hash)).ok()
}

async fn tick<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: S,
    mut closing: watch::Receiver<()>,
) -> io::Result<()> {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut received = Vec::new();
    loop {
        tokio::select! {
            _ = closing.changed() => return close(&mut socket, GOING_AWAY).await,
            _ = seconds.tick() => send(&mut socket, TEXT, time_of_day().as_bytes()).await?,
            read = socket.read_buf(&mut received) => {
                if read? == 0 {
                    return Ok(());
                }
                loop {
                    match take_frame(&mut received) {
                        Taken::Bad(reason) => return close(&mut socket, reason).await,
                        Taken::Frame { opcode: CLOSE, payload } => return send(&mut socket, CLOSE, &payload).await,
                        Taken::Frame { opcode: PING, payload } => send(&mut socket, PONG, &payload).await?,
                        Taken::Frame { .. } => {}
                        Taken::Incomplete => break,
                    }
                }
            }
        }
    }
}

enum Taken {
    Bad(u16),
    Frame { opcode: u8, payload: Vec<u8> },
    Incomplete,
}

/// Takes one client frame off the front of `received` (RFC 6455, 5.2).
fn take_frame(received: &mut Vec<u8>) -> Taken {
    let [first, second, ..] = received[..] else { return Taken::Incomplete };
    let (opcode, masked, short) = (first & 0x0f, second & 0x80 != 0, usize::from(second & 0x7f));
    let control_is_odd = opcode >= CLOSE && (short > 125 || first & 0x80 == 0);
    if !masked || first & 0x70 != 0 || control_is_odd {
        return Taken::Bad(PROTOCOL_ERROR);
    }
    let (length, mask_at) = match (short, received.get(2..4)) {
        (127, _) => return Taken::Bad(TOO_BIG),
        (126, None) => return Taken::Incomplete,
        (126, Some(length)) => (usize::from(length[0]) << 8 | usize::from(length[1]), 4),
        _ => (short, 2),
    };
    if length > MAX_PAYLOAD {
        return Taken::Bad(TOO_BIG);
    }
    let payload_at = mask_at + 4;
    if received.len() < payload_at + length {
        return Taken::Incomplete;
    }
    let frame = received.drain(..payload_at + length).collect::<Vec<_>>();
    let (mask, payload) = frame[mask_at..].split_at(4);
    Taken::Frame {
        opcode,
        payload: payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect(),
    }
}

async fn close(socket: &mut (impl AsyncWrite + Unpin), reason: u16) -> io::Result<()> {
    send(socket, CLOSE, &reason.to_be_bytes()).await
}

/// Sends one unmasked frame; everything this side says is short.
async fn send(socket: &mut (impl AsyncWrite + Unpin), opcode: u8, payload: &[u8]) -> io::Result<()> {
    let length = u16::try_from(payload.len()).map_err(io::Error::other)?;
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(length) {
        Ok(short) if short < 126 => frame.push(short),
        _ => frame.extend([&[126], &length.to_be_bytes()[..]].concat()),
    }
    frame.extend(payload);
    timeout(PATIENCE, async {
        socket.write_all(&frame).await?;
        socket.flush().await
    })
    .await
    .map_err(io::Error::other)?
}

fn time_of_day() -> String {
    let seconds = clock::now().as_unix().rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_gives_the_answer_of_the_rfc() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
        assert_eq!(handshake(&headers).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        headers.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static("c2hvcnQ="));
        assert!(handshake(&headers).is_none());
    }

    #[test]
    fn frames_are_taken_one_by_one_and_bad_ones_refused() {
        let mut received = vec![0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2, 0x89];
        assert!(
            matches!(take_frame(&mut received), Taken::Frame { opcode: TEXT, payload } if payload == b"hi")
        );
        assert!(matches!(take_frame(&mut received), Taken::Incomplete));
        assert!(matches!(take_frame(&mut vec![0x81, 0x02, b'h', b'i']), Taken::Bad(PROTOCOL_ERROR)));
        assert!(matches!(take_frame(&mut vec![0x81, 0xff]), Taken::Bad(TOO_BIG)));
        assert!(matches!(take_frame(&mut vec![0x81, 0xfe, 0x10, 0x01]), Taken::Bad(TOO_BIG)));
        assert!(matches!(take_frame(&mut vec![0x89, 0xfe]), Taken::Bad(PROTOCOL_ERROR)));
    }
}
