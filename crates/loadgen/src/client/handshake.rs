//! The opening handshake, and what a server says that refuses it.

use std::time::Duration;

use madang_wire::websocket::handshake::{self, RESPONSE_HEAD_BYTES_MAX, ResponseError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::error::ClientError;
use super::options::ConnectOptions;
use crate::url::Url;

/// Most bytes kept of the body of a refusal.
const REFUSAL_BODY_BYTES_MAX: usize = 64 * 1024;

/// How long the body of a refusal may take to arrive.
const REFUSAL_BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// An open WebSocket.
pub(super) struct Opened {
    pub(super) subprotocol: Option<String>,
    /// What arrived behind the head.
    pub(super) rest: Vec<u8>,
}

pub(super) async fn open(
    stream: &mut TcpStream,
    url: &Url,
    options: &ConnectOptions,
) -> Result<Opened, ClientError> {
    let mut request = Vec::new();
    let key = options.encode_request(&url.authority(), &url.path, &mut request);
    stream.write_all(&request).await?;

    let offered = options.offered();
    let mut input = Vec::new();
    loop {
        if stream.read_buf(&mut input).await? == 0 {
            return Err(ClientError::Disconnected);
        }
        match handshake::check_response(&input, &key, &offered) {
            Ok(None) => {}
            Ok(Some(response)) => {
                let subprotocol = response.subprotocol.map(str::to_owned);
                let consumed = response.consumed;
                input.drain(..consumed);
                return Ok(Opened {
                    subprotocol,
                    rest: input,
                });
            }
            Err(ResponseError::Status(status)) => {
                return Err(refusal(stream, status, input).await);
            }
            Err(error) => return Err(ClientError::Handshake(error)),
        }
    }
}

/// Reads the body that follows the head in `input`.
async fn refusal(stream: &mut TcpStream, status: u16, mut input: Vec<u8>) -> ClientError {
    let head_len = memchr::memmem::find(&input, b"\r\n\r\n").map_or(input.len(), |at| at + 4);
    let headers = parse_headers(&input[..head_len.min(RESPONSE_HEAD_BYTES_MAX)]);
    let mut body = input.split_off(head_len);
    let expected = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(REFUSAL_BODY_BYTES_MAX)
        .min(REFUSAL_BODY_BYTES_MAX);
    let _ = tokio::time::timeout(REFUSAL_BODY_TIMEOUT, async {
        while body.len() < expected && matches!(stream.read_buf(&mut body).await, Ok(1..)) {}
    })
    .await;
    body.truncate(expected);
    ClientError::Refused {
        status,
        headers,
        body,
    }
}

/// The headers of a response; lines that are none are left out.
pub(crate) fn parse_headers(head: &[u8]) -> Vec<(String, String)> {
    String::from_utf8_lossy(head)
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}
