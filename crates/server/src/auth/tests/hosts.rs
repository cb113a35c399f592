//! Hosts that sign tokens, one for each algorithm.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{SECRET, install_crypto};

pub(crate) struct Host {
    pub(crate) name: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) signing: EncodingKey,
    /// The shared secret, or the public key as PEM.
    pub(crate) public: String,
}

impl Host {
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(None, claims)
    }

    /// A token that names its key.
    pub(crate) fn sign_as(&self, kid: Option<&str>, claims: &Value) -> String {
        let header = Header {
            kid: kid.map(str::to_owned),
            ..Header::new(self.algorithm)
        };
        jsonwebtoken::encode(&header, claims, &self.signing).unwrap()
    }

    /// The key as it is published: under a name, and for this algorithm only.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let jwk = Jwk::from_encoding_key(&self.signing, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!(kid);
        jwk
    }

    pub(crate) fn is_asymmetric(&self) -> bool {
        self.public != SECRET
    }
}

pub(crate) static HOSTS: LazyLock<Vec<Host>> = LazyLock::new(|| {
    install_crypto();
    let mut hosts = Vec::new();
    for (name, algorithm) in [
        ("HS256", Algorithm::HS256),
        ("HS384", Algorithm::HS384),
        ("HS512", Algorithm::HS512),
    ] {
        hosts.push(Host {
            name,
            algorithm,
            signing: EncodingKey::from_secret(SECRET.as_bytes()),
            public: SECRET.to_owned(),
        });
    }
    let (private, public) = rsa(KeySize::Rsa2048);
    for (name, algorithm) in [
        ("RS256", Algorithm::RS256),
        ("RS384", Algorithm::RS384),
        ("RS512", Algorithm::RS512),
        ("PS256", Algorithm::PS256),
        ("PS384", Algorithm::PS384),
        ("PS512", Algorithm::PS512),
    ] {
        hosts.push(Host {
            name,
            algorithm,
            signing: EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(),
            public: public.clone(),
        });
    }
    hosts.push(elliptic("ES256"));
    hosts.push(elliptic("ES384"));
    let private = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private.as_ref()).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let private = pem("PRIVATE KEY", private.as_ref());
    hosts.push(Host {
        name: "EdDSA",
        algorithm: Algorithm::EdDSA,
        signing: EncodingKey::from_ed_pem(private.as_bytes()).unwrap(),
        public: pem("PUBLIC KEY", public.as_ref()),
    });
    hosts
});

pub(crate) fn host(name: &str) -> &'static Host {
    HOSTS.iter().find(|host| host.name == name).unwrap()
}

/// A host with a key of its own, `ES256` or `ES384`.
pub(crate) fn elliptic(name: &'static str) -> Host {
    install_crypto();
    let (algorithm, kind): (_, &'static EcdsaSigningAlgorithm) = match name {
        "ES384" => (Algorithm::ES384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => (Algorithm::ES256, &ECDSA_P256_SHA256_FIXED_SIGNING),
    };
    let random = aws_lc_rs::rand::SystemRandom::new();
    let private = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(kind, private.as_ref()).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let private = pem("PRIVATE KEY", private.as_ref());
    Host {
        name,
        algorithm,
        signing: EncodingKey::from_ec_pem(private.as_bytes()).unwrap(),
        public: pem("PUBLIC KEY", public.as_ref()),
    }
}

/// The private and the public key as PEM.
fn rsa(size: KeySize) -> (String, String) {
    let pair = aws_lc_rs::rsa::KeyPair::generate(size).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    (
        pem("PRIVATE KEY", private.as_ref()),
        pem("PUBLIC KEY", public.as_ref()),
    )
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}
