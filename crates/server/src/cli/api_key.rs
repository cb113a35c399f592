//! `madang api-key`.

use std::io::Write;

use clap::{Args, Subcommand};
use madang_domain::{Scope, Scopes};

use super::{CliError, DataArgs};
use crate::auth::api_keys;

#[derive(Debug, Subcommand)]
pub(super) enum ApiKeyCommand {
    /// Make a key and print it: the only time it is shown.
    Add(AddArgs),
    /// Print the names of the keys and their scopes.
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

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    #[command(flatten)]
    name: NameArgs,
    /// What its holder may do, separated by commas: publish (application topics), rooms (rooms and
    /// their members), users (users, guests' tokens, revocation), messages (notices, and rooms'
    /// histories), notify (inboxes), or all.
    #[arg(long, value_name = "A,B", value_parser = scopes, default_value = "publish")]
    scope: Scopes,
}

fn scopes(text: &str) -> Result<Scopes, String> {
    let scopes = Scopes::parse(text.split(',').map(str::trim));
    scopes.ok_or_else(|| {
        let names = Scope::ALL.map(Scope::name).join(", ");
        format!("expected {names} or all, separated by commas")
    })
}

pub(super) fn run(command: &ApiKeyCommand, out: &mut dyn Write) -> Result<(), CliError> {
    match command {
        ApiKeyCommand::Add(AddArgs { name, scope }) => {
            let NameArgs { data, name } = name;
            writeln!(out, "{}", api_keys::add(&data.data, name, *scope)?)?;
        }
        ApiKeyCommand::List(data) => {
            for (name, scopes) in api_keys::list(&data.data)? {
                writeln!(out, "{name} {}", scopes.names().join(","))?;
            }
        }
        ApiKeyCommand::Remove(NameArgs { data, name }) => {
            api_keys::remove(&data.data, name)?;
            writeln!(out, "API key {name} removed")?;
        }
    }
    Ok(())
}
