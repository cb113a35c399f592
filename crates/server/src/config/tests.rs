mod auth;
mod places;

use std::path::Path;

use madang_domain::Role;

use super::*;
use crate::roles::{NodeRole, NodeRoles};

const HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$J4Wt7vNp7Sd7oB2F3a9m1tGj4E0x4xJ0Kq4m0mF0a1E";

fn file(text: &str) -> Result<Loaded, Faults> {
    assemble(Some((Path::new("chat.toml"), text)), &[], &[])
}

fn environment(variables: &[(&str, &str)]) -> Result<Loaded, Faults> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: Vec<_> = variables.iter().map(own).collect();
    assemble(None, &variables, &[])
}

fn option(path: &str) -> &'static OptionSpec {
    all_options().find(|spec| spec.path() == path).unwrap()
}

fn only_fault(result: Result<Loaded, Faults>) -> Fault {
    let Faults(mut faults) = result.unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[test]
fn the_defaults_pass_every_check() {
    let config = assemble(None, &[], &[]).unwrap().config;
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.stomp.body_bytes_max, 65536);
    assert_eq!(config.auth.claim_name, ["nickname", "name"]);
    assert_eq!(config.contracts.support_desk_agent_name, "상담원");
    assert_eq!(config.topics.publish, [Role::Service]);
    assert!(config.websocket.allowed_origins.is_empty());
    assert!(config.uses_development_tokens() && config.serves_demo());
}

#[test]
fn a_later_layer_wins_and_every_value_knows_its_source() {
    let text = "[server]\nlisten = \"1.1.1.1:1\"\ndrain_seconds = 1\nworker_threads = 1\n";
    let variables = [
        ("MADANG_SERVER__LISTEN".to_owned(), "2.2.2.2:2".to_owned()),
        ("MADANG_SERVER__WORKER_THREADS".to_owned(), "2".to_owned()),
    ];
    let flags = [(option("server.listen"), "3.3.3.3:3".to_owned())];
    let loaded = assemble(Some((Path::new("chat.toml"), text)), &variables, &flags).unwrap();

    let server = &loaded.config.server;
    assert_eq!(server.listen.to_string(), "3.3.3.3:3");
    assert_eq!(server.worker_threads, 2);
    assert_eq!(server.drain_seconds, 1);
    let source = |name| loaded.settings.source("server", name).to_string();
    assert_eq!(source("listen"), "flag --server-listen");
    assert_eq!(
        source("worker_threads"),
        "environment MADANG_SERVER__WORKER_THREADS"
    );
    assert_eq!(source("drain_seconds"), "chat.toml, line 3");
    assert_eq!(source("data"), "default");
}

#[test]
fn an_unknown_key_is_refused_and_the_nearest_named() {
    for (text, meant) in [
        ("[server]\nlissen = \"x\"", "server.listen"),
        ("[server]\nbody_bytes_max = 1000", "stomp.body_bytes_max"),
        ("listen = \"127.0.0.1:1\"", "server.listen"),
        ("[stop]\nbody_bytes_max = 1000", "[stomp]"),
    ] {
        let fault = only_fault(file(text));
        assert!(
            fault.problem.contains(&format!("did you mean {meant}?")),
            "{fault}"
        );
    }
}

#[test]
fn a_variable_that_lacks_an_underscore_is_refused_and_the_right_one_named() {
    let fault = only_fault(environment(&[("MADANG_AUTH_JWT_KEY", "secret")]));
    assert!(fault.problem.contains("did you mean MADANG_AUTH__JWT_KEY?"));
    // What a container platform sets for a service of that name is none of ours.
    assert!(environment(&[("MADANG_PORT", "tcp://10.0.0.1:8080")]).is_ok());
}

#[test]
fn an_unknown_variable_of_ours_is_refused_and_others_are_not_looked_at() {
    let fault = only_fault(environment(&[("MADANG_SERVER__LISSEN", "x")]));
    assert!(fault.problem.contains("MADANG_SERVER__LISTEN"), "{fault}");
    let fault = only_fault(environment(&[("MADANG_server__listen", "127.0.0.1:1")]));
    assert!(fault.problem.contains("MADANG_SERVER__LISTEN"), "{fault}");
    let fault = only_fault(environment(&[("MADANG_ACCOUNTS__BACKEND", HASH)]));
    assert!(!fault.to_string().contains(HASH));
    environment(&[
        ("MADANG_CONFIG", "x"),
        ("HOME", "/"),
        ("OTHER__LISTEN", "x"),
    ])
    .unwrap();
}

#[test]
fn every_fault_is_reported_at_once_with_value_source_and_what_is_allowed() {
    let text = "[server]\nlisten = 8080\n[stomp]\nbody_bytes_max = 1\n[log]\nformat = \"xml\"";
    let faults = file(text).unwrap_err();
    let text = faults.to_string();
    assert_eq!(faults.0.len(), 3, "{text}");
    for part in [
        "server.listen = 8080",
        "chat.toml, line 2",
        "stomp.body_bytes_max = 1",
        "a whole number from 256 to 16777216",
        "log.format = \"xml\"",
        "one of text, json",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    let fault = only_fault(file("[server]\nlisten = \n"));
    assert!(fault.to_string().contains("chat.toml, line 2"), "{fault}");
}

#[test]
fn a_secret_is_never_shown() {
    let secret = "correct-horse-battery-staple-0123456789";
    let text = format!(
        "[auth]\njwt_key = \"{secret}\"\njwt_key_file = \"x\"\n[accounts]\na = \"{secret}\""
    );
    let faults = file(&text).unwrap_err().to_string();
    assert!(!faults.contains(secret), "{faults}");

    let loaded = file(&format!(
        "[auth]\njwt_key = \"{secret}\"\n[accounts]\na = \"{HASH}\""
    ))
    .unwrap();
    let shown = documents::effective(&loaded.settings);
    assert!(
        shown.contains("jwt_key = \"********\" # chat.toml, line 2"),
        "{shown}"
    );
    for text in [shown, format!("{:?}", loaded.config)] {
        assert!(!text.contains(secret) && !text.contains(HASH), "{text}");
    }
}

#[test]
fn lists_come_from_the_environment_with_commas_or_as_toml() {
    for text in ["https://a.example, *", "[\"https://a.example\", \"*\"]"] {
        let loaded = environment(&[("MADANG_WEBSOCKET__ALLOWED_ORIGINS", text)]).unwrap();
        assert_eq!(
            loaded.config.websocket.allowed_origins,
            ["https://a.example", "*"]
        );
    }
    let loaded = environment(&[("MADANG_TOPICS__PUBLISH", "")]).unwrap();
    assert!(loaded.config.topics.publish.is_empty());
}

#[test]
fn an_origin_is_written_as_browsers_send_it() {
    for good in [
        "https://a.example",
        "http://localhost:5173",
        "capacitor://localhost",
        "http://[::1]:80",
    ] {
        let text = format!("[websocket]\nallowed_origins = [\"{good}\"]");
        assert!(file(&text).is_ok(), "{good}");
    }
    for bad in [
        "a.example",
        "https://a.example/",
        "https://A.example",
        "https://",
        "null",
        "",
        "https://*.a",
    ] {
        let text = format!("[websocket]\nallowed_origins = [\"{bad}\"]");
        let fault = only_fault(file(&text));
        assert_eq!(fault.option, "websocket.allowed_origins", "{bad}");
    }
}

#[test]
fn development_tokens_and_the_demo_end_when_a_host_key_is_set() {
    let key = "jwt_key = \"0123456789abcdef0123456789abcdef\"";
    let config = file(&format!("[auth]\n{key}")).unwrap().config;
    assert!(!config.uses_development_tokens() && !config.serves_demo());
    let fault = only_fault(file(&format!("[auth]\n{key}\ndevelopment_tokens = true")));
    assert_eq!(fault.option, "auth.development_tokens");
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    for (text, name) in [
        (
            "[websocket]\nmessage_bytes_max = 65536",
            "websocket.message_bytes_max",
        ),
        (
            "[stomp]\nbody_bytes_max = 100000\n[store]\nbatch_bytes_max = 65536",
            "store.batch_bytes_max",
        ),
        ("[store]\nqueue_drafts_max = 10", "store.queue_drafts_max"),
    ] {
        assert_eq!(only_fault(file(text)).option, name);
    }
}

#[test]
fn prefixes_of_destinations_do_not_hide_each_other() {
    for text in [
        "[topics]\nprefixes = [\"/sub/\", \"/a/b/\"]\nuser_prefix = \"/me/own\"",
        "[topics]\nprefixes = []",
        "[stomp]\napplication_prefix = \"/app\"",
    ] {
        assert!(file(text).is_ok(), "{text}");
    }
    for (text, name) in [
        ("[topics]\nprefixes = [\"/topic\"]", "topics.prefixes"),
        ("[topics]\nprefixes = [\"/\"]", "topics.prefixes"),
        ("[topics]\nprefixes = [\"/a*/\"]", "topics.prefixes"),
        ("[topics]\nprefixes = [\"/rooms/x/\"]", "topics.prefixes"),
        ("[topics]\nuser_prefix = \"/user/\"", "topics.user_prefix"),
        ("[topics]\nuser_prefix = \"\"", "topics.user_prefix"),
        ("[topics]\nuser_prefix = \"/rooms\"", "topics.user_prefix"),
        (
            "[topics]\nuser_prefix = \"/topic/own\"",
            "topics.user_prefix",
        ),
        (
            "[stomp]\napplication_prefix = \"/topic\"",
            "topics.prefixes",
        ),
        (
            "[stomp]\napplication_prefix = \"/user\"",
            "topics.user_prefix",
        ),
        (
            "[stomp]\napplication_prefix = \"app\"",
            "stomp.application_prefix",
        ),
    ] {
        assert_eq!(only_fault(file(text)).option, name, "{text}");
    }
}

#[test]
fn a_time_zone_is_an_iana_name_on_any_machine() {
    let config = file("[contracts]\nsupport_desk_time_zone = \"Asia/Seoul\"")
        .unwrap()
        .config;
    let zone = config.contracts.support_desk_time_zone.unwrap();
    assert_eq!(zone.iana_name(), Some("Asia/Seoul"));
    assert!(file("[contracts]\nsupport_desk_time_zone = \"Seoul\"").is_err());
}

#[test]
fn an_account_is_a_login_and_an_argon2_hash() {
    let config = file(&format!("[accounts]\nback-end = \"{HASH}\""))
        .unwrap()
        .config;
    assert_eq!(config.accounts["back-end"].as_str(), HASH);
    for bad in [
        "passcode",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0",
    ] {
        let fault = only_fault(file(&format!("[accounts]\na = \"{bad}\"")));
        assert_eq!(fault.option, "accounts.a");
    }
}

#[test]
fn an_api_key_is_a_name_and_a_sha_256_and_is_never_shown() {
    let hash = "0123456789abcdef".repeat(4);
    let loaded = file(&format!("[api_keys]\nshop = \"{hash}\"")).unwrap();
    assert_eq!(loaded.config.api_keys["shop"].hash.to_hex(), hash);
    let shown = documents::effective(&loaded.settings);
    assert!(
        shown.contains("[api_keys]\n\"shop\" = \"********\""),
        "{shown}"
    );
    for text in [shown, format!("{:?}", loaded.config)] {
        assert!(!text.contains(&hash), "{text}");
    }
    for (name, bad) in [("shop", "mdk_shop_x"), ("shop", &hash[1..]), ("é", &hash)] {
        let fault = only_fault(file(&format!("[api_keys]\n\"{name}\" = \"{bad}\"")));
        assert_eq!(fault.option, format!("api_keys.{name}"));
        assert!(!fault.to_string().contains(bad), "{fault}");
    }
    let fault = only_fault(environment(&[("MADANG_API_KEYS__SHOP", &hash)]));
    assert!(!fault.to_string().contains(&hash), "{fault}");
}

#[test]
fn the_example_says_the_defaults_and_is_accepted_with_every_option_set() {
    let example = documents::example();
    assert_eq!(
        file(&example).unwrap().config,
        assemble(None, &[], &[]).unwrap().config
    );
    for spec in all_options() {
        assert!(
            example.contains(&format!("\n#{} = {}\n", spec.name, spec.default)),
            "{}",
            spec.path()
        );
    }
    let set: String = example
        .lines()
        .filter(|line| !line.starts_with("# ") && !line.starts_with("#backend"))
        // It can be set to true only without a key, as here: the defaults name none.
        .map(|line| line.strip_prefix('#').unwrap_or(line).to_owned() + "\n")
        .collect();
    assert_eq!(
        file(&set).unwrap().config,
        assemble(None, &[], &[]).unwrap().config
    );
}

#[test]
fn half_a_configuration_of_the_hosts_tokens_is_refused() {
    for (name, value) in [
        ("MADANG_AUTH__JWT_ALGORITHM", "RS256"),
        ("MADANG_AUTH__ISSUER", "https://shop.example"),
        ("MADANG_AUTH__AUDIENCE", "chat"),
    ] {
        let set = [(name.to_owned(), value.to_owned())];
        assert!(assemble(None, &set, &[]).is_err(), "{name}");
    }
}

#[test]
fn half_a_bucket_is_refused() {
    let set = |pairs: &[(&str, &str)]| {
        let variable = |(name, value): &(&str, &str)| {
            (format!("MADANG_PICTURES__{name}"), (*value).to_owned())
        };
        let variables: Vec<_> = pairs.iter().map(variable).collect();
        assemble(None, &variables, &[])
    };
    let bucket = ("STORE", "s3://chat/pictures");
    let secret = ("S3_SECRET_KEY", "correct-horse");
    let whole = set(&[bucket, ("S3_ACCESS_KEY", "id"), secret]).unwrap();
    assert!(!documents::effective(&whole.settings).contains(secret.1));
    let fault = only_fault(set(&[bucket, secret]));
    assert_eq!(fault.option, "pictures.s3_secret_key");
    assert!(!fault.to_string().contains(secret.1));
    let fault = only_fault(set(&[bucket, ("S3_ACCESS_KEY", "id")]));
    assert_eq!(fault.option, "pictures.s3_access_key");
    for (name, value) in [
        ("S3_ENDPOINT", "http://localhost:9000"),
        ("S3_REGION", "ap-northeast-2"),
    ] {
        set(&[bucket, (name, value)]).unwrap();
        let fault = only_fault(set(&[("STORE", "/srv/pictures"), (name, value)]));
        assert!(fault.problem.contains("s3://bucket"), "{fault}");
    }
    for endpoint in [
        "localhost:9000",
        "ftp://x",
        "http://",
        "https://u:p@x",
        "https://x?y",
    ] {
        let fault = only_fault(set(&[bucket, ("S3_ENDPOINT", endpoint)]));
        assert_eq!(fault.option, "pictures.s3_endpoint", "{endpoint}");
    }
}

#[test]
fn the_effective_configuration_is_toml_again() {
    let shown = documents::effective(&assemble(None, &[], &[]).unwrap().settings);
    assert_eq!(
        file(&shown).unwrap().config,
        assemble(None, &[], &[]).unwrap().config
    );
}

fn assert_fresh(path: &str, generated: &str, command: &str) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    let kept = std::fs::read_to_string(full).unwrap_or_default();
    assert!(kept == generated, "{path} is stale: `{command} > {path}`");
}

#[test]
fn the_example_file_is_fresh() {
    assert_fresh(
        "madang.example.toml",
        &documents::example(),
        "madang config example",
    );
}

#[test]
fn the_configuration_reference_is_fresh() {
    let path = "docs/reference/configuration.md";
    assert_fresh(path, &documents::reference(), "madang config reference");
}

#[test]
fn a_node_has_the_roles_that_are_named_and_at_least_one() {
    let roles = |text| environment(&[("MADANG_NODE__ROLES", text)]);
    let config = environment(&[]).unwrap().config;
    assert_eq!(config.node.roles, NodeRoles::ALL);
    assert!(config.serves_demo());
    for role in NodeRole::ALL {
        let config = roles(role.name()).unwrap().config;
        assert_eq!(config.node.roles, NodeRoles::from_iter([role]));
        assert!(!config.serves_demo(), "it calls both");
    }
    for (given, reason) in [
        ("api,notifier", "a list, each item one of api, gateway"),
        ("[]", "at least one role, of api and gateway"),
    ] {
        let fault = only_fault(roles(given));
        assert_eq!(fault.option, "node.roles");
        assert!(fault.to_string().contains(reason), "{fault}");
    }
}
