mod accounts;
mod api_keys;
mod guests;
pub(super) mod hosts;
mod published;
mod revocations;

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use hosts::HOSTS;

use crate::config::{OptionSpec, all_options, assemble};

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const NOW_SECONDS: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_micros(NOW_SECONDS * 1_000_000)
}

fn config(data: &Path, options: &[(&str, &str)]) -> Config {
    let option = |path: &str| -> &'static OptionSpec {
        all_options().find(|spec| spec.path() == path).unwrap()
    };
    let mut flags: Vec<_> = options
        .iter()
        .map(|(path, text)| (option(path), (*text).to_owned()))
        .collect();
    flags.push((option("server.data"), data.to_str().unwrap().to_owned()));
    assemble(None, &[], &flags).unwrap().config
}

fn authenticator(options: &[(&str, &str)]) -> Authenticator {
    let dir = tempfile::tempdir().unwrap();
    Authenticator::from_config(&config(dir.path(), options)).unwrap()
}

fn with_secret(options: &[(&str, &str)]) -> Authenticator {
    let mut all = vec![("auth.jwt_key", SECRET)];
    all.extend_from_slice(options);
    authenticator(&all)
}

fn claims() -> Value {
    json!({"sub": "kim@example.com", "id": 7, "auth": "ROLE_USER", "exp": NOW_SECONDS + 60})
}

fn changed(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn signed(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    install_crypto();
    jsonwebtoken::encode(&Header::new(algorithm), claims, key).unwrap()
}

fn token(claims: &Value) -> String {
    signed(
        Algorithm::HS256,
        &EncodingKey::from_secret(SECRET.as_bytes()),
        claims,
    )
}

fn code(result: Result<Caller, Error>) -> Code {
    result.unwrap_err().code()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn each_algorithm_lets_in_what_the_host_signed_and_nothing_else() {
    for host in HOSTS.iter() {
        let ours = authenticator(&[
            ("auth.jwt_algorithm", host.name),
            ("auth.jwt_key", &host.public),
        ]);
        let good = host.sign(&claims());
        assert_eq!(
            ours.token(&good, now()).unwrap().user.as_str(),
            "kim@example.com"
        );

        let expired = host.sign(&changed("exp", json!(NOW_SECONDS)));
        assert_eq!(
            code(ours.token(&expired, now())),
            Code::TokenExpired,
            "{}",
            host.name
        );

        let (rest, signature) = good.rsplit_once('.').unwrap();
        let (header, _) = rest.split_once('.').unwrap();
        let admin = part(&changed("auth", json!("ROLE_MADANG_ADMIN")));
        let none = part(&json!({"alg": "none"}));
        let body = part(&claims());
        // The public key is known to everybody: taken for a shared secret it must not sign.
        let confused = EncodingKey::from_secret(host.public.as_bytes());
        let confused = match host.is_asymmetric() {
            true => signed(Algorithm::HS256, &confused, &claims()),
            false => String::new(),
        };
        let forged = [
            format!("{header}.{admin}.{signature}"),
            format!("{none}.{body}."),
            format!("{none}.{body}.{signature}"),
            format!("{rest}."),
            rest.to_owned(),
            confused,
        ];
        for forged in forged.iter().filter(|token| !token.is_empty()) {
            assert_eq!(
                code(ours.token(forged, now())),
                Code::TokenInvalid,
                "{}: {forged}",
                host.name
            );
        }
        for other in HOSTS.iter().filter(|other| other.name != host.name) {
            let foreign = other.sign(&claims());
            assert_eq!(code(ours.token(&foreign, now())), Code::TokenInvalid);
        }
    }
}

#[test]
fn another_key_of_the_same_algorithm_does_not_open() {
    let ours = with_secret(&[]);
    let other = EncodingKey::from_secret(SECRET.to_uppercase().as_bytes());
    let foreign = signed(Algorithm::HS256, &other, &claims());
    assert_eq!(code(ours.token(&foreign, now())), Code::TokenInvalid);
}

#[test]
fn what_is_no_token_is_refused_without_a_panic() {
    let ours = with_secret(&[]);
    let huge = "a".repeat(20_000);
    for text in [
        "a",
        "a.b",
        "a.b.c",
        "...",
        "a.b.c.d",
        "é.é.é",
        "null",
        "undefined",
        &huge,
    ] {
        assert_eq!(code(ours.token(text, now())), Code::TokenInvalid, "{text}");
    }
    for text in ["", "Bearer ", "  "] {
        assert_eq!(code(ours.token(text, now())), Code::AuthenticationRequired);
    }
}

#[test]
fn the_caller_is_read_from_the_claims_of_the_contract() {
    let ours = with_secret(&[]);
    let mut with_name = claims();
    with_name["nickname"] = json!("킴");
    let caller = ours
        .token(&format!("Bearer%20{}", token(&with_name)), now())
        .unwrap();
    assert_eq!(caller.user.as_str(), "kim@example.com");
    assert_eq!(caller.name.as_deref(), Some("킴"));
    assert_eq!(caller.member_id.as_deref(), Some("7"));
    assert_eq!(caller.role, Role::User);
    assert_eq!(
        caller.expires_at,
        Some(Timestamp::from_micros((NOW_SECONDS + 60) * 1_000_000))
    );

    let caller = ours
        .token(&token(&changed("id", json!("m-7"))), now())
        .unwrap();
    assert_eq!(caller.member_id.as_deref(), Some("m-7"));
    assert_eq!(caller.name, None);
    let caller = ours
        .token(&token(&changed("name", json!("Kim"))), now())
        .unwrap();
    assert_eq!(caller.name.as_deref(), Some("Kim"));
    let caller = ours
        .token(&token(&changed("name", json!("a\u{0}b"))), now())
        .unwrap();
    assert_eq!(
        caller.name, None,
        "no control characters in what others see"
    );
}

#[test]
fn authorities_make_the_role_as_text_or_as_a_list() {
    let ours = with_secret(&[]);
    for (authorities, role) in [
        (json!("ROLE_USER"), Role::User),
        (json!("ROLE_USER, ROLE_ADMIN"), Role::Agent),
        (json!(["ROLE_USER", "ROLE_AGENT"]), Role::Agent),
        (json!("ROLE_AGENT,ROLE_MADANG_ADMIN"), Role::Admin),
        (json!("ROLE_ADMINISTRATOR"), Role::User),
        (json!("role_admin"), Role::User),
        (json!(7), Role::User),
        (Value::Null, Role::User),
    ] {
        let caller = ours
            .token(&token(&changed("auth", authorities.clone())), now())
            .unwrap();
        assert_eq!(caller.role, role, "{authorities}");
    }
}

#[test]
fn renamed_claims_and_authorities_are_followed() {
    let ours = with_secret(&[
        ("auth.claim_user", "uid"),
        ("auth.claim_name", "handle"),
        ("auth.claim_roles", "groups"),
        ("auth.agent_authorities", "support"),
    ]);
    let claims = json!({"uid": 42, "handle": "k", "groups": ["support"], "exp": NOW_SECONDS + 1});
    let caller = ours.token(&token(&claims), now()).unwrap();
    assert_eq!((caller.user.as_str(), caller.role), ("42", Role::Agent));
    assert_eq!(caller.name.as_deref(), Some("k"));
}

#[test]
fn a_missing_or_malformed_claim_makes_a_token_invalid() {
    let ours = with_secret(&[]);
    for (name, value) in [
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!("a\nb")),
        ("sub", json!(["kim"])),
        ("sub", json!("k".repeat(256))),
        ("exp", Value::Null),
        ("exp", json!("tomorrow")),
        ("nbf", json!("yesterday")),
        ("nbf", json!(NOW_SECONDS + 1)),
    ] {
        let result = ours.token(&token(&changed(name, value.clone())), now());
        assert_eq!(code(result), Code::TokenInvalid, "{name} {value}");
    }
    let mut without = claims();
    without.as_object_mut().unwrap().remove("exp");
    assert_eq!(
        code(ours.token(&token(&without), now())),
        Code::TokenInvalid
    );
}

#[test]
fn the_leeway_is_given_to_both_ends_and_to_the_session() {
    let ours = with_secret(&[("auth.leeway_seconds", "30")]);
    let at = |exp: f64, nbf: i64| {
        let mut claims = changed("exp", json!(exp));
        claims["nbf"] = json!(nbf);
        ours.token(&token(&claims), now())
    };
    #[allow(clippy::cast_precision_loss)]
    let base = NOW_SECONDS as f64;
    let caller = at(base - 29.5, NOW_SECONDS + 30).unwrap();
    assert_eq!(
        caller.expires_at,
        Some(Timestamp::from_micros(NOW_SECONDS * 1_000_000 + 500_000))
    );
    assert_eq!(code(at(base - 30.0, 0)), Code::TokenExpired);
    assert_eq!(code(at(base, NOW_SECONDS + 31)), Code::TokenInvalid);
    assert!(at(1e300, i64::MIN).is_ok(), "extreme times do not overflow");
}

#[test]
fn issuer_and_audience_are_asked_for_when_set() {
    let ours = with_secret(&[("auth.issuer", "shop"), ("auth.audience", "chat")]);
    let with = |iss: Value, aud: Value| {
        let mut claims = changed("iss", iss);
        claims["aud"] = aud;
        ours.token(&token(&claims), now())
    };
    assert!(with(json!("shop"), json!("chat")).is_ok());
    assert!(with(json!("shop"), json!(["web", "chat"])).is_ok());
    for (iss, aud) in [
        (json!("other"), json!("chat")),
        (Value::Null, json!("chat")),
        (json!("shop"), json!("web")),
        (json!("shop"), Value::Null),
    ] {
        assert_eq!(code(with(iss, aud)), Code::TokenInvalid);
    }
    assert!(
        with_secret(&[])
            .token(&token(&changed("aud", json!("web"))), now())
            .is_ok()
    );
}

#[test]
fn extensions_that_are_not_understood_make_a_token_invalid() {
    install_crypto();
    let mut header = Header::new(Algorithm::HS256);
    header.crit = Some(vec!["exp".to_owned()]);
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
    assert_eq!(
        code(with_secret(&[]).token(&token, now())),
        Code::TokenInvalid
    );
}

#[test]
fn a_secret_is_read_as_its_encoding_says() {
    let bytes = [0xfb_u8; 32];
    let standard = STANDARD.encode(bytes);
    let url = URL_SAFE_NO_PAD.encode(bytes);
    let hex = "fb".repeat(32);
    let claims = claims();
    let token = signed(Algorithm::HS256, &EncodingKey::from_secret(&bytes), &claims);
    for (encoding, text) in [("base64", &standard), ("base64", &url), ("hex", &hex)] {
        let ours = authenticator(&[("auth.jwt_key", text), ("auth.jwt_key_encoding", encoding)]);
        assert!(ours.token(&token, now()).is_ok(), "{encoding}");
    }
}

#[test]
fn a_key_that_does_not_fit_stops_the_start_and_is_not_shown() {
    let short = "0123456789abcdef0123456789abcde";
    let public = |name: &str| hosts::host(name).public.as_str();
    for (algorithm, encoding, key) in [
        ("HS256", "text", short),
        ("HS512", "text", &SECRET[..63]),
        ("HS256", "hex", "zz"),
        ("HS256", "base64", "!"),
        ("HS256", "text", public("RS256")),
        ("RS256", "text", SECRET),
        ("RS256", "text", public("ES256")),
        ("ES256", "text", public("EdDSA")),
        ("ES256", "text", public("ES384")),
        ("ES384", "text", public("ES256")),
        ("EdDSA", "text", public("RS256")),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let config = config(
            dir.path(),
            &[
                ("auth.jwt_algorithm", algorithm),
                ("auth.jwt_key_encoding", encoding),
                ("auth.jwt_key", key),
            ],
        );
        let error = check_host_key(&config).unwrap_err().to_string();
        assert!(Authenticator::from_config(&config).is_err());
        assert!(
            error.contains("auth.jwt_key") && !error.contains(key),
            "{error}"
        );
    }
}

#[test]
fn a_key_file_is_read_without_the_line_end() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let ours = authenticator(&[("auth.jwt_key_file", file.to_str().unwrap())]);
    assert!(ours.token(&token(&claims()), now()).is_ok());
    let missing = config(dir.path(), &[("auth.jwt_key_file", "/no/such/file")]);
    assert!(matches!(
        check_host_key(&missing),
        Err(HostKeyError::File { .. })
    ));
}

fn request(role: Role) -> TokenRequest {
    TokenRequest {
        user: UserId::new("kim").unwrap(),
        role,
        name: Some("Kim".to_owned()),
        member_id: Some(7),
        ttl: Duration::from_secs(60),
    }
}

#[test]
fn a_development_token_opens_only_while_no_host_key_is_set() {
    let dir = tempfile::tempdir().unwrap();
    let key = DevelopmentKey::open(dir.path()).unwrap();
    let token = |role| mint(&key, &request(role), now()).unwrap();

    let ours = Authenticator::from_config(&config(dir.path(), &[])).unwrap();
    for role in [Role::User, Role::Agent, Role::Admin] {
        let caller = ours.token(&token(role), now()).unwrap();
        assert_eq!((caller.user.as_str(), caller.role), ("kim", role));
        assert_eq!(caller.name.as_deref(), Some("Kim"));
        assert_eq!(caller.member_id.as_deref(), Some("7"));
        assert_eq!(
            ours.development_token(&request(role), now()),
            Some(token(role))
        );
    }
    let unnamed = TokenRequest {
        name: None,
        ..request(Role::User)
    };
    let caller = ours.token(&mint(&key, &unnamed, now()).unwrap(), now());
    assert_eq!(caller.unwrap().name, None, "the host's name for them stays");
    let later = Timestamp::from_micros(now().as_micros() + 60_000_000);
    assert_eq!(
        code(ours.token(&token(Role::User), later)),
        Code::TokenExpired
    );

    for options in [
        ("auth.jwt_key", SECRET),
        ("auth.development_tokens", "false"),
    ] {
        let closed = Authenticator::from_config(&config(dir.path(), &[options])).unwrap();
        let refused = closed.token(&token(Role::Admin), now()).unwrap_err();
        assert_eq!(refused.code(), Code::TokenInvalid);
        assert_eq!(
            refused.message(),
            "development tokens are off on this server"
        );
        assert_eq!(closed.development_token(&request(Role::User), now()), None);
    }
}
