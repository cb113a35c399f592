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

use super::cluster::{Claim, Cluster, Refused, SessionKey};
use super::directory::Taken;
use super::link::{Attached, Link, Unattached};
use super::response::{Coding, Response as Streaming};
use super::send::refusal;
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
        let key = SessionKey::of(session);
        let claim = match self.receive_elsewhere(key, &receiver).await {
            Elsewhere::Served(response) => return response,
            Elsewhere::NotThere(claim) => claim,
        };
        let link = match self.link(key, opening) {
            Ok(link) => link,
            Err(code) => return Refusal::from(code).into_response(),
        };
        drop(claim);
        link.wait_for_turn().await;
        if receiver.is_streaming() {
            self.stream(link, receiver, transport, parts).await
        } else {
            self.poll(link, receiver).await
        }
    }

    /// Has another gateway serve the request, if one has the session and this one does not.
    async fn receive_elsewhere(&self, key: SessionKey, receiver: &Receiver) -> Elsewhere {
        let Some(cluster) = &self.cluster else {
            return Elsewhere::NotThere(None);
        };
        if self.directory.find(&key).is_some() {
            return Elsewhere::NotThere(None);
        }
        // Held while the others are asked: of two gateways that open it one gives way.
        let claim = cluster.claim(key);
        match self.forwarded(cluster, key, receiver).await {
            Ok(Some(response)) => Elsewhere::Served(response),
            Ok(None) => Elsewhere::NotThere(Some(claim)),
            Err(refused) => Elsewhere::Served(refusal(refused)),
        }
    }

    async fn forwarded(
        &self,
        cluster: &Cluster,
        key: SessionKey,
        receiver: &Receiver,
    ) -> Result<Option<Response>, Refused> {
        // Whoever was known to have the session may have ended it since.
        for _ in 0..2 {
            let found = cluster.find(key).await;
            let Some(gateway) = found.map_err(|_| Refused::Overloaded)? else {
                return Ok(None);
            };
            match cluster.receive(gateway, key, receiver).await {
                Ok(body) => {
                    let mut response = Response::new(Body::new(body));
                    self.receiver_headers(receiver, response.headers_mut());
                    return Ok(Some(response));
                }
                Err(Refused::NotFound) => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(None)
    }

    /// The session of that id, which is opened if there is none.
    ///
    /// # Errors
    /// [`Code::Overloaded`], [`Code::Draining`]: there is none, and no more are taken.
    fn link(self: &Arc<Self>, key: SessionKey, opening: Opening) -> Result<Arc<Link>, Code> {
        if let Some(link) = self.directory.find(&key) {
            return Ok(link);
        }
        self.refuse_while_draining()?;
        let link = Arc::new(Link::new(self.link_options));
        match self.directory.insert(key, &link) {
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
            self.directory.remove(&key, &link);
            return Err(Code::Draining);
        };
        let directory = Arc::clone(&self.directory);
        let (delay, ended) = (self.options.disconnect_delay, Arc::clone(&link));
        tokio::spawn(async move {
            running.await;
            if ended.is_identified() {
                // Whoever asks meanwhile is told that it is closed. Strangers' sessions must not
                // take up place for that.
                tokio::time::sleep(delay).await;
            }
            directory.remove(&key, &ended);
        });
        Ok(link)
    }

    /// A response that ends after one frame.
    async fn poll(&self, link: Arc<Link>, receiver: Receiver) -> Response {
        match poll(&link, &receiver).await {
            Ok(Served::Receiver(body) | Served::Refused(body)) => self.complete(&receiver, body),
            Err(code) => Refusal::from(code).into_response(),
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
            let (Served::Receiver(body) | Served::Refused(body)) = body_of(&link, receiver.clone());
            return self.complete(&receiver, body);
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
            let streaming = Streaming::new(stream, receiver, revision, coding, head);
            // Told what it is told, it needs nothing more.
            drop(attach(&link, streaming));
        };
        match takeover.take(begin).await {}
    }

    fn complete(&self, receiver: &Receiver, body: Body) -> Response {
        let mut response = Response::new(body);
        self.receiver_headers(receiver, response.headers_mut());
        response
    }

    fn receiver_headers(&self, receiver: &Receiver, headers: &mut HeaderMap) {
        let content_type = receiver.content_type(self.options.revision);
        put(headers, "content-type", content_type);
    }
}

/// What a request gets that asks for frames.
pub(super) enum Served {
    /// It is the receiver, or was: frames.
    Receiver(Body),
    /// It is not, and is told why.
    Refused(Body),
}

/// What became of a request whose session is not here.
enum Elsewhere {
    Served(Response),
    /// It may be opened here; others do not meanwhile.
    NotThere(Option<Claim>),
}

/// Makes the request the receiver of one frame, and answers it once it is there. Dropped before that,
/// the client went away.
///
/// # Errors
/// [`Code::Internal`].
pub(super) async fn poll(link: &Arc<Link>, receiver: &Receiver) -> Result<Served, Code> {
    let (answer, body) = oneshot::channel();
    let polling = Attached::Polling {
        receiver: receiver.clone(),
        answer,
    };
    let told = |Unattached(frame)| {
        let mut body = Vec::new();
        receiver.append_prelude(&mut body);
        receiver.append_frame(&frame, link.options().revision, &mut body);
        Served::Refused(body.into())
    };
    if let Err(refused) = link.attach(polling) {
        return Ok(told(refused.0));
    }
    let waiting = Waiting(Some(Arc::clone(link)));
    let body = body.await;
    waiting.served();
    match body {
        Ok(body) => Ok(Served::Receiver(body.into())),
        Err(_) => link.refusal().map(told).ok_or(Code::Internal),
    }
}

/// Makes the request the receiver of all that comes, as the body of its response. Dropped before its
/// end, the client went away.
pub(super) fn body_of(link: &Link, receiver: Receiver) -> Served {
    let (stream, body) = BodyStream::new();
    let revision = link.options().revision;
    let stream = Stream::Body(stream);
    let streaming = Streaming::new(stream, receiver, revision, Coding::Bare, Vec::new());
    match attach(link, streaming) {
        Ok(()) => Served::Receiver(Body::new(body)),
        Err(Refusing) => Served::Refused(Body::new(body)),
    }
}

/// The request is told why it is not the receiver.
struct Refusing;

/// Makes a stream the receiver, or tells it why it is not.
fn attach(link: &Link, streaming: Streaming) -> Result<(), Refusing> {
    let Err(refused) = link.attach(Attached::Streaming(streaming)) else {
        return Ok(());
    };
    if let (Unattached(frame), Attached::Streaming(mut streaming)) = *refused {
        streaming.append(&frame);
        streaming.end();
        // It fits into an empty send buffer; a client that takes not even that is not waited for.
        drop(streaming.push());
    }
    Err(Refusing)
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
