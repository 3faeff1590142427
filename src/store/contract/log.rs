//! What tests see of the log: the lines of the audit trail, as they come.

use std::io::{self, Write};
use std::sync::LazyLock;

use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::telemetry::audit::AUDIT;

/// The log lines of the trail that all stores of this process have written.
pub(in super::super) static LOG: LazyLock<watch::Sender<String>> = LazyLock::new(|| {
    let filter = EnvFilter::new(format!("off,{AUDIT}=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Log).init();
    watch::Sender::default()
});

struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LOG.send_modify(|log| log.push_str(&String::from_utf8_lossy(line)));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
