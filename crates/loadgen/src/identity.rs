//! Who the connections are: user names, tokens, CONNECT headers.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use crate::cli::KeyEncoding;
use crate::error::BenchError;
use crate::template::{self, Values};

/// How long a minted token is valid.
const TOKEN_SECONDS: u64 = 24 * 3600;

/// Where tokens come from.
#[derive(Clone, Debug, Default)]
pub enum Tokens {
    /// No token.
    #[default]
    None,
    /// These in turn; one serves all.
    Given(Vec<String>),
    /// What a shell command prints, with `{user}` and `{n}` in it.
    Command(String),
    /// HS256 tokens signed with this key.
    Mint(Vec<u8>),
}

impl Tokens {
    /// One token per line.
    ///
    /// # Errors
    ///
    /// The file cannot be read or has no line.
    pub fn from_file(path: &PathBuf) -> Result<Tokens, BenchError> {
        let doing = format!("read {}", path.display());
        let text = std::fs::read_to_string(path).map_err(BenchError::io(doing))?;
        let tokens: Vec<String> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        if tokens.is_empty() {
            return Err(BenchError::Options(format!("{} is empty", path.display())));
        }
        Ok(Tokens::Given(tokens))
    }

    /// The key in a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not written as it is said to be.
    pub fn from_key_file(path: &PathBuf, encoding: KeyEncoding) -> Result<Tokens, BenchError> {
        let doing = format!("read {}", path.display());
        let written = std::fs::read(path).map_err(BenchError::io(doing))?;
        let written = written.trim_ascii_end();
        let key = match encoding {
            KeyEncoding::Raw => Some(written.to_vec()),
            KeyEncoding::Base64 => STANDARD.decode(written).ok(),
            KeyEncoding::Hex => from_hex(written),
        };
        let wrong = || BenchError::Options(format!("{} is not {encoding:?}", path.display()));
        key.map(Tokens::Mint).ok_or_else(wrong)
    }

    /// The token of a user; empty if there are none.
    ///
    /// # Errors
    ///
    /// The command fails.
    pub fn token(&self, n: usize, user: &str) -> Result<String, BenchError> {
        match self {
            Tokens::None => Ok(String::new()),
            Tokens::Given(tokens) => Ok(tokens[n % tokens.len()].clone()),
            Tokens::Mint(key) => Ok(mint(key, n, user)),
            Tokens::Command(command) => {
                let values = Values {
                    n,
                    user,
                    ..Values::default()
                };
                run(&template::fill(command, &values))
            }
        }
    }
}

/// A token for `user` that begins to be valid now.
pub fn mint(key: &[u8], n: usize, user: &str) -> String {
    mint_with(key, n, user, "ROLE_USER")
}

/// The same with these authorities, separated by commas.
pub fn mint_with(key: &[u8], n: usize, user: &str, authorities: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let claims = json!({
        "sub": user,
        "id": n + 1,
        "auth": authorities,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
    });
    sign(key, &claims.to_string())
}

fn sign(key: &[u8], claims: &str) -> String {
    let mut token = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(token.as_bytes());
    let signature = mac.finalize().into_bytes();
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

fn run(command: &str) -> Result<String, BenchError> {
    let output = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(BenchError::io("run the token command"))?;
    let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || token.is_empty() {
        return Err(BenchError::Options(format!(
            "the token command gave no token ({})",
            output.status
        )));
    }
    Ok(token)
}

fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let byte = |two: &[u8]| {
        let [high, low] = *two else { return None };
        u8::try_from(nibble(high)? << 4 | nibble(low)?).ok()
    };
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_hex_is_whole_and_has_nothing_but_digits() {
        assert_eq!(from_hex(b"00fFa9").as_deref(), Some(&[0, 255, 169][..]));
        for wrong in [&b"00f"[..], b"+f", b"0g", "ü0".as_bytes()] {
            assert_eq!(from_hex(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_token_is_signed_as_others_sign_it() {
        // Checked with an independent implementation of HS256.
        assert_eq!(
            sign(b"secret", r#"{"sub":"a"}"#),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhIn0.qBdA9L_PTGPhu7ipY7Xs4Eol-m79U_HNIifGEFJXeJQ"
        );
    }

    #[test]
    fn a_minted_token_names_the_user() {
        let token = mint(b"k", 4, "user4@bench");
        let claims = token.split('.').nth(1).unwrap();
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["sub"], "user4@bench");
        assert_eq!(claims["auth"], "ROLE_USER");
        assert_eq!(claims["id"], 5);
    }

    #[test]
    fn a_command_gives_a_token_for_each_user() {
        let tokens = Tokens::Command("echo token-{n}-{user}".to_owned());
        assert_eq!(tokens.token(3, "ann").unwrap(), "token-3-ann");
        assert!(Tokens::Command("false".to_owned()).token(0, "").is_err());
        let given = Tokens::Given(vec!["a".into(), "b".into()]);
        assert_eq!(given.token(3, "").unwrap(), "b");
    }
}
