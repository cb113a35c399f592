//! A host application that signs tokens with keys of its own, and publishes them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertifiedKey, KeyPair, PKCS_ED25519, PublicKeyData as _, SigningKey as _};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::PATIENCE;

/// The host. It publishes nothing before it speaks.
#[derive(Debug)]
pub struct Issuer {
    address: SocketAddr,
    /// As PEM, where it speaks TLS.
    certificate: Option<String>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    speaks: bool,
    keys: Vec<Value>,
}

/// One of its keys.
#[derive(Debug)]
pub struct IssuerKey {
    kid: String,
    pair: KeyPair,
}

impl Issuer {
    /// A host without keys, which lets everybody who asks for them wait.
    #[must_use]
    pub fn silent() -> Self {
        Self::start(None, |stream| Some(Box::new(stream)))
    }

    /// The same over TLS, with a certificate of its own.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    #[must_use]
    pub fn silent_over_tls() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let CertifiedKey { cert, signing_key } = made.expect("a certificate can be made");
        let key = signing_key.serialize_der().try_into();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key.expect("a private key"));
        let config = Arc::new(config.expect("the key is the certificate's"));
        Self::start(Some(cert.pem()), move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(Box::new(StreamOwned::new(connection, stream)))
        })
    }

    fn start(
        certificate: Option<String>,
        accept: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::<Shared>::default();
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten().filter_map(accept) {
                let shared = Arc::clone(&serving);
                thread::spawn(move || shared.answer(stream));
            }
        });
        Self {
            address,
            certificate,
            shared,
        }
    }

    /// Where it publishes its keys.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = self.certificate.as_ref().map_or("http", |_| "https");
        format!("{scheme}://{}/.well-known/jwks.json", self.address)
    }

    /// Its certificate as PEM.
    ///
    /// # Panics
    /// When it does not speak TLS.
    #[must_use]
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().expect("it speaks TLS")
    }

    /// Answers, from now on.
    pub fn speak(&self) {
        self.shared.state().speaks = true;
        self.shared.changed.notify_all();
    }

    /// Publishes only these keys.
    pub fn publish(&self, keys: &[&IssuerKey]) {
        self.shared.state().keys = keys.iter().map(|key| key.published()).collect();
    }
}

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.state.lock();
        state.unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn answer(&self, mut stream: Box<dyn Stream>) {
        // The request is short, and what it says does not matter.
        let mut request = [0; 4096];
        if stream.read(&mut request).is_err() {
            return;
        }
        let state = self.state();
        let waited = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !state.speaks);
        let Ok((state, _)) = waited else { return };
        let body = json!({ "keys": state.keys }).to_string();
        drop(state);
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n");
        // Whoever asked may have given up.
        let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
    }
}

impl IssuerKey {
    /// A new key (Ed25519) of that name.
    ///
    /// # Panics
    /// When there is no randomness.
    #[must_use]
    pub fn new(kid: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).expect("a key can be made");
        Self {
            kid: kid.to_owned(),
            pair,
        }
    }

    /// A token for `user` that lasts an hour.
    ///
    /// # Panics
    /// When it cannot be signed.
    #[must_use]
    pub fn token(&self, user: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("it is after 1970").as_secs();
        let head = json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.kid });
        let claims = json!({ "sub": user, "iat": now, "exp": now + 3600 });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&head), encode(&claims));
        let signature = self.pair.sign(signed.as_bytes()).expect("it can be signed");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn published(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(self.pair.der_bytes()),
        })
    }
}
