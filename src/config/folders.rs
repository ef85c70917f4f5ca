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

    /// Everything under one folder: `config/` and `state/` in it. A folder that holds
    /// `connections.toml` or `models/` itself, and no `config/`, is its own `config/`.
    pub fn at(home: &Path) -> Self {
        let nested = home.join("config");
        let is_flat = home.join("connections.toml").is_file() || home.join("models").is_dir();
        let config = if is_flat && !nested.exists() { home.to_owned() } else { nested };
        Self { config, state: home.join("state") }
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

    /// What people who signed in were given: one file a connection, for its owner's eyes only.
    pub fn tokens(&self) -> PathBuf {
        self.state.join("tokens")
    }

    /// The log files.
    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_the_folder_or_in_its_config() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Folders::at(home.path()).config, home.path().join("config"));
        std::fs::write(home.path().join("connections.toml"), "").unwrap();
        assert_eq!(Folders::at(home.path()).config, home.path());
        std::fs::create_dir(home.path().join("config")).unwrap();
        assert_eq!(Folders::at(home.path()).config, home.path().join("config"));
    }
}
