//! Schedules: how each mapping stands, claiming a moment, running what is due.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Engine, EngineError, PlanOptions, ProgressSender};
use crate::config::{ConfigError, MappingId};
use crate::schedule::{Kept, Schedule, Standing};
use crate::store::{RunId, RunRecord, RunStatus};

/// A mapping whose model has a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    /// Which mapping.
    pub id: MappingId,
    /// Whether it is on; what is off never runs by itself.
    pub enabled: bool,
    /// When its model runs.
    pub schedule: Schedule,
    /// How it stands.
    pub standing: Standing,
    /// What was remembered of it.
    pub kept: Option<Kept>,
    /// Its last run that was more than a plan.
    pub last: Option<RunRecord>,
    /// A run of it that is going on.
    pub busy: Option<RunId>,
}

/// Every mapping whose model has a schedule, and the files that could not be read.
#[derive(Debug, Clone, Default)]
pub struct Schedules {
    /// The mappings, in the order of their names.
    pub mappings: Vec<Scheduled>,
    /// What is wrong in the files.
    pub problems: Vec<ConfigError>,
}

/// Runs that are looked at to find the last one that was more than a plan.
const LOOKED_AT: usize = 20;

impl Scheduled {
    /// What is remembered once this moment is claimed.
    fn claim(&self, moment: Timestamp) -> Kept {
        Kept { schedule: self.schedule.to_string(), moment }
    }

    /// When its next run starts, jitter included; `None` when it is off, manual, or over.
    pub fn starts_at(&self) -> Option<Timestamp> {
        if !self.enabled {
            return None;
        }
        let moment = self.standing.moment()?;
        moment.checked_add(self.schedule.delay(&self.id.to_string(), moment)).ok()
    }
}

impl Engine {
    /// How each scheduled mapping stands. Models without `[schedule]` are left out.
    pub fn schedules(&self, now: Timestamp) -> Result<Schedules, EngineError> {
        let catalog = self.workspace.catalog();
        let mut mappings = Vec::new();
        for model in catalog.models {
            let Some(schedule) = model.schedule else { continue };
            for named in model.mappings {
                let id = MappingId { model: model.slug.clone(), mapping: named.slug };
                let name = id.to_string();
                let kept = self.store.scheduled(&name)?;
                let runs = self.store.runs(Some(&name), LOOKED_AT)?;
                mappings.push(Scheduled {
                    enabled: named.mapping.enabled,
                    standing: schedule.standing(kept.as_ref(), now),
                    schedule: schedule.clone(),
                    kept,
                    last: runs.into_iter().find(|run| run.status != RunStatus::Planned),
                    busy: self.working_on(&name)?,
                    id,
                });
            }
        }
        Ok(Schedules { mappings, problems: catalog.problems })
    }

    /// Counts a schedule that is new from `now` on.
    pub fn begin_schedule(&self, scheduled: &Scheduled, now: Timestamp) -> Result<(), EngineError> {
        // Whoever else was first began it in the same second or so.
        self.store.claim_moment(&scheduled.id.to_string(), scheduled.kept.as_ref(), &scheduled.claim(now))?;
        Ok(())
    }

    /// Takes a moment for this process; false when another scheduler has it.
    pub fn claim_moment(&self, scheduled: &Scheduled, moment: Timestamp) -> Result<bool, EngineError> {
        let name = scheduled.id.to_string();
        Ok(self.store.claim_moment(&name, scheduled.kept.as_ref(), &scheduled.claim(moment))?)
    }

    /// Gives a moment back that could not be run now.
    pub fn give_moment_back(&self, scheduled: &Scheduled, moment: Timestamp) -> Result<(), EngineError> {
        let name = scheduled.id.to_string();
        Ok(self.store.give_moment_back(&name, scheduled.kept.as_ref(), &scheduled.claim(moment))?)
    }

    /// Plans of some mappings of one model, with one query.
    pub async fn plan_scheduled(
        &self,
        model: &str,
        mappings: &[MappingId],
        progress: ProgressSender,
        cancel: CancellationToken,
    ) -> Result<Vec<(MappingId, Result<RunId, EngineError>)>, EngineError> {
        let (model, _) = self.workspace.model_and_problems(model)?;
        let chosen = model
            .mappings
            .iter()
            .map(|named| (MappingId { model: model.slug.clone(), mapping: named.slug.clone() }, named.mapping.clone()))
            .filter(|(id, _)| mappings.contains(id))
            .collect();
        self.plan_together(&model, chosen, PlanOptions::default(), &progress, &cancel).await
    }
}
