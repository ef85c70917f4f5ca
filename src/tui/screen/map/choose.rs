//! What is chosen from lists on the Map screen: the object, and what a reference is looked up by.

use super::{MapScreen, NamedMapping};
use crate::engine::{Aged, Freshness, Shape};
use crate::mapping::{Link, Lookup, Mapping, Missing};
use crate::tui::effect::Effect;
use crate::tui::overlay::{Overlay, Question};
use crate::tui::screen::Context;
use crate::tui::widget::picker::{Choice, Picker};
use crate::tui::widget::toast::Tone;
use crate::types::{Field, FieldType, ObjectDescribe, ObjectSummary};

/// The choice that takes a lookup away.
const NO_LOOKUP: &str = "(no lookup)";

impl MapScreen {
    /// Reads the object's fields again, whatever is known.
    pub(super) fn refresh(&mut self, cx: &mut Context<'_>) {
        let Some(drawing) = &self.drawing else { return };
        if !self.describe.is_busy() {
            let mapping = Box::new(drawing.mapping().clone());
            cx.ask(&mut self.describe, |ticket| Effect::Describe(ticket, mapping, Freshness::Now));
        }
    }

    /// Asks for the objects of the org.
    pub(super) fn ask_objects(&mut self, cx: &mut Context<'_>) {
        if let (Some(connection), false) = (cx.work.destination.clone(), self.objects.is_busy()) {
            cx.ask(&mut self.objects, |ticket| Effect::Objects(ticket, connection));
        }
    }

    /// Shows them.
    pub(super) fn show_objects(&self, objects: &[ObjectSummary], cx: &mut Context<'_>) {
        let here = self.drawing.as_ref().map_or("", |drawing| drawing.object.name.as_str());
        let mapped = |name: &str| {
            cx.work
                .model
                .as_ref()
                .is_some_and(|model| model.mappings.iter().any(|known| known.mapping.object.eq_ignore_ascii_case(name)))
        };
        let choices: Vec<Choice> = objects
            .iter()
            .filter(|object| object.is_writable())
            .map(|object| Choice {
                name: object.name.clone(),
                note: if mapped(&object.name) { format!("{}, mapped", object.label) } else { object.label.clone() },
            })
            .collect();
        let picker = Picker::new(format!("Rows go to which of {} objects?", choices.len()), choices, here);
        cx.open(Overlay::Pick { question: Question::Object, picker });
    }

    /// Opens the model's mapping onto this object, or begins one. What was drawn before is saved.
    pub(super) fn choose_object(&mut self, name: &str, cx: &mut Context<'_>) {
        if self.drawing.as_ref().is_some_and(|drawing| drawing.object.name == name) {
            return;
        }
        self.write(cx);
        let Some(model) = &cx.work.model else { return };
        let known = model.mappings.iter().find(|known| known.mapping.object.eq_ignore_ascii_case(name)).cloned();
        if let Some(NamedMapping { mapping, .. }) = &known {
            cx.work.destination = Some(mapping.connection.clone());
        }
        self.new_object = Some((model.slug.clone(), name.to_owned()));
        cx.work.mapping = known;
        cx.work.object = None;
        cx.work.synced = false;
        (self.drawing, self.of) = (None, None);
        self.open(cx);
    }

    /// Asks for the fields of the objects that the reference at the cursor may point to.
    pub(super) fn ask_parents(&mut self, cx: &mut Context<'_>) {
        let Some(drawing) = &self.drawing else { return };
        let Some((_, field)) = drawing.reference_here() else {
            cx.say(Tone::Plain, "Go to a line that leads to a reference, such as AccountId");
            return;
        };
        // The same question as for a mapping that looks up in each of them.
        let mut mapping = Mapping::new(drawing.mapping().connection.clone(), drawing.object.name.clone());
        mapping.links = field
            .reference_to
            .iter()
            .map(|object| Link {
                lookup: Some(Lookup { object: object.clone(), field: String::new(), missing: Missing::Reject }),
                ..Link::new("", &field.name)
            })
            .collect();
        cx.ask(&mut self.parents, |ticket| Effect::Describe(ticket, Box::new(mapping), Freshness::Any));
    }

    /// Shows by which fields the record can be found.
    pub(super) fn show_parents(&mut self, shape: &Aged<Shape>, cx: &mut Context<'_>) {
        let Some(drawing) = &mut self.drawing else { return };
        let (object, checked_at) = (drawing.object.clone(), drawing.checked_at.unwrap_or(shape.checked_at));
        drawing.set_object(object, &shape.value.parents, checked_at);
        let Some((link, field)) = drawing.reference_here() else { return };
        let mut choices: Vec<Choice> = shape.value.parents.iter().flat_map(ways).collect();
        choices.push(Choice { name: NO_LOOKUP.to_owned(), note: "the column holds record ids".to_owned() });
        let now = drawing.mapping().links.get(link).and_then(|link| link.lookup.as_ref());
        let at = now.map_or_else(String::new, |lookup| format!("{}.{}", lookup.object, lookup.field));
        let picker = Picker::new(format!("{} is found by", field.name), choices, &at);
        cx.open(Overlay::Pick { question: Question::Lookup, picker });
    }

    /// Takes what was chosen.
    pub(super) fn choose_lookup(&mut self, way: &str) {
        let Some(drawing) = &mut self.drawing else { return };
        let Some((link, _)) = drawing.reference_here() else { return };
        let missing = drawing.mapping().links[link].lookup.as_ref().map_or(Missing::Reject, |lookup| lookup.missing);
        let lookup = way.split_once('.').map(|(object, field)| Lookup {
            object: object.to_owned(),
            field: field.to_owned(),
            missing,
        });
        drawing.set_lookup(link, lookup);
    }
}

/// By what a parent can be found, what is unique first.
fn ways(parent: &ObjectDescribe) -> Vec<Choice> {
    let fits = |field: &&Field| match field.kind {
        FieldType::String | FieldType::Email | FieldType::Phone | FieldType::Url => true,
        // Numbers of an administrator's are keys; Salesforce's own are revenues and latitudes.
        FieldType::Double | FieldType::Int => field.custom,
        _ => false,
    };
    let mut ways: Vec<_> = parent.fields.iter().filter(|field| field.filterable).filter(fits).collect();
    ways.sort_by_key(|field| (!field.unique, !field.external_id, !field.id_lookup, field.name != "Name"));
    ways.into_iter()
        .map(|field| Choice {
            name: format!("{}.{}", parent.name, field.name),
            note: match (field.unique, field.external_id) {
                (true, _) => format!("{}, unique", field.label),
                (false, true) => format!("{}, external id", field.label),
                _ => field.label.clone(),
            },
        })
        .collect()
}
