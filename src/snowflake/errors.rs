//! What went wrong in Snowflake, in one message, with its code, its place and the next step.

use std::sync::LazyLock;

use regex::Regex;
use snowflake_api::{AuthError, SnowflakeApiError, connection::ConnectionError};

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The user, the secret or the account is refused.
    Login,
    /// Nobody answers there.
    Unreachable,
    /// The statement is wrong, or not allowed.
    Statement,
    /// The session is gone, and a new one could not be had.
    Session,
    /// Stopped on request.
    Cancelled,
    /// An answer that cannot be understood, or that is not whole.
    Protocol,
}

/// A place in an SQL text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1 (Snowflake's own text counts from 0).
    pub column: usize,
}

/// An error of Snowflake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Snowflake: {}{message}", .code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default())]
pub struct SnowflakeError {
    /// What kind of trouble it is.
    pub kind: Kind,
    /// Snowflake's code, such as `002003`.
    pub code: Option<String>,
    /// The SQLSTATE that belongs to the code.
    pub sqlstate: Option<&'static str>,
    /// Snowflake's whole message.
    pub message: String,
    /// Where in the statement.
    pub position: Option<Position>,
    /// What to do.
    pub hint: Option<String>,
}

impl SnowflakeError {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, code: None, sqlstate: None, message: message.into(), position: None, hint: None }
    }

    pub(super) fn cancelled() -> Self {
        Self::new(Kind::Cancelled, "stopped")
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Whether a new session may help: the server no longer knows this one, or sent what the crate
    /// cannot read, which is how it shows an expired session.
    pub(super) fn is_session_lost(&self) -> bool {
        match self.code.as_deref() {
            Some(code) => matches!(code, "390104" | "390111" | "390112" | "390114"),
            None => self.kind == Kind::Session,
        }
    }

    /// Names where it was tried to reach, for an error that says only that nobody answered.
    pub(super) fn at(mut self, address: &str) -> Self {
        if self.kind == Kind::Unreachable {
            self.message = format!("cannot reach {address}: {}", self.message);
        }
        self
    }

    fn coded(code: &str, message: &str) -> Self {
        let kind = match code {
            "000604" => Kind::Cancelled,
            "390104" | "390111" | "390112" | "390114" | "390115" => Kind::Session,
            code if code.starts_with("390") || code.starts_with("394") => Kind::Login,
            _ => Kind::Statement,
        };
        Self {
            kind,
            code: (!code.is_empty()).then(|| code.to_owned()),
            sqlstate: sqlstate(code),
            message: message.to_owned(),
            position: position(message),
            hint: hint(code).map(str::to_owned),
        }
    }
}

/// The place that a message names: `line 1 at position 6` (line from 1, position from 0).
fn position(message: &str) -> Option<Position> {
    static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"line (\d+) at position (\d+)").ok());
    let found = PLACE.as_ref()?.captures(message)?;
    Some(Position { line: found[1].parse().ok()?, column: found[2].parse::<usize>().ok()? + 1 })
}

/// SQLSTATE by code: the crate reads it and drops it.
fn sqlstate(code: &str) -> Option<&'static str> {
    Some(match code {
        "001003" | "000904" => "42000",
        "002003" => "42S02",
        "000006" => "0A000",
        "000604" | "000630" => "57014",
        "000606" => "57P03",
        "002043" => "02000",
        "003001" => "42501",
        "090105" | "200001" | "100072" => "22000",
        "100035" => "22018",
        "100038" | "100040" => "22007",
        "100051" => "22012",
        "100078" => "22001",
        "100090" => "42P18",
        _ => return None,
    })
}

fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "390100" => "Check `user` and the password of this connection.",
        "390101" => "An administrator can enable the user again: ALTER USER … SET DISABLED = FALSE.",
        "390102" => "Too many wrong passwords: wait 15 minutes, or ask an administrator to unlock the user.",
        "390189" => "Check `role`: it must exist and be granted to the user.",
        "390201" => "Check `database`, `schema` and `warehouse` of this connection.",
        "390422" => "The account's network policy does not allow this address.",
        "390144" | "394300" | "394301" | "394302" | "394303" | "394304" => {
            "Check that the user has the public key (DESCRIBE USER), that account and user are spelt right, and the clock."
        }
        "394400" => "The access token is wrong or has expired: make a new one.",
        "390303" | "390318" => "The OAuth token is wrong or has expired: get a new one.",
        "002003" => "Check the name and its database and schema, or grant SELECT on it to the role.",
        "000904" => "Check the column's name; quoted names are exact, others are upper case.",
        "000606" => "Set `warehouse` in connections.toml, or grant USAGE on it to the role.",
        "003001" => "The role needs a grant.",
        "090105" => "Set `database` in connections.toml, or name it in the query.",
        "000006" => "Keep one statement.",
        _ => return None,
    })
}

impl From<SnowflakeApiError> for SnowflakeError {
    fn from(error: SnowflakeApiError) -> Self {
        match error {
            SnowflakeApiError::ApiError(code, message) => Self::coded(&code, &message),
            SnowflakeApiError::QueryCancelled => Self::cancelled(),
            SnowflakeApiError::AuthError(AuthError::AuthFailed(code, message)) if !code.is_empty() => {
                Self { kind: Kind::Login, ..Self::coded(&code, &message) }
            }
            SnowflakeApiError::AuthError(AuthError::RequestError(error)) => connection(&error, true),
            SnowflakeApiError::AuthError(AuthError::LoginTimeout(after)) => {
                Self::new(Kind::Login, format!("the login was not answered within {} s", after.as_secs()))
            }
            SnowflakeApiError::AuthError(AuthError::JwtError(error)) => {
                Self::new(Kind::Login, format!("the private key cannot be used: {error}"))
                    .with_hint("It must be an RSA key in PKCS#8 PEM, not encrypted (or with `passphrase`).")
            }
            SnowflakeApiError::AuthError(AuthError::UnexpectedResponse | AuthError::AuthFailed(..)) => {
                Self::new(Kind::Login, "the login was refused without a reason that can be read")
                    .with_hint("Check account, user and secret; the account may need a region or an organization.")
            }
            SnowflakeApiError::AuthError(error) => Self::new(Kind::Session, error.to_string()),
            SnowflakeApiError::RequestError(error) => connection(&error, false),
            SnowflakeApiError::UnexpectedResponse => Self::new(Kind::Session, "an answer that cannot be understood"),
            other => Self::new(Kind::Protocol, other.to_string()),
        }
    }
}

fn connection(error: &ConnectionError, login: bool) -> SnowflakeError {
    match error {
        // At login this is an HTML page: there is no such account.
        ConnectionError::Deserialization(_) if login => {
            SnowflakeError::new(Kind::Login, "the answer is not Snowflake's: there is no such account there")
                .with_hint("Check `account` (such as xy12345.eu-central-1 or org-account) and `host`.")
        }
        // During work this is how the crate shows an expired session.
        ConnectionError::Deserialization(_) => {
            SnowflakeError::new(Kind::Session, "an answer that cannot be understood (an expired session looks so)")
        }
        other => SnowflakeError::new(Kind::Unreachable, innermost(other))
            .with_hint("Check the account's name, the network and the firewall."),
    }
}

/// The innermost cause says what happened; the outer ones only where.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_taken_from_the_text() {
        let error = SnowflakeError::coded(
            "001003",
            "SQL compilation error:\nsyntax error line 2 at position 6 unexpected ';'.",
        );
        assert_eq!(error.position, Some(Position { line: 2, column: 7 }));
        assert_eq!((error.kind, error.sqlstate), (Kind::Statement, Some("42000")));
        assert!(error.to_string().starts_with("Snowflake: 001003: SQL compilation error"));
    }

    #[test]
    fn a_wrong_password_is_a_login_and_a_lost_session_is_not() {
        assert_eq!(SnowflakeError::coded("390100", "Incorrect username or password was specified.").kind, Kind::Login);
        assert!(SnowflakeError::coded("390111", "Session no longer exists.").is_session_lost());
    }
}
