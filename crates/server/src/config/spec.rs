//! What the table of options is made of: one row is one option, and everything else is read off it.

use std::fmt;

use super::value::Value;

/// One option: its row in the table, as the loader, the flags and the documents read it.
#[derive(Debug)]
pub struct OptionSpec {
    /// The TOML table it stands in.
    pub section: &'static str,
    /// Its key in that table.
    pub name: &'static str,
    /// What it does, with unit and meaning of zero or empty.
    pub doc: &'static str,
    /// The default as TOML text.
    pub default: &'static str,
    /// What its value must look like.
    pub kind: Kind,
    /// Which values of that kind are taken.
    pub allowed: Allowed,
    /// Whether the value must never be shown, logged or given as a flag.
    pub secret: bool,
    /// Whether a running server takes a new value.
    pub reloadable: bool,
    pub(super) accepts: fn(&Value, &Allowed) -> bool,
}

impl OptionSpec {
    /// `section.name`, as faults and documents write it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("MADANG_{}__{}", self.section, self.name).to_uppercase()
    }

    /// The flag of `madang serve` that sets it, without the dashes in front.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("{}-{}", self.section, self.name).replace('_', "-")
    }

    /// What is allowed, in words.
    #[must_use]
    pub fn allowed_text(&self) -> String {
        match self.kind {
            Kind::List => format!("a list, each item {}", self.allowed),
            Kind::Boolean | Kind::Integer | Kind::Text => self.allowed.to_string(),
        }
    }
}

/// A table of options that belong together.
#[derive(Debug)]
pub struct SectionSpec {
    /// The name of the TOML table.
    pub name: &'static str,
    /// What its options are about.
    pub doc: &'static str,
    /// In the order of the documents.
    pub options: &'static [OptionSpec],
}

/// The TOML type of an option; how text from the environment or a flag is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A text.
    Text,
    /// A list of texts: in TOML an array, elsewhere separated by commas (or a TOML array).
    List,
}

/// Which values an option takes; for a list, which items.
#[derive(Debug, Clone, Copy)]
pub enum Allowed {
    /// `true` or `false`.
    Boolean,
    /// A whole number from the first to the last, both included.
    Range(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text that passes a check.
    Text {
        /// What passes, in words that fit after "allowed:".
        what: &'static str,
        /// The check.
        accepts: fn(&str) -> bool,
    },
}

impl Allowed {
    /// Whether `number` is in the range; false for anything but a range.
    #[must_use]
    pub fn accepts_number(&self, number: u64) -> bool {
        matches!(self, Self::Range(first, last) if (*first..=*last).contains(&number))
    }

    /// Whether `text` is one of the words or passes the check.
    #[must_use]
    pub fn accepts_text(&self, text: &str) -> bool {
        match self {
            Self::Boolean | Self::Range(..) => false,
            Self::Choice(names) => names.contains(&text),
            Self::Text { accepts, .. } => accepts(text),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false"),
            Self::Range(first, last) => write!(f, "a whole number from {first} to {last}"),
            Self::Choice(names) => write!(f, "one of {}", names.join(", ")),
            Self::Text { what, .. } => f.write_str(what),
        }
    }
}

/// Makes, from one table, the section structs, [`Config`](super::Config), the list of
/// [`SectionSpec`] and the step from checked values to typed ones.
macro_rules! options {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $option:ident: $Type:ty = $default:tt, $allowed:expr;
            )+
        }
    )+) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone, PartialEq)]
            pub struct $Section {
                $(
                    $(#[doc = $doc])+
                    pub $option: $Type,
                )+
            }
        )+

        /// The whole configuration: every value is checked, alone and against the others.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Config {
            $(
                $(#[doc = $section_doc])+
                pub $section: $Section,
            )+
            /// Service accounts by login (STOMP `login` and `passcode`). Those in
            /// `DIR/accounts.toml` are not here: the authenticator reads them at each login.
            pub accounts: std::collections::BTreeMap<String, $crate::config::PasscodeHash>,
            /// API keys by name. Those in `DIR/api-keys.toml` are not here, as with accounts.
            pub api_keys: std::collections::BTreeMap<String, $crate::config::ApiKey>,
        }

        /// Every option, by section, in the order of the documents.
        pub static SECTIONS: &[SectionSpec] = &[$(
            SectionSpec {
                name: stringify!($section),
                doc: concat!($($section_doc, "\n",)+),
                options: &[$(
                    OptionSpec {
                        section: stringify!($section),
                        name: stringify!($option),
                        doc: concat!($($doc, "\n",)+),
                        default: stringify!($default),
                        kind: <$Type as OptionValue>::KIND,
                        allowed: $allowed,
                        secret: <$Type as OptionValue>::SECRET,
                        reloadable: false,
                        accepts: |value, allowed| {
                            <$Type as OptionValue>::read(value, allowed).is_some()
                        },
                    },
                )+],
            },
        )+];

        /// `None` when a value is missing or not accepted: the caller has reported it before.
        pub(super) fn typed(
            settings: &super::layers::Settings,
            accounts: std::collections::BTreeMap<String, $crate::config::PasscodeHash>,
            api_keys: std::collections::BTreeMap<String, $crate::config::ApiKey>,
        ) -> Option<Config> {
            $(
                let $section = $Section {
                    $($option: {
                        let (spec, value) =
                            settings.get(stringify!($section), stringify!($option))?;
                        <$Type as OptionValue>::read(value, &spec.allowed)?
                    },)+
                };
            )+
            Some(Config { $($section,)+ accounts, api_keys })
        }
    };
}
pub(super) use options;
