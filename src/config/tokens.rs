//! What people who signed in were given: refresh tokens, one file a connection, outside the
//! configuration (which belongs in git), readable by their owner alone.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{ConfigError, Folders, file};

/// What may stand in a file's name as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
const HEADER: &str = "# Kept by `gondola login`; it signs in like a password. `gondola login NAME --forget` ends it.\n";

/// A refresh token, and for whom it is good. It never goes to another host or another app.
#[derive(Debug, Clone)]
pub struct KeptToken {
    /// The connection's name.
    pub connection: String,
    /// Where it was given, and the only host that it may be sent to.
    pub login_url: String,
    /// Consumer key of the app that it was given to.
    pub client_id: String,
    /// The refresh token.
    pub refresh_token: SecretString,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    connection: String,
    login_url: String,
    client_id: String,
    refresh_token: String,
}

/// The kept tokens of one home.
#[derive(Debug, Clone)]
pub struct Tokens {
    folder: PathBuf,
}

impl Tokens {
    /// The tokens under these folders; nothing is read or created yet.
    pub fn new(folders: &Folders) -> Self {
        Self { folder: folders.tokens() }
    }

    /// The file of a connection, whatever letters its name has.
    pub fn path(&self, connection: &str) -> PathBuf {
        self.folder.join(format!("{}.toml", utf8_percent_encode(connection, PLAIN)))
    }

    /// The token of a connection; `None` when nobody has signed in. A file that others can read is
    /// refused: the token in it may be known already.
    pub fn load(&self, connection: &str) -> Result<Option<KeptToken>, ConfigError> {
        let path = self.path(connection);
        let mode = match fs::metadata(&path) {
            Ok(found) => found.permissions().mode(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ConfigError::io(&path, "read it", &error)),
        };
        if mode & 0o077 != 0 {
            let hint = format!("Run `chmod 600 {}`; if others use this machine, sign in anew.", path.display());
            return Err(ConfigError::new(&path, "others can read this token", Some(&hint)));
        }
        let kept: TokenFile = file::read_toml(&path).map_err(|error| without_text(&path, &error))?;
        // A file system that does not tell upper from lower case may give another connection's.
        Ok((kept.connection == connection).then(|| KeptToken {
            connection: kept.connection,
            login_url: kept.login_url,
            client_id: kept.client_id,
            refresh_token: kept.refresh_token.into(),
        }))
    }

    /// Keeps a token; the old one of the connection is replaced at once or not at all.
    pub fn keep(&self, token: &KeptToken) -> Result<(), ConfigError> {
        let path = self.path(&token.connection);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| ConfigError::io(&self.folder, "make the folder", &error))?;
        let mut document = toml_edit::DocumentMut::new();
        for (key, value) in [
            ("connection", token.connection.as_str()),
            ("login_url", &token.login_url),
            ("client_id", &token.client_id),
            ("refresh_token", token.refresh_token.expose_secret()),
        ] {
            document.insert(key, toml_edit::value(value));
        }
        file::write(&path, &format!("{HEADER}{document}"), true)
    }

    /// Forgets the token of a connection; whether there was one.
    pub fn forget(&self, connection: &str) -> Result<bool, ConfigError> {
        let path = self.path(connection);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(ConfigError::io(&path, "remove it", &error)),
        }
    }
}

/// A parser's message may quote the line that it stumbled over, and the line may be the token.
fn without_text(path: &Path, error: &ConfigError) -> ConfigError {
    let hint = "Remove the file and sign in anew with `gondola login`.";
    ConfigError { place: error.place, ..ConfigError::new(path, "this is not a kept token", Some(hint)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> (tempfile::TempDir, Tokens) {
        let home = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(&Folders::at(home.path()));
        (home, tokens)
    }

    fn token(connection: &str, secret: &str) -> KeptToken {
        KeptToken {
            connection: connection.to_owned(),
            login_url: "https://acme.my.salesforce.com".to_owned(),
            client_id: "app".to_owned(),
            refresh_token: secret.to_owned().into(),
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_token_is_kept_for_its_owner_alone_and_forgotten_again() {
        let (_home, tokens) = tokens();
        assert!(tokens.load("sales").unwrap().is_none());
        for secret in ["5Aep\"quoted\"", "5Aep861second"] {
            tokens.keep(&token("sales", secret)).unwrap();
            assert_eq!(tokens.load("sales").unwrap().unwrap().refresh_token.expose_secret(), secret);
        }
        assert_eq!((mode(&tokens.path("sales")), mode(&tokens.folder)), (0o600, 0o700));
        assert!(tokens.forget("sales").unwrap() && !tokens.forget("sales").unwrap());
    }

    #[test]
    fn a_name_never_leaves_the_folder() {
        let (_home, tokens) = tokens();
        for name in ["../../etc/x", "a/b", ".", "größe", "a.b"] {
            tokens.keep(&token(name, "t")).unwrap();
            assert_eq!(tokens.path(name).parent(), Some(tokens.folder.as_path()), "{name}");
            assert!(tokens.load(name).unwrap().is_some(), "{name}");
        }
    }

    #[test]
    fn what_others_can_read_or_nobody_can_parse_is_refused_without_its_text() {
        let (_home, tokens) = tokens();
        tokens.keep(&token("sales", "hush")).unwrap();
        let path = tokens.path("sales");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(tokens.load("sales").unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "refresh_token = \"hush\nhush").unwrap();
        let error = tokens.load("sales").unwrap_err().to_string();
        assert!(error.contains("gondola login") && !error.contains("hush"), "{error}");
        assert!(!format!("{:?}", token("sales", "hush")).contains("hush"));
    }
}
