use madang_domain::{Scope, Scopes};

use super::{documents, file, only_fault};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const URL: &str = "https://id.example/.well-known/jwks.json";

#[test]
fn the_hosts_keys_are_named_in_one_way_only() {
    let ways = [
        format!("jwt_key = \"{KEY}\""),
        "jwt_key_file = \"key.pem\"".to_owned(),
        format!("jwks_url = \"{URL}\""),
        "jwks_file = \"jwks.json\"".to_owned(),
    ];
    for (index, way) in ways.iter().enumerate() {
        let config = file(&format!("[auth]\n{way}")).unwrap().config;
        assert!(
            config.has_host_key() && !config.uses_development_tokens(),
            "{way}"
        );
        for other in &ways[index + 1..] {
            let fault = only_fault(file(&format!("[auth]\n{way}\n{other}")));
            let (name, _) = other.split_once(' ').unwrap();
            assert_eq!(fault.option, format!("auth.{name}"));
        }
    }
}

#[test]
fn published_keys_say_their_algorithm_themselves() {
    let config = format!("[auth]\njwks_url = \"{URL}\"\nissuer = \"https://id.example\"");
    assert!(file(&config).is_ok());
    let fault = only_fault(file(&format!("{config}\njwt_algorithm = \"RS256\"")));
    assert_eq!(fault.option, "auth.jwt_algorithm");
}

#[test]
fn an_address_of_keys_is_one_that_can_be_fetched_and_shown() {
    for good in [URL, "http://127.0.0.1:8080/keys", "https://[::1]/a?b=c"] {
        assert!(
            file(&format!("[auth]\njwks_url = \"{good}\"")).is_ok(),
            "{good}"
        );
    }
    for bad in [
        "id.example/keys",
        "file:///etc/keys",
        "ftp://id.example/keys",
        "https://",
        "https://user:secret@id.example/keys",
        "https://user@id.example/keys",
    ] {
        let fault = only_fault(file(&format!("[auth]\njwks_url = \"{bad}\"")));
        assert_eq!(fault.option, "auth.jwks_url", "{bad}");
    }
}

#[test]
fn published_keys_are_not_fetched_more_often_than_allowed() {
    let text = "[auth]\njwks_refresh_seconds = 5";
    assert_eq!(only_fault(file(text)).option, "auth.jwks_refresh_seconds");
    assert!(file(&format!("{text}\njwks_unknown_kid_seconds = 5")).is_ok());
}

#[test]
fn guests_have_a_secret_of_their_own() {
    let short = &KEY[1..];
    let fault = only_fault(file(&format!("[auth]\nguest_key = \"{short}\"")));
    assert_eq!(fault.option, "auth.guest_key");
    assert!(!fault.to_string().contains(short), "{fault}");
    assert!(file(&format!("[auth]\nguest_key = \"{KEY}\"")).is_ok());
    let shared = format!("[auth]\nguest_key = \"{KEY}\"\njwt_key = \"{KEY}\"");
    let fault = only_fault(file(&shared));
    assert_eq!(fault.option, "auth.guest_key");
    assert!(!fault.to_string().contains(KEY), "{fault}");
}

#[test]
fn an_api_key_may_say_its_scopes_which_are_shown() {
    let hash = "0123456789abcdef".repeat(4);
    let entry = format!("{{ hash = \"{hash}\", scopes = [\"users\", \"rooms\"] }}");
    for text in [
        format!("[api_keys]\nshop = {entry}"),
        format!("[api_keys.shop]\nhash = \"{hash}\"\nscopes = [\"users\", \"rooms\"]"),
    ] {
        let loaded = file(&text).unwrap();
        let scopes = Scopes::NONE.with(Scope::Users).with(Scope::Rooms);
        assert_eq!(loaded.config.api_keys["shop"].scopes, scopes);
        let shown = documents::effective(&loaded.settings);
        assert!(
            shown.contains("\"rooms\", \"users\"") && !shown.contains(&hash),
            "{shown}"
        );
    }
    let fault = only_fault(file(&format!("[api_keys]\nshop = {{ hash = \"{hash}\" }}")));
    assert_eq!(fault.option, "api_keys.shop");
    assert!(!fault.to_string().contains(&hash), "{fault}");
}
