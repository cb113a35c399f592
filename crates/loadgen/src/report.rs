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
    /// The lines of a table, which have the same names in the same order; a
    /// value may be missing.
    Rows(Vec<Report>),
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

    /// Adds a table; nothing if it has no line.
    pub fn rows(&mut self, name: impl Into<String>, rows: Vec<Report>) -> &mut Report {
        if rows.is_empty() {
            return self;
        }
        self.push(name, Value::Rows(rows))
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

    /// The table at a path; empty if there is none.
    pub fn get_rows(&self, path: &str) -> &[Report] {
        match self.get(path) {
            Some(Value::Rows(rows)) => rows,
            _ => &[],
        }
    }

    fn push(&mut self, name: impl Into<String>, value: Value) -> &mut Report {
        self.fields.push((name.into(), value));
        self
    }

    fn width(&self, depth: usize) -> usize {
        let width = |(name, value): &(String, Value)| match value {
            Value::Group(group) => group.width(depth + 1),
            Value::Rows(_) => 0,
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
                Value::Rows(rows) => {
                    writeln!(f, "{label}")?;
                    write_rows(rows, 2 * (depth + 1), f)?;
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
                Value::Rows(value) => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

/// Writes a table: the names, and under each its values. Words stand left,
/// numbers right.
fn write_rows(rows: &[Report], indent: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flat_map(|row| &row.fields) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let columns: Vec<Vec<String>> = names
        .iter()
        .map(|name| rows.iter().map(|row| cell(row.get(name))).collect())
        .collect();
    let header = names.iter().map(ToString::to_string).collect();
    let lines = (0..rows.len()).map(|at| columns.iter().map(|column| column[at].clone()).collect());
    for line in std::iter::once(header).chain(lines) {
        let line: Vec<String> = line;
        write!(f, "{:indent$}", "")?;
        for (at, cell) in line.iter().enumerate() {
            let widest = columns[at].iter().map(String::len).max().unwrap_or(0);
            let width = widest.max(names[at].len());
            match rows[0].get(names[at]) {
                Some(Value::Text(_)) => write!(f, "{cell:width$}")?,
                _ => write!(f, "  {cell:>width$}")?,
            }
        }
        writeln!(f)?;
    }
    Ok(())
}

fn cell(value: Option<&Value>) -> String {
    match value {
        Some(Value::Count(value)) => grouped(*value),
        Some(Value::Number(value)) => rounded(*value),
        Some(Value::Text(value)) => value.clone(),
        _ => "-".to_owned(),
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
    fn a_table_has_a_line_for_each_row_under_the_names() {
        let row = |name: &str, value: f64| {
            let mut row = Report::default();
            row.text("transport", name).number("ratio", value);
            row
        };
        let mut report = Report::default();
        report.rows("none", Vec::new());
        report.rows("table", vec![row("json", 1.0), row("sse", f64::NAN)]);
        assert_eq!(
            report.to_string(),
            "table\n  transport  ratio\n  json       1.000\n  sse            -\n"
        );
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"table":[{"transport":"json","ratio":1.0},{"transport":"sse"}]}"#
        );
    }

    #[test]
    fn numbers_are_rounded_by_size() {
        assert_eq!(rounded(-12345.6), "-12,346");
        assert_eq!(rounded(123.45), "123.5");
        assert_eq!(rounded(1.23456), "1.235");
    }
}
