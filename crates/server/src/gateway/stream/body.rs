//! The body of a response as a stream: what HTTP/2 leaves of a connection for one request.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use parking_lot::Mutex;

use super::keep;

/// Bytes that wait for the HTTP stack to take them; beyond it writes would block.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// The end that the session writes to. Dropping it before the end is told breaks the body off.
#[derive(Debug)]
pub(crate) struct BodyStream(Arc<Mutex<Pipe>>);

/// The end that the HTTP stack reads from. Dropping it tells the session that its client is gone.
#[derive(Debug)]
pub(crate) struct StreamedBody(Arc<Mutex<Pipe>>);

#[derive(Debug, Default)]
struct Pipe {
    waiting: Vec<u8>,
    end: End,
    /// The body was dropped: nobody will read.
    is_gone: bool,
    /// The task that sends the body.
    sender: Option<Waker>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// The body ends behind what waits.
    Ended,
    /// The body breaks off.
    Aborted,
}

impl BodyStream {
    /// A stream and the body of the response that it writes.
    pub(crate) fn new() -> (Self, StreamedBody) {
        let pipe = Arc::<Mutex<Pipe>>::default();
        (Self(Arc::clone(&pipe)), StreamedBody(pipe))
    }

    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut pipe = self.0.lock();
        if pipe.is_over() {
            return Poll::Ready(());
        }
        keep(&mut pipe.reader, cx);
        Poll::Pending
    }

    pub(super) fn try_read(&self) -> io::Result<usize> {
        match self.0.lock().is_over() {
            true => Ok(0),
            false => Err(ErrorKind::WouldBlock.into()),
        }
    }

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut pipe = self.0.lock();
        if pipe.is_closed() || pipe.waiting.len() < WAITING_BYTES_MAX {
            return Poll::Ready(());
        }
        keep(&mut pipe.writer, cx);
        Poll::Pending
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipe = self.0.lock();
        if pipe.is_closed() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let space = WAITING_BYTES_MAX - pipe.waiting.len();
        if space == 0 && !bytes.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = bytes.len().min(space);
        pipe.waiting.extend_from_slice(&bytes[..taken]);
        wake(pipe.sender.take());
        Ok(taken)
    }

    pub(super) fn shut_down(&self, how: Shutdown) {
        let mut pipe = self.0.lock();
        match how {
            Shutdown::Read => return,
            Shutdown::Write if pipe.end == End::Open => pipe.end = End::Ended,
            Shutdown::Write => return,
            Shutdown::Both => pipe.end = End::Aborted,
        }
        pipe.wake_all();
    }
}

impl Drop for BodyStream {
    fn drop(&mut self) {
        let mut pipe = self.0.lock();
        if pipe.end == End::Open {
            pipe.end = End::Aborted;
            pipe.wake_all();
        }
    }
}

impl Pipe {
    /// Nothing more can be read, not even the end.
    fn is_over(&self) -> bool {
        self.is_gone || self.end == End::Aborted
    }

    /// Nothing more can be written.
    fn is_closed(&self) -> bool {
        self.is_gone || self.end != End::Open
    }

    fn wake_all(&mut self) {
        wake(self.sender.take());
        wake(self.reader.take());
        wake(self.writer.take());
    }
}

impl Body for StreamedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let mut pipe = self.0.lock();
        if pipe.end == End::Aborted {
            return Poll::Ready(Some(Err(ErrorKind::ConnectionAborted.into())));
        }
        if !pipe.waiting.is_empty() {
            let bytes = std::mem::take(&mut pipe.waiting);
            wake(pipe.writer.take());
            return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
        }
        if pipe.end == End::Ended {
            return Poll::Ready(None);
        }
        keep(&mut pipe.sender, cx);
        Poll::Pending
    }
}

impl Drop for StreamedBody {
    fn drop(&mut self) {
        let mut pipe = self.0.lock();
        pipe.is_gone = true;
        pipe.waiting = Vec::new();
        pipe.wake_all();
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use axum::body::to_bytes;

    use super::super::Stream;
    use super::*;

    async fn writable(stream: &Stream) {
        poll_fn(|cx| stream.poll_write_ready(cx)).await;
    }

    #[tokio::test]
    async fn what_is_written_is_the_body_and_shutting_down_ends_it() {
        let (stream, body) = BodyStream::new();
        let stream = Stream::Body(stream);
        let reading = tokio::spawn(to_bytes(axum::body::Body::new(body), usize::MAX));
        let sent: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
        let mut rest = sent.as_slice();
        while !rest.is_empty() {
            writable(&stream).await;
            match stream.try_write(rest) {
                Ok(taken) => rest = &rest[taken..],
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        stream.shut_down(Shutdown::Write);
        assert_eq!(reading.await.unwrap().unwrap(), sent);
        // The whole body was read and dropped: the client needs no more.
        poll_fn(|cx| stream.poll_read_ready(cx)).await;
        assert_eq!(stream.try_read(&mut [0; 8]).unwrap(), 0);
    }

    #[tokio::test]
    async fn a_full_body_would_block_until_it_is_read() {
        let (stream, mut body) = BodyStream::new();
        let stream = Stream::Body(stream);
        let much = vec![7; WAITING_BYTES_MAX + 1];
        assert_eq!(stream.try_write(&much).unwrap(), WAITING_BYTES_MAX);
        let error = stream.try_write(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        let waiting = tokio::spawn(async move {
            writable(&stream).await;
            stream
        });
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let frame = frame.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame.len(), WAITING_BYTES_MAX);
        let stream = waiting.await.unwrap();
        assert_eq!(stream.try_write(b"x").unwrap(), 1);
    }

    #[tokio::test]
    async fn a_dropped_body_is_a_client_that_went_away() {
        let (stream, body) = BodyStream::new();
        let stream = Arc::new(Stream::Body(stream));
        let error = stream.try_read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        let reader = Arc::clone(&stream);
        let gone = tokio::spawn(async move { poll_fn(|cx| reader.poll_read_ready(cx)).await });
        drop(body);
        gone.await.unwrap();
        assert_eq!(stream.try_read(&mut [0; 8]).unwrap(), 0);
        let error = stream.try_write(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_body_whose_session_is_gone_breaks_off_and_does_not_hang() {
        let (stream, body) = BodyStream::new();
        let stream = Stream::Body(stream);
        stream.try_write(b"half of").unwrap();
        let reading = tokio::spawn(to_bytes(axum::body::Body::new(body), usize::MAX));
        drop(stream);
        assert!(reading.await.unwrap().is_err());
    }

    #[tokio::test]
    async fn an_aborted_body_breaks_off() {
        let (stream, body) = BodyStream::new();
        let stream = Stream::Body(stream);
        stream.try_write(b"half of").unwrap();
        stream.shut_down(Shutdown::Both);
        let body = to_bytes(axum::body::Body::new(body), usize::MAX).await;
        assert!(body.is_err());
        assert_eq!(stream.try_read(&mut [0; 8]).unwrap(), 0);
    }
}
