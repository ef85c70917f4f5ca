//! State and country picklists, for orgs that have them: a code beside each state and country, and
//! both held against one list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::records::Body;
use super::schema::{Field, Object};

/// Countries: code and name.
const COUNTRIES: [(&str, &str); 4] =
    [("US", "United States"), ("CA", "Canada"), ("DE", "Germany"), ("GB", "United Kingdom")];

/// States: country, code and name.
const STATES: [(&str, &str, &str); 17] = [
    ("US", "CA", "California"),
    ("US", "CO", "Colorado"),
    ("US", "FL", "Florida"),
    ("US", "IL", "Illinois"),
    ("US", "MA", "Massachusetts"),
    ("US", "NY", "New York"),
    ("US", "OR", "Oregon"),
    ("US", "TX", "Texas"),
    ("US", "WA", "Washington"),
    ("CA", "AB", "Alberta"),
    ("CA", "BC", "British Columbia"),
    ("CA", "ON", "Ontario"),
    ("CA", "QC", "Quebec"),
    // Codes are of their country: these two are others' as well.
    ("DE", "BE", "Berlin"),
    ("DE", "BY", "Bavaria"),
    ("DE", "HH", "Hamburg"),
    ("DE", "NW", "North Rhine-Westphalia"),
];

/// The codes of all countries.
pub fn country_codes() -> Vec<String> {
    COUNTRIES.iter().map(|(code, _)| (*code).to_owned()).collect()
}

/// The codes of all states.
pub fn state_codes() -> Vec<String> {
    STATES.iter().map(|(_, code, _)| (*code).to_owned()).collect()
}

fn is_state(field: &Field) -> bool {
    field.name.ends_with("StateCode") && !field.custom()
}

fn is_country(field: &Field) -> bool {
    field.name.ends_with("CountryCode") && !field.custom()
}

/// The label of a picklist value.
pub fn label(field: &Field, value: &str) -> String {
    let found = if is_country(field) {
        COUNTRIES.iter().find(|(code, _)| *code == value).map(|it| it.1)
    } else if is_state(field) {
        STATES.iter().find(|(_, code, _)| *code == value).map(|it| it.2)
    } else {
        None
    };
    found.unwrap_or(value).to_owned()
}

/// The field that controls this one.
pub fn controller(field: &Field) -> Option<String> {
    is_state(field).then(|| field.name.replace("StateCode", "CountryCode"))
}

fn countries_of(state: &str) -> impl Iterator<Item = usize> {
    let is_one = move |country: &str| STATES.iter().any(|(of, code, _)| *of == country && *code == state);
    COUNTRIES.iter().enumerate().filter(move |(_, (country, _))| is_one(country)).map(|(at, _)| at)
}

/// `validFor` of a describe: the controlling values as bits, base64.
pub fn valid_for(field: &Field, value: &str) -> Value {
    if !is_state(field) {
        return Value::Null;
    }
    let mut bits = [0_u8; COUNTRIES.len().div_ceil(8)];
    countries_of(value).for_each(|at| bits[at / 8] |= 0x80 >> (at % 8));
    json!(STANDARD.encode(bits))
}

/// `controllerValues` of a picklist field, and which of them a value is good for.
pub fn dependency(field: &Field) -> (Map<String, Value>, impl Fn(&str) -> Vec<usize>) {
    let state = is_state(field);
    let controllers = COUNTRIES.iter().enumerate().filter(|_| state);
    let controllers = controllers.map(|(at, (code, _))| ((*code).to_owned(), json!(at))).collect();
    (controllers, move |value: &str| if state { countries_of(value).collect() } else { Vec::new() })
}

/// Brings codes and names of a record together, after it was `changed`; refuses what is in no list.
pub fn settle(object: &Object, body: &mut Body, changed: &dyn Fn(&str) -> bool) -> Result<(), Refusal> {
    for field in object.fields.iter().filter(|field| object.has_codes && is_country(field)) {
        let prefix = field.name.strip_suffix("CountryCode").unwrap_or_default();
        settle_one(object, body, changed, prefix)?;
    }
    Ok(())
}

fn settle_one(object: &Object, body: &mut Body, changed: &dyn Fn(&str) -> bool, prefix: &str) -> Result<(), Refusal> {
    let [country, country_code] = ["Country", "CountryCode"].map(|name| format!("{prefix}{name}"));
    let [state, state_code] = ["State", "StateCode"].map(|name| format!("{prefix}{name}"));
    let text = |body: &Body, name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let problem = |what: &str, name: &str| {
        let message = format!(
            "There's a problem with this {what}, even though it may appear correct. Please select a {what} from the \
             list of valid {}.",
            if what == "state" { "states" } else { "countries" }
        );
        Err(Refusal::row("FIELD_INTEGRITY_EXCEPTION", message, &[name]))
    };
    // What was sent last wins: the code, or else the name.
    let by_code = changed(&country_code);
    let given = if by_code { text(body, &country_code) } else { text(body, &country) };
    let known = match given.filter(|_| by_code || changed(&country)) {
        None if by_code || changed(&country) => None,
        None => text(body, &country_code),
        Some(given) => {
            let same = |(code, name): &&(&str, &str)| {
                code.eq_ignore_ascii_case(&given) || (!by_code && name.eq_ignore_ascii_case(&given))
            };
            match COUNTRIES.iter().find(same) {
                Some((code, _)) => Some((*code).to_owned()),
                None => return problem("country", &country),
            }
        }
    };
    write(body, &country_code, known.clone());
    let name = known.as_ref().and_then(|code| COUNTRIES.iter().find(|(it, _)| it == code)).map(|it| it.1.to_owned());
    write(body, &country, name);

    let by_code = changed(&state_code);
    let given = if by_code || !changed(&state) { text(body, &state_code) } else { text(body, &state) };
    let Some(given) = given else {
        write(body, &state_code, None);
        write(body, &state, None);
        return Ok(());
    };
    let Some(of) = known else {
        let label = object.field(&state).map_or("", |field| field.label.as_str());
        let message =
            format!("A country/territory must be specified before specifying a state value for field: {label}");
        return Err(Refusal::row("FIELD_INTEGRITY_EXCEPTION", message, &[&state]));
    };
    let same = |(country, code, name): &&(&str, &str, &str)| {
        *country == of && (code.eq_ignore_ascii_case(&given) || name.eq_ignore_ascii_case(&given))
    };
    let Some((_, code, name)) = STATES.iter().find(same) else { return problem("state", &state) };
    write(body, &state_code, Some((*code).to_owned()));
    write(body, &state, Some((*name).to_owned()));
    Ok(())
}

fn write(body: &mut Body, name: &str, value: Option<String>) {
    match value {
        Some(value) => body.insert(name.to_owned(), Value::String(value)),
        None => body.shift_remove(name),
    };
}
