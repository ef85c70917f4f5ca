//! What the org holds at the start: the companies as accounts, and some of the customers as
//! contacts, a few of them a little different.

use serde_json::{Map, Value, json};

use super::org;
use super::records::Records;
use super::save;
use super::schema::Object;
use super::session::USERNAME;
use super::{Error, setup_records, time};
use crate::sandbox::Options;
use crate::sandbox::seed::{self, Customer, dirt};

/// Customers that the org has, whatever their number: see [`dirt`].
const KNOWN: [i64; 6] =
    [dirt::ORG_OTHER_PHONE, dirt::ORG_SAME, dirt::TRAILING_SPACES, dirt::OTHER_CASE, dirt::TWINS[0], dirt::ORG_TWICE];

/// Fills an empty store.
pub fn fill(records: &mut Records, options: &Options) -> Result<(), Error> {
    records.begin()?;
    for (name, body) in org::fixed(USERNAME) {
        if let (Some(object), Some(body)) = (records.schema.object(name), body.as_object()) {
            records.next_id(object)?;
            records.insert(object, body)?;
        }
    }
    if let (Some(account), Some(contact)) = (records.schema.object("Account"), records.schema.object("Contact")) {
        let accounts = fill_accounts(records, account)?;
        fill_contacts(records, contact, &accounts, options)?;
    }
    records.commit()?;
    fill_setup(records)?;
    Ok(())
}

/// Writes the records that tell how the org is set up, over those that were there.
pub fn fill_setup(records: &mut Records) -> Result<(), rusqlite::Error> {
    records.begin()?;
    let mut gone = Vec::new();
    for (name, bodies) in setup_records::all(records) {
        let Some(object) = records.schema.all().find(|object| object.name == name) else { continue };
        if !gone.contains(&name) {
            records.remove_all(object)?;
            gone.push(name);
        }
        for body in bodies {
            records.insert(object, &body)?;
        }
    }
    records.commit()
}

/// Writes a record of the past: the `nth` minute of 2025, so that a seed is the same on any day.
fn put(records: &mut Records, object: &Object, nth: usize, body: &Value) -> Result<Option<String>, Error> {
    let minutes = i64::try_from(nth).unwrap_or(0) * 60_000;
    let stamp = time::format_milliseconds(time::BEGINNING + minutes);
    let empty = Map::new();
    // A dirty customer that no org would have taken is not in this one either.
    Ok(save::create_at(records, object, body.as_object().unwrap_or(&empty), &stamp)?)
}

/// One account for each company; gives the account numbers with their ids.
fn fill_accounts(records: &mut Records, account: &Object) -> Result<Vec<(String, String)>, Error> {
    let mut ids = Vec::new();
    for (nth, (number, name)) in seed::accounts().enumerate() {
        let body = json!({"Name": name, "AccountNumber": number, "External_Id__c": number});
        if let Some(id) = put(records, account, nth, &body)? {
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
            made += usize::from(put(records, contact, made, &body(&customer, copy, accounts))?.is_some());
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

#[cfg(test)]
mod tests {
    use super::super::records::{self, Body};
    use super::*;

    fn contacts(options: &Options) -> Vec<Body> {
        let mut records = Records::open(super::super::schema::Schema::plain(), None).unwrap();
        fill(&mut records, options).unwrap();
        let rows = records.bodies("SELECT body FROM \"Contact\" ORDER BY seq", &[]).unwrap();
        rows.into_iter().flatten().flatten().map(|body| records::parse(&body)).collect()
    }

    #[test]
    fn a_seed_makes_the_same_contacts_every_time() {
        let options = Options { rows: 300, ..Options::default() };
        let made = contacts(&options);
        assert_eq!(made, contacts(&options));
        assert!((80..=120).contains(&made.len()), "about a third: {}", made.len());
        assert_eq!(contacts(&Options { contacts: Some(5), ..options }).len(), 5);
        assert_eq!(made[0]["CreatedDate"], "2025-01-01T00:00:00.000+0000");
    }

    #[test]
    fn one_email_is_held_twice_and_some_contacts_differ_from_their_customers() {
        let options = Options { rows: 300, ..Options::default() };
        let made = contacts(&options);
        let of = |id: i64| -> Vec<&Body> {
            let email = records::fold(seed::customer(options.seed, id).email.unwrap().trim());
            made.iter().filter(|body| body["Email"].as_str().map(records::fold).as_ref() == Some(&email)).collect()
        };
        assert_eq!(of(dirt::ORG_TWICE).len(), 2);
        assert_eq!(of(dirt::OBRIEN).len(), 0);
        let customer = |id: i64| seed::customer(options.seed, id);
        assert_eq!(
            of(dirt::ORG_SAME)[0].get("Phone").and_then(Value::as_str),
            customer(dirt::ORG_SAME).phone.as_deref()
        );
        assert_ne!(
            of(dirt::ORG_OTHER_PHONE)[0].get("Phone").and_then(Value::as_str),
            customer(dirt::ORG_OTHER_PHONE).phone.as_deref()
        );
    }
}
