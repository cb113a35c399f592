//! From settings to the typed configuration. Pure: finds every fault, not only the first.

use std::collections::BTreeMap;

use madang_bus::UrlError;

use super::{Presence, StorePlace};
use madang_domain::UserId;

use super::api_key::{ApiKey, ApiKeyHash};
use super::fault::{Fault, Faults};
use super::layers::{ACCOUNTS, API_KEYS, Settings, shown};
use super::options::{Config, typed};
use super::picture_place::PicturePlace;
use super::value::{JwtAlgorithm, MASK, PasscodeHash};
use crate::contracts::topics::ROOMS;

/// Checks every value alone, then against the others.
///
/// # Errors
/// [`Faults`]: all that are found, `earlier` ones first. The operator's fault.
pub(super) fn validate(settings: &Settings, earlier: Vec<Fault>) -> Result<Config, Faults> {
    let mut faults = earlier;
    for (spec, setting) in settings.iter() {
        if !(spec.accepts)(&setting.value, &spec.allowed) {
            faults.push(Fault {
                option: spec.path(),
                given: Some(shown(spec, &setting.value)),
                source: setting.source.clone(),
                problem: format!("allowed: {}", spec.allowed_text()),
            });
        }
    }
    let accounts = accounts(settings, &mut faults);
    let api_keys = api_keys(settings, &mut faults);
    if let Some(config) = typed(settings, accounts, api_keys) {
        check_together(&config, settings, &mut faults);
        if faults.is_empty() {
            return Ok(config);
        }
    }
    Err(Faults(faults))
}

fn accounts(settings: &Settings, faults: &mut Vec<Fault>) -> BTreeMap<String, PasscodeHash> {
    let mut accounts = BTreeMap::new();
    for (login, setting) in settings.accounts() {
        let mut refuse = |problem: String| {
            faults.push(Fault {
                option: format!("{ACCOUNTS}.{login}"),
                given: Some(format!("\"{MASK}\"")),
                source: setting.source.clone(),
                problem,
            });
        };
        if let Err(error) = UserId::new(login) {
            refuse(format!("the login {error}"));
        }
        match setting.value.as_str().and_then(PasscodeHash::parse) {
            Some(hash) => {
                accounts.insert(login.clone(), hash);
            }
            None => refuse(
                "allowed: an argon2 hash as `madang account` writes it ($argon2id$v=19$…)"
                    .to_owned(),
            ),
        }
    }
    accounts
}

fn api_keys(settings: &Settings, faults: &mut Vec<Fault>) -> BTreeMap<String, ApiKey> {
    let mut keys = BTreeMap::new();
    for (name, setting) in settings.api_keys() {
        let mut refuse = |problem: String| {
            faults.push(Fault {
                option: format!("{API_KEYS}.{name}"),
                given: Some(format!("\"{MASK}\"")),
                source: setting.source.clone(),
                problem,
            });
        };
        if !ApiKeyHash::is_name(name) {
            refuse(format!("the name is not {}", ApiKeyHash::NAME_RULE));
        }
        match ApiKey::read(&setting.value) {
            Some(key) => {
                keys.insert(name.clone(), key);
            }
            None => refuse(format!("is not {}", ApiKey::WHAT)),
        }
    }
    keys
}

fn check_together(config: &Config, settings: &Settings, faults: &mut Vec<Fault>) {
    let mut refuse = |section: &str, name: &str, problem: String| {
        if let Some((spec, value)) = settings.get(section, name) {
            faults.push(Fault {
                option: spec.path(),
                given: Some(shown(spec, value)),
                source: settings.source(section, name),
                problem,
            });
        }
    };
    check_auth(config, settings, &mut refuse);
    check_destinations(config, &mut refuse);
    check_pictures(config, &mut refuse);
    if let StorePlace::Server(url) = StorePlace::of(&config.store.url)
        && let Err(problem) = madang_store::remote::check(url)
    {
        refuse(
            "store",
            "url",
            format!(
                "allowed: sqlite:PATH, postgres://USER:PASSWORD@HOST/DATABASE or mysql://…; here {problem}"
            ),
        );
    }
    if let Err(problem) = madang_bus::check(&config.bus.url, &config.bus.options()) {
        let name = match problem {
            UrlError::Prefix => "prefix",
            _ => "url",
        };
        refuse("bus", name, problem.to_string());
    }
    if config.node.roles.is_empty() {
        let problem = "allowed: at least one role, of api and gateway";
        refuse("node", "roles", problem.to_owned());
    }
    check_presence(config, &mut refuse);
    let tls = &config.tls;
    for (name, is_set, other) in [
        ("cert_file", tls.cert_file.is_some(), tls.key_file.is_some()),
        ("key_file", tls.key_file.is_some(), tls.cert_file.is_some()),
    ] {
        if is_set && !other {
            let problem = "allowed: only tls.cert_file and tls.key_file together";
            refuse("tls", name, problem.to_owned());
        }
    }
    let body = config.stomp.body_bytes_max;
    if config.websocket.message_bytes_max <= body {
        let problem = format!("allowed: more than stomp.body_bytes_max, which is {body}");
        refuse("websocket", "message_bytes_max", problem);
    }
    if config.store.batch_bytes_max < body {
        let problem = format!("allowed: at least stomp.body_bytes_max, which is {body}");
        refuse("store", "batch_bytes_max", problem);
    }
    if config.store.queue_drafts_max < config.store.batch_drafts_max {
        let batch = config.store.batch_drafts_max;
        let problem = format!("allowed: at least store.batch_drafts_max, which is {batch}");
        refuse("store", "queue_drafts_max", problem);
    }
}

fn check_presence(config: &Config, refuse: &mut impl FnMut(&str, &str, String)) {
    match config.presence.url.as_deref() {
        None => {}
        Some(Presence::STORE) if config.store.is_on_a_server() => {}
        Some(Presence::STORE) => {
            let problem = "allowed: store: only where store.url names a database server";
            refuse("presence", "url", problem.to_owned());
        }
        Some(url) => {
            if let Err(problem) = madang_presence::check(url) {
                refuse("presence", "url", problem.to_string());
            }
        }
    }
}

fn check_auth(config: &Config, settings: &Settings, refuse: &mut impl FnMut(&str, &str, String)) {
    let auth = &config.auth;
    let keys = [
        ("jwt_key", auth.jwt_key.is_some()),
        ("jwt_key_file", auth.jwt_key_file.is_some()),
        ("jwks_url", auth.jwks_url.is_some()),
        ("jwks_file", auth.jwks_file.is_some()),
    ];
    for (name, _) in keys.iter().filter(|(_, is_set)| *is_set).skip(1) {
        let problem = "allowed: only one of auth.jwt_key, jwt_key_file, jwks_url and jwks_file";
        refuse("auth", name, problem.to_owned());
    }
    let wants_development_tokens = auth.development_tokens
        && settings.source("auth", "development_tokens") != super::Source::Default;
    if wants_development_tokens && config.has_host_key() {
        let problem = "allowed: true only while no host key is set; leave it out";
        refuse("auth", "development_tokens", problem.to_owned());
    }
    // Half a configuration must not fall back to development tokens.
    for (name, is_set) in [
        ("issuer", auth.issuer.is_some()),
        ("audience", auth.audience.is_some()),
    ] {
        if is_set && !config.has_host_key() {
            let problem = "allowed: only together with the host's key, such as auth.jwt_key_file";
            refuse("auth", name, problem.to_owned());
        }
    }
    if auth.jwt_algorithm != JwtAlgorithm::Hs256 && !config.has_one_host_key() {
        let problem = "allowed: only together with auth.jwt_key or auth.jwt_key_file";
        refuse("auth", "jwt_algorithm", problem.to_owned());
    }
    let floor = auth.jwks_unknown_kid_seconds;
    if auth.jwks_refresh_seconds < floor {
        let problem = format!("allowed: at least auth.jwks_unknown_kid_seconds, which is {floor}");
        refuse("auth", "jwks_refresh_seconds", problem);
    }
    if auth.guest_key.is_some() && auth.guest_key == auth.jwt_key {
        let problem = "allowed: a secret of its own, not the host's";
        refuse("auth", "guest_key", problem.to_owned());
    }
}

/// Destinations are read from the most particular kind to the topics: a prefix that lies within
/// another kind's would never be reached.
fn check_destinations(config: &Config, refuse: &mut impl FnMut(&str, &str, String)) {
    let user = format!("{}/", config.topics.user_prefix);
    let application = config.stomp.application_prefix.as_deref();
    let application =
        application.map_or_else(|| ROOMS.to_owned(), |prefix| prefix.to_owned() + "/");
    let shadows = [ROOMS, &application, &user];
    let mut prefixes = config.topics.prefixes.iter();
    let hidden = |prefix: &&String| shadows.iter().any(|shadow| prefix.starts_with(shadow));
    if let Some(prefix) = prefixes.find(hidden) {
        let problem = format!("allowed: topics outside of rooms and users; {prefix} is not");
        refuse("topics", "prefixes", problem);
    }
    let others = config.topics.prefixes.iter().map(String::as_str);
    let mut others = others.chain([ROOMS, application.as_str()]);
    if let Some(other) = others.find(|other| overlap(other, &user)) {
        let problem = format!("allowed: a prefix that has nothing in common with {other}");
        refuse("topics", "user_prefix", problem);
    }
}

/// Keys that would not be used are a store that is not the one that was meant.
fn check_pictures(config: &Config, refuse: &mut impl FnMut(&str, &str, String)) {
    let pictures = &config.pictures;
    let has_bucket = matches!(pictures.store, PicturePlace::Bucket { .. });
    let (access, secret) = (
        pictures.s3_access_key.is_some(),
        pictures.s3_secret_key.is_some(),
    );
    for (name, is_set) in [
        ("s3_endpoint", pictures.s3_endpoint.is_some()),
        ("s3_region", pictures.s3_region.is_some()),
        ("s3_access_key", access),
        ("s3_secret_key", secret),
    ] {
        if is_set && !has_bucket {
            let problem = "allowed: only where pictures.store is s3://bucket";
            refuse("pictures", name, problem.to_owned());
        }
    }
    for (name, is_set, other) in [
        ("s3_access_key", access, secret),
        ("s3_secret_key", secret, access),
    ] {
        if is_set && !other {
            let problem =
                "allowed: only pictures.s3_access_key and pictures.s3_secret_key together";
            refuse("pictures", name, problem.to_owned());
        }
    }
}

fn overlap(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}
