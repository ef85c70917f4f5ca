//! Faults that a test asks for with `POST /fault`.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

/// Which kind of call a fault waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// sObject Collections writes.
    Collections,
    /// SOQL queries.
    Soql,
    /// Bulk API 2.0 jobs.
    Bulk,
    /// The OAuth token endpoint.
    Token,
    /// Snowflake's query-request.
    SnowflakeQuery,
    /// The download of a result chunk.
    Chunk,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Answer with this HTTP status (and error code) instead.
    Status,
    /// Close the connection before anything is done.
    DropBefore,
    /// Do the work, then close the connection without an answer.
    DropAfterCommit,
    /// Wait first.
    Delay,
    /// Fail one row of the call with this error code.
    RowError,
    /// Make every session that is open invalid.
    ExpireSession,
    /// Cut the answer off in the middle.
    Truncate,
}

/// One fault, as it is posted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The kind of call it waits for.
    pub on: Point,
    /// What it does.
    #[serde(rename = "do")]
    pub action: Action,
    /// HTTP status for [`Action::Status`]; 503 when left out.
    pub status: Option<u16>,
    /// Error code for [`Action::Status`] and [`Action::RowError`].
    pub error: Option<String>,
    /// The message beside the code.
    pub message: Option<String>,
    /// How long [`Action::Delay`] waits; 1000 when left out.
    pub delay_ms: Option<u64>,
    /// How many rows of a call [`Action::RowError`] fails; 1 when left out.
    pub rows: Option<usize>,
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
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fired = None;
        for fault in faults.iter_mut().filter(|fault| fault.on == point) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_calls_pass_then_fires_as_often_as_asked() {
        let faults = Faults::default();
        faults.add(serde_json::from_str(r#"{"on":"soql","do":"status","status":503,"times":2,"after":1}"#).unwrap());
        let fired: Vec<bool> = (0..4).map(|_| faults.fire(Point::Soql).is_some()).collect();
        assert_eq!(fired, [false, true, true, false]);
        assert!(faults.fire(Point::Token).is_none());
    }
}
