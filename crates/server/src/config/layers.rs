//! From the four layers (defaults, file, environment, flags) to one value and source per option.
//! Nothing here reads a file or the environment: both are handed in.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fault::{Fault, Source};
use super::options::SECTIONS;
use super::spec::{Kind, OptionSpec};
use super::value::{MASK, Value};

/// The section of service accounts: its keys are logins, not options.
pub(super) const ACCOUNTS: &str = "accounts";

/// The section of API keys: its keys are names, not options.
pub(super) const API_KEYS: &str = "api_keys";

/// Environment variables with this prefix are ours. Options have `__` after their section.
const VARIABLE_PREFIX: &str = "MADANG_";

/// A value, not yet checked, and where it came from.
#[derive(Debug, Clone)]
pub struct Setting {
    /// As it was given.
    pub value: Value,
    /// By whom.
    pub source: Source,
}

/// One value for each option, the accounts and the API keys. Low: kinds and bounds are not checked yet.
#[derive(Debug, Clone)]
pub struct Settings {
    values: Vec<(&'static OptionSpec, Setting)>,
    accounts: BTreeMap<String, Setting>,
    api_keys: BTreeMap<String, Setting>,
}

/// Every option, in the order of the documents.
pub fn all_options() -> impl Iterator<Item = &'static OptionSpec> {
    SECTIONS.iter().flat_map(|section| section.options)
}

impl Settings {
    /// The defaults.
    #[must_use]
    pub fn defaults() -> Self {
        let setting = |spec: &'static OptionSpec| Setting {
            value: parse_toml_value(spec.default)
                .unwrap_or_else(|| Value::String(spec.default.to_owned())),
            source: Source::Default,
        };
        Self {
            values: all_options().map(|spec| (spec, setting(spec))).collect(),
            accounts: BTreeMap::new(),
            api_keys: BTreeMap::new(),
        }
    }

    /// The value of one option.
    #[must_use]
    pub fn get(&self, section: &str, name: &str) -> Option<(&'static OptionSpec, &Value)> {
        self.values
            .iter()
            .find(|(spec, _)| spec.section == section && spec.name == name)
            .map(|(spec, setting)| (*spec, &setting.value))
    }

    /// Every option with its value, in the order of the documents.
    pub fn iter(&self) -> impl Iterator<Item = (&'static OptionSpec, &Setting)> {
        self.values.iter().map(|(spec, setting)| (*spec, setting))
    }

    /// The accounts of the file by login: hashes, not yet checked.
    #[must_use]
    pub const fn accounts(&self) -> &BTreeMap<String, Setting> {
        &self.accounts
    }

    /// The API keys of the file by name: hashes and scopes, not yet checked.
    #[must_use]
    pub const fn api_keys(&self) -> &BTreeMap<String, Setting> {
        &self.api_keys
    }

    /// Where the option's value came from.
    #[must_use]
    pub fn source(&self, section: &str, name: &str) -> Source {
        self.iter()
            .find(|(spec, _)| spec.section == section && spec.name == name)
            .map_or(Source::Default, |(_, setting)| setting.source.clone())
    }

    fn set(&mut self, wanted: &OptionSpec, setting: Setting) {
        let slot = self
            .values
            .iter_mut()
            .find(|(spec, _)| std::ptr::eq(*spec, wanted));
        if let Some((_, slot)) = slot {
            *slot = setting;
        }
    }

    /// Lays the file's text over what is there. `path` is only for the sources.
    pub fn lay_file(&mut self, path: &Path, text: &str, faults: &mut Vec<Fault>) {
        let source = |span: Range<usize>| Source::File {
            path: path.to_owned(),
            line: line_of(text, span.start),
        };
        let document = match DeTable::parse(text) {
            Ok(document) => document,
            Err(error) => {
                faults.push(Fault {
                    option: "the file".to_owned(),
                    given: None,
                    source: source(error.span().unwrap_or_default()),
                    problem: format!("is not TOML: {}", error.message()),
                });
                return;
            }
        };
        for (key, value) in document.get_ref() {
            let section = key.get_ref().as_ref();
            let DeValue::Table(table) = value.get_ref() else {
                let problem = unknown(section);
                faults.push(unknown_fault(section, source(key.span()), problem));
                continue;
            };
            if section == ACCOUNTS {
                lay_named(&mut self.accounts, table, &source);
            } else if section == API_KEYS {
                lay_named(&mut self.api_keys, table, &source);
            } else if SECTIONS.iter().any(|known| known.name == section) {
                self.lay_section(section, table, &source, faults);
            } else {
                let problem = unknown_section(section);
                faults.push(unknown_fault(section, source(key.span()), problem));
            }
        }
    }

    fn lay_section(
        &mut self,
        section: &str,
        table: &DeTable<'_>,
        source: &dyn Fn(Range<usize>) -> Source,
        faults: &mut Vec<Fault>,
    ) {
        for (key, value) in table {
            let name: &DeString<'_> = key.get_ref();
            let source = source(key.span());
            match find(section, name) {
                Some(spec) => self.set(
                    spec,
                    Setting {
                        value: plain(value),
                        source,
                    },
                ),
                None => {
                    let path = format!("{section}.{name}");
                    let problem = unknown(&path);
                    faults.push(unknown_fault(&path, source, problem));
                }
            }
        }
    }

    /// Lays the environment over what is there. Only `MADANG_<SECTION>__<OPTION>` is looked at; one
    /// that lacks an underscore is a fault, since the option would be left at its default.
    pub fn lay_environment(&mut self, variables: &[(String, String)], faults: &mut Vec<Fault>) {
        for (variable, text) in variables {
            let Some(path) = variable.strip_prefix(VARIABLE_PREFIX) else {
                continue;
            };
            let Some((section, name)) = path.split_once("__") else {
                faults.extend(misspelt(variable));
                continue;
            };
            let source = Source::Environment(variable.clone());
            let (section, name) = (section.to_lowercase(), name.to_lowercase());
            match find(&section, &name) {
                // The reference names upper-case variables only; a second spelling of the same
                // option would make the winner depend on the environment's order.
                Some(spec) if spec.variable() == *variable => {
                    let value = from_text(spec.kind, text);
                    self.set(spec, Setting { value, source });
                }
                _ if section == ACCOUNTS => faults.push(unknown_fault(
                    variable,
                    source,
                    "accounts are set in the file or by `madang account`, not in the environment"
                        .to_owned(),
                )),
                _ if section == API_KEYS => faults.push(unknown_fault(
                    variable,
                    source,
                    "API keys are set in the file or by `madang api-key`, not in the environment"
                        .to_owned(),
                )),
                _ => {
                    let nearest = nearest(&format!("{section}.{name}"));
                    let hint = nearest.map_or_else(String::new, |spec| {
                        format!("; did you mean {}?", spec.variable())
                    });
                    let problem = format!("sets no known option{hint}");
                    faults.push(unknown_fault(variable, source, problem));
                }
            }
        }
    }

    /// Lays the flags of the command over what is there.
    pub fn lay_flags(&mut self, flags: &[(&'static OptionSpec, String)]) {
        for (spec, text) in flags {
            let setting = Setting {
                value: from_text(spec.kind, text),
                source: Source::Flag(format!("--{}", spec.flag())),
            };
            self.set(spec, setting);
        }
    }
}

fn lay_named(
    into: &mut BTreeMap<String, Setting>,
    table: &DeTable<'_>,
    source: &dyn Fn(Range<usize>) -> Source,
) {
    for (name, hash) in table {
        let setting = Setting {
            value: plain(hash),
            source: source(name.span()),
        };
        into.insert(name.get_ref().to_string(), setting);
    }
}

fn find(section: &str, name: &str) -> Option<&'static OptionSpec> {
    all_options().find(|spec| spec.section == section && spec.name == name)
}

/// A variable that would be an option's with one more underscore. Others with our prefix are
/// none of our business: container platforms set some for every service's name.
fn misspelt(variable: &str) -> Option<Fault> {
    let meant = SECTIONS
        .iter()
        .flat_map(|section| section.options)
        .find(|spec| spec.variable().replacen("__", "_", 1) == variable)?;
    let problem = format!("sets no known option; did you mean {}?", meant.variable());
    let source = Source::Environment(variable.to_owned());
    Some(unknown_fault(variable, source, problem))
}

fn unknown_fault(option: &str, source: Source, problem: String) -> Fault {
    Fault {
        option: option.to_owned(),
        given: None,
        source,
        problem,
    }
}

fn unknown(path: &str) -> String {
    let hint = nearest(path).map_or_else(String::new, |spec| {
        format!("; did you mean {}?", spec.path())
    });
    format!("is not a known option{hint}")
}

fn unknown_section(name: &str) -> String {
    let names = SECTIONS.iter().map(|section| section.name);
    let nearest = names
        .chain([ACCOUNTS, API_KEYS])
        .min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let hint = nearest.map_or_else(String::new, |known| format!("; did you mean [{known}]?"));
    format!("is not a known section{hint}")
}

/// The option that was probably meant: the same name in another section, else the fewest typing
/// mistakes away, in the whole path or in the name.
fn nearest(path: &str) -> Option<&'static OptionSpec> {
    let name = path.rsplit_once('.').map_or(path, |(_, name)| name);
    if let Some(spec) = all_options().find(|spec| spec.name == name) {
        return Some(spec);
    }
    all_options().min_by_key(|spec| strsim::damerau_levenshtein(&spec.path(), path))
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The value without its spans. What no option can be (dates, tables) fails the check of its option.
fn plain(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.to_string()), Value::Integer),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or_else(|_| Value::String(number.to_string()), Value::Float),
        DeValue::Datetime(date) => Value::Datetime(*date),
        DeValue::Array(items) => Value::Array(items.iter().map(plain).collect()),
        DeValue::Table(entries) => {
            let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                (key.get_ref().to_string(), plain(value))
            };
            Value::Table(entries.iter().map(entry).collect())
        }
    }
}

fn parse_toml_value(text: &str) -> Option<Value> {
    let line = format!("value = {text}");
    let table = DeTable::parse(&line).ok()?;
    let value = table.get_ref().values().next()?;
    Some(plain(value))
}

/// Text of a variable or flag as the option's kind; a text that does not fit stays a text, which
/// then fails the check of its option.
fn from_text(kind: Kind, text: &str) -> Value {
    let as_text = || Value::String(text.to_owned());
    match kind {
        Kind::Text => as_text(),
        Kind::Boolean => text.parse().map_or_else(|_| as_text(), Value::Boolean),
        Kind::Integer => text.parse().map_or_else(|_| as_text(), Value::Integer),
        Kind::List if text.trim_start().starts_with('[') => {
            parse_toml_value(text).unwrap_or_else(as_text)
        }
        Kind::List => {
            let items = text.split(',').map(str::trim);
            let items = items.filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
    }
}

/// The value as TOML, masked when the option is a secret and set.
#[must_use]
pub fn shown(spec: &OptionSpec, value: &Value) -> String {
    if spec.secret && value.as_str() != Some("") {
        return format!("\"{MASK}\"");
    }
    match value.as_str().and_then(without_password) {
        Some(masked) => Value::String(masked).to_string(),
        None => value.to_string(),
    }
}

/// A URL whose passwords are masked, also one that is mistyped; `None` for what has none.
fn without_password(text: &str) -> Option<String> {
    let (address, query) = match text.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (text, None),
    };
    let masked = masked_login(address);
    let mut is_masked = masked.is_some();
    let mut shown = masked.unwrap_or_else(|| address.to_owned());
    for (at, part) in query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .enumerate()
    {
        shown.push(if at == 0 { '?' } else { '&' });
        match part.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().contains("password") => {
                is_masked = true;
                shown.push_str(&format!("{name}={MASK}"));
            }
            _ => shown.push_str(part),
        }
    }
    is_masked.then_some(shown)
}

fn masked_login(address: &str) -> Option<String> {
    let (before, hosts) = address.rsplit_once('@')?;
    // Behind the scheme, however it is written.
    let login = before.rfind('/').map_or(0, |slash| slash + 1);
    let (user, _) = before[login..].split_once(':')?;
    Some(format!("{}{user}:{MASK}@{hosts}", &before[..login]))
}
