//! Clients that are not of this suite: `sockjs-client` under Node, all in one process that says what they see.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use madang_e2e::node;
use serde::Serialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::{JoinHandle, block_in_place};

use crate::clients::World;
use crate::history::{Event, History};

/// What it says once nothing is under way.
const SILENT: &str = "silent";

/// One client: it sends to a room and reads it.
#[derive(Debug, Serialize)]
pub(super) struct Person {
    pub(super) user: String,
    pub(super) token: String,
    /// As sockjs-client calls it.
    pub(super) transport: &'static str,
    pub(super) room: String,
    pub(super) position: String,
    pub(super) seq: u64,
}

/// All of them. Killed when dropped.
#[derive(Debug)]
pub(super) struct Crowd {
    child: Child,
    /// Closed, it ends the process.
    input: ChildStdin,
    silent: watch::Receiver<bool>,
    told: JoinHandle<Result<(), String>>,
}

impl Crowd {
    /// # Errors
    /// Node cannot be started.
    pub(super) async fn start(
        world: &World,
        people: &[Person],
        thinking_ms_max: usize,
    ) -> Result<Self, String> {
        let mut command = Command::new("node");
        command
            .arg("rolling.mjs")
            .current_dir(block_in_place(node::scripts))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let output = child.stdout.take().ok_or("no output")?;
        let (tell, silent) = watch::channel(false);
        let history = Arc::clone(&world.history);
        let lines = BufReader::new(output).lines();
        let mut crowd = Self {
            input: child.stdin.take().ok_or("no input")?,
            child,
            silent,
            told: tokio::spawn(listen(lines, history, tell)),
        };
        let url = format!("http://{}", world.address);
        let setting = json!({"url": url, "thinkingMs": thinking_ms_max, "people": people});
        crowd.say(&setting.to_string()).await?;
        Ok(crowd)
    }

    /// Ready when the process has ended, which it does not before its end was asked for. It can be asked again.
    pub(super) async fn broke_off(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("the crowd of sockjs-client ended with {status}"),
            Err(error) => error.to_string(),
        }
    }

    /// Brings what is under way to its end.
    ///
    /// # Errors
    /// The process has ended.
    pub(super) async fn fall_silent(&mut self) -> Result<(), String> {
        self.say("end").await?;
        let silent = self.silent.wait_for(|silent| *silent).await;
        silent
            .map(drop)
            .map_err(|_| "the crowd of sockjs-client ended early".to_owned())
    }

    /// Waits until everybody has read every last word.
    ///
    /// # Errors
    /// The process failed, or said what it should not.
    pub(super) async fn read_to_the_end(&mut self) -> Result<(), String> {
        let told = (&mut self.told).await;
        told.map_err(|panicked| panicked.to_string())??;
        let status = self.child.wait().await;
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the crowd of sockjs-client ended with {status}")),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn say(&mut self, line: &str) -> Result<(), String> {
        let line = format!("{line}\n");
        let said = self.input.write_all(line.as_bytes()).await;
        said.map_err(|error| error.to_string())
    }
}

/// Takes down what they say.
async fn listen(
    mut lines: Lines<BufReader<ChildStdout>>,
    history: Arc<History>,
    silent: watch::Sender<bool>,
) -> Result<(), String> {
    while let Some(line) = lines.next_line().await.map_err(|error| error.to_string())? {
        if line == SILENT {
            silent.send_replace(true);
            continue;
        }
        let event: Event =
            serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        history.record_at(Duration::from_micros(event.at), event.what);
    }
    Ok(())
}
