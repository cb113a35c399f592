//! The flags that the table of options makes.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::config::{Kind, OptionSpec, all_options};

/// Options with a short flag of their own beside `--section-option`.
const ALIASES: &[(&str, &str)] = &[
    ("server.listen", "listen"),
    ("server.data", "data"),
    ("tls.cert_file", "tls-cert"),
    ("tls.key_file", "tls-key"),
    ("stomp.tcp_listen", "stomp-tcp"),
    ("bus.url", "bus"),
    ("store.url", "store"),
];

/// The options that were given as flags, with their text: unchecked, the configuration does that.
/// Secrets have no flag, because other users of the machine can read a command line.
#[derive(Debug, Default)]
pub(super) struct OptionFlags(pub(super) Vec<(&'static OptionSpec, String)>);

fn flag_options() -> impl Iterator<Item = &'static OptionSpec> {
    all_options().filter(|spec| !spec.secret)
}

fn argument(spec: &'static OptionSpec) -> Arg {
    let alias = ALIASES.iter().find(|(path, _)| *path == spec.path());
    let argument = Arg::new(spec.path())
        .long(spec.flag())
        .value_name(match spec.kind {
            Kind::Boolean => "true|false",
            Kind::Integer => "NUMBER",
            Kind::Text => "TEXT",
            Kind::List => "ITEM,…",
        })
        .help(format!(
            "{} [default: {}]",
            first_sentence(spec.doc),
            spec.default
        ))
        .help_heading(format!("Options of [{}]", spec.section))
        // An empty text is a value: it unsets what file or environment set.
        .value_parser(clap::value_parser!(String))
        .allow_hyphen_values(true);
    match alias {
        Some((_, alias)) => argument.visible_alias(*alias),
        None => argument.hide_short_help(true),
    }
}

fn first_sentence(doc: &str) -> String {
    let lines: Vec<&str> = doc.lines().map(str::trim).collect();
    let text = lines.join(" ");
    match text.split_once(". ") {
        Some((sentence, _)) => sentence.to_owned(),
        None => text.trim_end_matches('.').to_owned(),
    }
}

impl Args for OptionFlags {
    fn augment_args(command: Command) -> Command {
        command.args(flag_options().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OptionFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for spec in flag_options() {
            if let Some(text) = matches.get_one::<String>(&spec.path()) {
                self.0.push((spec, text.clone()));
            }
        }
        Ok(())
    }
}
