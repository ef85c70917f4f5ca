//! The permission set that the mappings onto a Salesforce org need.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quick_xml::escape::escape;
use serde::Serialize;

use crate::config::Model;
use crate::mapping::{Mapping, Operation};
use crate::salesforce::ObjectSecurity;

/// Standard fields that go with the object: no permission set takes them. Used where the org cannot
/// be asked, whose describe says so of every field.
const NEVER_GRANTED: &[&str] = &[
    "Id",
    "IsDeleted",
    "Name",
    "FirstName",
    "LastName",
    "Salutation",
    "OwnerId",
    "RecordTypeId",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
    "MasterRecordId",
];

/// What an administrator assigns to the user that signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionSet {
    /// API name.
    pub name: String,
    /// What people see.
    pub label: String,
    /// The mappings that need it.
    pub mappings: Vec<String>,
    /// The user permission "API Enabled".
    pub api_enabled: bool,
    /// Rights on objects.
    pub objects: Vec<ObjectGrant>,
    /// Rights on fields.
    pub fields: Vec<FieldGrant>,
    /// Fields that are used and go with the object.
    pub without_permission: Vec<String>,
    /// Why the org could not be asked what is there already.
    pub not_compared: Option<String>,
}

/// Rights on one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct ObjectGrant {
    /// API name.
    pub object: String,
    /// See records.
    pub read: bool,
    /// Create records.
    pub create: bool,
    /// Change records.
    pub edit: bool,
    /// Delete records.
    pub delete: bool,
    /// Whether the signed-in user has it all; unknown when the org was not asked.
    pub has: Option<bool>,
}

/// Rights on one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldGrant {
    /// API name of the object.
    pub object: String,
    /// API name of the field.
    pub field: String,
    /// See its value.
    pub read: bool,
    /// Change its value.
    pub edit: bool,
    /// Whether the signed-in user has it; unknown when the org was not asked.
    pub has: Option<bool>,
}

impl PermissionSet {
    /// What the mappings of these models onto `connection` need.
    pub(super) fn of(connection: &str, models: &[Model]) -> Self {
        let mut builder = Builder::default();
        for model in models {
            for named in model.mappings.iter().filter(|named| named.mapping.connection == connection) {
                builder.mappings.push(format!("{}/{}", model.slug, named.slug));
                builder.add(&named.mapping);
            }
        }
        Self {
            name: api_name(connection),
            label: format!("gondola {connection}"),
            mappings: builder.mappings,
            api_enabled: true,
            objects: builder.objects.into_values().collect(),
            fields: builder.fields.into_values().collect(),
            without_permission: Vec::new(),
            not_compared: None,
        }
    }

    /// Holds the rights on one object against what the user has.
    pub(super) fn compare(&mut self, security: &ObjectSecurity) {
        for grant in self.objects.iter_mut().filter(|grant| grant.object.eq_ignore_ascii_case(&security.name)) {
            grant.object.clone_from(&security.name);
            grant.has = Some(
                (!grant.create || security.createable)
                    && (!grant.edit || security.updateable)
                    && (!grant.delete || security.deletable),
            );
        }
        let (objects, fields) = (&self.objects, &mut self.fields);
        let creates = objects.iter().any(|grant| grant.object == security.name && grant.create);
        let mut bare = Vec::new();
        fields.retain_mut(|grant| {
            if !grant.object.eq_ignore_ascii_case(&security.name) {
                return true;
            }
            grant.object.clone_from(&security.name);
            let Some(field) = security.field(&grant.field) else {
                grant.has = Some(false);
                return true;
            };
            grant.field.clone_from(&field.name);
            if !field.permissionable {
                bare.push(format!("{}.{}", grant.object, grant.field));
                return false;
            }
            // Without the right to change records, no field says that it may be changed.
            let may_edit = if creates { field.createable } else { field.updateable };
            grant.has = Some(!grant.edit || may_edit);
            true
        });
        self.without_permission.extend(bare);
    }

    /// The user does not see the object at all.
    pub(super) fn hidden(&mut self, object: &str) {
        self.objects.iter_mut().filter(|grant| grant.object == object).for_each(|grant| grant.has = Some(false));
        self.fields.iter_mut().filter(|grant| grant.object == object).for_each(|grant| grant.has = Some(false));
        self.finish();
    }

    /// The org could not be asked.
    pub(super) fn not_compared(&mut self, why: String) {
        self.not_compared = Some(why);
        self.objects.iter_mut().for_each(|grant| grant.has = None);
        self.fields.iter_mut().for_each(|grant| grant.has = None);
        self.finish();
    }

    /// Takes out what no org grants, and sorts.
    pub(super) fn finish(&mut self) {
        let bare = &mut self.without_permission;
        self.fields.retain(|grant| {
            let never = NEVER_GRANTED.iter().any(|name| grant.field.eq_ignore_ascii_case(name));
            if never {
                bare.push(format!("{}.{}", grant.object, grant.field));
            }
            !never
        });
        bare.sort();
        bare.dedup();
    }

    /// As metadata: `NAME.permissionset-meta.xml`, for `sf project deploy start`.
    pub fn metadata(&self) -> String {
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PermissionSet xmlns=\"http://soap.sforce.com/2006/04/metadata\">\n",
        );
        let mut element = |indent: usize, name: &str, value: &str| {
            let _ = writeln!(xml, "{:indent$}<{name}>{}</{name}>", "", escape(value), indent = indent * 4);
        };
        element(1, "description", &format!("What gondola needs for {}.", self.mappings.join(", ")));
        let flag = |on: bool| if on { "true" } else { "false" };
        let mut blocks = String::new();
        for grant in &self.fields {
            let _ = write!(
                blocks,
                "    <fieldPermissions>\n        <editable>{}</editable>\n        <field>{}.{}</field>\n        \
                 <readable>{}</readable>\n    </fieldPermissions>\n",
                flag(grant.edit),
                escape(grant.object.as_str()),
                escape(grant.field.as_str()),
                flag(grant.read)
            );
        }
        xml.push_str(&blocks);
        let _ = writeln!(xml, "    <hasActivationRequired>false</hasActivationRequired>");
        let _ = writeln!(xml, "    <label>{}</label>", escape(self.label.as_str()));
        for grant in &self.objects {
            let _ = write!(
                xml,
                "    <objectPermissions>\n        <allowCreate>{}</allowCreate>\n        <allowDelete>{}</allowDelete>\n        \
                 <allowEdit>{}</allowEdit>\n        <allowRead>{}</allowRead>\n        \
                 <modifyAllRecords>false</modifyAllRecords>\n        <object>{}</object>\n        \
                 <viewAllRecords>false</viewAllRecords>\n    </objectPermissions>\n",
                flag(grant.create),
                flag(grant.delete),
                flag(grant.edit),
                flag(grant.read),
                escape(grant.object.as_str())
            );
        }
        xml.push_str(
            "    <userPermissions>\n        <enabled>true</enabled>\n        <name>ApiEnabled</name>\n    \
             </userPermissions>\n</PermissionSet>\n",
        );
        xml
    }
}

/// Rights by lower-case name: the API does not tell cases apart.
#[derive(Default)]
struct Builder {
    mappings: Vec<String>,
    objects: BTreeMap<String, ObjectGrant>,
    fields: BTreeMap<(String, String), FieldGrant>,
}

impl Builder {
    fn add(&mut self, mapping: &Mapping) {
        let operation = mapping.operation;
        let object = self.object(&mapping.object);
        object.create |= matches!(operation, Operation::Create | Operation::Upsert);
        // Who may delete must be able to edit.
        object.edit |= operation != Operation::Create;
        object.delete |= operation == Operation::Delete;
        for term in &mapping.matcher.terms {
            self.field(&mapping.object, &term.field, false);
        }
        if operation == Operation::Delete {
            return;
        }
        for link in &mapping.links {
            self.field(&mapping.object, &link.field, true);
            if let Some(lookup) = &link.lookup {
                self.object(&lookup.object);
                self.field(&lookup.object, &lookup.field, false);
            }
        }
    }

    fn object(&mut self, name: &str) -> &mut ObjectGrant {
        self.objects.entry(name.to_lowercase()).or_insert_with(|| ObjectGrant {
            object: name.to_owned(),
            read: true,
            ..ObjectGrant::default()
        })
    }

    fn field(&mut self, object: &str, field: &str, edit: bool) {
        let grant = self.fields.entry((object.to_lowercase(), field.to_lowercase())).or_insert_with(|| FieldGrant {
            object: object.to_owned(),
            field: field.to_owned(),
            read: true,
            edit: false,
            has: None,
        });
        grant.edit |= edit;
    }
}

/// A name as the Metadata API takes it: letters, digits, single underscores, none at the end.
fn api_name(connection: &str) -> String {
    let mut name = String::from("gondola");
    for word in connection.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        name.push('_');
        name.push_str(word);
    }
    name.truncate(80);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NamedMapping;
    use crate::mapping::{Link, Lookup, MatchTerm, Missing};
    use crate::salesforce::FieldSecurity;

    fn set() -> PermissionSet {
        let mut upsert = Mapping::new("sales", "Contact");
        upsert.links = ["Email", "LastName", "Title", "AccountId"].map(|field| Link::new("X", field)).into();
        upsert.links[3].lookup =
            Some(Lookup { object: "Account".into(), field: "External_Id__c".into(), missing: Missing::Reject });
        upsert.matcher.terms = vec![MatchTerm { column: "X".into(), field: "email".into() }];
        let mut delete = Mapping::new("sales", "Lead");
        delete.operation = Operation::Delete;
        delete.matcher.terms = upsert.matcher.terms.clone();
        let named = |slug: &str, mapping| NamedMapping { slug: slug.to_owned(), mapping };
        let other = Mapping::new("other", "Case");
        let model = Model {
            slug: "customers".into(),
            name: "Customers".into(),
            connection: "prod".into(),
            key: vec![],
            sql: String::new(),
            schedule: None,
            mappings: vec![named("a", upsert), named("b", delete), named("c", other)],
        };
        PermissionSet::of("sales", &[model])
    }

    fn field(name: &str, permissionable: bool, writable: bool) -> FieldSecurity {
        FieldSecurity {
            name: name.to_owned(),
            custom: false,
            permissionable,
            createable: writable,
            updateable: writable,
            filterable: true,
        }
    }

    #[test]
    fn a_set_holds_what_the_mappings_use_and_no_more() {
        let mut set = set();
        set.not_compared("no".to_owned());
        let objects: Vec<_> =
            set.objects.iter().map(|o| (o.object.as_str(), o.create, o.edit, o.delete, o.read)).collect();
        assert_eq!(
            objects,
            [
                ("Account", false, false, false, true),
                ("Contact", true, true, false, true),
                ("Lead", false, true, true, true)
            ]
        );
        let fields: Vec<_> = set.fields.iter().map(|f| (format!("{}.{}", f.object, f.field), f.edit)).collect();
        assert_eq!(
            fields,
            [
                ("Account.External_Id__c".to_owned(), false),
                ("Contact.AccountId".to_owned(), true),
                ("Contact.email".to_owned(), true),
                ("Contact.Title".to_owned(), true),
                ("Lead.email".to_owned(), false),
            ]
        );
        assert_eq!(set.without_permission, ["Contact.LastName"]);
        assert_eq!(api_name("sales.eu--x_"), "gondola_sales_eu_x");
    }

    #[test]
    fn what_the_user_has_is_told_from_what_is_missing() {
        let mut set = set();
        set.compare(&ObjectSecurity {
            name: "Contact".to_owned(),
            createable: true,
            updateable: true,
            deletable: false,
            fields: vec![field("Email", true, true), field("LastName", false, true), field("Title", true, false)],
        });
        set.hidden("Lead");
        let has = |name: &str| set.fields.iter().find(|f| f.object == "Contact" && f.field == name).unwrap().has;
        assert_eq!((has("Email"), has("Title"), has("AccountId")), (Some(true), Some(false), Some(false)));
        assert_eq!(set.objects.iter().map(|o| o.has).collect::<Vec<_>>(), [None, Some(true), Some(false)]);
    }

    #[test]
    fn metadata_is_xml_that_reads_back() {
        let mut set = set();
        set.label = "a < b & c".to_owned();
        set.not_compared(String::new());
        let text = set.metadata();
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut fields = 0;
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Start(start) if start.name().as_ref() == b"fieldPermissions" => fields += 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(fields, 5);
        assert!(text.contains("<label>a &lt; b &amp; c</label>") && text.contains("<name>ApiEnabled</name>"));
    }
}
