//! One thread that plays everybody but the program under test: the application, the responder, and the clients.
//!
//! It never sleeps while clients run: waking an idle core costs the program under test more than a request does.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use rustix::thread::{CpuSet, gettid, sched_setaffinity};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::systems::{IDENTITY, cpu_of_thread};

/// The length of the application's answers.
pub const BODY: usize = 1024;

/// Longest request head.
const LONGEST_HEAD: usize = 16 * 1024;

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub struct Stage {
    /// Where the application listens.
    pub upstream: SocketAddr,
    /// Where questions about visitors are answered.
    pub responder: SocketAddr,
    /// The folder of the thread in /proc.
    task: PathBuf,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stage {
    /// Starts it, on one core if there is more than one.
    pub fn new(core: Option<usize>) -> anyhow::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || match prepare(core) {
            Ok((runtime, upstream, responder)) => {
                let task = PathBuf::from(format!("/proc/self/task/{}", gettid().as_raw_pid()));
                _ = ready.send(Ok((runtime.handle().clone(), upstream, responder, task)));
                _ = runtime.block_on(stopped);
            }
            Err(error) => _ = ready.send(Err(error)),
        });
        let (handle, upstream, responder, task) = is_ready.recv().context("the stage did not start")??;
        Ok(Self { upstream, responder, task, handle, stop: Some(stop), thread: Some(thread) })
    }

    /// CPU time of the thread so far.
    pub fn cpu(&self) -> Duration {
        cpu_of_thread(&self.task).unwrap_or_default()
    }

    /// Has something done there, and waits for it.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (done, result) = mpsc::channel();
        self.handle.spawn(async move {
            let busy = tokio::spawn(never_sleep());
            _ = done.send(work.await);
            busy.abort();
        });
        result.recv().context("the stage ended")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

type Prepared = (tokio::runtime::Runtime, SocketAddr, SocketAddr);

fn prepare(core: Option<usize>) -> anyhow::Result<Prepared> {
    if let Some(core) = core {
        let mut cores = CpuSet::new();
        cores.set(core);
        sched_setaffinity(None, &cores).with_context(|| format!("moving to core {core}"))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let upstream = runtime.block_on(serve(application()))?;
    let responder = runtime.block_on(serve(identity()))?;
    Ok((runtime, upstream, responder))
}

async fn never_sleep() {
    loop {
        tokio::task::yield_now().await;
    }
}

fn application() -> String {
    format!(
        "HTTP/1.1 200 OK\r\nServer: application\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Length: {BODY}\r\nCache-Control: private, no-cache\r\n\
         Vary: Accept-Encoding\r\nX-Frame-Options: SAMEORIGIN\r\nX-Content-Type-Options: nosniff\r\n\r\n{}",
        "x".repeat(BODY)
    )
}

fn identity() -> String {
    let headers: String = IDENTITY.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n")
}

async fn serve(answer: String) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening")?;
    let address = listener.local_addr()?;
    let answer: &'static [u8] = answer.leak().as_bytes();
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => _ = tokio::spawn(answer_always(stream, answer)),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
    Ok(address)
}

/// Every head that ends gets the same answer; nobody here sends bodies.
async fn answer_always(mut stream: TcpStream, answer: &'static [u8]) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut head = Vec::with_capacity(4096);
    while stream.read_buf(&mut head).await.ok()? > 0 {
        if head.ends_with(b"\r\n\r\n") {
            stream.write_all(answer).await.ok()?;
            head.clear();
        } else if head.len() > LONGEST_HEAD {
            return None;
        }
    }
    Some(())
}
