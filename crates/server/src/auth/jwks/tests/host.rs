//! A host that publishes its keys: a real server on loopback.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// What it answers.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These keys.
    Keys(Vec<Value>),
    Text(String),
    Broken,
    /// The keys are at `/elsewhere`.
    Moved,
    /// White space for ever.
    Endless,
}

pub(crate) struct HostServer {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Mutex<Answer>,
    asked: watch::Sender<u64>,
    /// A permit for each answer that may go out.
    gate: Semaphore,
}

impl HostServer {
    pub(crate) async fn start(answer: Answer) -> Self {
        let server = Self::start_silent(answer).await;
        server.speak();
        server
    }

    /// Takes requests, and answers none before it is told to speak.
    pub(crate) async fn start_silent(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer),
            asked: watch::Sender::new(0),
            gate: Semaphore::new(0),
        });
        let router = Router::new()
            .route("/keys", get(respond))
            .route("/elsewhere", get(respond))
            .with_state(Arc::clone(&shared));
        tokio::spawn(serve(listener, router));
        Self { url, shared }
    }

    pub(crate) fn speak(&self) {
        self.shared.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.shared.answer.lock() = answer;
    }

    pub(crate) fn times_asked(&self) -> u64 {
        *self.shared.asked.borrow()
    }

    /// Waits until it was asked so many times.
    pub(crate) async fn asked(&self, times: u64) {
        let mut asked = self.shared.asked.subscribe();
        asked.wait_for(|asked| *asked >= times).await.unwrap();
    }
}

async fn serve(listener: TcpListener, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

async fn respond(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.send_modify(|asked| *asked += 1);
    shared.gate.acquire().await.unwrap().forget();
    let answer = shared.answer.lock().clone();
    match answer {
        Answer::Keys(keys) => json!({ "keys": keys }).to_string().into_response(),
        Answer::Text(text) => text.into_response(),
        Answer::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Answer::Moved => Redirect::temporary("/elsewhere").into_response(),
        Answer::Endless => Body::new(Endless).into_response(),
    }
}

struct Endless;

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let spaces = Bytes::from_static(&[b' '; 16 * 1024]);
        Poll::Ready(Some(Ok(Frame::data(spaces))))
    }
}
