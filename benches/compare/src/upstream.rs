//! The application behind every proxy, and the responder that proxies ask about visitors: it always says 200.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use crate::systems::IDENTITY;

/// Length of the usual answer's body.
pub const SMALL: usize = 1024;

/// Length of a large answer's body, and where it is.
pub const LARGE: usize = 1024 * 1024;
pub const LARGE_PATH: &str = "/large";

/// The first token of connections; below are the two listeners.
const FIRST: usize = 1 << 20;
const APPLICATION: Token = Token(FIRST - 2);
const RESPONDER: Token = Token(FIRST - 1);

/// Longest head that is read.
const LONGEST_HEAD: usize = 16 * 1024;

/// What came to the application.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub requests: u64,
    /// Those that said who is there.
    pub identified: u64,
    /// What came to the responder.
    pub questions: u64,
}

/// The two servers.
#[derive(Debug)]
pub struct Upstream {
    application: TcpListener,
    responder: TcpListener,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    answers: [Vec<u8>; 3],
    pub seen: Seen,
}

/// Which of the answers.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Small = 0,
    Large = 1,
    Identity = 2,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    of_responder: bool,
    head: Vec<u8>,
    filled: usize,
    /// What is being sent, and how far it got.
    sending: Option<(Answer, usize)>,
}

impl Upstream {
    /// Two servers on free ports.
    pub fn new(registry: &Registry) -> io::Result<Self> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (mut application, mut responder) = (TcpListener::bind(any)?, TcpListener::bind(any)?);
        registry.register(&mut application, APPLICATION, Interest::READABLE)?;
        registry.register(&mut responder, RESPONDER, Interest::READABLE)?;
        let answers = [page(SMALL), page(LARGE), identity()];
        let (connections, free, seen) = (Vec::new(), Vec::new(), Seen::default());
        Ok(Self { application, responder, connections, free, answers, seen })
    }

    /// Where application and responder listen.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.application.local_addr()?, self.responder.local_addr()?))
    }

    /// Whether an event with this token is for the servers.
    pub fn has(token: Token) -> bool {
        token.0 >= APPLICATION.0
    }

    /// Something happened to one of the servers' sockets.
    pub fn ready(&mut self, token: Token, registry: &Registry) -> io::Result<()> {
        if token == APPLICATION || token == RESPONDER {
            return self.accept(token == RESPONDER, registry);
        }
        let at = token.0 - FIRST;
        let Some(Some(connection)) = self.connections.get_mut(at) else { return Ok(()) };
        // A proxy may reset a connection that it has no use for.
        if !matches!(connection.serve(&self.answers, &mut self.seen), Ok(true)) {
            self.connections[at] = None;
            self.free.push(at);
        }
        Ok(())
    }

    fn accept(&mut self, of_responder: bool, registry: &Registry) -> io::Result<()> {
        let listener = if of_responder { &self.responder } else { &self.application };
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let at = self.free.pop().unwrap_or(self.connections.len());
            registry.register(&mut stream, Token(FIRST + at), Interest::READABLE | Interest::WRITABLE)?;
            let head = vec![0; LONGEST_HEAD];
            let connection = Some(Connection { stream, of_responder, head, filled: 0, sending: None });
            if at == self.connections.len() {
                self.connections.push(connection);
            } else {
                self.connections[at] = connection;
            }
        }
    }
}

impl Connection {
    /// Reads, answers and sends as far as it goes; false at the end of the connection.
    fn serve(&mut self, answers: &[Vec<u8>; 3], seen: &mut Seen) -> io::Result<bool> {
        loop {
            if !self.send(answers)? {
                return Ok(true);
            }
            let free = self.head.len() - self.filled;
            let read = match self.stream.read(&mut self.head[self.filled..]) {
                Ok(0) => return Ok(false),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            self.filled += read;
            if let Some((answer, length)) = self.answer(seen)? {
                self.sending = Some((answer, 0));
                self.head.copy_within(length..self.filled, 0);
                self.filled -= length;
            }
            // Less than there was room for: nothing is left, and epoll says when more comes.
            if read < free {
                self.send(answers)?;
                return Ok(true);
            }
        }
    }

    /// The answer to a whole head, and the head's length.
    fn answer(&self, seen: &mut Seen) -> io::Result<Option<(Answer, usize)>> {
        let mut lines = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut lines);
        let parsed = request.parse(&self.head[..self.filled]).map_err(io::Error::other)?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };
        if self.of_responder {
            seen.questions += 1;
            return Ok(Some((Answer::Identity, length)));
        }
        seen.requests += 1;
        let names_somebody = |line: &httparse::Header<'_>| {
            line.name.eq_ignore_ascii_case(IDENTITY[0].0) && !line.value.is_empty()
        };
        seen.identified += u64::from(request.headers.iter().any(names_somebody));
        let is_large = request.path.is_some_and(|path| path.starts_with(LARGE_PATH));
        Ok(Some((if is_large { Answer::Large } else { Answer::Small }, length)))
    }

    /// Whether everything has been sent.
    fn send(&mut self, answers: &[Vec<u8>; 3]) -> io::Result<bool> {
        while let Some((answer, sent)) = self.sending {
            let bytes = &answers[answer as usize];
            match self.stream.write(&bytes[sent..]) {
                Ok(more) => {
                    self.sending = Some((answer, sent + more)).filter(|(_, sent)| *sent < bytes.len())
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// An answer with eight header lines.
fn page(length: usize) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\n\
         Server: application\r\n\
         Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n\
         Content-Type: text/html; charset=utf-8\r\n\
         Content-Length: {length}\r\n\
         Last-Modified: Fri, 20 Nov 2026 12:00:00 GMT\r\n\
         ETag: \"5f3e9c2a-400\"\r\n\
         Cache-Control: private, max-age=60\r\n\
         Vary: Accept-Encoding\r\n\r\n"
    );
    [head.into_bytes(), vec![b'x'; length]].concat()
}

/// The responder's answer.
fn identity() -> Vec<u8> {
    let lines: String = IDENTITY.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n").into_bytes()
}
