//! The statements of [`crate::relational`] in another database's words.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// How a database says what differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    Postgres,
    MySql,
}

/// A statement as a database understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Translated {
    pub(crate) sql: Arc<str>,
    /// Which value stands at each of its places, from 0.
    pub(crate) order: Arc<[usize]>,
}

/// Statements that were translated.
#[derive(Debug)]
pub(crate) struct Dialect {
    words: Words,
    /// By the address of the text, which is a constant's.
    known: HashMap<(usize, usize), Translated>,
    locked: HashMap<(usize, usize), Translated>,
    /// Statements of many rows or keys, by what makes them and the number.
    many: HashMap<(usize, usize), Arc<str>>,
}

impl Dialect {
    pub(crate) fn new(words: Words) -> Self {
        Self {
            words,
            known: HashMap::new(),
            locked: HashMap::new(),
            many: HashMap::new(),
        }
    }

    pub(crate) fn translate(&mut self, sql: &'static str) -> Translated {
        let key = (sql.as_ptr() as usize, sql.len());
        let words = self.words;
        let known = self.known.entry(key);
        known.or_insert_with(|| translate(words, sql)).clone()
    }

    /// As [`Dialect::translate`], of a statement that locks the rows that it finds.
    pub(crate) fn locked(&mut self, sql: &'static str) -> Translated {
        let words = self.words;
        let locked = self.locked.entry((sql.as_ptr() as usize, sql.len()));
        let translate = || translate(words, &format!("{sql} FOR UPDATE"));
        locked.or_insert_with(translate).clone()
    }

    /// A statement that ends in `= ?1` for so many keys at once.
    pub(crate) fn of_keys(&mut self, sql: &'static str, keys: usize) -> Arc<str> {
        let words = self.words;
        let make = || {
            let one = sql.trim_end().strip_suffix("= ?1").unwrap_or(sql);
            let places = places(words, 1..=keys);
            Arc::from(format!("{}IN ({places})", in_words(words, one)))
        };
        let many = self.many.entry((sql.as_ptr() as usize, keys));
        Arc::clone(many.or_insert_with(make))
    }

    /// A statement that is made for a number of rows.
    pub(crate) fn of_rows(&mut self, make: fn(Words, usize) -> String, rows: usize) -> Arc<str> {
        let words = self.words;
        let many = self.many.entry((make as usize, rows));
        Arc::clone(many.or_insert_with(|| Arc::from(make(words, rows))))
    }
}

/// Placeholders with commas between them.
pub(crate) fn places(words: Words, numbers: impl Iterator<Item = usize>) -> String {
    let mut places = String::new();
    for number in numbers {
        if !places.is_empty() {
            places.push_str(", ");
        }
        match words {
            Words::MySql => places.push('?'),
            Words::Postgres => {
                // Writing to a string does not fail.
                let _ = write!(places, "${number}");
            }
        }
    }
    places
}

fn translate(words: Words, sql: &str) -> Translated {
    let text = in_words(words, sql);
    let (mut out, mut order) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('?') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: usize = rest[..digits].parse().unwrap_or(1);
        rest = &rest[digits..];
        match words {
            Words::Postgres => {
                let _ = write!(out, "${number}");
            }
            // Each place has a value of its own.
            Words::MySql => {
                out.push('?');
                order.push(number - 1);
            }
        }
    }
    out.push_str(rest);
    if words == Words::Postgres {
        let most = (1..).take_while(|n| out.contains(&format!("${n}"))).count();
        order.extend(0..most);
    }
    Translated {
        sql: out.into(),
        order: order.into(),
    }
}

/// Without hints for SQLite, and with the database's own upsert.
fn in_words(words: Words, sql: &str) -> String {
    let sql = without_hints(sql);
    match words {
        Words::Postgres => sql.replace("CROSS JOIN", "JOIN"),
        Words::MySql => with_duplicate_key(&sql),
    }
}

fn without_hints(sql: &str) -> String {
    let mut pieces = sql.split("INDEXED BY ");
    let mut out = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        let name = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        out.push_str(&piece[name.unwrap_or(piece.len())..]);
    }
    out
}

/// `ON CONFLICT (…) DO UPDATE SET a = excluded.a` as MySQL says it.
fn with_duplicate_key(sql: &str) -> String {
    let Some((insert, update)) = sql.split_once("ON CONFLICT") else {
        return sql.to_owned();
    };
    let (_, update) = update.split_once("SET").unwrap_or(("", update));
    let mut pieces = update.split("excluded.");
    let mut out = format!("{insert}ON DUPLICATE KEY UPDATE");
    out.push_str(pieces.next().unwrap_or(""));
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (column, rest) = piece.split_at(end.unwrap_or(piece.len()));
        out.push_str("VALUES(");
        out.push_str(column);
        out.push(')');
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &'static str, postgres: (&str, &[usize]), mysql: (&str, &[usize])) {
        for (words, (text, order)) in [(Words::Postgres, postgres), (Words::MySql, mysql)] {
            let translated = translate(words, sql);
            assert_eq!(*translated.sql, *text, "{words:?}");
            assert_eq!(*translated.order, *order, "{words:?}: {sql}");
        }
    }

    #[test]
    fn values_keep_their_places() {
        check(
            "SELECT a FROM t WHERE b = ?2 AND (?1 IS NULL OR c = ?1)",
            (
                "SELECT a FROM t WHERE b = $2 AND ($1 IS NULL OR c = $1)",
                &[0, 1],
            ),
            (
                "SELECT a FROM t WHERE b = ? AND (? IS NULL OR c = ?)",
                &[1, 0, 0],
            ),
        );
        check("SELECT 1", ("SELECT 1", &[]), ("SELECT 1", &[]));
    }

    #[test]
    fn hints_for_another_database_are_left_out() {
        check(
            "SELECT 1 FROM a AS x INDEXED BY by_age CROSS JOIN b ON b.n = x.n WHERE x.n = ?1",
            (
                "SELECT 1 FROM a AS x  JOIN b ON b.n = x.n WHERE x.n = $1",
                &[0],
            ),
            (
                "SELECT 1 FROM a AS x  CROSS JOIN b ON b.n = x.n WHERE x.n = ?",
                &[0],
            ),
        );
    }

    #[test]
    fn an_upsert_is_said_as_the_database_says_it() {
        let sql = "INSERT INTO t (k, a) VALUES (?1, ?2) ON CONFLICT (k) DO UPDATE SET a = excluded.a, b = 1";
        check(
            sql,
            (
                "INSERT INTO t (k, a) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET a = excluded.a, b = 1",
                &[0, 1],
            ),
            (
                "INSERT INTO t (k, a) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = VALUES(a), b = 1",
                &[0, 1],
            ),
        );
    }

    #[test]
    fn many_keys_are_asked_for_at_once() {
        let of_keys = |words| Dialect::new(words).of_keys("SELECT a FROM t WHERE b = ?1", 3);
        assert_eq!(
            *of_keys(Words::Postgres),
            *"SELECT a FROM t WHERE b IN ($1, $2, $3)"
        );
        assert_eq!(
            *of_keys(Words::MySql),
            *"SELECT a FROM t WHERE b IN (?, ?, ?)"
        );
    }
}
