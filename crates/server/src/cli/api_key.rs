//! `madang api-key`.

use std::io::Write;

use clap::{Args, Subcommand};

use super::{CliError, DataArgs};
use crate::auth::api_keys;

#[derive(Debug, Subcommand)]
pub(super) enum ApiKeyCommand {
    /// Make a key and print it: the only time it is shown.
    Add(NameArgs),
    /// Print the names of the keys.
    List(DataArgs),
    /// Remove a key; a running server refuses it at once.
    Remove(NameArgs),
}

#[derive(Debug, Args)]
pub(super) struct NameArgs {
    #[command(flatten)]
    data: DataArgs,
    /// What the key is called: what it opens counts as a user of this name.
    name: String,
}

pub(super) fn run(command: &ApiKeyCommand, out: &mut dyn Write) -> Result<(), CliError> {
    match command {
        ApiKeyCommand::Add(NameArgs { data, name }) => {
            writeln!(out, "{}", api_keys::add(&data.data, name)?)?;
        }
        ApiKeyCommand::List(data) => {
            for name in api_keys::list(&data.data)? {
                writeln!(out, "{name}")?;
            }
        }
        ApiKeyCommand::Remove(NameArgs { data, name }) => {
            api_keys::remove(&data.data, name)?;
            writeln!(out, "API key {name} removed")?;
        }
    }
    Ok(())
}
