use std::path::Path;

use super::*;

fn run_with(arguments: &[&str], input: &str) -> Result<String, CliError> {
    let all = std::iter::once("madang").chain(arguments.iter().copied());
    let cli = Cli::try_parse_from(all).unwrap();
    let mut out = Vec::new();
    run(cli, &mut input.as_bytes(), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_command_line_is_well_formed() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

#[test]
fn every_option_but_secrets_has_a_flag() {
    use clap::CommandFactory;
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let flags: Vec<_> = serve
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .collect();
    for spec in crate::config::all_options() {
        assert_eq!(
            flags.contains(&spec.flag().as_str()),
            !spec.secret,
            "{}",
            spec.path()
        );
    }
}

#[test]
fn flags_reach_the_configuration() {
    let shown = run_with(
        &[
            "config",
            "show",
            "--listen",
            "0.0.0.0:1",
            "--stomp-body-bytes-max",
            "1000",
            "--auth-cookie",
            "",
        ],
        "",
    );
    let shown = shown.unwrap();
    for line in [
        "listen = \"0.0.0.0:1\" # flag --server-listen",
        "body_bytes_max = 1000 # flag --stomp-body-bytes-max",
        "cookie = \"\" # flag --auth-cookie",
    ] {
        assert!(shown.lines().any(|l| l == line), "{line} in\n{shown}");
    }
}

#[test]
fn a_check_names_the_fault_and_fails() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("chat.toml");
    std::fs::write(&file, "[log]\nformat = \"xml\"\n").unwrap();
    let error = run_with(&["config", "check", "--config", text(&file)], "").unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("log.format = \"xml\"") && error.contains("line 2"),
        "{error}"
    );

    std::fs::write(&file, "[auth]\njwt_key = \"short\"\n").unwrap();
    let error = run_with(&["config", "check", "--config", text(&file)], "").unwrap_err();
    let error = error.to_string();
    assert!(error.contains("auth.jwt_key = \"********\""), "{error}");
    assert!(
        error.contains("chat.toml, line 2") && !error.contains("short"),
        "{error}"
    );
    assert!(run_with(&["config", "check", "--config", "/no/such/file"], "").is_err());
    let valid = run_with(&["config", "check", "--listen", "127.0.0.1:1"], "").unwrap();
    assert!(valid.contains("1 options set"), "{valid}");
}

#[test]
fn a_time_is_a_number_and_a_unit() {
    let seconds = |text| credentials::duration(text).ok().map(|time| time.as_secs());
    assert_eq!(seconds("90s"), Some(90));
    assert_eq!(seconds("2m"), Some(120));
    assert_eq!(seconds("1h"), Some(3600));
    assert_eq!(seconds("7d"), Some(604_800));
    for bad in [
        "",
        "h",
        "1",
        "0s",
        "-1s",
        "1w",
        "1.5h",
        "1é",
        "18446744073709551615d",
    ] {
        assert_eq!(seconds(bad), None, "{bad}");
    }
}

#[tokio::test]
async fn an_account_is_saved_with_a_passcode_from_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let arguments = [
        "account",
        "--data",
        text(&data),
        "--login",
        "a",
        "--passcode",
        "-",
    ];
    let said = run_with(&arguments, "a passcode\r\nnext line\n").unwrap();
    assert!(!said.contains("passcode"), "{said}");

    let flags = vec![(
        crate::config::all_options()
            .find(|spec| spec.path() == "server.data")
            .unwrap(),
        text(&data).to_owned(),
    )];
    let config = crate::config::assemble(None, &[], &flags).unwrap().config;
    let authenticator = crate::auth::Authenticator::from_config(&config).unwrap();
    assert!(authenticator.account("a", "a passcode").await.is_ok());
    assert!(run_with(&arguments, "short\n").is_err());
}

#[test]
fn an_api_key_is_all_that_is_printed_and_only_its_name_and_scopes_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let run = |arguments: &[&str]| {
        let arguments = [&["api-key"], arguments, &["--data", text(&data)]].concat();
        run_with(&arguments, "")
    };
    let printed = run(&["add", "shop"]).unwrap();
    let key = printed.strip_suffix('\n').unwrap();
    assert!(key.starts_with("mdk_shop_") && !key.contains(char::is_whitespace));
    assert!(matches!(run(&["add", "shop"]), Err(CliError::ApiKey(_))));
    run(&["add", "ads", "--scope", "users, rooms"]).unwrap();
    run(&["add", "boss", "--scope", "all"]).unwrap();
    for bad in ["", "everything", "rooms,", "Rooms"] {
        let arguments = ["madang", "api-key", "add", "bad", "--scope", bad];
        assert!(Cli::try_parse_from(arguments).is_err(), "{bad}");
    }
    let listed = "ads rooms,users\nboss all\nshop publish\n";
    assert_eq!(run(&["list"]).unwrap(), listed);
    run(&["remove", "boss"]).unwrap();
    assert_eq!(run(&["remove", "shop"]).unwrap(), "API key shop removed\n");
    assert!(matches!(run(&["remove", "shop"]), Err(CliError::ApiKey(_))));
    assert_eq!(run(&["list"]).unwrap(), "ads rooms,users\n");
}

#[test]
fn a_check_refuses_certificates_that_cannot_be_used() {
    let check = |flags: &[&str]| {
        let arguments = [&["config", "check"], flags].concat();
        run_with(&arguments, "").unwrap_err().to_string()
    };
    let said = check(&[
        "--tls-cert",
        "/no/such/cert.pem",
        "--tls-key",
        "/no/such/key.pem",
    ]);
    assert!(
        said.contains("tls.cert_file = \"/no/such/cert.pem\"") && said.contains("cannot be read"),
        "{said}"
    );
    let said = check(&["--tls-key", "key.pem"]);
    assert!(
        said.contains("tls.cert_file and tls.key_file together"),
        "{said}"
    );
    let said = check(&["--server-trusted-addresses", "10.0.0.0/40"]);
    assert!(said.contains("server.trusted_addresses"), "{said}");
}

#[test]
fn a_restored_database_is_renewed_and_a_missing_one_is_not_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(folder.path());
    run_with(&["migrate", "--data", data], "").unwrap();
    let said = run_with(&["restored", "--data", data], "").unwrap();
    assert!(said.contains("will be read anew"), "{said}");
    let elsewhere = folder.path().join("elsewhere");
    assert!(run_with(&["restored", "--data", text(&elsewhere)], "").is_err());
}
