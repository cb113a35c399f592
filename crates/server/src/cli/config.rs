//! `madang config`.

use std::fmt::Display;
use std::io::Write;

use clap::{Subcommand, ValueEnum};

use super::CliError;
use super::serve::ServeArgs;
use crate::auth;
use crate::config::{Fault, Faults, Settings, Source, documents, shown};
use crate::telemetry::metrics;
use crate::tls;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Find every fault: its option, value, source and what is allowed. Starts nothing.
    Check(ServeArgs),
    /// Print the effective configuration with the source of each value; secrets are masked.
    Show(ServeArgs),
    /// Print an example file with every option.
    Example,
    /// Print a reference as Markdown.
    Reference {
        /// Of what.
        #[arg(value_enum, default_value_t = Topic::Options)]
        topic: Topic,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Topic {
    /// The options of the configuration.
    Options,
    /// The metrics of the server.
    Metrics,
}

pub(super) fn run(command: ConfigCommand, out: &mut dyn Write) -> Result<(), CliError> {
    match command {
        ConfigCommand::Check(args) => check(args, out),
        ConfigCommand::Show(args) => {
            let loaded = args.load()?;
            Ok(out.write_all(documents::effective(&loaded.settings).as_bytes())?)
        }
        ConfigCommand::Example => Ok(out.write_all(documents::example().as_bytes())?),
        ConfigCommand::Reference { topic } => {
            let text = match topic {
                Topic::Options => documents::reference(),
                Topic::Metrics => metrics::reference(),
            };
            Ok(out.write_all(text.as_bytes())?)
        }
    }
}

fn check(args: ServeArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let loaded = args.load()?;
    let settings = &loaded.settings;
    auth::check_host_key(&loaded.config)
        .map_err(|error| fault(settings, "auth", error.option(), &error))?;
    tls::check(&loaded.config).map_err(|error| fault(settings, "tls", error.option(), &error))?;
    let is_set = |source: &Source| *source != Source::Default;
    let settings = loaded.settings.iter();
    let set = settings
        .filter(|(_, setting)| is_set(&setting.source))
        .count();
    let accounts = loaded.config.accounts.len();
    Ok(writeln!(
        out,
        "the configuration is valid: {set} options set, {accounts} accounts"
    )?)
}

/// Something outside of the configuration that an option names and that cannot be used, told like
/// every other fault.
fn fault(settings: &Settings, section: &str, name: &str, error: &dyn Display) -> Faults {
    let given = settings.get(section, name);
    let option = format!("{section}.{name}");
    let problem = error.to_string();
    let problem = problem.trim_start_matches(&option).trim_start_matches(": ");
    Faults(vec![Fault {
        option,
        given: given.map(|(spec, value)| shown(spec, value)),
        source: settings.source(section, name),
        problem: problem.to_owned(),
    }])
}
