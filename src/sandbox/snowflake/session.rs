//! Sessions and their tokens.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// Nobody has had this token: 390104.
    Unknown,
    /// It was good once: 390112, and a renewal helps.
    Expired,
    /// The session was ended: 390111.
    Gone,
}

impl Denied {
    pub(super) fn code_and_text(self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown => ("390104", "User must login again to access the service."),
            Self::Expired => ("390112", "Your session has expired. Please login again."),
            Self::Gone => ("390111", "Session no longer exists.  New login required to access the service."),
        }
    }
}

/// Fresh tokens of a session.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) id: i64,
    pub(super) token: String,
    pub(super) master: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    Expired,
    Gone,
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    last: i64,
    tokens: HashMap<String, (i64, Standing)>,
    masters: HashMap<String, i64>,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session.
    pub(super) fn begin(&self) -> Tokens {
        let mut inner = self.lock();
        inner.last += 1;
        let tokens = Tokens {
            // Recorded ids are large numbers.
            id: 10_000_000_000 + inner.last,
            token: format!("ver:1-hint:{}-{}", inner.last, Uuid::new_v4().simple()),
            master: format!("ver:1-hint:{}-{}", inner.last, Uuid::new_v4().simple()),
        };
        inner.tokens.insert(tokens.token.clone(), (tokens.id, Standing::Good));
        inner.masters.insert(tokens.master.clone(), tokens.id);
        tokens
    }

    /// Whose token this is.
    pub(super) fn check(&self, token: &str) -> Result<i64, Denied> {
        match self.lock().tokens.get(token) {
            Some((id, Standing::Good)) => Ok(*id),
            Some((_, Standing::Expired)) => Err(Denied::Expired),
            Some((_, Standing::Gone)) => Err(Denied::Gone),
            None => Err(Denied::Unknown),
        }
    }

    /// A new token for a master token.
    pub(super) fn renew(&self, master: &str) -> Option<Tokens> {
        let mut inner = self.lock();
        let id = *inner.masters.get(master)?;
        let tokens =
            Tokens { id, token: format!("ver:1-hint:{id}-{}", Uuid::new_v4().simple()), master: master.to_owned() };
        inner.tokens.insert(tokens.token.clone(), (id, Standing::Good));
        Some(tokens)
    }

    /// Ends the session of a token.
    pub(super) fn end(&self, token: &str) {
        let mut inner = self.lock();
        let Some((id, _)) = inner.tokens.get(token).copied() else { return };
        inner.masters.retain(|_, owner| *owner != id);
        inner
            .tokens
            .values_mut()
            .filter(|(owner, _)| *owner == id)
            .for_each(|(_, standing)| *standing = Standing::Gone);
    }

    /// Makes every token invalid; master tokens stay good.
    pub(super) fn expire_all(&self) {
        let mut inner = self.lock();
        inner.tokens.values_mut().for_each(|(_, standing)| *standing = Standing::Expired);
    }
}
