//! What an administrator can change: rights, rules, sign-in policies, row locks. Turned by `POST /fault`.

use std::collections::BTreeSet;

use super::schema::{Field, Object};
use crate::sandbox::fault::{Action, Fault, Point};

/// What the duplicate rule of Contact does when it finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateRule {
    /// Refuses, unless the client says that it knows.
    #[default]
    Alert,
    /// Refuses, whatever the client says.
    Block,
    /// Sleeps.
    Off,
}

/// What the connected app may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum App {
    /// Everybody may use it.
    #[default]
    Approved,
    /// Nobody has approved it.
    Unapproved,
    /// The administrator blocks it.
    Blocked,
}

/// How the org is set up.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Object and field, in lower case, that the user may not write.
    read_only: BTreeSet<(String, String)>,
    /// Objects, in lower case, of which the user may not create records.
    no_create: BTreeSet<String>,
    /// The duplicate rule.
    pub duplicate_rule: DuplicateRule,
    /// Whether the second validation rule is on.
    pub phone_rule: bool,
    /// The connected app.
    pub app: App,
    /// Whether the device flow is refused.
    pub device_refused: bool,
    /// Whether a refresh gives a new refresh token.
    pub rotates: bool,
    /// Whether logins must append the security token.
    pub security_token: bool,
}

impl Setup {
    /// Turns a switch; the fault has been checked.
    pub fn turn(&mut self, fault: &Fault) {
        let object = fault.object.as_deref().unwrap_or("Contact").to_lowercase();
        let on = fault.action != Action::Off;
        match fault.on {
            Point::SecurityToken => self.security_token = on,
            Point::ValidationRule => self.phone_rule = on,
            Point::Device => self.device_refused = on,
            Point::Refresh => self.rotates = fault.action == Action::Rotate,
            Point::App => {
                self.app = match fault.action {
                    Action::Block => App::Blocked,
                    Action::Unapproved => App::Unapproved,
                    _ => App::Approved,
                };
            }
            Point::DuplicateRule => {
                self.duplicate_rule = match fault.action {
                    Action::Block => DuplicateRule::Block,
                    Action::Off => DuplicateRule::Off,
                    _ => DuplicateRule::Alert,
                };
            }
            Point::Field => {
                let place = (object, fault.field.as_deref().unwrap_or_default().to_lowercase());
                if on {
                    self.read_only.insert(place)
                } else {
                    self.read_only.remove(&place)
                };
            }
            Point::Object => {
                if on {
                    self.no_create.insert(object)
                } else {
                    self.no_create.remove(&object)
                };
            }
            _ => {}
        }
    }

    /// Whether the user's profile lets the field be written.
    pub fn may_write(&self, object: &Object, field: &Field) -> bool {
        // Asked for every field of every row: mostly there is nothing to look up.
        self.read_only.is_empty() || !self.read_only.contains(&(object.name.to_lowercase(), field.name.to_lowercase()))
    }

    /// Whether the user's profile lets records be created.
    pub fn may_create(&self, object: &Object) -> bool {
        object.writable && !self.no_create.contains(&object.name.to_lowercase())
    }
}
