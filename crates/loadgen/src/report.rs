//! What a scenario found out: one list of fields, printed as a table or JSON.

use std::fmt;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// Named values in the order they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    fields: Vec<(String, Value)>,
}

/// One value of a [`Report`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A count.
    Count(u64),
    /// A measurement.
    Number(f64),
    /// Words.
    Text(String),
    /// Values that belong together.
    Group(Report),
}

impl Report {
    /// Adds a count.
    pub fn count(&mut self, name: impl Into<String>, value: u64) -> &mut Report {
        self.push(name, Value::Count(value))
    }

    /// Adds a measurement; nothing if it is not finite.
    pub fn number(&mut self, name: impl Into<String>, value: f64) -> &mut Report {
        if !value.is_finite() {
            return self;
        }
        self.push(name, Value::Number(value))
    }

    /// Adds words.
    pub fn text(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Report {
        self.push(name, Value::Text(value.into()))
    }

    /// Adds values that belong together; nothing if there are none.
    pub fn group(&mut self, name: impl Into<String>, value: Report) -> &mut Report {
        if value.fields.is_empty() {
            return self;
        }
        self.push(name, Value::Group(value))
    }

    /// Adds the fields of another behind its own.
    pub fn append(&mut self, other: Report) -> &mut Report {
        self.fields.extend(other.fields);
        self
    }

    /// The value at a path of names, joined by slashes.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let (name, rest) = match path.split_once('/') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        let (_, value) = self.fields.iter().find(|(have, _)| have == name)?;
        match (value, rest) {
            (Value::Group(group), Some(rest)) => group.get(rest),
            (value, None) => Some(value),
            _ => None,
        }
    }

    /// The count at a path.
    pub fn get_count(&self, path: &str) -> Option<u64> {
        match self.get(path)? {
            Value::Count(value) => Some(*value),
            _ => None,
        }
    }

    /// The measurement at a path.
    pub fn get_number(&self, path: &str) -> Option<f64> {
        match self.get(path)? {
            Value::Number(value) => Some(*value),
            _ => None,
        }
    }

    fn push(&mut self, name: impl Into<String>, value: Value) -> &mut Report {
        self.fields.push((name.into(), value));
        self
    }

    fn width(&self, depth: usize) -> usize {
        let width = |(name, value): &(String, Value)| match value {
            Value::Group(group) => group.width(depth + 1),
            _ => 2 * depth + name.len(),
        };
        self.fields.iter().map(width).max().unwrap_or(0)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize, width: usize) -> fmt::Result {
        for (name, value) in &self.fields {
            let label = format!("{:1$}{name}", "", 2 * depth);
            match value {
                Value::Count(value) => writeln!(f, "{label:width$}  {}", grouped(*value))?,
                Value::Number(value) => writeln!(f, "{label:width$}  {}", rounded(*value))?,
                Value::Text(value) => writeln!(f, "{label:width$}  {value}")?,
                Value::Group(group) => {
                    writeln!(f, "{label}")?;
                    group.write(f, depth + 1, width)?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0, self.width(0))
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (name, value) in &self.fields {
            match value {
                Value::Count(value) => map.serialize_entry(name, value)?,
                Value::Number(value) => map.serialize_entry(name, value)?,
                Value::Text(value) => map.serialize_entry(name, value)?,
                Value::Group(value) => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three digits behind the point for small values, none for large ones.
fn rounded(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => grouped_signed(value),
        size if size >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

fn grouped_signed(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", grouped(value.abs().round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_and_json_have_the_same_fields_in_the_same_order() {
        let mut inner = Report::default();
        inner.number("p50", 0.25).number("none", f64::NAN);
        let mut report = Report::default();
        report
            .text("scenario", "fanout")
            .count("deliveries", 1_234_567)
            .group("latency_ms", inner)
            .group("empty", Report::default());
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"scenario":"fanout","deliveries":1234567,"latency_ms":{"p50":0.25}}"#
        );
        assert_eq!(
            report.to_string(),
            "scenario    fanout\ndeliveries  1,234,567\nlatency_ms\n  p50       0.250\n"
        );
        assert_eq!(report.get_number("latency_ms/p50"), Some(0.25));
    }

    #[test]
    fn numbers_are_rounded_by_size() {
        assert_eq!(rounded(-12345.6), "-12,346");
        assert_eq!(rounded(123.45), "123.5");
        assert_eq!(rounded(1.23456), "1.235");
    }
}
