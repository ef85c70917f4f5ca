//! A reviewed plan, looked at again before anything is written: what changed since is reported, and
//! never overwritten blindly.

use super::Phase;
use super::applying::Applying;
use super::matching::Matching;
use super::writing::Stop;
use crate::plan::{Action, Change, Decision, Planned, Review, review};
use crate::store::{RowFilter, RunId};

fn outdated(newer: RunId) -> Decision {
    Decision::hold(
        "CHANGED_SINCE_PLAN",
        format!("the query was read again since the plan was made (run {newer}), and may return this row again"),
        "Make a new plan and review it.",
    )
}

/// Rows that are looked at again together.
const RECHECK_ROWS: usize = 4_000;

impl Applying {
    /// Looks every record up again. The same write goes on; what somebody did in the meantime is
    /// skipped; any other change is held, and says what was planned and what is now.
    pub(super) async fn recheck(&mut self) -> Result<(), Stop> {
        let total = self.store.count_rows(self.run, &RowFilter::Open)?;
        let matching =
            Matching::new(self.destination.clone(), &self.mapping, &self.object).with_parents(&self.parents)?;
        let read_since = self.read_since()?;
        let (mut after, mut done) = (None, 0);
        let mut changed = Vec::new();
        loop {
            let rows = self.store.staged_open(self.run, after, RECHECK_ROWS)?;
            let Some(last) = rows.last() else { break };
            let reviewed = self.store.rows_after(self.run, &RowFilter::Open, after, rows.len())?;
            after = Some(last.position);
            done += rows.len() as u64;
            for ((position, now), row) in matching.decide(&rows).await?.into_iter().zip(reviewed) {
                let then = Planned { action: row.action.unwrap_or(Action::Hold), id: row.id, fields: row.fields };
                let is_removed = row.change == Change::Removed;
                if let Some(newer) = read_since.filter(|_| is_removed && now.action.writes()) {
                    changed.push((position, outdated(newer), then));
                } else if let Review::Changed(decision) = review(&then, row.modstamp.as_deref(), &now) {
                    changed.push((position, *decision, then));
                }
            }
            self.report(Phase::Rechecking, done, Some(total));
            self.rest().await?;
        }
        self.store.decide_anew(self.run, &changed)?;
        Ok(self.store.count_words(self.run, &mut self.books)?)
    }

    /// A later run that read the query: a row that was gone may be there again.
    fn read_since(&self) -> Result<Option<RunId>, Stop> {
        let newest = self.store.runs(Some(&self.planned.mapping), 1)?.pop();
        Ok(newest.filter(|run| run.id > self.run && run.books.extracted > 0).map(|run| run.id))
    }
}
