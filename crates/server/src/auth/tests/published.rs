//! Tokens of a host that publishes its keys.

use jsonwebtoken::{Algorithm, EncodingKey};
use madang_domain::Code;
use serde_json::{Value, json};

use super::hosts::{HOSTS, elliptic, host};
use super::{
    NOW_SECONDS, Path, authenticator, changed, check_host_key, claims, code, config, now, signed,
};
use crate::auth::jwks::tests::host::{Answer, HostServer};
use crate::auth::{Authenticator, HostKeyError, TokenCheck};

fn with_file(keys: &[Value], options: &[(&str, &str)]) -> Authenticator {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, json!({ "keys": keys }).to_string()).unwrap();
    let mut all = vec![("auth.jwks_file", path.to_str().unwrap())];
    all.extend_from_slice(options);
    authenticator(&all)
}

#[test]
fn each_published_key_opens_what_it_signed_and_nothing_else() {
    let published: Vec<_> = HOSTS.iter().filter(|host| host.is_asymmetric()).collect();
    let keys: Vec<_> = published.iter().map(|host| host.jwk(host.name)).collect();
    let ours = with_file(&keys, &[]);
    for host in &published {
        let good = host.sign_as(Some(host.name), &claims());
        let caller = ours.token(&good, now()).unwrap();
        assert_eq!(caller.user.as_str(), "kim@example.com");
        let expired = host.sign_as(Some(host.name), &changed("exp", json!(NOW_SECONDS)));
        assert_eq!(code(ours.token(&expired, now())), Code::TokenExpired);
        let tampered = format!("{}A", &good[..good.len() - 2]);
        assert_eq!(code(ours.token(&tampered, now())), Code::TokenInvalid);
        for other in published.iter().filter(|other| other.name != host.name) {
            let foreign = other.sign_as(Some(host.name), &claims());
            assert_eq!(code(ours.token(&foreign, now())), Code::TokenInvalid);
        }
    }
}

/// What is public is known to everybody: as a shared secret it must not sign.
#[test]
fn a_published_key_is_no_shared_secret() {
    for host in HOSTS.iter().filter(|host| host.is_asymmetric()) {
        let jwk = host.jwk("a");
        let ours = with_file(std::slice::from_ref(&jwk), &[]);
        let members = ["n", "x"].iter().filter_map(|name| jwk[*name].as_str());
        let mut secrets: Vec<Vec<u8>> = members.map(|text| text.as_bytes().to_vec()).collect();
        secrets.push(host.public.clone().into_bytes());
        secrets.push(jwk.to_string().into_bytes());
        secrets.push(Vec::new());
        for secret in secrets {
            let header = jsonwebtoken::Header {
                kid: Some("a".to_owned()),
                ..jsonwebtoken::Header::new(Algorithm::HS256)
            };
            let key = EncodingKey::from_secret(&secret);
            let forged = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
            assert_eq!(code(ours.token(&forged, now())), Code::TokenInvalid);
        }
    }
}

#[test]
fn a_key_that_a_token_brings_along_is_not_believed() {
    let (published, forger) = (elliptic("ES256"), elliptic("ES256"));
    let ours = with_file(&[published.jwk("a")], &[]);
    let jwk = serde_json::from_value(forger.jwk("a")).unwrap();
    let mut header = jsonwebtoken::Header::new(Algorithm::ES256);
    header.kid = Some("a".to_owned());
    header.jwk = Some(jwk);
    header.jku = Some("https://evil.example/keys".to_owned());
    let forged = jsonwebtoken::encode(&header, &claims(), &forger.signing).unwrap();
    assert_eq!(code(ours.token(&forged, now())), Code::TokenInvalid);
}

#[test]
fn issuer_and_claims_are_checked_as_with_one_key() {
    let key = host("ES256");
    let ours = with_file(&[key.jwk("a")], &[("auth.issuer", "https://id.example")]);
    let of = |issuer: &str| key.sign_as(Some("a"), &changed("iss", json!(issuer)));
    assert!(ours.token(&of("https://id.example"), now()).is_ok());
    let other = ours.token(&of("https://evil.example"), now());
    assert_eq!(code(other), Code::TokenInvalid);
}

#[tokio::test]
async fn a_token_waits_for_its_key_and_for_no_other() {
    let key = elliptic("ES256");
    let host = HostServer::start_silent(Answer::Keys(vec![key.jwk("a")])).await;
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), &[("auth.jwks_url", &host.url)]);
    let ours = Authenticator::from_config(&config).unwrap();
    let named = key.sign_as(Some("a"), &claims());
    assert_eq!(code(ours.token(&named, now())), Code::Unavailable);
    ours.start();
    let check = ours.check(&format!("Bearer {named}"), now());
    assert!(matches!(check, TokenCheck::Waiting(_)));
    for other in ["", "nonsense", "a.b.c", "mdk_shop_x"] {
        let check = ours.check(other, now());
        assert!(matches!(check, TokenCheck::Done(_)), "{other}");
    }
    let guest = ours.guest_token(None, None, now()).unwrap();
    assert!(matches!(
        ours.check(&guest.token, now()),
        TokenCheck::Done(_)
    ));
    host.speak();
    assert_eq!(check.await.unwrap().user.as_str(), "kim@example.com");
    let check = ours.check(&named, now());
    assert!(matches!(check, TokenCheck::Done(_)));
    assert!(check.await.is_ok());
}

#[test]
fn published_keys_take_the_place_of_development_tokens() {
    let key = host("ES256");
    let ours = with_file(&[key.jwk("a")], &[]);
    let request = super::request(madang_domain::Role::User);
    assert_eq!(ours.development_token(&request, now()), None);
    let unsigned = signed(
        Algorithm::HS256,
        &EncodingKey::from_secret(super::SECRET.as_bytes()),
        &claims(),
    );
    assert_eq!(code(ours.token(&unsigned, now())), Code::TokenInvalid);
}

#[test]
fn a_file_that_cannot_be_used_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let named = |path: &Path| config(dir.path(), &[("auth.jwks_file", path.to_str().unwrap())]);
    std::fs::write(&path, "{}").unwrap();
    let error = check_host_key(&named(&path)).unwrap_err();
    assert!(matches!(error, HostKeyError::Unfit { .. }), "{error}");
    assert_eq!(error.option(), "jwks_file");
    assert!(Authenticator::from_config(&named(&path)).is_err());
    let error = check_host_key(&named(&dir.path().join("missing"))).unwrap_err();
    assert!(matches!(error, HostKeyError::File { .. }), "{error}");
    assert_eq!(error.option(), "jwks_file");
}
