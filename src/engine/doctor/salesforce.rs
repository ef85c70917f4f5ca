//! The lines of a Salesforce connection: the way in, who we are there, what its mappings may do.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::{CheckState, Checklist, mappings, reach};
use crate::config::SalesforceConnection;
use crate::destination::{Destination as _, DestinationError, ErrorKind, OrgInfo};
use crate::engine::{Engine, EngineError};
use crate::salesforce::{ObjectSecurity, Rules, Salesforce, UserInfo};

/// What is described when no mapping says otherwise.
const USUAL_OBJECT: &str = "Contact";
/// Names of rules that a line shows.
const RULES_SHOWN: usize = 6;

impl Engine {
    pub(super) async fn check_salesforce(&self, name: &str, connection: &SalesforceConnection, list: &mut Checklist) {
        let given = connection.login_url.as_ref().or(connection.instance_url.as_ref());
        if let Some((host, port)) = given.and_then(|url| address(url))
            && list.line("reach Salesforce", reach(&host, port), |()| format!("{host}:{port}")).await.is_none()
        {
            return;
        }
        let opened = self.salesforce(name);
        let Some(salesforce) = list.line("settings and secrets", opened, |_| String::new()).await else { return };
        let Some(org) = sign_in(&salesforce, list).await else { return };
        user(&salesforce, &org, list).await;
        let catalog = self.workspace().catalog();
        for problem in &catalog.problems {
            list.tell("mappings", CheckState::Warning, problem.to_string(), None);
        }
        let mapped = mappings::of(&catalog, name);
        self.same_org(&org, &mapped, list);
        let mut objects: BTreeSet<&str> = mapped.iter().map(|(_, mapping)| mapping.object.as_str()).collect();
        if objects.is_empty() {
            objects.insert(USUAL_OBJECT);
        }
        let mut described: BTreeMap<&str, ObjectSecurity> = BTreeMap::new();
        for object in objects {
            let security = async { Ok(salesforce.security(object).await?) };
            let words = |security: &ObjectSecurity| {
                let writable = security.fields.iter().filter(|field| field.createable || field.updateable).count();
                format!("{} fields, {writable} of them writable", security.fields.len())
            };
            if let Some(security) = list.line(&format!("describe {object}"), security, words).await {
                described.insert(object, security);
            }
        }
        for (id, mapping) in &mapped {
            if let Some(security) = described.get(mapping.object.as_str()) {
                mappings::check(name, id, mapping, security, list);
            }
        }
        for object in described.keys() {
            rules(&salesforce, object, list).await;
        }
        calls_left(&salesforce, list);
    }

    /// State of another org says nothing about this one.
    fn same_org(&self, org: &OrgInfo, mapped: &[mappings::Mapped<'_>], list: &mut Checklist) {
        let strangers: Vec<String> = mapped
            .iter()
            .filter_map(|(id, _)| {
                let other = self.store().org_of(&id.to_string()).ok().flatten()?;
                (other != org.id).then(|| format!("{id} was synced to {other}"))
            })
            .collect();
        if strangers.is_empty() {
            list.tell("org id", CheckState::Ok, org.id.clone(), None);
        } else {
            let detail = format!("this is {}, but {}", org.id, strangers.join(", "));
            let hint = "Its snapshot is not true here: go back to that org, or copy the mapping's file under a new \
                        name to sync both.";
            list.tell("org id", CheckState::Failed, detail, Some(hint.to_owned()));
        }
    }
}

fn address(url: &str) -> Option<(String, u16)> {
    let url = Url::parse(url.trim()).ok()?;
    Some((url.host_str()?.trim_matches(['[', ']']).to_owned(), url.port_or_known_default()?))
}

/// Signs in, and finds out whether the org serves the API and its version at all.
async fn sign_in(salesforce: &Salesforce, list: &mut Checklist) -> Option<OrgInfo> {
    list.tell("login", CheckState::Running, String::new(), None);
    let place = match salesforce.sign_in().await {
        Ok(place) => place,
        Err(error) => {
            refuse(list, "login", error);
            return None;
        }
    };
    let signed_in = |list: &mut Checklist| list.tell("login", CheckState::Ok, place.clone(), None);
    let versions = salesforce.versions().await.unwrap_or_default();
    let ours = salesforce.api_version();
    let newest = versions.iter().max_by(|a, b| number(a).total_cmp(&number(b)));
    if let (Some(newest), false) = (newest, versions.iter().any(|version| version == ours)) {
        signed_in(list);
        let detail = format!("this org does not serve {ours}; its newest is {newest}");
        list.tell("API version", CheckState::Failed, detail, Some(format!("Set api_version = \"{newest}\".")));
        return None;
    }
    let org = match salesforce.org().await {
        Ok(org) => org,
        Err(error) if matches!(error.code.as_str(), "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED") => {
            signed_in(list);
            refuse(list, "API enabled", error);
            return None;
        }
        Err(error) => {
            refuse(list, "login", error);
            return None;
        }
    };
    list.tell("login", CheckState::Ok, format!("{} as {}, {}", org.name, org.username, org.kind()), None);
    let words = match newest {
        Some(newest) if newest == ours => format!("{ours}, the newest here"),
        Some(newest) => format!("{ours}; the newest here is {newest}"),
        None => ours.to_owned(),
    };
    list.tell("API version", CheckState::Ok, words, None);
    list.tell("API enabled", CheckState::Ok, "yes".to_owned(), None);
    Some(org)
}

fn number(version: &str) -> f64 {
    version.parse().unwrap_or_default()
}

fn refuse(list: &mut Checklist, name: &str, error: DestinationError) {
    let error = EngineError::from(error);
    list.tell(name, CheckState::Failed, error.message, error.hint);
}

async fn user(salesforce: &Salesforce, org: &OrgInfo, list: &mut Checklist) {
    match salesforce.user().await {
        Ok(UserInfo { name, profile: Some(profile) }) => {
            list.tell("user", CheckState::Ok, format!("{name}, profile {profile}"), None);
        }
        Ok(UserInfo { name, profile: None }) => {
            list.tell("user", CheckState::Ok, format!("{name}; the profile is not shown to this user"), None);
        }
        // Not every user may look at users.
        Err(_) => list.tell("user", CheckState::Ok, org.username.clone(), None),
    }
}

/// Rules that will fire on what is written. Who may not read them is told so, and no more.
async fn rules(salesforce: &Salesforce, object: &str, list: &mut Checklist) {
    let name = format!("rules on {object}");
    let found = [
        ("validation", salesforce.validation_rules(object).await),
        ("duplicate", salesforce.duplicate_rules(object).await),
    ];
    let (mut active, mut unread) = (Vec::new(), Vec::new());
    for (kind, rules) in found {
        match rules {
            Ok(rules) if rules.is_empty() => {}
            Ok(rules) => active.push(format!("{kind}: {}", named(&rules))),
            Err(error) if error.kind == ErrorKind::Configuration => unread.push(kind),
            Err(error) => return list.tell(&name, CheckState::Warning, error.to_string(), error.hint),
        }
    }
    if !active.is_empty() {
        let hint = "A row that one of them refuses fails with the rule's own words.".to_owned();
        return list.tell(&name, CheckState::Warning, active.join("; "), Some(hint));
    }
    let words = match unread.as_slice() {
        [] => "none that fire".to_owned(),
        [kind] => format!("none seen; this user may not read {kind} rules"),
        _ => "this user may not read them".to_owned(),
    };
    list.tell(&name, CheckState::Ok, words, None);
}

fn named(rules: &Rules) -> String {
    let shown = rules.iter().take(RULES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match rules.len().saturating_sub(RULES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn calls_left(salesforce: &Salesforce, list: &mut Checklist) {
    match salesforce.usage() {
        Some(usage) => {
            let left = usage.max.saturating_sub(usage.used);
            let short = left * 10 < usage.max;
            let state = if short { CheckState::Warning } else { CheckState::Ok };
            let hint = short.then(|| "Under a tenth is left today: runs may have to wait.".to_owned());
            list.tell("API calls left", state, format!("{left} of {} today", usage.max), hint);
        }
        None => list.tell("API calls left", CheckState::Warning, "the org did not say".to_owned(), None),
    }
}
