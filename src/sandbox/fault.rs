//! Faults that a test asks for with `POST /fault`.
//!
//! Two sorts. A **passing** fault waits for a kind of call, lets `after` of them pass and spoils the next
//! `times`:
//!
//! | `on` | waits for |
//! |---|---|
//! | `api` | any call under `/services/data` of somebody who is signed in |
//! | `collections`, `soql`, `row`, `describe`, `composite` | these calls; a Composite call also meets the faults of the calls inside it |
//! | `bulk` | any call to `/jobs`, and the work on an ingest job |
//! | `bulk-create`, `bulk-upload`, `bulk-close`, `bulk-status`, `bulk-results`, `bulk-query` | one kind of these calls |
//! | `token` | sign-ins |
//! | `snowflake-query`, `chunk` | Snowflake's statements and result chunks |
//!
//! | `do` | what happens |
//! |---|---|
//! | `status` | an HTTP `status` (503) with an `error` code, a `message` and `retry_after` seconds instead of the work |
//! | `drop-before`, `drop-after-commit` | the connection ends without an answer; before, or after the work is done |
//! | `delay` | `delay_ms` (1000) more |
//! | `row-error` | the first `rows` (1) rows of the call, or every `every`-th, fail with `error` (`UNABLE_TO_LOCK_ROW`); at `bulk`: rows of the next job |
//! | `expire-session` | every session that is open ends, then the call is made |
//! | `truncate` | the answer breaks off in the middle |
//! | `job-failed`, `job-aborted` | (`bulk`) the next job ends so after `rows` (0) rows; the others are unprocessed |
//! | `unprocessed` | (`bulk`) the next job completes, but leaves every second row (or every `every`-th) unprocessed |
//! | `job-delay` | (`bulk`) the next job stays in progress for `delay_ms` (1000) first |
//!
//! A **standing** one is a switch of the org and stays until it is turned back or `POST /reset`:
//!
//! | `on` | `do` | meaning |
//! |---|---|---|
//! | `locks` | `on`, `off` | two calls at once that touch contacts of one account: the later one's rows get `UNABLE_TO_LOCK_ROW` |
//! | `limit` | – | `remaining` calls are left of the day; then 403 `REQUEST_LIMIT_EXCEEDED` |
//! | `field` | `read-only`, `off` | the user may not write `field` of `object` (Contact) |
//! | `object` | `no-create`, `off` | the user may not create `object` (Contact) |
//! | `device` | `refuse`, `off` | the device flow is refused, as for apps that are not installed |
//! | `app` | `block`, `unapproved`, `off` | every sign-in of the app is refused: `OAUTH_APP_BLOCKED`, or nobody has approved it |
//! | `refresh` | `rotate`, `expire`, `off` | a refresh gives a new refresh token and ends the old one; `expire` ends all that were given |
//! | `security-token` | `on`, `off` | password and SOAP logins must append it |
//! | `duplicate-rule` | `block`, `alert`, `off` | what the Contact rule does; `alert` at the start |
//! | `validation-rule` | `on`, `off` | a second rule of Contact: a phone number is needed. Off at the start |

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

/// Which kind of call a fault waits for, or which switch it turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Any signed-in Salesforce call.
    Api,
    /// sObject Collections writes.
    Collections,
    /// SOQL queries.
    Soql,
    /// One record a call.
    Row,
    /// Describes.
    Describe,
    /// `…/composite`.
    Composite,
    /// Anything of Bulk API 2.0.
    Bulk,
    /// A new job.
    BulkCreate,
    /// The CSV of a job.
    BulkUpload,
    /// A job being closed or aborted.
    BulkClose,
    /// A look at a job.
    BulkStatus,
    /// Results of a job, ingest or query.
    BulkResults,
    /// Anything of query jobs.
    BulkQuery,
    /// The OAuth token endpoint, and the SOAP login.
    Token,
    /// Snowflake's query-request.
    SnowflakeQuery,
    /// The download of a result chunk.
    Chunk,
    /// Switch: row locks between concurrent calls.
    Locks,
    /// Switch: calls left of the day.
    Limit,
    /// Switch: field-level security.
    Field,
    /// Switch: object permissions.
    Object,
    /// Switch: the device flow.
    Device,
    /// Switch: the connected app.
    App,
    /// Switch: refresh tokens.
    Refresh,
    /// Switch: logins from outside the trusted network.
    SecurityToken,
    /// Switch: the duplicate rule of Contact.
    DuplicateRule,
    /// Switch: the second validation rule of Contact.
    ValidationRule,
}

impl Point {
    /// Whether it is a switch of the org.
    pub fn is_standing(self) -> bool {
        matches!(
            self,
            Self::Locks
                | Self::Limit
                | Self::Field
                | Self::Object
                | Self::Device
                | Self::App
                | Self::Refresh
                | Self::SecurityToken
                | Self::DuplicateRule
                | Self::ValidationRule
        )
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing was said; fits `limit` only.
    #[default]
    Unsaid,
    /// Answer with this HTTP status (and error code) instead.
    Status,
    /// Close the connection before anything is done.
    DropBefore,
    /// Do the work, then close the connection without an answer.
    DropAfterCommit,
    /// Wait first.
    Delay,
    /// Fail rows of the call with this error code.
    RowError,
    /// Make every session that is open invalid.
    ExpireSession,
    /// Cut the answer off in the middle.
    Truncate,
    /// End the next job as Failed.
    JobFailed,
    /// End the next job as Aborted.
    JobAborted,
    /// Complete the next job, but leave rows unprocessed.
    Unprocessed,
    /// Keep the next job in progress for a while.
    JobDelay,
    /// Turn a switch on.
    On,
    /// Turn a switch back.
    Off,
    /// Take the right to write a field away.
    ReadOnly,
    /// Take the right to create records away.
    NoCreate,
    /// Refuse the device flow.
    Refuse,
    /// Block the connected app, or let the duplicate rule block.
    Block,
    /// Nobody has approved the connected app.
    Unapproved,
    /// Let the duplicate rule alert.
    Alert,
    /// Give a new refresh token with each refresh.
    Rotate,
    /// End every refresh token.
    Expire,
}

impl Action {
    /// Whether it happens to the work on a Bulk job, not to a call.
    pub fn is_of_jobs(self) -> bool {
        matches!(self, Self::JobFailed | Self::JobAborted | Self::Unprocessed | Self::JobDelay | Self::RowError)
    }

    fn is_of_calls(self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::DropBefore
                | Self::DropAfterCommit
                | Self::Delay
                | Self::RowError
                | Self::ExpireSession
                | Self::Truncate
        )
    }
}

/// One fault, as it is posted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The kind of call it waits for, or the switch it turns.
    pub on: Point,
    /// What it does.
    #[serde(rename = "do", default)]
    pub action: Action,
    /// HTTP status for [`Action::Status`]; 503 when left out.
    pub status: Option<u16>,
    /// Error code for [`Action::Status`] and [`Action::RowError`].
    pub error: Option<String>,
    /// The message beside the code.
    pub message: Option<String>,
    /// Seconds in the `Retry-After` of [`Action::Status`].
    pub retry_after: Option<u64>,
    /// How long [`Action::Delay`] and [`Action::JobDelay`] wait; 1000 when left out.
    pub delay_ms: Option<u64>,
    /// How many rows of a call [`Action::RowError`] fails (1 when left out), or how many a job gets done.
    pub rows: Option<usize>,
    /// Every how-manieth row it takes instead.
    pub every: Option<usize>,
    /// The object of a switch; Contact when left out.
    pub object: Option<String>,
    /// The field of a switch.
    pub field: Option<String>,
    /// Calls left of the day.
    pub remaining: Option<u64>,
    /// How many calls it spoils.
    #[serde(default = "once")]
    pub times: u32,
    /// How many calls it lets pass first.
    #[serde(default)]
    pub after: u32,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Says what is wrong with a fault that can never happen.
    pub fn check(&self) -> Result<(), String> {
        use Action as A;
        use Point as P;
        if self.every == Some(0) {
            return Err("`every` must be 1 or more".to_owned());
        }
        let fits = match self.on {
            P::Locks | P::SecurityToken | P::ValidationRule => matches!(self.action, A::On | A::Off),
            P::Limit => self.action == A::Unsaid,
            P::Field => matches!(self.action, A::ReadOnly | A::Off),
            P::Object => matches!(self.action, A::NoCreate | A::Off),
            P::Device => matches!(self.action, A::Refuse | A::Off),
            P::App => matches!(self.action, A::Block | A::Unapproved | A::Off),
            P::Refresh => matches!(self.action, A::Rotate | A::Expire | A::Off),
            P::DuplicateRule => matches!(self.action, A::Block | A::Alert | A::Off),
            P::Bulk => self.action.is_of_calls() || self.action.is_of_jobs(),
            _ => self.action.is_of_calls(),
        };
        if !fits {
            return Err(format!(
                "`do` cannot be {:?} on {:?}: see the table in src/sandbox/fault.rs",
                self.action, self.on
            ));
        }
        if self.on == P::Limit && self.remaining.is_none() {
            return Err("`limit` needs `remaining`".to_owned());
        }
        if self.on == P::Field && self.field.is_none() {
            return Err("`field` needs the name of a `field`".to_owned());
        }
        Ok(())
    }
}

/// The faults that are waiting; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Adds one.
    pub fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fault that spoils the call being made at `point`, if one does. Each call asks once.
    pub fn fire(&self, point: Point) -> Option<Fault> {
        self.fire_at(&[point])
    }

    /// The same for a call that several points stand for.
    pub fn fire_at(&self, points: &[Point]) -> Option<Fault> {
        self.first(|fault| points.contains(&fault.on) && !(is_bulk(fault.on) && fault.action.is_of_jobs()))
    }

    /// The fault that spoils the work on the next Bulk job, if one does.
    pub fn fire_job(&self) -> Option<Fault> {
        self.first(|fault| fault.on == Point::Bulk && fault.action.is_of_jobs())
    }

    fn first(&self, waits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fired = None;
        for fault in faults.iter_mut().filter(|fault| waits(fault)) {
            if fault.after > 0 {
                fault.after -= 1;
            } else if fired.is_none() {
                fault.times = fault.times.saturating_sub(1);
                fired = Some(fault.clone());
            }
        }
        faults.retain(|fault| fault.times > 0);
        fired
    }
}

fn is_bulk(point: Point) -> bool {
    point == Point::Bulk
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn lets_calls_pass_then_fires_as_often_as_asked() {
        let faults = Faults::default();
        faults.add(fault(r#"{"on":"soql","do":"status","status":503,"times":2,"after":1}"#));
        let fired: Vec<bool> = (0..4).map(|_| faults.fire(Point::Soql).is_some()).collect();
        assert_eq!(fired, [false, true, true, false]);
        assert!(faults.fire(Point::Token).is_none());
    }

    #[test]
    fn faults_of_jobs_do_not_wait_for_calls() {
        let faults = Faults::default();
        faults.add(fault(r#"{"on":"bulk","do":"job-failed"}"#));
        assert!(faults.fire_at(&[Point::Bulk, Point::BulkCreate]).is_none());
        assert!(faults.fire_job().is_some());
        faults.add(fault(r#"{"on":"bulk-upload","do":"drop-before"}"#));
        assert!(faults.fire_at(&[Point::Bulk, Point::BulkCreate]).is_none());
        assert!(faults.fire_job().is_none());
        assert!(faults.fire_at(&[Point::Bulk, Point::BulkUpload]).is_some());
    }

    #[test]
    fn what_cannot_happen_is_refused() {
        for text in [
            r#"{"on":"soql"}"#,
            r#"{"on":"soql","do":"job-failed"}"#,
            r#"{"on":"limit"}"#,
            r#"{"on":"field","do":"read-only"}"#,
            r#"{"on":"locks","do":"status"}"#,
            r#"{"on":"collections","do":"row-error","every":0}"#,
        ] {
            assert!(fault(text).check().is_err(), "{text}");
        }
        for text in [
            r#"{"on":"limit","remaining":3}"#,
            r#"{"on":"bulk","do":"row-error","every":10}"#,
            r#"{"on":"field","do":"read-only","field":"Title"}"#,
        ] {
            assert_eq!(fault(text).check(), Ok(()), "{text}");
        }
    }
}
