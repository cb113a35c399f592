use std::time::Duration;

use madang_wire::stomp::{Command, Frame, Version};
use tokio::time::Instant;

use super::connection::Client;
use super::error::ClientError;

/// Whether to ask for a receipt and wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// Send and go on.
    No,
    /// Wait for the RECEIPT so long. Frames that come before it are kept for
    /// [`Client::next_frame`].
    Within(Duration),
}

/// One method for each client command. `headers` are further ones, behind
/// those that the method sets.
///
/// All return what [`Client::send_frame`] returns, and with
/// [`Confirm::Within`] also what [`Client::next_frame`] returns.
#[allow(
    clippy::missing_errors_doc,
    reason = "the same for all, described at the impl"
)]
impl Client {
    /// SUBSCRIBE with an id.
    pub async fn subscribe(
        &mut self,
        id: &str,
        destination: &str,
        headers: &[(&str, &str)],
        confirm: Confirm,
    ) -> Result<(), ClientError> {
        let frame = Frame::new(Command::Subscribe)
            .with("id", id)
            .with("destination", destination);
        self.perform(frame, headers, confirm).await
    }

    /// UNSUBSCRIBE by id.
    pub async fn unsubscribe(&mut self, id: &str, confirm: Confirm) -> Result<(), ClientError> {
        let frame = Frame::new(Command::Unsubscribe).with("id", id);
        self.perform(frame, &[], confirm).await
    }

    /// SEND.
    pub async fn send(
        &mut self,
        destination: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
        confirm: Confirm,
    ) -> Result<(), ClientError> {
        let frame = Frame::new(Command::Send)
            .with("destination", destination)
            .with_body(body);
        self.perform(frame, headers, confirm).await
    }

    /// ACK of the MESSAGE, by what its version calls it.
    pub async fn ack(
        &mut self,
        message: &Frame,
        headers: &[(&str, &str)],
        confirm: Confirm,
    ) -> Result<(), ClientError> {
        let frame = self.about(Command::Ack, message);
        self.perform(frame, headers, confirm).await
    }

    /// NACK of the MESSAGE, by what its version calls it.
    pub async fn nack(
        &mut self,
        message: &Frame,
        headers: &[(&str, &str)],
        confirm: Confirm,
    ) -> Result<(), ClientError> {
        let frame = self.about(Command::Nack, message);
        self.perform(frame, headers, confirm).await
    }

    /// BEGIN.
    pub async fn begin(&mut self, transaction: &str, confirm: Confirm) -> Result<(), ClientError> {
        let frame = Frame::new(Command::Begin).with("transaction", transaction);
        self.perform(frame, &[], confirm).await
    }

    /// COMMIT.
    pub async fn commit(&mut self, transaction: &str, confirm: Confirm) -> Result<(), ClientError> {
        let frame = Frame::new(Command::Commit).with("transaction", transaction);
        self.perform(frame, &[], confirm).await
    }

    /// ABORT.
    pub async fn abort(&mut self, transaction: &str, confirm: Confirm) -> Result<(), ClientError> {
        let frame = Frame::new(Command::Abort).with("transaction", transaction);
        self.perform(frame, &[], confirm).await
    }

    /// DISCONNECT. The socket stays open: the server's close can be read.
    pub async fn disconnect(&mut self, confirm: Confirm) -> Result<(), ClientError> {
        self.perform(Frame::new(Command::Disconnect), &[], confirm)
            .await
    }

    /// The next MESSAGE; the frames before it are dropped.
    pub async fn next_message(&mut self, timeout: Duration) -> Result<Frame, ClientError> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let frame = self.next_frame(left).await?;
            if frame.command == Command::Message {
                return Ok(frame);
            }
        }
    }

    /// Waits for the RECEIPT of a frame that the caller sent itself.
    pub async fn wait_receipt(
        &mut self,
        receipt: &str,
        timeout: Duration,
    ) -> Result<(), ClientError> {
        let is_it = |frame: &Frame| {
            frame.command == Command::Receipt && frame.get("receipt-id") == Some(receipt)
        };
        if let Some(at) = self.frames.iter().position(is_it) {
            self.frames.remove(at);
            return Ok(());
        }
        let deadline = Instant::now() + timeout;
        let mut kept = std::mem::take(&mut self.frames);
        let result = loop {
            match self.next_frame_until(deadline).await {
                Ok(frame) if is_it(&frame) => break Ok(()),
                Ok(frame) => kept.push_back(frame),
                Err(error) => break Err(error),
            }
        };
        kept.append(&mut self.frames);
        self.frames = kept;
        result
    }

    async fn perform(
        &mut self,
        mut frame: Frame,
        headers: &[(&str, &str)],
        confirm: Confirm,
    ) -> Result<(), ClientError> {
        frame.headers.extend(headers.iter().copied());
        let Confirm::Within(timeout) = confirm else {
            return self.send_frame(&frame).await;
        };
        self.receipts += 1;
        let receipt = format!("client-{}", self.receipts);
        frame.headers.push("receipt", &receipt);
        self.send_frame(&frame).await?;
        self.wait_receipt(&receipt, timeout).await
    }

    /// 1.2 names the `ack` of the message, 1.1 its id and subscription, 1.0
    /// its id.
    fn about(&self, command: Command, message: &Frame) -> Frame {
        let value = |name| message.get(name).unwrap_or_default();
        match self.version() {
            Version::V1_2 => Frame::new(command).with("id", value("ack")),
            Version::V1_1 => Frame::new(command)
                .with("message-id", value("message-id"))
                .with("subscription", value("subscription")),
            Version::V1_0 => Frame::new(command).with("message-id", value("message-id")),
        }
    }
}
