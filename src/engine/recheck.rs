//! A reviewed plan, looked at again before anything is written: what changed since is reported, and
//! never overwritten blindly.

use super::Phase;
use super::applying::Applying;
use super::matching::Matching;
use super::writing::Stop;
use crate::plan::{Action, Planned, Review, review};
use crate::store::RowFilter;

/// Rows that are looked at again together.
const RECHECK_ROWS: usize = 4_000;

impl Applying {
    /// Looks every record up again. The same write goes on; what somebody did in the meantime is
    /// skipped; any other change is held, and says what was planned and what is now.
    pub(super) async fn recheck(&mut self) -> Result<(), Stop> {
        let total = self.books.actions.writes();
        let matching =
            Matching::new(self.destination.clone(), &self.mapping, &self.object).with_parents(&self.parents)?;
        let (mut after, mut done) = (None, 0);
        let mut changed = Vec::new();
        loop {
            let rows = self.store.staged_writes(self.run, after, RECHECK_ROWS)?;
            let Some(last) = rows.last() else { break };
            let reviewed = self.store.rows_after(self.run, &RowFilter::Writes, after, rows.len())?;
            after = Some(last.position);
            done += rows.len() as u64;
            for ((position, now), row) in matching.decide(&rows).await?.into_iter().zip(reviewed) {
                let then = Planned { action: row.action.unwrap_or(Action::Hold), id: row.id, fields: row.fields };
                if let Review::Changed(decision) = review(&then, row.modstamp.as_deref(), &now) {
                    changed.push((position, *decision, then));
                }
            }
            self.report(Phase::Rechecking, done, Some(total));
            if self.cancel.is_cancelled() {
                return Err(Stop::Asked);
            }
        }
        self.store.decide_anew(self.run, &changed)?;
        Ok(self.store.count_words(self.run, &mut self.books)?)
    }
}
