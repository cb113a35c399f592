//! A set of published keys (RFC 7517) as text, and the keys in it that can check tokens.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::super::jwt::{Head, VerifyingKey, can_verify};

/// Longest text of a set, in bytes: a hundred keys with their certificates.
pub(super) const SET_BYTES_MAX: usize = 512 * 1024;

/// Most keys of a set. Hosts publish two or three.
const KEYS_MAX: usize = 100;

/// Longest name of a key that is looked at, in bytes.
const KID_BYTES_MAX: usize = 1024;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// Keys that can check tokens.
#[derive(Clone, Default)]
pub(super) struct KeySet(Arc<[Published]>);

struct Published {
    kid: Option<String>,
    key: Arc<VerifyingKey>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// What is read of a key (RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2). Everything
/// else is passed over, private parts too.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a set. Keys that cannot check tokens are passed over, as RFC 7517, section 5, has it:
    /// those of other kinds or uses, malformed ones, weak ones, and secrets, which are none once they
    /// are published.
    ///
    /// # Errors
    /// What is wrong, in words for the operator.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        if json.len() > SET_BYTES_MAX {
            return Err(format!("is longer than {SET_BYTES_MAX} bytes"));
        }
        let Document { keys } =
            serde_json::from_slice(json).map_err(|_| "is not a JSON object with a list of keys")?;
        if keys.len() > KEYS_MAX {
            return Err(format!("holds more than {KEYS_MAX} keys"));
        }
        let read = |key| serde_json::from_value::<Jwk>(key).ok()?.published();
        Ok(Self(keys.into_iter().filter_map(read).collect()))
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The key that a token with this head must be signed by. A token that names no key fits if one
    /// key only is of its algorithm.
    pub(super) fn find(&self, head: &Head) -> Option<Arc<VerifyingKey>> {
        let mut fitting = self.0.iter().filter(|published| {
            let is_named = head.kid.is_none() || head.kid == published.kid;
            is_named && published.key.fits(head.alg)
        });
        let found = fitting.next()?;
        if head.kid.is_none() && fitting.next().is_some() {
            return None;
        }
        Some(Arc::clone(&found.key))
    }
}

impl Jwk {
    fn published(self) -> Option<Published> {
        let is_long = |kid: &String| kid.len() > KID_BYTES_MAX;
        if !self.checks_signatures() || self.kid.as_ref().is_some_and(is_long) {
            return None;
        }
        let (key, possible) = self.key()?;
        // The key says what it is for; what a token says cannot widen it.
        let wanted = |algorithm: &&Algorithm| match self.alg.as_deref() {
            None => true,
            // RFC 9864 gives EdDSA with this curve a name of its own.
            Some("Ed25519") => **algorithm == Algorithm::EdDSA,
            Some(alg) => alg.parse() == Ok(**algorithm),
        };
        let algorithms: Vec<Algorithm> = possible.iter().filter(wanted).copied().collect();
        if !can_verify(&key, *algorithms.first()?) {
            return None;
        }
        Some(Published {
            kid: self.kid,
            key: Arc::new(VerifyingKey::new(key, algorithms)),
        })
    }

    fn checks_signatures(&self) -> bool {
        let purpose = self.purpose.as_deref();
        let verifies = |ops: &Vec<String>| ops.iter().any(|op| op == "verify");
        purpose.is_none_or(|purpose| purpose == "sig") && self.key_ops.as_ref().is_none_or(verifies)
    }

    /// The key, and what a key of its kind can check.
    fn key(&self) -> Option<(DecodingKey, &'static [Algorithm])> {
        let x = || self.x.as_deref();
        let curve = self.crv.as_deref();
        let (key, algorithms): (_, &[Algorithm]) = match (self.kty.as_str(), curve) {
            ("RSA", _) => (
                DecodingKey::from_rsa_components(self.n.as_deref()?, self.e.as_deref()?),
                RSA,
            ),
            ("EC", Some("P-256")) => (
                DecodingKey::from_ec_components(x()?, self.y.as_deref()?),
                &[Algorithm::ES256],
            ),
            ("EC", Some("P-384")) => (
                DecodingKey::from_ec_components(x()?, self.y.as_deref()?),
                &[Algorithm::ES384],
            ),
            ("OKP", Some("Ed25519")) => {
                (DecodingKey::from_ed_components(x()?), &[Algorithm::EdDSA])
            }
            _ => return None,
        };
        Some((key.ok()?, algorithms))
    }
}
