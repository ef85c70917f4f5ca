//! The org: its records, its sessions, its open cursors, its count of calls.

use std::path::Path;

use serde_json::{Value, json};

use super::bulk::Jobs;
use super::call::{Answer, Call};
use super::errors::Refusal;
use super::query::Cursors;
use super::records::Records;
use super::schema::{Object, Schema};
use super::seed;
use super::session::Sessions;
use super::time;
use crate::sandbox::fault::{Action, Fault, Point};

/// `Organization.Id`.
pub const ORG_ID: &str = "00DgL0000000001UAA";
/// The only user's id.
pub const USER_ID: &str = "005gL0000000001QAA";
/// The profile of the only user.
pub const PROFILE_ID: &str = "00egL0000000001QAA";
/// API calls allowed in a day.
pub const DAILY_CALLS: u64 = 15_000;
/// The versions that are served.
pub const VERSIONS: std::ops::RangeInclusive<u32> = 50..=65;

/// One org.
#[derive(Debug)]
pub struct Org {
    /// The records.
    pub records: Records,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Queries that have more pages.
    pub cursors: Cursors,
    /// Bulk API 2.0.
    pub jobs: Jobs,
    /// API calls since the start or the last reset.
    pub calls: u64,
    /// Calls of the day that somebody else made.
    pub spent_elsewhere: u64,
    /// When a describe last changed, in milliseconds.
    pub described_at: i64,
    /// `http://127.0.0.1:PORT`.
    pub instance_url: String,
}

impl Org {
    /// Opens the org's file, or one in memory.
    pub fn open(schema: &'static Schema, state: Option<&Path>, instance_url: String) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            records: Records::open(schema, state)?,
            sessions: Sessions::default(),
            cursors: Cursors::default(),
            jobs: Jobs::default(),
            calls: 0,
            spent_elsewhere: 0,
            described_at: time::BEGINNING,
            instance_url,
        })
    }

    /// Runs something on the records as one transaction, undone when it fails.
    pub fn transaction<T, E>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E>
    where
        E: From<rusqlite::Error>,
    {
        self.records.begin()?;
        match work(self) {
            Ok(done) => {
                self.records.commit()?;
                Ok(done)
            }
            Err(error) => {
                self.records.roll_back()?;
                Err(error)
            }
        }
    }

    /// Calls of the day.
    pub fn used(&self) -> u64 {
        (self.calls + self.spent_elsewhere).min(DAILY_CALLS)
    }

    /// Turns a switch.
    pub fn turn(&mut self, fault: &Fault) -> Result<(), rusqlite::Error> {
        match (fault.on, fault.action) {
            (Point::Limit, _) => {
                let left = fault.remaining.unwrap_or(0).min(DAILY_CALLS);
                self.spent_elsewhere = (DAILY_CALLS - left).saturating_sub(self.calls);
            }
            (Point::Refresh, Action::Expire) => self.sessions.expire_refresh(),
            _ => {
                self.records.setup.turn(fault);
                seed::fill_setup(&mut self.records)?;
                self.described_at = time::now_milliseconds();
            }
        }
        Ok(())
    }

    /// `GET …/limits`.
    pub fn limits(&self) -> Value {
        let all = |max: u64| json!({ "Max": max, "Remaining": max });
        json!({
            "ConcurrentAsyncGetReportInstances": all(200),
            "DailyApiRequests": { "Max": DAILY_CALLS, "Remaining": DAILY_CALLS - self.used() },
            "DailyAsyncApexExecutions": all(250_000),
            "DailyBulkApiBatches": all(15_000),
            "DailyBulkV2QueryFileStorageMB": all(976_562),
            "DailyBulkV2QueryJobs": all(10_000),
            "DataStorageMB": all(5),
            "FileStorageMB": all(20),
            "HourlyTimeBasedWorkflow": all(50),
            "SingleEmail": all(15),
        })
    }

    /// `GET …/limits/recordCount?sObjects=Contact,Account`.
    pub fn record_count(&self, call: &Call) -> Result<Answer, Refusal> {
        let wanted = call.parameter("sObjects").unwrap_or_default();
        let named: Vec<&Object> = if wanted.is_empty() {
            self.records.schema.objects.iter().collect()
        } else {
            wanted.split(',').filter_map(|name| self.records.schema.object(name.trim())).collect()
        };
        let mut counts = Vec::new();
        for object in named {
            counts.push(json!({ "count": self.records.count(object)?, "name": object.name }));
        }
        Ok(Answer::ok(json!({ "sObjects": counts })))
    }
}

/// `GET /services/data`.
pub fn versions() -> Value {
    let all: Vec<Value> = VERSIONS
        .map(|version| {
            // Version 65 is Winter '26; three come out each year.
            let season = ["Spring", "Summer", "Winter"][(version as usize) % 3];
            let year = 26 - (67 - version) / 3;
            json!({
                "label": format!("{season} '{year}"),
                "url": format!("/services/data/v{version}.0"),
                "version": format!("{version}.0"),
            })
        })
        .collect();
    json!(all)
}

/// `GET /services/data/vXX.X`: the resources.
pub fn resources(version: &str, instance_url: &str) -> Value {
    let mut all = serde_json::Map::new();
    for name in ["composite", "jobs", "limits", "query", "queryAll", "sobjects", "tooling", "ui-api"] {
        all.insert(name.to_owned(), json!(format!("/services/data/{version}/{name}")));
    }
    all.insert("identity".to_owned(), json!(format!("{instance_url}/id/{ORG_ID}/{USER_ID}")));
    Value::Object(all)
}

/// The bodies of the org's own records: the organization and its user.
pub fn fixed(username: &str) -> [(&'static str, Value); 2] {
    let made = time::format_milliseconds(1_735_689_600_000);
    [
        (
            "Organization",
            json!({
                "Id": ORG_ID, "Name": "Gondola Demo", "Country": "US", "PrimaryContact": "Demo User",
                "DefaultLocaleSidKey": "en_US", "TimeZoneSidKey": "GMT", "LanguageLocaleKey": "en_US",
                "OrganizationType": "Developer Edition", "InstanceName": "BOX1", "IsSandbox": true,
                "IsReadOnly": false, "FiscalYearStartMonth": 1, "CreatedDate": made, "LastModifiedDate": made,
                "SystemModstamp": made, "CreatedById": USER_ID, "LastModifiedById": USER_ID,
                "UiSkin": "Theme3", "DefaultAccountAccess": "Edit", "DefaultContactAccess": "ControlledByParent",
                "DefaultOpportunityAccess": "Edit", "DefaultLeadAccess": "ReadEditTransfer",
                "DefaultCaseAccess": "ReadEditTransfer", "DefaultCalendarAccess": "HideDetailsInsert",
                "DefaultPricebookAccess": "ReadSelect", "DefaultCampaignAccess": "All", "NumKnowledgeService": 2,
                "SignupCountryIsoCode": "US", "WebToCaseDefaultOrigin": "Web", "MonthlyPageViewsUsed": 0,
                "MonthlyPageViewsEntitlement": 0,
            }),
        ),
        (
            "User",
            json!({
                "Id": USER_ID, "Username": username, "LastName": "User", "FirstName": "Demo", "Name": "Demo User",
                "CompanyName": "Gondola Demo", "Email": "demo@example.com", "Alias": "demo", "IsActive": true,
                "TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US", "LanguageLocaleKey": "en_US",
                "ProfileId": PROFILE_ID, "UserType": "Standard", "CreatedDate": made,
                "LastModifiedDate": made, "SystemModstamp": made,
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_ids_are_well_formed() {
        for id in [ORG_ID, USER_ID, PROFILE_ID] {
            assert_eq!(super::super::ids::parse(id).as_deref(), Some(id));
        }
    }

    #[test]
    fn versions_carry_their_seasons() {
        let versions = versions();
        let labels: Vec<&str> = versions.as_array().unwrap().iter().filter_map(|it| it["label"].as_str()).collect();
        assert_eq!(labels.last(), Some(&"Winter '26"));
        assert_eq!(labels[14], "Summer '25");
        assert_eq!(labels[12], "Winter '25");
    }
}
