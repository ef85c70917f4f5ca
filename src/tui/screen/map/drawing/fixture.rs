//! A Contact, a query and some rows, for the tests of this screen.

use super::{Act, Drawing};
use crate::mapping::{Link, Mapping, MatchTerm, Transform};
use crate::types::{Column, ColumnType, Field, FieldType, ObjectDescribe, PicklistValue, Value};

fn field(name: &str, label: &str, kind: FieldType, length: u32) -> Field {
    Field { label: label.into(), ..Field::new(name, kind, length) }
}

fn read_only(field: Field) -> Field {
    Field { createable: false, updateable: false, ..field }
}

/// A Contact with Salesforce's usual fields.
pub(crate) fn contact() -> ObjectDescribe {
    use FieldType as T;
    let values = |all: &[&str]| all.iter().map(|value| PicklistValue::new(value, value)).collect();
    let fields = vec![
        read_only(field("Id", "Contact ID", T::Id, 18)),
        read_only(field("IsDeleted", "Deleted", T::Boolean, 0)),
        Field { reference_to: vec!["Account".into()], ..field("AccountId", "Account ID", T::Reference, 18) },
        Field { nillable: false, ..field("LastName", "Last Name", T::String, 80) },
        field("FirstName", "First Name", T::String, 40),
        Field { picklist: values(&["Mr.", "Ms.", "Dr."]), ..field("Salutation", "Salutation", T::Picklist, 40) },
        read_only(field("Name", "Full Name", T::String, 121)),
        field("OtherStreet", "Other Street", T::TextArea, 255),
        field("OtherCity", "Other City", T::String, 40),
        field("MailingStreet", "Mailing Street", T::TextArea, 255),
        field("MailingCity", "Mailing City", T::String, 40),
        field("MailingState", "Mailing State/Province", T::String, 80),
        field("MailingPostalCode", "Mailing Zip/Postal Code", T::String, 20),
        field("MailingCountry", "Mailing Country", T::String, 80),
        field("Phone", "Business Phone", T::Phone, 40),
        field("Fax", "Business Fax", T::Phone, 40),
        field("MobilePhone", "Mobile Phone", T::Phone, 40),
        field("HomePhone", "Home Phone", T::Phone, 40),
        field("Email", "Email", T::Email, 80),
        field("Title", "Title", T::String, 128),
        field("Department", "Department", T::String, 80),
        Field {
            picklist: values(&["Web", "Phone Inquiry", "Partner"]),
            ..field("LeadSource", "Lead Source", T::Picklist, 255)
        },
        field("Birthdate", "Birthdate", T::Date, 0),
        field("Description", "Contact Description", T::TextArea, 32_000),
        field("OwnerId", "Owner ID", T::Reference, 18),
        Field { external_id: true, unique: true, ..field("Customer_Id__c", "Customer ID", T::String, 20) },
        Field {
            restricted_picklist: true,
            picklist: values(&["Gold", "Silver"]),
            ..field("Tier__c", "Tier", T::Picklist, 255)
        },
        field("Lifetime_Value__c", "Lifetime Value", T::Currency, 0),
    ];
    ObjectDescribe::new("Contact", fields)
}

/// The columns of the demo's customers.
pub(crate) fn columns() -> Vec<Column> {
    let text = |length| ColumnType::Text { length };
    [
        ("CUSTOMER_ID", ColumnType::Number { precision: 38, scale: 0 }),
        ("FIRST_NAME", text(60)),
        ("LAST_NAME", text(60)),
        ("EMAIL", text(120)),
        ("PHONE", text(40)),
        ("TITLE", text(300)),
        ("COMPANY", text(120)),
        ("CUSTOMER_TYPE", text(20)),
        ("CITY", text(60)),
        ("STATE", text(40)),
        ("COUNTRY", text(60)),
        ("BIRTHDATE", ColumnType::Date),
        ("LIFETIME_VALUE", ColumnType::Number { precision: 12, scale: 2 }),
        ("UPDATED_AT", ColumnType::TimestampNtz),
    ]
    .map(|(name, kind)| Column { name: name.into(), kind, nullable: true })
    .into()
}

/// Two rows of them.
pub(crate) fn samples() -> Vec<Vec<Value>> {
    let text = |text: &str| Value::Text(text.into());
    let number = |digits: &str| Value::Number(digits.parse().unwrap());
    let day = |text: &str| Value::Date(text.parse().unwrap());
    let at = |text: &str| Value::TimestampNtz(text.parse().unwrap());
    vec![
        vec![
            number("1001"),
            text("Dana"),
            text("O'Brien"),
            text("dana.obrien@acme.io"),
            text("+1 415 555 0100"),
            text("VP, Logistics"),
            text("Acme"),
            text("reseller"),
            text("San Francisco"),
            text("CA"),
            text("US"),
            day("1980-02-29"),
            number("22500.50"),
            at("2026-11-20T08:30:00"),
        ],
        vec![
            number("1002"),
            text("Lee "),
            Value::Null,
            text("LEE@globex.example"),
            text("0207 946 0000"),
            text(&"Chief ".repeat(30)),
            text("Globex"),
            text("direct"),
            text("London"),
            Value::Null,
            text("UK"),
            Value::Null,
            number("0.00"),
            at("2026-11-21T09:00:00"),
        ],
    ]
}

/// A mapping that somebody has half drawn.
pub(crate) fn mapping() -> Mapping {
    let mut mapping = Mapping::new("sales", "Contact");
    mapping.matcher.terms = vec![MatchTerm { column: "EMAIL".into(), field: "Email".into() }];
    mapping.links = vec![
        Link::new("EMAIL", "Email"),
        Link::new("FIRST_NAME", "FirstName"),
        Link::new("LAST_NAME", "LastName"),
        Link { transforms: vec![Transform::Digits], ..Link::new("PHONE", "Phone") },
        Link::new("TITLE", "Title"),
        Link::new("CITY", "MailingCity"),
        Link::new("COUNTRY", "MailingCountry"),
        Link::new("CUSTOMER_ID", "Customer_Id__c"),
    ];
    mapping
}

/// The screen over that mapping.
pub(crate) fn screen() -> Drawing {
    Drawing::new("customers.sql", columns(), samples(), contact(), mapping())
}

/// The screen over a mapping without a line.
pub(crate) fn empty() -> Drawing {
    Drawing::new("customers.sql", columns(), samples(), contact(), Mapping::new("sales", "Contact"))
}

/// Presses keys: actions one after another, and typed text.
pub(crate) fn press(screen: &mut Drawing, actions: &[Act]) {
    for action in actions {
        screen.act(*action);
    }
}

/// Types letters.
pub(crate) fn typed(screen: &mut Drawing, text: &str) {
    text.chars().for_each(|letter| screen.act(Act::Type(letter)));
}
