//! Log lines: text on a terminal, JSON otherwise. A full or blocked pipe drops lines, never requests.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing::Level;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// How lines look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One JSON object per line.
    Json,
    /// Words for people.
    Text,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// The least severe level that is written.
    pub level: Level,
    /// How lines look.
    pub format: LogFormat,
    /// Whether each request is a line.
    pub access: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: Level::INFO, format: LogFormat::Auto, access: true }
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("write \"auto\", \"text\" or \"json\"".to_owned()),
        }
    }
}

/// Lines that may wait to be written; more are dropped. Room for all of them is made at the start (40 bytes each).
const QUEUED: usize = 16_384;

/// Starts logging to standard output. Lines still queued are written when the guard is dropped.
pub fn start(settings: &LogSettings) -> WorkerGuard {
    let (writer, guard) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUED).finish(std::io::stdout());
    let level = settings.level.as_str().to_lowercase();
    // Dependencies log URLs and headers at finer levels than a gateway may write down. Who did what is written at any.
    let access = if settings.access { "" } else { ",wxgate::access=off" };
    let filter = EnvFilter::new(format!("warn,wxgate={level},wxgate::audit=info{access}"));
    let terminal = std::io::stdout().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).init(),
        LogFormat::Auto if !terminal => lines.json().flatten_event(true).with_span_list(false).init(),
        LogFormat::Auto | LogFormat::Text => lines.with_ansi(terminal).with_target(false).init(),
    }
    guard
}

/// Starts logging to standard error for a command beside a running gateway: who did what, as the gateway writes it, and
/// warnings. Standard output is for what was asked for.
pub fn start_beside(settings: &LogSettings) {
    let terminal = std::io::stderr().is_terminal();
    let filter = EnvFilter::new("warn,wxgate::audit=info");
    // Whoever reads it may have gone; the command was carried out all the same.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).init(),
        LogFormat::Auto if !terminal => lines.json().flatten_event(true).with_span_list(false).init(),
        LogFormat::Auto | LogFormat::Text => lines.with_ansi(terminal).with_target(false).init(),
    }
}
