use madang_domain::{Code, Role, Scopes, Timestamp, UserId};
use serde_json::json;

use super::{NOW_SECONDS, changed, claims, code, config, now, token, with_secret};
use crate::auth::{Authenticator, DevelopmentKey, api_keys, mint};

fn issued(at: i64) -> String {
    token(&changed("iat", json!(at)))
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

#[test]
fn a_users_earlier_tokens_are_refused_and_later_ones_open() {
    let ours = with_secret(&[]);
    let kim = UserId::new("kim@example.com").unwrap();
    let old = issued(NOW_SECONDS - 10);
    let caller = ours.token(&old, now()).unwrap();
    assert_eq!(caller.issued_at, Some(seconds(NOW_SECONDS - 10)));
    ours.revoke(&kim, seconds(NOW_SECONDS - 5));
    for revoked in [
        old,
        issued(NOW_SECONDS - 5),
        token(&claims()),
        token(&changed("iat", json!("yesterday"))),
    ] {
        assert_eq!(code(ours.token(&revoked, now())), Code::TokenRevoked);
    }
    assert!(ours.token(&issued(NOW_SECONDS - 4), now()).is_ok());
    let lee = token(&changed("sub", json!("lee@example.com")));
    assert!(ours.token(&lee, now()).is_ok());
}

#[test]
fn guests_and_developers_are_revoked_as_the_hosts_users_are() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authenticator::from_config(&config(dir.path(), &[])).unwrap();
    let key = DevelopmentKey::open(dir.path()).unwrap();
    let developer = mint(&key, &super::request(Role::User), now()).unwrap();
    let guest = ours.guest_token(None, None, now()).unwrap();
    ours.revoke(&UserId::new("kim").unwrap(), now());
    ours.revoke(&guest.user, now());
    assert_eq!(code(ours.token(&developer, now())), Code::TokenRevoked);
    assert_eq!(code(ours.token(&guest.token, now())), Code::TokenRevoked);
}

#[test]
fn a_token_that_is_wrong_anyway_is_not_told_to_be_revoked() {
    let ours = with_secret(&[]);
    ours.revoke(&UserId::new("kim@example.com").unwrap(), now());
    let expired = token(&changed("exp", json!(NOW_SECONDS)));
    assert_eq!(code(ours.token(&expired, now())), Code::TokenExpired);
    let forged = format!("{}A", issued(NOW_SECONDS));
    assert_eq!(code(ours.token(&forged, now())), Code::TokenInvalid);
}

#[test]
fn an_api_key_is_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authenticator::from_config(&config(dir.path(), &[])).unwrap();
    let key = api_keys::add(dir.path(), "shop", Scopes::PUBLISH).unwrap();
    ours.revoke(&UserId::new("shop").unwrap(), now());
    assert!(ours.token(&key, now()).is_ok());
}
