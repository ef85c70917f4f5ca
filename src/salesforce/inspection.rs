//! What the doctor asks: versions, the user, what the user may do, rules that will fire.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::Salesforce;
use super::errors::{Effect, bad_answer};
use super::soql::{Soql, check_identifier, is_id};
use crate::destination::DestinationError;

/// Names of rules.
pub type Rules = Vec<String>;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInfo {
    /// The name that people see.
    pub name: String,
    /// The profile's name, where this user may know it.
    pub profile: Option<String>,
}

/// What the signed-in user may do with an object and its fields (out of its describe, which knows
/// profile and permission sets).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectSecurity {
    /// API name.
    pub name: String,
    /// Whether records may be created.
    #[serde(default)]
    pub createable: bool,
    /// Whether records may be changed.
    #[serde(default)]
    pub updateable: bool,
    /// Whether records may be deleted.
    #[serde(default)]
    pub deletable: bool,
    /// The fields that the user sees.
    pub fields: Vec<FieldSecurity>,
}

/// What the signed-in user may do with a field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldSecurity {
    /// API name.
    pub name: String,
    /// Whether an administrator added it.
    #[serde(default)]
    pub custom: bool,
    /// Whether permission sets say who may use it; required and system fields go with the object.
    #[serde(default)]
    pub permissionable: bool,
    /// Whether it may be set when a record is created.
    #[serde(default)]
    pub createable: bool,
    /// Whether it may be changed.
    #[serde(default)]
    pub updateable: bool,
    /// Whether a query may compare it.
    #[serde(default)]
    pub filterable: bool,
}

impl ObjectSecurity {
    /// The field with this API name, whatever its case.
    pub fn field(&self, name: &str) -> Option<&FieldSecurity> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Identity {
    user_id: String,
}

#[derive(Deserialize)]
struct Records {
    records: Vec<Map<String, Json>>,
}

impl Salesforce {
    /// Signs in when needed; the instance's address.
    pub async fn sign_in(&self) -> Result<String, DestinationError> {
        Ok(self.client.session().await?.base.as_str().to_owned())
    }

    /// The API version that is spoken, such as `65.0`.
    pub fn api_version(&self) -> &str {
        self.client.version()
    }

    /// The API versions that the org serves (`GET /services/data`).
    pub async fn versions(&self) -> Result<Vec<String>, DestinationError> {
        let body = self.client.get_identity("/services/data").await?;
        let versions: Vec<Version> = serde_json::from_slice(&body)
            .map_err(|_| bad_answer(Effect::Read, "The list of API versions cannot be read."))?;
        Ok(versions.into_iter().map(|one| one.version).collect())
    }

    /// Who is signed in.
    pub async fn user(&self) -> Result<UserInfo, DestinationError> {
        let session = self.client.session().await?;
        let id = match &session.user_id {
            Some(id) => id.clone(),
            None => {
                let body = self.client.get_identity("/services/oauth2/userinfo").await?;
                let identity: Option<Identity> = serde_json::from_slice(&body).ok();
                identity
                    .map(|identity| identity.user_id)
                    .filter(|id| is_id(id))
                    .ok_or_else(|| bad_answer(Effect::Read, "The identity service did not name the user."))?
            }
        };
        let mut rows = Vec::new();
        let mut last = None;
        for soql in [Soql::user_and_profile(&id), Soql::user_name(&id)].into_iter().flatten() {
            match self.query(&soql).await {
                Ok(found) => {
                    rows = found;
                    break;
                }
                Err(error) => last = Some(error),
            }
        }
        let Some(row) = rows.first() else {
            return Err(last.unwrap_or_else(|| bad_answer(Effect::Read, "The org did not show the user.")));
        };
        Ok(UserInfo {
            name: row.get("Name").and_then(Json::as_str).unwrap_or_default().to_owned(),
            profile: row.get("Profile").and_then(|profile| profile["Name"].as_str()).map(str::to_owned),
        })
    }

    /// What the user may do with an object (`GET …/sobjects/X/describe`).
    pub async fn security(&self, object: &str) -> Result<ObjectSecurity, DestinationError> {
        check_identifier("an object", object)?;
        let path = self.client.data_path(&format!("/sobjects/{object}/describe"));
        let body = self.client.get(&path).await.map_err(|mut error| {
            if error.code == "NOT_FOUND" {
                error.message = format!("{} (object {object})", error.message);
                error.hint = Some("The object does not exist in this org, or this user may not see it.".to_owned());
            }
            error
        })?;
        serde_json::from_slice(&body)
            .map_err(|error| bad_answer(Effect::Read, format!("The describe cannot be read: {error}")))
    }

    /// The active duplicate rules of an object. Refused with a configuration error to users who may
    /// not see them.
    pub async fn duplicate_rules(&self, object: &str) -> Result<Rules, DestinationError> {
        let rows = self.query(&Soql::duplicate_rules(object)?).await?;
        Ok(names(&rows, "DeveloperName"))
    }

    /// The active validation rules of an object (Tooling API). Refused with a configuration error to
    /// users who may not see them.
    pub async fn validation_rules(&self, object: &str) -> Result<Rules, DestinationError> {
        let soql = Soql::validation_rules(object)?;
        let path =
            self.client.data_path(&format!("/tooling/query/?q={}", soql.encoded(super::soql::Encoding::Address)));
        let body = self.client.get(&path).await?;
        let found: Records = serde_json::from_slice(&body)
            .map_err(|_| bad_answer(Effect::Read, "The list of validation rules cannot be read."))?;
        Ok(names(&found.records, "ValidationName"))
    }
}

fn names(rows: &[Map<String, Json>], key: &str) -> Rules {
    rows.iter().filter_map(|row| row.get(key)?.as_str().map(str::to_owned)).collect()
}
