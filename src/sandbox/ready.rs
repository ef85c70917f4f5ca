//! What others need to know to talk to a sandbox: the ready file.

use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The whole of the ready file. Its secrets open nothing but a loopback stand-in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The process.
    pub pid: u32,
    /// How to reach and sign in to its Snowflake.
    pub snowflake: ReadySnowflake,
    /// How to reach and sign in to its Salesforce.
    pub salesforce: ReadySalesforce,
    /// Base of `/stats`, `/reset`, `/sql` and `/fault`.
    pub control_url: String,
}

/// The Snowflake part of [`Ready`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadySnowflake {
    /// Always `127.0.0.1`.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Always `http`.
    pub protocol: String,
    /// Account identifier.
    pub account: String,
    /// Login name.
    pub user: String,
    /// Password.
    pub password: String,
    /// A programmatic access token of the same user.
    pub token: String,
    /// A key for key-pair logins of the same user, PEM.
    pub private_key: String,
    /// Database of the demo tables.
    pub database: String,
    /// Schema of the demo tables.
    pub schema: String,
    /// Warehouse.
    pub warehouse: String,
    /// Role.
    pub role: String,
}

/// The Salesforce part of [`Ready`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadySalesforce {
    /// Where the API is.
    pub instance_url: String,
    /// Where one signs in; the same place.
    pub login_url: String,
    /// Newest version, such as `65.0`.
    pub api_version: String,
    /// Consumer key.
    pub client_id: String,
    /// Consumer secret.
    pub client_secret: String,
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// May be appended to the password.
    pub security_token: String,
    /// A refresh token that the app holds.
    pub refresh_token: String,
    /// A session that is open already.
    pub access_token: String,
    /// The key for JWT bearer sign-ins of the app, PEM.
    pub private_key: String,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("pid", &self.pid).field("control_url", &self.control_url).finish_non_exhaustive()
    }
}

impl fmt::Debug for ReadySnowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadySnowflake").field("port", &self.port).field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Debug for ReadySalesforce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadySalesforce").field("instance_url", &self.instance_url).finish_non_exhaustive()
    }
}

impl Ready {
    /// Writes the file: whole or not at all, readable by its owner only.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        use io::Write as _;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        // tempfile makes files with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }

    /// Reads the file.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }
}
