//! What the org holds at the start: the companies as accounts, and some of the customers as
//! contacts, a few of them a little different.

use serde_json::{Map, Value, json};

use super::org;
use super::records::Records;
use super::save::{self, Saving};
use super::schema::{self, Object};
use super::session::USERNAME;
use super::{API_VERSION, Error};
use crate::sandbox::Options;
use crate::sandbox::seed::{self, Customer, dirt};

/// Customers that the org has, whatever their number: see [`dirt`].
const KNOWN: [i64; 6] =
    [dirt::ORG_OTHER_PHONE, dirt::ORG_SAME, dirt::TRAILING_SPACES, dirt::OTHER_CASE, dirt::TWINS[0], dirt::ORG_TWICE];

/// Fills an empty store.
pub fn fill(records: &mut Records, options: &Options) -> Result<(), Error> {
    records.begin()?;
    for (name, body) in org::fixed(USERNAME) {
        if let (Some(object), Some(body)) = (schema::object(name), body.as_object()) {
            records.next_id(object)?;
            records.insert(object, body)?;
        }
    }
    if let (Some(account), Some(contact)) = (schema::object("Account"), schema::object("Contact")) {
        let accounts = fill_accounts(records, account)?;
        fill_contacts(records, contact, &accounts, options)?;
    }
    records.commit()?;
    Ok(())
}

fn put(records: &mut Records, object: &Object, body: Value) -> Result<Option<String>, Error> {
    let version = format!("v{API_VERSION}");
    let saving = Saving { version: &version, allow_duplicates: true };
    let empty = Map::new();
    // A dirty customer that no org would have taken is not in this one either.
    Ok(save::create(records, object, body.as_object().unwrap_or(&empty), saving).ok())
}

/// One account for each company; gives the account numbers with their ids.
fn fill_accounts(records: &mut Records, account: &Object) -> Result<Vec<(String, String)>, Error> {
    let mut ids = Vec::new();
    for (number, name) in seed::accounts() {
        let body = json!({"Name": name, "AccountNumber": number, "External_Id__c": number});
        if let Some(id) = put(records, account, body)? {
            ids.push((number, id));
        }
    }
    Ok(ids)
}

fn fill_contacts(
    records: &mut Records,
    contact: &Object,
    accounts: &[(String, String)],
    options: &Options,
) -> Result<(), Error> {
    let rows = i64::try_from(options.rows).unwrap_or(i64::MAX);
    // The customers that the org has for sure come first, then every third one.
    let known = KNOWN.into_iter().filter(|id| *id <= rows);
    let others = (41..=rows).filter(|id| id % 3 == 0);
    let most = options.contacts.unwrap_or(usize::MAX);
    let mut made = 0;
    for id in known.chain(others) {
        let customer = seed::customer(options.seed, id);
        let copies = if id == dirt::ORG_TWICE { 2 } else { 1 };
        for copy in 0..copies {
            if made >= most {
                return Ok(());
            }
            made += usize::from(put(records, contact, body(&customer, copy, accounts))?.is_some());
        }
    }
    Ok(())
}

/// The contact that the org has of a customer.
fn body(customer: &Customer, copy: i64, accounts: &[(String, String)]) -> Value {
    let id = customer.customer_id;
    let email = customer.email.as_deref().unwrap_or_default().trim();
    let email = match id {
        dirt::ORG_OTHER_PHONE => email.to_uppercase(),
        dirt::OTHER_CASE => email.to_lowercase(),
        _ => email.to_owned(),
    };
    // One in four has changed jobs or numbers since.
    let stale = id == dirt::ORG_OTHER_PHONE || (id > 40 && id % 4 == 0) || copy > 0;
    let phone = if stale { Some("+1 212 555 0000".to_owned()) } else { customer.phone.clone() };
    let account = customer.account_number.as_ref().and_then(|number| accounts.iter().find(|(of, _)| of == number));
    json!({
        "FirstName": customer.first_name,
        "LastName": customer.last_name,
        "Email": email,
        "Phone": phone,
        "Title": customer.title.as_ref().filter(|title| title.len() <= 128),
        "MailingCity": customer.city,
        "MailingCountry": customer.country,
        "AccountId": account.map(|(_, id)| id),
    })
}
