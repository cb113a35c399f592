//! The configuration: one table of options (`options.rs`), four layers laid over each other
//! (`layers.rs`), one pure step that checks everything (`validate.rs`).

mod address;
mod allowed;
mod api_key;
pub mod documents;
mod fault;
mod layers;
mod options;
mod picture_place;
mod places;
mod spec;
#[cfg(test)]
mod tests;
mod validate;
mod value;

use std::path::{Path, PathBuf};

pub use address::{AddressRange, AddressRangeError};
pub use api_key::{ApiKey, ApiKeyHash};
pub use fault::{Fault, Faults, Source};
pub use layers::{Setting, Settings, all_options, shown};
pub use options::{
    Auth, Bus, Config, Contracts, Demo, Desk, Hub, Log, Messages, Node, Pictures, Presence,
    Retention, SECTIONS, Server, Session, Stomp, Store, Tls, Topics, WebSocket,
};
pub use picture_place::{PicturePlace, PicturePlaceError};
pub use places::StorePlace;
pub use spec::{Allowed, Kind, OptionSpec, SectionSpec};
pub use value::{
    JwtAlgorithm, KeyEncoding, LogFormat, MASK, PasscodeHash, Secret, Synchronous, Value,
};

/// Everything that a configuration is made from besides the defaults.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The TOML file; `None` reads no file.
    pub file: Option<PathBuf>,
    /// Environment variables; those without the prefix `MADANG_` are passed over.
    pub environment: Vec<(String, String)>,
    /// Options given as flags, with their text.
    pub flags: Vec<(&'static OptionSpec, String)>,
}

impl Inputs {
    /// Takes our variables from the environment of this process.
    #[must_use]
    pub fn from_process(file: Option<PathBuf>, flags: Vec<(&'static OptionSpec, String)>) -> Self {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let mut environment: Vec<(String, String)> = std::env::vars_os()
            .map(|(name, value)| (lossy(name), lossy(value)))
            .filter(|(name, _)| name.starts_with("MADANG_"))
            .collect();
        environment.sort();
        Self {
            file,
            environment,
            flags,
        }
    }
}

/// A configuration that passed every check, and where its values came from.
#[derive(Debug)]
pub struct Loaded {
    /// The typed values.
    pub config: Config,
    /// The values as given, with their sources.
    pub settings: Settings,
}

/// Reads the file, lays the layers over each other and checks the result.
///
/// # Errors
/// [`Faults`]: everything that is wrong, in one go. The operator's fault; not retryable.
pub fn load(inputs: &Inputs) -> Result<Loaded, Faults> {
    let text = match &inputs.file {
        None => None,
        Some(path) => Some((path.as_path(), read(path)?)),
    };
    let file = text.as_ref().map(|(path, text)| (*path, text.as_str()));
    assemble(file, &inputs.environment, &inputs.flags)
}

fn read(path: &Path) -> Result<String, Faults> {
    std::fs::read_to_string(path).map_err(|error| {
        Faults(vec![Fault {
            option: "the file".to_owned(),
            given: None,
            source: Source::File {
                path: path.to_owned(),
                line: 0,
            },
            problem: format!("cannot be read: {error}"),
        }])
    })
}

/// [`load`] without the file system: pure.
///
/// # Errors
/// As [`load`].
pub fn assemble(
    file: Option<(&Path, &str)>,
    environment: &[(String, String)],
    flags: &[(&'static OptionSpec, String)],
) -> Result<Loaded, Faults> {
    let mut faults = Vec::new();
    let mut settings = Settings::defaults();
    if let Some((path, text)) = file {
        settings.lay_file(path, text, &mut faults);
    }
    settings.lay_environment(environment, &mut faults);
    settings.lay_flags(flags);
    let config = validate::validate(&settings, faults)?;
    Ok(Loaded { config, settings })
}
