//! Where configuration and state live.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::ConfigError;

/// The folders of one home. Cloning is cheap enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// `connections.toml` and `models/`.
    pub config: PathBuf,
    /// `gondola.db`, `logs/`, `demo/`.
    pub state: PathBuf,
}

impl Folders {
    /// `GONDOLA_HOME` if it is set, else the platform's folders.
    pub fn find() -> Result<Self, ConfigError> {
        if let Some(home) = std::env::var_os("GONDOLA_HOME").filter(|home| !home.is_empty()) {
            return Ok(Self::at(Path::new(&home)));
        }
        let dirs = ProjectDirs::from("", "", "gondola").ok_or_else(|| {
            ConfigError::new(Path::new("~"), "no home folder is known", Some("Set HOME or GONDOLA_HOME."))
        })?;
        Ok(Self {
            config: dirs.config_dir().to_owned(),
            state: dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned(),
        })
    }

    /// Everything under one folder: `config/` and `state/` in it.
    pub fn at(home: &Path) -> Self {
        Self { config: home.join("config"), state: home.join("state") }
    }

    /// The home of `gondola demo`, apart from the user's own.
    pub fn demo(&self) -> Self {
        Self::at(&self.demo_home())
    }

    /// The folder that holds everything of the demo.
    pub fn demo_home(&self) -> PathBuf {
        self.state.join("demo")
    }

    /// The connections.
    pub fn connections(&self) -> PathBuf {
        self.config.join("connections.toml")
    }

    /// One folder a model.
    pub fn models(&self) -> PathBuf {
        self.config.join("models")
    }

    /// The state.
    pub fn database(&self) -> PathBuf {
        self.state.join("gondola.db")
    }

    /// The log files.
    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }
}
