//! Why something could not be done: one clear message, the next step, the exit code.

use std::fmt;

use crate::config::{ConfigError, SecretError};
use crate::destination::{DestinationError, ErrorKind};
use crate::snowflake::{self, SnowflakeError};
use crate::store::StoreError;

/// What kind of failure it is; each has an exit code (DESIGN §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Could not run: 1.
    Failed,
    /// Usage or configuration: 2.
    Configuration,
    /// Connection or login: 4, worth trying again.
    Connection,
    /// Stopped by a person: 130.
    Stopped,
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineError {
    /// What kind of failure it is.
    pub class: ErrorClass,
    /// The service's own code, when there is one.
    pub code: Option<String>,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Where in the SQL text, line and column from 1.
    pub position: Option<(usize, usize)>,
}

impl EngineError {
    fn of(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, code: None, message: message.into(), hint: None, position: None }
    }

    /// Something that could not be done.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::of(ErrorClass::Failed, message)
    }

    /// Something wrong in what the user wrote.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::of(ErrorClass::Configuration, message)
    }

    /// A person stopped it.
    pub fn stopped() -> Self {
        Self::of(ErrorClass::Stopped, "stopped")
    }

    /// The same with a next step.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self.class {
            ErrorClass::Failed => 1,
            ErrorClass::Configuration => 2,
            ErrorClass::Connection => 4,
            ErrorClass::Stopped => 130,
        }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\n  {hint}"))
    }
}

impl std::error::Error for EngineError {}

impl From<ConfigError> for EngineError {
    fn from(error: ConfigError) -> Self {
        let hint = error.hint.clone();
        let message = ConfigError { hint: None, ..error }.to_string();
        Self { hint, ..Self::configuration(message) }
    }
}

impl From<SecretError> for EngineError {
    fn from(error: SecretError) -> Self {
        Self::configuration(error.to_string())
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<DestinationError> for EngineError {
    fn from(error: DestinationError) -> Self {
        let class = match error.kind {
            ErrorKind::Auth | ErrorKind::Transient | ErrorKind::Limit => ErrorClass::Connection,
            ErrorKind::Configuration => ErrorClass::Configuration,
            ErrorKind::Data | ErrorKind::Batch | ErrorKind::InDoubt => ErrorClass::Failed,
        };
        Self {
            code: Some(error.code.clone()),
            hint: error.hint.clone(),
            ..Self::of(class, format!("Salesforce: {error}"))
        }
    }
}

impl From<SnowflakeError> for EngineError {
    fn from(error: SnowflakeError) -> Self {
        let class = match error.kind {
            snowflake::Kind::Login | snowflake::Kind::Unreachable | snowflake::Kind::Session => ErrorClass::Connection,
            snowflake::Kind::Statement => ErrorClass::Configuration,
            snowflake::Kind::Cancelled => ErrorClass::Stopped,
            snowflake::Kind::Protocol => ErrorClass::Failed,
        };
        Self {
            class,
            code: error.code.clone(),
            message: error.to_string(),
            hint: error.hint.clone(),
            position: error.position.map(|position| (position.line, position.column)),
        }
    }
}
