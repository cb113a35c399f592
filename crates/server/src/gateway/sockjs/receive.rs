//! The receiving transports: `xhr`, `xhr_streaming`, `eventsource`, `htmlfile`, `jsonp`.

use std::net::Shutdown;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Version};
use madang_domain::Code;
use madang_wire::sockjs::{Answer, Callback, Receiver, Transport};
use tokio::sync::oneshot;

use super::directory::Taken;
use super::link::{Attached, Link, Unattached};
use super::response::{Coding, Response as Streaming};
use super::{Opening, Service, SockJs, answer, put};
use crate::gateway::framing::Framing;
use crate::gateway::headers::{BodyEnd, ok_head};
use crate::gateway::session::{Connection, Input, run};
use crate::gateway::stream::{BodyStream, Stream};
use crate::gateway::takeover::Takeover;
use crate::http::Refusal;
use crate::telemetry::limits::Limit;
use crate::telemetry::metrics;

impl<S: Service> SockJs<S> {
    pub(super) async fn receive(
        self: Arc<Self>,
        session: &str,
        transport: Transport,
        parts: &Parts,
        body: Body,
    ) -> Response {
        let receiver = match receiver(transport, parts) {
            Ok(receiver) => receiver,
            Err(refused) => return *refused,
        };
        // An image or a script of any page makes a browser send a GET, without an origin.
        let is_forgeable = parts.method == Method::GET;
        let opening = match self.service.admit(parts, is_forgeable) {
            Ok(opening) => opening,
            Err(refused) => return *refused,
        };
        // Read to its end, so that the connection can be taken over behind it.
        if let Err(code) = self.read(body).await {
            return Refusal::from(code).into_response();
        }
        let link = match self.link(session, opening) {
            Ok(link) => link,
            Err(code) => return Refusal::from(code).into_response(),
        };
        link.wait_for_turn().await;
        if receiver.is_streaming() {
            self.stream(link, receiver, transport, parts).await
        } else {
            self.poll(link, receiver).await
        }
    }

    /// The session of that id, which is opened if there is none.
    ///
    /// # Errors
    /// [`Code::Overloaded`], [`Code::Draining`]: there is none, and no more are taken.
    fn link(self: &Arc<Self>, session: &str, opening: Opening) -> Result<Arc<Link>, Code> {
        if let Some(link) = self.directory.find(session) {
            return Ok(link);
        }
        self.refuse_while_draining()?;
        let link = Arc::new(Link::new(self.link_options));
        match self.directory.insert(session, &link) {
            Ok(None) => {}
            Ok(Some(oldest)) => {
                self.shared.metrics.limit_reached(Limit::SockJsSessions);
                oldest.evict();
            }
            Err(Taken::By(other)) => return Ok(other),
            Err(Taken::Full) => {
                self.shared.metrics.limit_reached(Limit::SockJsSessions);
                return Err(Code::Overloaded);
            }
        }
        let connection = Connection {
            stream: Stream::SockJs(Arc::clone(&link)),
            transport: metrics::Transport::SockJs,
            input: Input::Messages,
            framing: Framing::SockJsHttp,
            read_ahead: Vec::new(),
            greeting: Vec::new(),
            beat_every: self.options.heart_beat,
        };
        let dialect = self.service.open(opening);
        let Some(running) = run(&self.shared, connection, dialect) else {
            // Another request may have found it.
            link.shut_down(Shutdown::Both);
            self.directory.remove(session, &link);
            return Err(Code::Draining);
        };
        let (directory, id) = (Arc::clone(&self.directory), Box::<str>::from(session));
        let (delay, ended) = (self.options.disconnect_delay, Arc::clone(&link));
        tokio::spawn(async move {
            running.await;
            if ended.is_identified() {
                // Whoever asks meanwhile is told that it is closed. Strangers' sessions must not
                // take up place for that.
                tokio::time::sleep(delay).await;
            }
            directory.remove(&id, &ended);
        });
        Ok(link)
    }

    /// A response that ends after one frame.
    async fn poll(&self, link: Arc<Link>, receiver: Receiver) -> Response {
        let (answer, body) = oneshot::channel();
        let polling = Attached::Polling {
            receiver: receiver.clone(),
            answer,
        };
        if let Err(refused) = link.attach(polling) {
            let (Unattached(frame), _) = *refused;
            return self.one_frame(&receiver, &frame);
        }
        let waiting = Waiting(Some(Arc::clone(&link)));
        let body = body.await;
        waiting.served();
        match body {
            Ok(body) => self.complete(&receiver, body),
            Err(_) => match link.refusal() {
                Some(Unattached(frame)) => self.one_frame(&receiver, &frame),
                None => Refusal::from(Code::Internal).into_response(),
            },
        }
    }

    /// A response without an end: written by the session on the connection that HTTP lets go of,
    /// or as a body where it does not (HTTP/2).
    async fn stream(
        &self,
        link: Arc<Link>,
        receiver: Receiver,
        transport: Transport,
        parts: &Parts,
    ) -> Response {
        let revision = link.options().revision;
        let Some(takeover) = parts.extensions.get::<Takeover>() else {
            let (stream, body) = BodyStream::new();
            let streaming = Streaming::new(
                Stream::Body(stream),
                receiver.clone(),
                revision,
                Coding::Bare,
                Vec::new(),
            );
            attach(&link, streaming);
            let mut response = Response::new(Body::new(body));
            self.receiver_headers(&receiver, response.headers_mut());
            return response;
        };
        let coding = if parts.version == Version::HTTP_11 {
            Coding::Chunked
        } else {
            Coding::Bare
        };
        let mut headers = HeaderMap::new();
        self.receiver_headers(&receiver, &mut headers);
        self.session_headers(parts, transport, &mut headers);
        let end = match coding {
            Coding::Chunked => BodyEnd::LastChunk,
            Coding::Bare => BodyEnd::Close,
        };
        let head = match ok_head(&headers, end) {
            Ok(head) => head,
            Err(error) => return Refusal::from(error).into_response(),
        };
        let begin = move |stream, _| {
            attach(
                &link,
                Streaming::new(stream, receiver, revision, coding, head),
            );
        };
        match takeover.take(begin).await {}
    }

    /// A complete response of the receiver's kind with one frame.
    fn one_frame(&self, receiver: &Receiver, frame: &[u8]) -> Response {
        let mut body = Vec::new();
        receiver.append_prelude(&mut body);
        receiver.append_frame(frame, self.options.revision, &mut body);
        self.complete(receiver, body)
    }

    fn complete(&self, receiver: &Receiver, body: Vec<u8>) -> Response {
        let mut response = Response::new(Body::from(body));
        self.receiver_headers(receiver, response.headers_mut());
        response
    }

    fn receiver_headers(&self, receiver: &Receiver, headers: &mut HeaderMap) {
        let content_type = receiver.content_type(self.options.revision);
        put(headers, "content-type", content_type);
    }
}

/// Makes a stream the receiver, or tells it why it is not.
fn attach(link: &Link, streaming: Streaming) {
    let Err(refused) = link.attach(Attached::Streaming(streaming)) else {
        return;
    };
    let (Unattached(frame), Attached::Streaming(mut streaming)) = *refused else {
        return;
    };
    streaming.append(&frame);
    streaming.end();
    // It fits into an empty send buffer; a client that takes not even that is not waited for.
    drop(streaming.push());
}

fn receiver(transport: Transport, parts: &Parts) -> Result<Receiver, Box<Response>> {
    let callback = || {
        let query = parts.uri.query().unwrap_or_default();
        Callback::from_query(query).map_err(|error| Box::new(answer(error.into())))
    };
    Ok(match transport {
        Transport::Xhr => Receiver::Xhr,
        Transport::XhrStreaming => Receiver::XhrStreaming,
        Transport::EventSource => Receiver::EventSource,
        Transport::HtmlFile => Receiver::HtmlFile(callback()?),
        Transport::Jsonp => Receiver::Jsonp(callback()?),
        Transport::WebSocket | Transport::XhrSend | Transport::JsonpSend => {
            let mut response = answer(Answer::NOT_FOUND);
            *response.status_mut() = StatusCode::NOT_FOUND;
            return Err(Box::new(response));
        }
    })
}

/// A request that waits for its frame: dropped before it has one, its client went away.
struct Waiting(Option<Arc<Link>>);

impl Waiting {
    fn served(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(link) = &self.0 {
            link.interrupt();
        }
    }
}
