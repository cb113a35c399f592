use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::super::key_set::{KeySet, SET_BYTES_MAX};
use crate::auth::jwt::Head;
use crate::auth::tests::hosts::{HOSTS, elliptic, host};

fn set(keys: &[Value]) -> KeySet {
    let set = json!({ "keys": keys, "more": 1 });
    KeySet::parse(set.to_string().as_bytes()).unwrap()
}

fn has(set: &KeySet, alg: Algorithm, kid: Option<&str>) -> bool {
    let kid = kid.map(str::to_owned);
    set.find(&Head { alg, kid }).is_some()
}

fn with(mut key: Value, name: &str, value: Value) -> Value {
    key[name] = value;
    key
}

fn without(mut key: Value, name: &str) -> Value {
    key.as_object_mut().unwrap().remove(name);
    key
}

#[test]
fn a_key_checks_what_it_says_and_without_a_word_what_its_kind_can() {
    for host in HOSTS.iter().filter(|host| host.is_asymmetric()) {
        let said = set(&[host.jwk("a")]);
        let unsaid = set(&[without(host.jwk("a"), "alg")]);
        for other in HOSTS.iter() {
            let same = other.algorithm == host.algorithm;
            let family = host.name.starts_with(['R', 'P']) && other.name.starts_with(['R', 'P']);
            assert_eq!(has(&said, other.algorithm, Some("a")), same);
            assert_eq!(has(&unsaid, other.algorithm, Some("a")), same || family);
        }
    }
}

#[test]
fn keys_that_cannot_check_tokens_are_passed_over_and_hide_no_other() {
    let (rsa, p256, ed) = (host("RS256"), host("ES256"), host("EdDSA"));
    let other_curve = host("ES384").jwk("x");
    let unusable = [
        // A secret is none once it is published.
        host("HS256").jwk("x"),
        json!({"kty": "oct", "k": "c2VjcmV0", "kid": "x"}),
        with(rsa.jwk("x"), "kty", json!("oct")),
        with(rsa.jwk("x"), "alg", json!("HS256")),
        with(rsa.jwk("x"), "alg", json!("ES256")),
        with(rsa.jwk("x"), "alg", json!("RSA-OAEP")),
        with(rsa.jwk("x"), "alg", json!("none")),
        with(rsa.jwk("x"), "use", json!("enc")),
        with(rsa.jwk("x"), "key_ops", json!(["encrypt"])),
        // 1024 bits.
        with(rsa.jwk("x"), "n", json!(["u", &"A".repeat(170)].concat())),
        with(rsa.jwk("x"), "n", json!("")),
        with(rsa.jwk("x"), "e", json!("AA")),
        with(rsa.jwk("x"), "e", json!("!")),
        without(rsa.jwk("x"), "n"),
        // Not on the curve, and of another.
        with(p256.jwk("x"), "x", json!("A".repeat(43))),
        with(p256.jwk("x"), "crv", json!("P-384")),
        with(other_curve.clone(), "crv", json!("P-256")),
        with(other_curve, "crv", json!("P-521")),
        with(p256.jwk("x"), "kty", json!("AKP")),
        with(ed.jwk("x"), "crv", json!("Ed448")),
        with(ed.jwk("x"), "x", json!("AAAA")),
        with(ed.jwk("x"), "kid", json!("k".repeat(1025))),
        json!({}),
        json!("key"),
        Value::Null,
    ];
    for key in unusable {
        let set = set(&[key.clone(), p256.jwk("good")]);
        assert_eq!(set.len(), 1, "{key}");
        assert!(has(&set, Algorithm::ES256, Some("good")), "{key}");
    }
}

#[test]
fn what_says_that_it_checks_signatures_is_taken_whatever_else_it_holds() {
    let key = host("ES256").jwk("a");
    for more in [
        with(key.clone(), "use", json!("sig")),
        with(key.clone(), "key_ops", json!(["sign", "verify"])),
        with(key.clone(), "x5c", json!(["certificate"])),
        with(key.clone(), "d", json!("private")),
    ] {
        assert!(has(&set(&[more]), Algorithm::ES256, Some("a")));
    }
    let ed = with(host("EdDSA").jwk("a"), "alg", json!("Ed25519"));
    assert!(has(&set(&[ed]), Algorithm::EdDSA, Some("a")));
}

#[test]
fn a_token_that_names_no_key_fits_if_there_is_no_choice() {
    let (one, two) = (elliptic("ES256"), elliptic("ES256"));
    let ed = host("EdDSA");
    let nameless = |host: &super::Host| without(host.jwk("a"), "kid");
    let alone = set(&[nameless(&one), ed.jwk("b")]);
    assert!(has(&alone, Algorithm::ES256, None));
    assert!(has(&alone, Algorithm::EdDSA, None));
    assert!(!has(&alone, Algorithm::ES256, Some("a")));
    let several = set(&[nameless(&one), two.jwk("b")]);
    assert!(!has(&several, Algorithm::ES256, None));
    assert!(has(&several, Algorithm::ES256, Some("b")));
}

#[test]
fn keys_of_one_name_are_told_apart_by_their_kind() {
    let set = set(&[host("ES256").jwk("a"), host("EdDSA").jwk("a")]);
    assert!(has(&set, Algorithm::ES256, Some("a")));
    assert!(has(&set, Algorithm::EdDSA, Some("a")));
    assert!(!has(&set, Algorithm::RS256, Some("a")));
}

#[test]
fn what_is_no_set_or_too_large_is_refused() {
    let key = host("ES256").jwk("a");
    let many = json!({"keys": vec![key; 101]}).to_string();
    let long = " ".repeat(SET_BYTES_MAX) + r#"{"keys":[]}"#;
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, "\u{0}", &many, &long] {
        assert!(KeySet::parse(text.as_bytes()).is_err());
    }
    assert_eq!(set(&[]).len(), 0);
}
