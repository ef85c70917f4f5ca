//! Salesforce over REST: the only folder that speaks it.
//!
//! `hosts` says who may be given a secret, `auth` signs in, `login` lets a person do so, `client`
//! makes one HTTP call, `errors` says what a refusal means, by the table in `codes`; above them
//! `describe`, `picklists`, `soql` and `query` read, `collections` and `composite` write, `bulk` and
//! `bulk_query` run jobs, `limits` counts. Wire facts come from Salesforce's REST API guide and from
//! recorded answers of real orgs.

mod auth;
mod bulk;
mod bulk_query;
mod bulk_rows;
mod client;
mod codes;
mod collections;
mod composite;
mod describe;
mod errors;
mod hosts;
mod http;
mod inspection;
mod limits;
mod login;
mod picklists;
mod query;
mod settings;
pub mod soql;

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::destination::{
    Api, ApiUsage, Asked, Bulk, Destination, DestinationError, ErrorKind, FieldIn, OrgInfo, PartResult, Record,
    Refusal, WriteKind, WriteLimits, WriteOptions, WriteRow,
};
use crate::types::{ObjectDescribe, ObjectSummary};
use auth::Session;
use client::Client;
use errors::{Effect, bad_answer};
pub use inspection::{FieldSecurity, ObjectSecurity, Rules, UserInfo};
pub use login::{AppSettings, Code, DeviceLogin, Granted, WebLogin, revoke};
pub use settings::{Auth, DEFAULT_API_VERSION, Settings, TokenKeeper};
use soql::Soql;

/// Writes in flight at once: an org takes 25 long calls (5 in a trial), and others want some.
const IN_FLIGHT: usize = 5;

/// One Salesforce org as a destination. Signs in at the first call and again when the session ends.
#[derive(Debug)]
pub struct Salesforce {
    client: Client,
    /// Who the org of a session is.
    org: tokio::sync::Mutex<Option<(Arc<Session>, OrgInfo)>>,
}

/// The row of `Organization`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Organization {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    is_sandbox: bool,
}

/// What `/services/oauth2/userinfo` says, as far as it is used.
#[derive(Deserialize)]
struct Identity {
    preferred_username: String,
}

impl Salesforce {
    /// Checks the settings: whole hosts, https except on loopback, a version. Nothing is sent.
    pub fn new(settings: Settings) -> Result<Self, DestinationError> {
        Ok(Self::over(Client::new(settings)?))
    }

    fn over(client: Client) -> Self {
        Self { client, org: tokio::sync::Mutex::default() }
    }

    /// All rows of a query, as the API gave them (`attributes` included), following the pages.
    pub async fn query(&self, soql: &Soql) -> Result<Vec<serde_json::Map<String, Json>>, DestinationError> {
        query::run(&self.client, soql).await
    }

    /// The login name: from the settings, the identity service, or the user's record; the last two
    /// may be closed to this user, and then it stays empty.
    async fn username(&self) -> Result<String, DestinationError> {
        if let Some(name) = self.client.username() {
            return Ok(name.to_owned());
        }
        match self.client.get_identity("/services/oauth2/userinfo").await {
            Ok(body) => {
                if let Ok(info) = serde_json::from_slice::<Identity>(&body) {
                    return Ok(info.preferred_username);
                }
            }
            Err(error) if error.kind == ErrorKind::Transient => return Err(error),
            Err(_) => {}
        }
        let session = self.client.session().await?;
        let Some(soql) = session.user_id.as_deref().and_then(Soql::username) else { return Ok(String::new()) };
        match self.query(&soql).await {
            Ok(rows) => Ok(rows.first().and_then(|row| row.get("Username")?.as_str()).unwrap_or_default().to_owned()),
            Err(error) if error.kind == ErrorKind::Transient => Err(error),
            Err(_) => Ok(String::new()),
        }
    }
}

#[async_trait]
impl Destination for Salesforce {
    async fn org(&self) -> Result<OrgInfo, DestinationError> {
        let session = self.client.session().await?;
        let mut known = self.org.lock().await;
        // A session belongs to one org for as long as it lives.
        if let Some((of, org)) = &*known
            && Arc::ptr_eq(of, &session)
        {
            return Ok(org.clone());
        }
        let soql = Soql::organization();
        let (rows, username) = tokio::try_join!(self.query(&soql), self.username())?;
        let organization: Organization = rows
            .into_iter()
            .next()
            .and_then(|row| serde_json::from_value(Json::Object(row)).ok())
            .ok_or_else(|| bad_answer(Effect::Read, "The org did not say who it is (Organization)."))?;
        let session = self.client.session().await?;
        let org = OrgInfo {
            id: organization.id,
            name: organization.name.unwrap_or_default(),
            sandbox: organization.is_sandbox,
            username,
            instance_url: session.base.as_str().to_owned(),
            api_version: self.client.version().to_owned(),
        };
        *known = Some((session, org.clone()));
        Ok(org)
    }

    async fn describe_since(
        &self,
        object: &str,
        since: Option<&str>,
    ) -> Result<Asked<ObjectDescribe>, DestinationError> {
        describe::read(&self.client, object, since).await
    }

    async fn objects_since(&self, since: Option<&str>) -> Result<Asked<Vec<ObjectSummary>>, DestinationError> {
        describe::objects(&self.client, since).await
    }

    async fn picklists(
        &self,
        object: &str,
        record_type: &str,
    ) -> Result<BTreeMap<String, Vec<String>>, DestinationError> {
        picklists::read(&self.client, object, record_type).await
    }

    async fn find(
        &self,
        object: &ObjectDescribe,
        fields: &[String],
        any_of: &[FieldIn],
        api: Api,
    ) -> Result<Vec<Record>, DestinationError> {
        query::find(&self.client, object, fields, any_of, api).await
    }

    async fn retrieve(
        &self,
        object: &ObjectDescribe,
        fields: &[String],
        ids: &[String],
    ) -> Result<Vec<Record>, DestinationError> {
        query::retrieve(&self.client, object, fields, ids).await
    }

    async fn write(
        &self,
        kind: WriteKind,
        object: &str,
        parts: &[Vec<WriteRow>],
        options: WriteOptions,
    ) -> Result<Vec<PartResult>, Refusal> {
        match parts {
            [] => Ok(Vec::new()),
            [rows] => Ok(vec![Ok(collections::write(&self.client, kind, object, rows, options).await?)]),
            several => composite::write(&self.client, kind, object, several, options).await,
        }
    }

    fn limits(&self) -> WriteLimits {
        WriteLimits { rows: collections::ROWS, parts: composite::PARTS, in_flight: IN_FLIGHT }
    }

    fn carries(&self, api: Api, row: &WriteRow) -> bool {
        match api {
            Api::Collections => true,
            Api::Composite => composite::takes(row),
            Api::Bulk => bulk_rows::takes(row),
        }
    }

    fn bulk(&self) -> Option<&dyn Bulk> {
        Some(self)
    }

    fn calls(&self) -> u64 {
        self.client.calls()
    }

    fn seconds_per_call(&self) -> Option<f64> {
        self.client.seconds_per_call()
    }

    fn usage(&self) -> Option<ApiUsage> {
        self.client.usage()
    }

    async fn ask_usage(&self) -> Result<ApiUsage, DestinationError> {
        let limits = limits::read(&self.client).await?;
        Ok(self.client.with_floor(limits.daily_max.saturating_sub(limits.daily_remaining), limits.daily_max))
    }
}
