//! Structured logs on standard error.

use std::io::IsTerminal;

use thiserror::Error;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};

/// Why logging cannot start.
#[derive(Debug, Error)]
pub enum LogError {
    /// `log.level` is not a filter. The operator's fault; the configuration check finds it first.
    #[error("log.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// This process logs already. A defect of ours.
    #[error("logging was started twice")]
    StartedTwice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// Starts logging to standard error for the whole process. Call it once, before anything else.
///
/// # Errors
/// [`LogError`]: nothing was started.
pub fn start(log: &Log) -> Result<(), LogError> {
    let subscriber = subscriber(log, std::io::stderr, std::io::stderr().is_terminal())?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(())
}

fn subscriber<W>(
    log: &Log,
    writer: W,
    colours: bool,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        // What a database notes of its own work is its own log's matter.
        .with_env_filter(EnvFilter::try_new(format!("sqlx=error,{}", log.level))?)
        .with_writer(writer);
    Ok(match log.format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: &str, format: LogFormat) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let level = level.to_owned();
        let log = Log { level, format };
        let subscriber = subscriber(&log, move || writer.clone(), false).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(room = "kim", "room opened");
            tracing::debug!("details");
        });
        String::from_utf8(lines.0.lock().clone()).unwrap()
    }

    #[test]
    fn the_level_decides_what_is_logged() {
        assert!(!logged("info", LogFormat::Text).contains("details"));
        assert!(logged("info,madang_server=debug", LogFormat::Text).contains("details"));
        assert_eq!(logged("off", LogFormat::Text), "");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let lines = logged("debug", LogFormat::Json);
        assert_eq!(lines.lines().count(), 2);
        for line in lines.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line["message"].is_string() && line["level"].is_string());
        }
        assert!(lines.contains("\"room\":\"kim\""));
    }
}
