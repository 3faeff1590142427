//! The application behind the proxy: it repairs nothing and forgets nothing.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A request as its bytes came in. Bytes that are not ASCII are the characters of the same number.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Records every request. `/set-cookie` sets a cookie of its own, a WebSocket echoes its messages.
#[derive(Clone)]
pub(crate) struct Application {
    pub(crate) address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Application {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let application = Self { address: listener.local_addr().unwrap(), arrived: Arc::default() };
        let accepting = application.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let application = accepting.clone();
                tokio::spawn(async move { application.serve(BufReader::new(stream)).await });
            }
        });
        application
    }

    /// The address for a configuration.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// How many requests arrived.
    pub(crate) fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }

    /// The last request.
    pub(crate) fn last(&self) -> Arrived {
        self.arrived().pop().expect("the application received a request")
    }

    /// Forgets what came so far, and gives it.
    pub(crate) fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.arrived.lock().unwrap())
    }

    async fn serve(self, mut stream: BufReader<TcpStream>) {
        while let Some(request) = read(&mut stream).await {
            self.arrived.lock().unwrap().push(request.clone());
            if let Some(key) = request.asks_for_a_socket() {
                return echo(stream, key).await;
            }
            if stream.write_all(&answer(&request)).await.is_err() {
                return;
            }
        }
    }
}

impl Arrived {
    /// Every value of a header, whatever the case of its name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let same = self.headers.iter().filter(|(spelled, _)| spelled.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }

    /// What `Connection` says, word by word.
    pub(crate) fn connection(&self) -> Vec<String> {
        let words = self.all("connection").into_iter().flat_map(|line| line.split(','));
        words.map(|word| word.trim().to_ascii_lowercase()).collect()
    }

    fn asks_for_a_socket(&self) -> Option<&str> {
        let [protocol] = self.all("upgrade")[..] else { return None };
        let [key] = self.all("sec-websocket-key")[..] else { return None };
        let asks = protocol.eq_ignore_ascii_case("websocket")
            && self.connection().iter().any(|word| word == "upgrade");
        asks.then_some(key)
    }

    /// The value of a header that is there once.
    pub(crate) fn header(&self, name: &str) -> &str {
        let values = self.all(name);
        assert_eq!(values.len(), 1, "{name} is not there exactly once: {:?}", self.headers);
        values[0]
    }
}

/// The next request; `None` when the connection ends.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Arrived> {
    let first = line(stream).await?;
    let mut parts = first.splitn(2, ' ');
    let method = parts.next().unwrap_or_default().to_owned();
    let rest = parts.next().unwrap_or_default();
    let target = rest.rsplit_once(' ').map_or(rest, |(target, _)| target).to_owned();
    let mut request = Arrived { method, target, headers: Vec::new(), body: Vec::new() };
    loop {
        let line = line(stream).await?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        request.headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
    let length = request.all("content-length").first().and_then(|length| length.parse().ok());
    request.body = match length {
        Some(length) => exactly(stream, length).await?,
        None if !request.all("transfer-encoding").is_empty() => chunks(stream).await?,
        None => Vec::new(),
    };
    Some(request)
}

/// A line without its end.
async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await.ok()?;
    let line = line.strip_suffix(b"\n")?;
    Some(line.strip_suffix(b"\r").unwrap_or(line).iter().copied().map(char::from).collect())
}

async fn exactly(stream: &mut BufReader<TcpStream>, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

async fn chunks(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(line(stream).await?.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            while !line(stream).await?.is_empty() {}
            return Some(body);
        }
        body.extend(exactly(stream, size).await?);
        line(stream).await?;
    }
}

/// A page for people that says who they are.
fn answer(request: &Arrived) -> Vec<u8> {
    let name = request.all("remote-name").concat();
    let name = percent_encoding::percent_decode_str(&name).decode_utf8_lossy();
    let page = format!(
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Application</title><h1 id=name>{name}</h1><p id=target>{}</p>",
        request.target.replace('&', "&amp;").replace('<', "&lt;"),
    );
    let cookies = match request.target.starts_with("/set-cookie") {
        true => "Set-Cookie: theirs=1; Path=/\r\nSet-Cookie: application=kept\r\n",
        false => "",
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nX-Application: yes\r\n{cookies}\
         Content-Length: {}\r\n\r\n",
        page.len(),
    );
    if request.method == "HEAD" { head.into_bytes() } else { (head + &page).into_bytes() }
}

/// Says yes to a WebSocket, then the same as the other end.
async fn echo(mut stream: BufReader<TcpStream>, key: &str) {
    let accept = derive_accept_key(key.as_bytes());
    let yes = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    if stream.write_all(yes.as_bytes()).await.is_err() {
        return;
    }
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() || message.is_binary() {
            let _ = socket.send(message).await;
        }
    }
}
