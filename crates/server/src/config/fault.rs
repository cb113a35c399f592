//! What is wrong with a configuration, in words for the operator.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// As it was named.
        path: PathBuf,
        /// Counted from 1; 0 when the file could not be read at all.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag of the command, with its dashes.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: 0 } => write!(f, "{}", path.display()),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One thing that is wrong. The operator's fault; the server does not start with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `section.option`, or what was written where an option was expected.
    pub option: String,
    /// The value as TOML, masked when it is a secret; `None` when the value does not matter.
    pub given: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// What is wrong and what is allowed.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.option)?;
        if let Some(given) = &self.given {
            write!(f, " = {given}")?;
        }
        write!(f, "\n    from: {}\n    {}", self.source, self.problem)
    }
}

/// Everything that is wrong, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "fault" } else { "faults" };
        write!(f, "the configuration has {count} {noun}")?;
        for fault in &self.0 {
            write!(f, "\n{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
