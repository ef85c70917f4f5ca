//! What the org says of its objects, read once and kept on the disk: with its age, and asked again
//! when it matters.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::lookups::parent_names;
use super::{Engine, EngineError, ErrorClass};
use crate::destination::{Asked, Destination, ErrorKind, OrgInfo};
use crate::mapping::{Mapping, Source, is_record_type, named_record_type, nearest};
use crate::store::{Kept, Viewer};
use crate::types::{ObjectDescribe, ObjectSummary};

/// Younger than this needs no question.
const RECENT: SignedDuration = SignedDuration::from_mins(10);
/// Older than this is read as a whole, whatever the server says of changes: a change of a user's
/// permissions need not count as a change of the object.
const WHOLE: SignedDuration = SignedDuration::from_hours(24);

/// How fresh an answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Of any age, as long as it says how old it is; for looking.
    Any,
    /// At most ten minutes old, or said to be unchanged by the server; for plans and runs.
    Recent,
    /// Read now, as a whole; for who asks for it.
    Now,
}

/// Something that the org said, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aged<T> {
    /// What it said.
    pub value: T,
    /// When it came.
    pub read_at: Timestamp,
    /// When it was last known to be true.
    pub checked_at: Timestamp,
}

impl<T> Aged<T> {
    /// Something that is true now.
    pub fn now(value: T) -> Self {
        let now = Timestamp::now();
        Self { value, read_at: now, checked_at: now }
    }

    /// How long it has been since it was known to be true; a clock that was set back counts as now.
    pub fn age(&self) -> SignedDuration {
        Timestamp::now().duration_since(self.checked_at).max(SignedDuration::ZERO)
    }
}

/// An age in the words of a screen: `now`, `5 min ago`, `3 h ago`, `2 d ago`.
pub fn age_words(age: SignedDuration) -> String {
    match age.as_mins() {
        0 => "now".to_owned(),
        minutes @ ..60 => format!("{minutes} min ago"),
        minutes @ ..2880 => format!("{} h ago", minutes / 60),
        minutes => format!("{} d ago", minutes / 1440),
    }
}

/// What a mapping's object and its parents look like for this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The object; where the mapping sets one record type, its picklists have that type's values only.
    pub object: ObjectDescribe,
    /// The objects that the mapping's lookups name.
    pub parents: Vec<ObjectDescribe>,
}

impl Engine {
    /// An object of a destination, with the fields that the signed-in user sees.
    pub async fn describe(
        &self,
        connection: &str,
        object: &str,
        freshness: Freshness,
    ) -> Result<Aged<ObjectDescribe>, EngineError> {
        let destination = self.destination(connection).await?;
        let org = self.known_org(connection, destination.as_ref()).await?;
        self.describe_at(destination.as_ref(), &org, object, freshness).await
    }

    /// The objects of a destination that the signed-in user sees, by name.
    pub async fn objects(
        &self,
        connection: &str,
        freshness: Freshness,
    ) -> Result<Aged<Vec<ObjectSummary>>, EngineError> {
        let destination = self.destination(connection).await?;
        let org = self.known_org(connection, destination.as_ref()).await?;
        self.objects_at(destination.as_ref(), &org, freshness).await
    }

    /// What a mapping needs to know of the org, as old as the oldest part of it.
    pub async fn shape(&self, mapping: &Mapping, freshness: Freshness) -> Result<Aged<Shape>, EngineError> {
        let destination = self.destination(&mapping.connection).await?;
        let org = self.known_org(&mapping.connection, destination.as_ref()).await?;
        self.shape_at(destination.as_ref(), &org, mapping, freshness).await
    }

    /// The same where org and destination are at hand.
    pub(super) async fn shape_at(
        &self,
        destination: &dyn Destination,
        org: &OrgInfo,
        mapping: &Mapping,
        freshness: Freshness,
    ) -> Result<Aged<Shape>, EngineError> {
        let described = self.describe_at(destination, org, &mapping.object, freshness).await?;
        let Aged { value: mut object, mut read_at, mut checked_at } = described;
        let mut parents = Vec::new();
        for name in parent_names(mapping, &object) {
            let parent = self.describe_at(destination, org, &name, freshness).await?;
            (read_at, checked_at) = (read_at.min(parent.read_at), checked_at.min(parent.checked_at));
            parents.push(parent.value);
        }
        if let Some(record_type) = constant_record_type(mapping, &object) {
            let allowed = self.picklists_at(destination, org, &object.name, &record_type, freshness).await?;
            narrow(&mut object, &allowed);
        }
        Ok(Aged { value: Shape { object, parents }, read_at, checked_at })
    }

    async fn describe_at(
        &self,
        destination: &dyn Destination,
        org: &OrgInfo,
        object: &str,
        freshness: Freshness,
    ) -> Result<Aged<ObjectDescribe>, EngineError> {
        let item = format!("object {}", object.to_lowercase());
        let (since, known) = match self.recall(org, &item, freshness)? {
            Recalled::Enough(known) => return Ok(known),
            Recalled::Ask(question) => question.unzip(),
        };
        match destination.describe_since(object, since.as_deref()).await {
            Ok(asked) => self.remember(org, &item, known, asked),
            Err(error) if matches!(error.code.as_str(), "NOT_FOUND" | "INVALID_TYPE") => {
                self.store.forget(&viewer(org), &item)?;
                Err(self.unknown_object(destination, org, object).await)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn objects_at(
        &self,
        destination: &dyn Destination,
        org: &OrgInfo,
        freshness: Freshness,
    ) -> Result<Aged<Vec<ObjectSummary>>, EngineError> {
        let mut objects = match self.recall(org, "objects", freshness)? {
            Recalled::Enough(known) => known,
            Recalled::Ask(question) => {
                let (since, known) = question.unzip();
                let asked = destination.objects_since(since.as_deref()).await?;
                self.remember(org, "objects", known, asked)?
            }
        };
        objects.value.sort_by_cached_key(|object| object.name.to_lowercase());
        Ok(objects)
    }

    /// The picklist values of a record type; nothing where the org does not say.
    async fn picklists_at(
        &self,
        destination: &dyn Destination,
        org: &OrgInfo,
        object: &str,
        record_type: &str,
        freshness: Freshness,
    ) -> Result<BTreeMap<String, Vec<String>>, EngineError> {
        let item = format!("picklists {} {record_type}", object.to_lowercase());
        if let Recalled::Enough(known) = self.recall(org, &item, freshness)? {
            return Ok(known.value);
        }
        match destination.picklists(object, record_type).await {
            // This call has no date to ask with: it is always read as a whole.
            Ok(value) => Ok(self.remember(org, &item, None, Asked::Changed { value, modified: None })?.value),
            // Some objects are not in this part of the API, and older orgs do not have it: then the
            // org itself says what it refuses.
            Err(error) if matches!(error.kind, ErrorKind::Configuration | ErrorKind::Data) => {
                tracing::debug!(code = error.code, "no picklist values by record type");
                Ok(BTreeMap::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What is on the disk, if it is fresh enough; else what to ask with.
    fn recall<T: DeserializeOwned>(
        &self,
        org: &OrgInfo,
        item: &str,
        freshness: Freshness,
    ) -> Result<Recalled<T>, EngineError> {
        let now = Timestamp::now();
        // What another version of this program wrote may not be readable, and is asked for anew.
        let known = self.store.kept(&viewer(org), item)?.filter(|_| freshness != Freshness::Now).and_then(|kept| {
            let value = serde_json::from_str::<T>(&kept.body).ok()?;
            Some((kept.modified, Aged { value, read_at: kept.read_at, checked_at: kept.checked_at }))
        });
        let Some((modified, known)) = known else { return Ok(Recalled::Ask(None)) };
        let is_whole = is_younger(known.read_at, now, WHOLE);
        if freshness == Freshness::Any || (is_whole && is_younger(known.checked_at, now, RECENT)) {
            return Ok(Recalled::Enough(known));
        }
        Ok(Recalled::Ask(modified.filter(|_| is_whole).map(|modified| (modified, known))))
    }

    /// Keeps what the org said for the next time.
    fn remember<T: Serialize>(
        &self,
        org: &OrgInfo,
        item: &str,
        known: Option<Aged<T>>,
        asked: Asked<T>,
    ) -> Result<Aged<T>, EngineError> {
        let now = Timestamp::now();
        match (asked, known) {
            (Asked::Changed { value, modified }, _) => {
                let body = serde_json::to_string(&value).map_err(|error| EngineError::failed(error.to_string()))?;
                self.store.keep(&viewer(org), item, &Kept { body, modified, read_at: now, checked_at: now })?;
                Ok(Aged { value, read_at: now, checked_at: now })
            }
            (Asked::Unchanged, Some(known)) => {
                self.store.still_true(&viewer(org), item, now)?;
                Ok(Aged { checked_at: now, ..known })
            }
            (Asked::Unchanged, None) => {
                Err(EngineError::failed(format!("the org said that {item} is unchanged without being asked")))
            }
        }
    }

    /// Which org a connection leads to, asked once a session.
    async fn known_org(&self, connection: &str, destination: &dyn Destination) -> Result<Arc<OrgInfo>, EngineError> {
        if let Some(org) = self.orgs.lock().unwrap_or_else(PoisonError::into_inner).get(connection) {
            return Ok(org.clone());
        }
        let org = Arc::new(destination.org().await?);
        self.orgs.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.to_owned(), org.clone());
        Ok(org)
    }

    /// Names the object that was probably meant.
    async fn unknown_object(&self, destination: &dyn Destination, org: &OrgInfo, object: &str) -> EngineError {
        let objects = match self.objects_at(destination, org, Freshness::Recent).await {
            Ok(objects) => objects.value,
            Err(error) if error.class == ErrorClass::Connection => return error,
            Err(_) => Vec::new(),
        };
        let hint = match nearest(object, objects.iter().map(|object| object.name.as_str())) {
            Some(near) => format!("Did you mean `{near}`? `gondola describe` with the connection alone lists all."),
            None => "`gondola describe` with the connection alone lists those that there are.".to_owned(),
        };
        EngineError {
            code: Some("NOT_FOUND".to_owned()),
            ..EngineError::configuration(format!(
                "the org {} has no object `{object}` that {} may see",
                org.name,
                if org.username.is_empty() { "this user" } else { &org.username }
            ))
            .with_hint(hint)
        }
    }
}

/// What is known of something.
enum Recalled<T> {
    /// Enough.
    Enough(Aged<T>),
    /// It must be asked for: with the server's own date of what is known, where that may still be true.
    Ask(Option<(String, Aged<T>)>),
}

fn viewer(org: &OrgInfo) -> Viewer {
    Viewer { org: org.id.clone(), username: org.username.clone(), version: org.api_version.clone() }
}

/// Whether `then` is less than `limit` ago. What lies in the future was written by another clock.
fn is_younger(then: Timestamp, now: Timestamp, limit: SignedDuration) -> bool {
    let age = now.duration_since(then);
    age >= SignedDuration::ZERO && age < limit
}

/// The record type that every row of a mapping gets, when it is one that the org knows.
fn constant_record_type(mapping: &Mapping, object: &ObjectDescribe) -> Option<String> {
    mapping.links.iter().find_map(|link| {
        let Source::Constant(text) = &link.source else { return None };
        let field = object.field(&link.field).filter(|field| is_record_type(field) && link.lookup.is_none())?;
        debug_assert!(!field.name.is_empty());
        Some(named_record_type(&object.record_types, text)?.id.clone())
    })
}

/// Leaves in each picklist only the values that are allowed; a field that is not named keeps all.
fn narrow(object: &mut ObjectDescribe, allowed: &BTreeMap<String, Vec<String>>) {
    for field in object.fields.iter_mut().filter(|field| !field.picklist.is_empty()) {
        if let Some(values) = allowed.get(&field.name) {
            let values: HashSet<&str> = values.iter().map(String::as_str).collect();
            field.picklist.retain(|entry| values.contains(entry.value.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_words() {
        for (minutes, words) in [(0, "now"), (5, "5 min ago"), (59, "59 min ago"), (180, "3 h ago"), (4_500, "3 d ago")]
        {
            assert_eq!(age_words(SignedDuration::from_mins(minutes)), words);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_young() {
        let now: Timestamp = "2025-11-12T10:00:00Z".parse().unwrap();
        let at = |minutes: i64| now.checked_sub(SignedDuration::from_mins(minutes)).unwrap();
        assert!(is_younger(at(9), now, RECENT));
        assert!(!is_younger(at(10), now, RECENT) && !is_younger(at(-1), now, RECENT));
    }
}
