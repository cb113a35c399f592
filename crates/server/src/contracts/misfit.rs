//! What does not fit of a client's input, in words that repeat nothing of its values.

use serde::Deserialize;

/// Longest path to a value that is told.
const PATH_BYTES_MAX: usize = 100;

/// Which value of `body` is not what `T` expects, and what is expected there.
pub(crate) fn in_json<'a, T: Deserialize<'a>>(body: &'a [u8], error: &serde_json::Error) -> String {
    let reason = error.to_string();
    let expected = expectation(&reason).unwrap_or("another value is expected");
    let place = match error.line() {
        // It was read from memory by then.
        0 => String::new(),
        _ if names_a_field(expected) => String::new(),
        line => format!(" (line {line}, column {})", error.column()),
    };
    match path_in_json::<T>(body) {
        Some(path) => format!("{path}: {expected}{place}"),
        None => format!("{expected}{place}"),
    }
}

/// Parsed once more: whatever fits costs nothing for it.
fn path_in_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let misfit = serde_path_to_error::deserialize::<_, T>(&mut json).err()?;
    let path = misfit.path().to_string();
    let is_told = path != "."
        && path.len() <= PATH_BYTES_MAX
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    is_told.then_some(path)
}

/// What does not fit of a query, as `reason` says it: the parameter, a colon, and why.
pub(crate) fn in_query(reason: &str) -> String {
    let reason = reason.rsplit("query string: ").next().unwrap_or(reason);
    let is_name = |name: &&str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let name = reason
        .split_once(": ")
        .map(|(name, _)| name)
        .filter(is_name);
    match (name, expectation(reason)) {
        (Some(name), Some(expected)) => format!("the query parameter {name}: {expected}"),
        (Some(name), None) => {
            format!("the query parameter {name} has a value that is not valid")
        }
        (None, Some(expected)) => format!("the query parameters are not valid: {expected}"),
        (None, None) => "the query parameters are not valid".to_owned(),
    }
}

/// The part of a reason that is about what is expected, not about what came.
fn expectation(reason: &str) -> Option<&str> {
    let reason = match reason.rfind(" at line ") {
        Some(end) => &reason[..end],
        None => reason,
    };
    if names_a_field(reason) {
        return Some(reason);
    }
    let at = reason.rfind(", expected ")?;
    Some(&reason[at + ", ".len()..])
}

fn names_a_field(reason: &str) -> bool {
    ["missing field", "duplicate field"]
        .iter()
        .any(|known| reason.starts_with(known))
}
