//! `madang serve`.

use std::path::PathBuf;

use clap::Args;
use tokio::runtime::Builder;

use super::CliError;
use super::flags::OptionFlags;
use crate::app;
use crate::config::{self, Inputs, Loaded};
use crate::telemetry::logs;

/// What decides the configuration.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// TOML file; none is read unless it is named.
    #[arg(long, value_name = "FILE", env = "MADANG_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: OptionFlags,
}

impl ServeArgs {
    pub(super) fn load(self) -> Result<Loaded, CliError> {
        // An empty MADANG_CONFIG names no file, as with every other empty setting.
        let file = self.config.filter(|path| !path.as_os_str().is_empty());
        Ok(config::load(&Inputs::from_process(file, self.flags.0))?)
    }
}

pub(super) fn run(args: ServeArgs) -> Result<(), CliError> {
    let config = args.load()?.config;
    logs::start(&config.log)?;
    let mut builder = Builder::new_multi_thread();
    if config.server.worker_threads > 0 {
        builder.worker_threads(config.server.worker_threads);
    }
    let runtime = builder.enable_all().build().map_err(CliError::Threads)?;
    Ok(runtime.block_on(app::serve(config))?)
}
