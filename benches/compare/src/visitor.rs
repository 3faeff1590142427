//! One connection of the load generator: one request after another, each answer held against what has to come.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::request::Request;
use crate::systems::{IDENTITY, Kind};

/// From one who asks to the next: with several connections, everybody's turn comes as often.
const STEP: usize = 61;

/// How much of a wrong answer is shown.
const SHOWN: usize = 400;

/// A connection to the system under test.
#[derive(Debug)]
pub struct Visitor {
    stream: TcpStream,
    /// Who asks, of those whose requests there are.
    turn: usize,
    /// Bytes of the request that have been sent, while there is one under way.
    sent: Option<usize>,
    began: Instant,
    /// The beginning of an answer whose head is not whole yet.
    head: Vec<u8>,
    /// What is missing of the body, once the head is there.
    missing: Option<usize>,
}

impl Visitor {
    /// Begins to connect; the first event says that it can be written to.
    pub fn connect(address: SocketAddr, token: Token, registry: &Registry) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let began = Instant::now();
        Ok(Self { stream, turn: token.0, sent: None, began, head: Vec::new(), missing: None })
    }

    /// Whether an answer is due.
    pub fn is_waiting(&self) -> bool {
        self.sent.is_some()
    }

    /// Sends the next request.
    pub fn ask(&mut self, request: &Request) -> anyhow::Result<()> {
        self.began = Instant::now();
        self.turn = (self.turn + STEP) % request.bytes.len();
        self.sent = Some(0);
        self.send(request)
    }

    /// Something happened: how long the answer took, if it is whole.
    pub fn ready(&mut self, request: &Request, scratch: &mut [u8]) -> anyhow::Result<Option<Duration>> {
        if !self.is_waiting() {
            return Ok(None);
        }
        self.send(request)?;
        loop {
            let read = match self.stream.read(scratch) {
                Ok(0) => bail!("the connection ended before the answer"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error).context("reading the answer"),
            };
            if self.take(&scratch[..read], request)? {
                self.sent = None;
                return Ok(Some(self.began.elapsed()));
            }
            // Nothing is left, and epoll says when more comes.
            if read < scratch.len() {
                return Ok(None);
            }
        }
    }

    fn send(&mut self, request: &Request) -> anyhow::Result<()> {
        let bytes = &request.bytes[self.turn];
        while let Some(rest) = self.sent.and_then(|sent| bytes.get(sent..)).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(more) => self.sent = self.sent.map(|sent| sent + more),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    break;
                }
                Err(error) => return Err(error).context("sending a request"),
            }
        }
        Ok(())
    }

    /// Takes bytes of the answer; true at its end.
    fn take(&mut self, bytes: &[u8], request: &Request) -> anyhow::Result<bool> {
        let (missing, got) = match self.missing {
            Some(missing) => (missing, bytes.len()),
            None if self.head.is_empty() => match judge(bytes, request)? {
                Some(head) => (request.body, bytes.len() - head),
                None => return Ok(self.keep(bytes)),
            },
            None => {
                self.keep(bytes);
                let Some(head) = judge(&self.head, request)? else { return Ok(false) };
                let got = self.head.len() - head;
                self.head.clear();
                (request.body, got)
            }
        };
        let missing = missing.checked_sub(got).context("more came than was asked for")?;
        self.missing = (missing > 0).then_some(missing);
        Ok(missing == 0)
    }

    fn keep(&mut self, bytes: &[u8]) -> bool {
        self.head.extend_from_slice(bytes);
        false
    }
}

/// The length of the answer's head, once it is whole; an error if it is not the right answer.
fn judge(bytes: &[u8], request: &Request) -> anyhow::Result<Option<usize>> {
    let mut lines = [httparse::EMPTY_HEADER; 64];
    let mut answer = httparse::Response::new(&mut lines);
    let httparse::Status::Complete(head) = answer.parse(bytes).context("this is not HTTP")? else {
        return Ok(None);
    };
    let value = |name: &str| {
        let line = answer.headers.iter().find(|line| line.name.eq_ignore_ascii_case(name));
        line.and_then(|line| std::str::from_utf8(line.value).ok())
    };
    let length = value("content-length").and_then(|length| length.parse().ok());
    let is_said = request.kind != Kind::Check || value(IDENTITY[0].0).is_some_and(|user| !user.is_empty());
    let is_right = answer.code == Some(200) && length == Some(request.body) && is_said;
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]);
    ensure!(is_right, "not the answer that was due:\n{shown}");
    Ok(Some(head))
}
