use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use madang_domain::{Code, Role, Timestamp, UserId};
use serde_json::{Value, json};

use super::hosts::host;
use super::{
    NOW_SECONDS, SECRET, authenticator, changed, code, config, now, signed, token, with_secret,
};
use crate::auth::guests::{GUEST_KID, is_guest};
use crate::auth::{Authenticator, DevelopmentKey, GuestToken, mint};

const GUEST_SECRET: &str = "the secret that all nodes share: 0123456789";

fn guest(ours: &Authenticator) -> GuestToken {
    ours.guest_token(None, None, now()).unwrap()
}

fn as_guest(secret: &[u8], claims: &Value) -> String {
    let header = Header {
        kid: Some(GUEST_KID.to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

fn claims(sub: &str) -> Value {
    json!({"iss": GUEST_KID, "sub": sub, "iat": NOW_SECONDS, "exp": NOW_SECONDS + 60})
}

#[test]
fn a_guest_is_a_new_user_with_the_name_that_was_asked_for() {
    for options in [
        &[][..],
        &[("auth.jwt_key", SECRET)],
        &[("auth.development_tokens", "false")],
    ] {
        let ours = authenticator(options);
        let made = ours.guest_token(Some(" 손님 "), None, now()).unwrap();
        let caller = ours.token(&made.token, now()).unwrap();
        assert_eq!((&caller.user, caller.role), (&made.user, Role::Guest));
        assert!(is_guest(&caller.user));
        assert_eq!(
            (caller.name.as_deref(), made.name.as_deref()),
            (Some("손님"), Some("손님"))
        );
        assert_eq!(caller.issued_at, Some(now()));
        assert_eq!(caller.expires_at, Some(made.expires_at));
        assert_eq!(made.expires_at.as_secs(), NOW_SECONDS + 86_400);
        assert_ne!(guest(&ours).user, made.user);
        assert_eq!(guest(&ours).name, None);
        assert!(!format!("{made:?}").contains(&made.token));
    }
}

#[test]
fn a_guests_token_ends_when_it_was_said_to() {
    let ours = with_secret(&[("auth.guest_ttl_seconds", "120")]);
    let until = |made: &GuestToken| made.expires_at.as_secs() - NOW_SECONDS;
    assert_eq!(until(&guest(&ours)), 120);
    let short = ours.guest_token(None, Some(Duration::from_secs(60)), now());
    let short = short.unwrap();
    assert_eq!(until(&short), 60);
    let later = Timestamp::from_micros(short.expires_at.as_micros());
    assert_eq!(code(ours.token(&short.token, later)), Code::TokenExpired);
    for seconds in [0, 59, 30 * 86_400 + 1, u64::MAX] {
        let ttl = Some(Duration::from_secs(seconds));
        let refused = ours.guest_token(None, ttl, now()).unwrap_err();
        assert_eq!(refused.code(), Code::BodyInvalid, "{seconds}");
    }
}

#[test]
fn a_name_that_cannot_be_shown_is_refused_and_an_empty_one_is_none() {
    let ours = with_secret(&[]);
    for bad in ["a\nb", "\u{0}", &"x".repeat(129), &"가".repeat(43)] {
        let refused = ours.guest_token(Some(bad), None, now()).unwrap_err();
        assert_eq!(refused.code(), Code::BodyInvalid);
    }
    assert_eq!(
        ours.guest_token(Some("  "), None, now()).unwrap().name,
        None
    );
    assert!(
        ours.guest_token(Some(&"x".repeat(128)), None, now())
            .is_ok()
    );
}

#[test]
fn nodes_of_one_secret_take_each_others_guests_and_others_do_not() {
    let shared = [("auth.guest_key", GUEST_SECRET)];
    let (one, two) = (with_secret(&shared), with_secret(&shared));
    let other = with_secret(&[]);
    guest(&other);
    let made = guest(&one);
    assert_eq!(two.token(&made.token, now()).unwrap().user, made.user);
    assert_eq!(code(other.token(&made.token, now())), Code::TokenInvalid);
    let unkeyed = with_secret(&[]);
    assert_eq!(code(unkeyed.token(&made.token, now())), Code::TokenInvalid);
}

#[test]
fn the_key_is_made_when_it_is_first_needed_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("guest.key");
    let open = |options: &[(&str, &str)]| {
        Authenticator::from_config(&config(dir.path(), options)).unwrap()
    };
    let ours = open(&[("auth.jwt_key", SECRET)]);
    assert!(!file.exists());
    let made = guest(&ours);
    assert!(file.exists());
    let again = open(&[("auth.jwt_key", SECRET)]);
    assert_eq!(again.token(&made.token, now()).unwrap().user, made.user);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(&file, "not a key").unwrap();
    let broken = config(dir.path(), &[("auth.jwt_key", SECRET)]);
    assert!(Authenticator::from_config(&broken).is_err());

    let dir = tempfile::tempdir().unwrap();
    let wanted = config(dir.path(), &[("auth.guests", "true")]);
    Authenticator::from_config(&wanted).unwrap();
    assert!(dir.path().join("guest.key").exists());
}

#[test]
fn a_guest_is_nothing_more_whatever_the_token_claims() {
    let ours = with_secret(&[("auth.guest_key", GUEST_SECRET)]);
    let id = guest(&ours).user;
    let mut claimed = claims(id.as_str());
    claimed["auth"] = json!("ROLE_MADANG_ADMIN");
    let token = as_guest(GUEST_SECRET.as_bytes(), &claimed);
    assert_eq!(ours.token(&token, now()).unwrap().role, Role::Guest);
}

#[test]
fn neither_key_opens_for_the_others_tokens() {
    let ours = with_secret(&[("auth.guest_key", GUEST_SECRET)]);
    let id = guest(&ours).user;
    let (ours_to_guests, hosts) = (GUEST_SECRET.as_bytes(), SECRET.as_bytes());
    let good = as_guest(ours_to_guests, &claims(id.as_str()));
    assert!(ours.token(&good, now()).is_ok());
    let person = json!({"iss": GUEST_KID, "sub": "kim@example.com", "exp": NOW_SECONDS + 60});
    let foreign = json!({"iss": "shop", "sub": id.as_str(), "exp": NOW_SECONDS + 60});
    let mut eternal = claims(id.as_str());
    eternal.as_object_mut().unwrap().remove("exp");
    for refused in [
        // The host's key under the guests' name.
        as_guest(hosts, &claims(id.as_str())),
        as_guest(hosts, &person),
        // The guests' key under no name.
        signed(
            Algorithm::HS256,
            &EncodingKey::from_secret(ours_to_guests),
            &claims(id.as_str()),
        ),
        // The guests' key for what is no guest, or no token of ours.
        as_guest(ours_to_guests, &person),
        as_guest(ours_to_guests, &foreign),
        as_guest(ours_to_guests, &eternal),
        // A guest's token of another algorithm.
        host("ES256").sign_as(Some(GUEST_KID), &claims(id.as_str())),
    ] {
        assert_eq!(code(ours.token(&refused, now())), Code::TokenInvalid);
    }
}

#[test]
fn the_host_cannot_name_a_guest_by_accident_or_design() {
    let dir = tempfile::tempdir().unwrap();
    let ours = with_secret(&[]);
    let id = guest(&ours).user;
    let named = token(&changed("sub", json!(id.as_str())));
    assert_eq!(code(ours.token(&named, now())), Code::TokenInvalid);
    let development = Authenticator::from_config(&config(dir.path(), &[])).unwrap();
    let key = DevelopmentKey::open(dir.path()).unwrap();
    let mut request = super::request(Role::Admin);
    request.user = id;
    let named = mint(&key, &request, now()).unwrap();
    assert_eq!(code(development.token(&named, now())), Code::TokenInvalid);
    let digits = "0123456789abcdef0123456789abcde";
    for person in [
        "guest-house@example.com".to_owned(),
        "guest-42".to_owned(),
        "guest-".to_owned(),
        format!("guest-{digits}"),
        format!("guest-{digits}F"),
        format!("guest-{digits}ff"),
    ] {
        let named = token(&changed("sub", json!(person)));
        assert_eq!(
            ours.token(&named, now()).unwrap().user,
            UserId::new(&person).unwrap()
        );
    }
}
