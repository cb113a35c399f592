//! The command line: `madang <command>`. Results go to standard output, faults as one message to
//! standard error; the exit code is 0, 1 for a fault, 2 for wrong usage.

mod api_key;
mod config;
mod credentials;
mod flags;
mod serve;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use thiserror::Error;

use crate::app::{self, ServeError};
use crate::auth::{AccountError, ApiKeyError, KeyError};
use crate::config::Faults;
use crate::telemetry::logs::LogError;
use crate::telemetry::{FEATURES, RUSTC, VERSION};

/// A chat server: rooms, support desk, application topics; over STOMP, SockJS, JSON, event streams and REST.
#[derive(Debug, Parser)]
#[command(name = "madang", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::ServeArgs),
    /// Print a token for development, accepted while no host key is set.
    Token(credentials::TokenArgs),
    /// Create a service account or replace its passcode.
    Account(credentials::AccountArgs),
    /// Make, list and remove API keys of the host's back end.
    #[command(subcommand)]
    ApiKey(api_key::ApiKeyCommand),
    /// Check, show and document the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Bring the database to this version's schema.
    Migrate(StoreArgs),
    /// Have clients read anew after a backup was put in place. No node may run.
    Restored(StoreArgs),
    /// Print version, compiler and features.
    Version,
}

#[derive(Debug, Args)]
struct DataArgs {
    /// Data directory of the server.
    #[arg(
        long,
        value_name = "DIR",
        env = "MADANG_SERVER__DATA",
        default_value = "./data"
    )]
    data: PathBuf,
}

#[derive(Debug, Args)]
struct StoreArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The store, as `store.url` names it. Prefer the environment for a password.
    #[arg(
        long,
        value_name = "URL",
        env = "MADANG_STORE__URL",
        hide_env_values = true,
        default_value = "sqlite:"
    )]
    store: String,
}

/// Why a command failed. The user's or the operator's fault unless it says otherwise.
#[derive(Debug, Error)]
pub enum CliError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Faults),
    /// The development key cannot be made or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The account cannot be written.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The API keys cannot be read or written.
    #[error(transparent)]
    ApiKey(#[from] ApiKeyError),
    /// The token could not be signed: a defect of ours.
    #[error("the token cannot be signed: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// The server could not start, or had to stop.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Logging could not start.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The threads could not be started.
    #[error("cannot start the server's threads: {0}")]
    Threads(io::Error),
    /// Standard input or output failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli, &mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has enough of it.
        Err(CliError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error fails.
            let _ = writeln!(io::stderr(), "madang: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one command with the given standard input and output.
///
/// # Errors
/// [`CliError`]; what had been printed before stays printed.
pub fn run(cli: Cli, input: &mut dyn io::BufRead, out: &mut dyn Write) -> Result<(), CliError> {
    match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Token(args) => credentials::token(&args, out),
        Command::Account(args) => credentials::account(&args, input, out),
        Command::ApiKey(command) => api_key::run(&command, out),
        Command::Config(command) => config::run(command, out),
        Command::Migrate(args) => Ok(writeln!(
            out,
            "{}",
            app::migrate(&args.data.data, &args.store)?
        )?),
        Command::Restored(args) => Ok(writeln!(
            out,
            "{}",
            app::restored(&args.data.data, &args.store)?
        )?),
        Command::Version => version(out),
    }
}

fn version(out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "madang {VERSION}")?;
    writeln!(out, "{RUSTC}")?;
    Ok(writeln!(out, "features: {}", FEATURES.join(", "))?)
}
