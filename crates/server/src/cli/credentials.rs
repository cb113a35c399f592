//! `madang token` and `madang account`.

use std::io::{BufRead, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use madang_domain::{Role, Timestamp, UserId};

use super::{CliError, DataArgs};
use crate::auth::{DevelopmentKey, TokenRequest, accounts, mint};

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(flatten)]
    data: DataArgs,
    /// User id: the token's subject.
    #[arg(long, value_name = "ID", value_parser = user_id)]
    user: UserId,
    /// What the holder may do.
    #[arg(long, value_enum, default_value_t = RoleName::User)]
    role: RoleName,
    /// For how long it is valid: a number and s, m, h or d.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h")]
    ttl: Duration,
    /// The name that others see [default: the one that is known, else the user id].
    #[arg(long)]
    name: Option<String>,
    /// The host application's number of the user.
    #[arg(long, value_name = "NUMBER")]
    id: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    User,
    Agent,
    Admin,
}

#[derive(Debug, Args)]
pub(super) struct AccountArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Login of the account.
    #[arg(long)]
    login: String,
    /// Its passcode; `-` reads a line of standard input, which other users cannot see.
    #[arg(long)]
    passcode: String,
}

fn user_id(text: &str) -> Result<UserId, String> {
    UserId::new(text).map_err(|error| error.to_string())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number and s, m, h or d, such as 90m".to_owned();
    let (last, _) = text.char_indices().next_back().ok_or_else(wrong)?;
    let (number, unit) = text.split_at(last);
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let total = number.checked_mul(seconds).filter(|total| *total > 0);
    total.map(Duration::from_secs).ok_or_else(wrong)
}

pub(super) fn token(args: &TokenArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let key = DevelopmentKey::open(&args.data.data)?;
    let request = TokenRequest {
        user: args.user.clone(),
        role: match args.role {
            RoleName::User => Role::User,
            RoleName::Agent => Role::Agent,
            RoleName::Admin => Role::Admin,
        },
        name: args.name.clone(),
        member_id: args.id,
        ttl: args.ttl,
    };
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    Ok(writeln!(out, "{}", mint(&key, &request, now)?)?)
}

pub(super) fn account(
    args: &AccountArgs,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let mut line = String::new();
    let passcode = if args.passcode == "-" {
        input.read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n'])
    } else {
        args.passcode.as_str()
    };
    accounts::save(&args.data.data, &args.login, passcode)?;
    Ok(writeln!(out, "account {} saved", args.login)?)
}
