use http::{HeaderMap, HeaderValue};
use madang_domain::{Code, Role, Scopes};

use super::{SECRET, config, now};
use crate::auth::{Authenticator, api_keys};

#[test]
fn an_api_key_opens_as_a_service_beside_any_kind_of_tokens() {
    for options in [
        &[][..],
        &[("auth.jwt_key", SECRET)],
        &[("auth.development_tokens", "false")],
    ] {
        let dir = tempfile::tempdir().unwrap();
        let ours = Authenticator::from_config(&config(dir.path(), options)).unwrap();
        let key = api_keys::add(dir.path(), "shop", Scopes::PUBLISH).unwrap();
        for token in [
            key.clone(),
            format!("Bearer {key}"),
            format!("Bearer%20{key}"),
        ] {
            let caller = ours.token(&token, now()).unwrap();
            assert_eq!((caller.user.as_str(), caller.role), ("shop", Role::Service));
            assert_eq!(caller.expires_at, None);
        }
        api_keys::remove(dir.path(), "shop").unwrap();
        let refused = ours.token(&key, now()).unwrap_err();
        assert_eq!(refused.code(), Code::TokenInvalid);
        assert_eq!(refused.message(), "no such API key");
    }
}

#[test]
fn the_key_that_a_request_carries_in_its_header_is_the_one_that_opens() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authenticator::from_config(&config(dir.path(), &[])).unwrap();
    let key = api_keys::add(dir.path(), "shop", Scopes::PUBLISH).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", HeaderValue::from_str(&key).unwrap());
    let found = ours.token_of_request(&headers).unwrap();
    assert_eq!(ours.token(&found, now()).unwrap().user.as_str(), "shop");
}
