//! An error in a file: which file, where in it, what is wrong, what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// Something wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file or folder.
    pub path: PathBuf,
    /// Line and column, both from 1.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl ConfigError {
    /// An error about a whole file.
    pub fn new(path: &Path, message: impl Into<String>, hint: Option<&str>) -> Self {
        Self { path: path.to_owned(), place: None, message: message.into(), hint: hint.map(str::to_owned) }
    }

    /// A file that could not be read or written.
    pub(super) fn io(path: &Path, what: &str, error: &std::io::Error) -> Self {
        Self::new(path, format!("cannot {what}: {error}"), None)
    }

    /// A TOML error, with its place and, for an unknown key, the nearest known one.
    pub(super) fn toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let place = error.span().map(|span| line_and_column(text, span.start));
        let message = error.message().trim().replace('\n', " ");
        let (message, hint) = match unknown_key(&message) {
            Some((key, known)) => {
                let near = known
                    .iter()
                    .map(|candidate| (strsim::jaro_winkler(candidate, &key), candidate))
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .map(|(_, candidate)| candidate);
                let hint = match near {
                    Some(near) => format!("Did you mean `{near}`? Known here: {}.", known.join(", ")),
                    None => "No key is known here.".to_owned(),
                };
                (format!("unknown key `{key}`"), Some(hint))
            }
            None => (message, None),
        };
        Self { path: path.to_owned(), place, message, hint }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, ". {hint}"))
    }
}

impl std::error::Error for ConfigError {}

/// Line and column (in characters), from 1, of a byte offset.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Takes serde's "unknown field `x`, expected one of `a`, `b`" (or "unknown variant …") apart.
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    let key = quoted.next()?;
    Some((key, quoted.collect()))
}
