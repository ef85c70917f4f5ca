//! Row locks between calls that are made at the same time: writing a contact locks its account.
//!
//! Real orgs wait up to ten seconds for a lock. This one does not: the later call's rows fail at once.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::call::Call;
use super::ids;
use super::org::Org;
use super::records::Body;
use super::schema::Object;

/// The accounts that calls hold; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Locks {
    held: Arc<Mutex<HashSet<String>>>,
    on: Arc<AtomicBool>,
}

/// What one call holds, until it is dropped.
#[derive(Debug)]
pub struct Held {
    locks: Locks,
    mine: Vec<String>,
    /// The accounts that an earlier call holds: this one may not have them.
    pub refused: HashSet<String>,
}

impl Locks {
    /// Switches locking on or off.
    pub fn switch(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    /// Whether calls take locks.
    pub fn are_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Takes what is free of these.
    pub fn take(&self, accounts: HashSet<String>) -> Held {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (refused, mine): (HashSet<String>, HashSet<String>) =
            accounts.into_iter().partition(|account| held.contains(account));
        held.extend(mine.iter().cloned());
        Held { locks: self.clone(), mine: mine.into_iter().collect(), refused }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.locks.held.lock().unwrap_or_else(PoisonError::into_inner);
        for account in &self.mine {
            held.remove(account);
        }
    }
}

/// The account that writing this contact locks.
pub fn account_of<'b>(object: &Object, body: &'b Body) -> Option<&'b str> {
    if object.name == "Contact" { body.get("AccountId").and_then(Value::as_str) } else { None }
}

/// The accounts that a call's rows belong to, now or after it.
pub fn accounts_of(org: &Org, call: &Call) -> HashSet<String> {
    let mut found = HashSet::new();
    collect(org, call, &mut found);
    found
}

fn collect(org: &Org, call: &Call, found: &mut HashSet<String>) {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    if call.method == "GET" {
        return;
    }
    let key = match segments.as_slice() {
        ["services", "data", _, "composite", "sobjects", _, key] => Some(*key),
        _ => None,
    };
    match segments.as_slice() {
        ["services", "data", _, "composite"] => {
            let inner = call.body.as_ref().and_then(|body| body.get("compositeRequest")).and_then(Value::as_array);
            for request in inner.into_iter().flatten() {
                let text = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or_default();
                let mut sub = Call {
                    method: text("method").to_ascii_uppercase(),
                    body: request.get("body").cloned(),
                    ..Call::default()
                };
                sub.set_target(text("url"));
                collect(org, &sub, found);
            }
        }
        ["services", "data", _, "composite", "sobjects", ..] => {
            let records = call.body.as_ref().and_then(|body| body.get("records")).and_then(Value::as_array);
            for record in records.into_iter().flatten().filter_map(Value::as_object) {
                of_record(org, record, key, found);
            }
            for id in call.parameter("ids").unwrap_or_default().split(',') {
                of_contact(org, "Id", &json!(id), found);
            }
        }
        ["services", "data", _, "sobjects", "Contact", rest @ ..] => {
            match rest {
                [id] => of_contact(org, "Id", &json!(id), found),
                [key, value] => of_contact(org, key, &json!(value), found),
                _ => {}
            }
            if let Some(record) = call.body.as_ref().and_then(Value::as_object) {
                of_record(org, record, None, found);
            }
        }
        _ => {}
    }
}

fn of_record(org: &Org, record: &Map<String, Value>, key: Option<&str>, found: &mut HashSet<String>) {
    for (name, value) in record {
        match (name.as_str(), value) {
            ("AccountId", Value::String(id)) => found.extend(ids::parse(id)),
            ("Account", Value::Object(named)) => {
                let account = org.records.schema.object("Account");
                for (key, value) in named {
                    let field = account.and_then(|account| Some((account, account.field(key)?)));
                    let Some((account, field)) = field.filter(|(_, field)| field.is_key()) else { continue };
                    found.extend(org.records.find(account, field, value).unwrap_or_default());
                }
            }
            (name, value) if name.eq_ignore_ascii_case("Id") => of_contact(org, "Id", value, found),
            (name, value) if key.is_some_and(|key| key.eq_ignore_ascii_case(name)) => {
                of_contact(org, name, value, found);
            }
            _ => {}
        }
    }
}

/// The account of the contact that a key leads to.
fn of_contact(org: &Org, key: &str, value: &Value, found: &mut HashSet<String>) {
    let Some(contact) = org.records.schema.object("Contact") else { return };
    let Some(field) = contact.field(key).filter(|field| field.is_key()) else { return };
    let value = match value.as_str().filter(|_| field.name == "Id").and_then(ids::parse) {
        Some(id) => json!(id),
        None => value.clone(),
    };
    for id in org.records.find(contact, field, &value).unwrap_or_default() {
        if let Ok(Some(body)) = org.records.get(contact, &id) {
            found.extend(account_of(contact, &body).map(str::to_owned));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_call_goes_without_until_the_earlier_is_done() {
        let locks = Locks::default();
        let wanted = || HashSet::from(["001A".to_owned(), "001B".to_owned()]);
        let first = locks.take(HashSet::from(["001A".to_owned()]));
        assert!(first.refused.is_empty());
        let second = locks.take(wanted());
        assert_eq!(second.refused, HashSet::from(["001A".to_owned()]));
        drop(first);
        drop(second);
        assert!(locks.take(wanted()).refused.is_empty());
    }
}
