//! Reading text and writing it so that a crash leaves the old file or the new one, never half.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::ConfigError;
use super::error::line_and_column;

/// The file's text. Not UTF-8 is an error that names the place.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = fs::read(path).map_err(|error| ConfigError::io(path, "read it", &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        ConfigError {
            place: Some(line_and_column(&good, good.len())),
            ..ConfigError::new(path, "this is not UTF-8 text", Some("Save the file as UTF-8; nothing was changed."))
        }
    })
}

/// The file as TOML.
pub(super) fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = read(path)?;
    toml::from_str(&text).map_err(|error| ConfigError::toml(path, &text, &error))
}

/// Writes beside, syncs, renames. `private` files are readable by their owner alone.
pub(super) fn write(path: &Path, text: &str, private: bool) -> Result<(), ConfigError> {
    let fail = |error: &std::io::Error| ConfigError::io(path, "write it", error);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| fail(&error))?;
    let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(|error| fail(&error))?;
    beside.write_all(text.as_bytes()).map_err(|error| fail(&error))?;
    let mode = if private { 0o600 } else { 0o644 };
    beside.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(|error| fail(&error))?;
    beside.as_file().sync_all().map_err(|error| fail(&error))?;
    beside.persist(path).map_err(|error| fail(&error.error))?;
    // The rename itself is durable only once the folder is synced.
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| fail(&error))
}
