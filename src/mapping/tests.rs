//! What each transform and each policy promises, for any value.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::destination::{Payload, Record, Wire};
use crate::plan::{Action, Parent, Parents, RowFacts, Rules, decide};
use crate::types::{Column, ColumnType, Decimal, Field, FieldType, ObjectDescribe, Value};

/// Any text, with much of what makes texts hard: blanks at the ends, other scripts, quotes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,20}", "[ \\t\u{a0}]{0,2}[a-zA-Z0-9'.+ -]{0,12}[ \\t]{0,2}", "[ ]{0,3}"]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        6 => text().prop_map(Value::Text),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => (any::<i64>(), 0u8..6).prop_map(|(n, scale)| Value::Number(Decimal::new(i128::from(n), scale))),
        1 => wall().prop_map(Value::TimestampNtz),
    ]
}

fn date() -> impl Strategy<Value = civil::Date> {
    (1000i16..9999, 1i8..13, 1i8..29).prop_map(|(year, month, day)| civil::date(year, month, day))
}

fn wall() -> impl Strategy<Value = civil::DateTime> {
    let time = (0i8..24, 0i8..60, 0i8..60).prop_map(|(hour, minute, second)| civil::time(hour, minute, second, 0));
    ((1970i16..2100, 1i8..13, 1i8..29), time)
        .prop_map(|((year, month, day), time)| civil::date(year, month, day).to_datetime(time))
}

fn apply(step: &str, value: Value) -> Value {
    step.parse::<Transform>().unwrap().apply(value).unwrap()
}

fn on_text(step: &str, text: &str) -> String {
    match apply(step, Value::from(text)) {
        Value::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

/// Columns A and B onto fields of ten characters.
fn object() -> ObjectDescribe {
    let fields = ["Title", "Department", "Phone"].map(|name| Field::new(name, FieldType::String, 10));
    ObjectDescribe::new("Contact", fields.into())
}

fn mapper(links: Vec<Link>) -> Mapper {
    let column = |name: &str| Column { name: name.into(), kind: ColumnType::Text { length: 100 }, nullable: true };
    let mut mapping = Mapping::new("sales", "Contact");
    mapping.links = links;
    Mapper::new(&mapping, &[column("A"), column("B")], &object()).unwrap()
}

fn mapped(link: Link, value: &Value) -> MappedRow {
    mapper(vec![link]).map(&[value.clone(), Value::Null])
}

proptest! {
    #[test]
    fn null_passes_through_every_step_but_default(default in text()) {
        for step in ["trim", "lower", "upper", "title", "digits", "date:%Y", "zone:UTC", "truncate", "map:{a=b}"] {
            prop_assert_eq!(apply(step, Value::Null), Value::Null, "{}", step);
        }
        prop_assert_eq!(apply(&format!("default:{default}"), Value::Null), Value::Text(default));
    }

    #[test]
    fn trim_takes_the_ends_and_nothing_else(text in text(), before in "[ \\t]{0,3}", after in "[ \\n]{0,3}") {
        let trimmed = on_text("trim", &format!("{before}{text}{after}"));
        prop_assert_eq!(&trimmed, text.trim());
        prop_assert_eq!(on_text("trim", &trimmed), trimmed);
    }

    #[test]
    fn case_changes_letters_and_only_their_case(text in text()) {
        let (lower, upper) = (on_text("lower", &text), on_text("upper", &text));
        prop_assert!(!lower.chars().any(|c| c.is_ascii_uppercase()) && !upper.chars().any(|c| c.is_ascii_lowercase()));
        prop_assert_eq!(on_text("lower", &lower), lower.clone());
        let plain = |text: &str| text.chars().filter(|c| !c.is_alphabetic() && c.is_ascii()).collect::<String>();
        prop_assert_eq!((plain(&lower), plain(&upper)), (plain(&text), plain(&text)));
    }

    #[test]
    fn title_begins_each_word_with_a_capital(words in prop::collection::vec("[a-zA-Z]{1,8}", 1..5)) {
        let made = on_text("title", &words.join(" "));
        for (word, made) in words.iter().zip(made.split(' ')) {
            let (first, rest) = word.split_at(1);
            prop_assert_eq!(made, first.to_uppercase() + &rest.to_lowercase());
        }
        prop_assert_eq!(on_text("title", &made), made);
    }

    #[test]
    fn digits_keeps_the_digits_in_their_order(text in text()) {
        let digits = on_text("digits", &text);
        let wanted: String = text.chars().filter(char::is_ascii_digit).collect();
        prop_assert_eq!(digits.trim_start_matches('+'), wanted);
        prop_assert_eq!(digits.starts_with('+'), text.trim().starts_with('+'));
    }

    #[test]
    fn default_takes_the_place_of_nothing_only(value in value(), default in "[a-z]{1,8}") {
        let made = apply(&format!("default:{default}"), value.clone());
        prop_assert_eq!(made, if value.is_blank() { Value::Text(default) } else { value });
    }

    #[test]
    fn a_date_is_read_by_its_pattern_or_refused(date in date(), noise in "[a-z]{1,9}") {
        for pattern in ["%d.%m.%Y", "%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"] {
            let step = format!("date:{pattern}");
            prop_assert_eq!(apply(&step, Value::Text(format!(" {} ", date.strftime(pattern)))), Value::Date(date));
            prop_assert_eq!(apply(&step, Value::Date(date)), Value::Date(date));
            prop_assert!(step.parse::<Transform>().unwrap().apply(Value::Text(noise.clone())).is_err());
        }
    }

    #[test]
    fn a_zone_finds_the_instant_of_a_wall_clock(wall in wall(), zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"])) {
        let Value::TimestampTz { utc, offset_minutes } = apply(&format!("zone:{zone}"), Value::TimestampNtz(wall)) else {
            panic!("no instant");
        };
        // By the other way round: what a clock there shows at that instant.
        let zoned = TimeZone::get(zone).unwrap().to_ambiguous_zoned_datetime(wall).compatible().unwrap();
        prop_assert_eq!(TimeZone::UTC.to_datetime(zoned.timestamp()), utc);
        prop_assert_eq!(i32::from(offset_minutes) * 60, zoned.offset().seconds());
        let instant = Value::TimestampLtz(wall);
        prop_assert_eq!(apply(&format!("zone:{zone}"), instant.clone()), instant, "an instant needs no zone");
    }

    #[test]
    fn a_map_changes_what_it_lists_and_nothing_else(text in text(), listed in "[a-z]{1,6}", to in "[A-Z]{1,6}") {
        let step = Transform::Map(vec![(listed.clone(), to.clone())]);
        let made = step.apply(Value::Text(text.clone())).unwrap();
        let hit = text.trim().eq_ignore_ascii_case(&listed);
        prop_assert_eq!(made, Value::Text(if hit { to.clone() } else { text }));
        prop_assert_eq!(step.apply(Value::Text(format!(" {} ", listed.to_uppercase()))).unwrap(), Value::Text(to));
    }

    #[test]
    fn steps_are_written_and_read_back(text in "[a-zA-Z0-9 .%]{1,12}", other in "[a-zA-Z0-9 ]{1,12}") {
        let steps = [
            Transform::Default(text.clone()),
            Transform::Date(text.clone()),
            Transform::Map(vec![(text.clone(), other.clone()), (other, text)]),
        ];
        for step in steps {
            prop_assert_eq!(step.to_string().parse::<Transform>().unwrap(), step);
        }
    }

    #[test]
    fn too_long_text_is_refused_or_cut_at_a_letter(text in "\\PC{1,20}") {
        prop_assume!(!text.trim().is_empty());
        let letters = text.chars().count();
        let cut: String = text.chars().take(10).collect();
        let reject = mapped(Link::new("A", "Title"), &Value::Text(text.clone()));
        prop_assert_eq!(reject.rejections.len(), usize::from(letters > 10));
        let sent = (letters <= 10).then(|| json!(text));
        prop_assert_eq!(reject.payload.get("Title"), sent.as_ref());
        let policy = Link { too_long: TooLong::Truncate, ..Link::new("A", "Title") };
        let step = Link { transforms: vec![Transform::Truncate], ..Link::new("A", "Title") };
        for link in [policy, step] {
            let made = mapped(link, &Value::Text(text.clone()));
            prop_assert_eq!((made.rejections.len(), &made.payload["Title"]), (0, &json!(cut)));
        }
    }

    #[test]
    fn templates_and_constants_say_what_they_say(a in "[a-z]{0,3}", b in "[a-z]{0,3}", constant in "[a-z]{1,9}", other in value()) {
        let template = Link { source: Source::Template("{{A}}-{{ B }}".into()), ..Link::new("", "Title") };
        let made = mapper(vec![template]).map(&[Value::from(a.as_str()), Value::from(b.as_str())]);
        prop_assert_eq!(&made.payload["Title"], &json!(format!("{a}-{b}")));
        let link = Link { source: Source::Constant(constant.clone()), ..Link::new("", "Title") };
        prop_assert_eq!(&mapped(link, &other).payload["Title"], &json!(constant));
    }

    #[test]
    fn null_keeps_or_clears_and_other_values_do_not_care(value in value()) {
        let made = |null| {
            let link = Link { null, too_long: TooLong::Truncate, ..Link::new("A", "Title") };
            mapped(link, &value).payload.get("Title").cloned()
        };
        let (keep, clear) = (made(NullPolicy::Keep), made(NullPolicy::Clear));
        if value.is_null() {
            prop_assert_eq!((keep, clear), (None, Some(Wire::Null)));
        } else {
            prop_assert_eq!(&keep, &clear);
            prop_assert_eq!(keep.is_some_and(|wire| wire.is_null()), value.is_blank());
        }
    }

    #[test]
    fn the_hash_alone_is_the_hash_of_the_whole(values in prop::collection::vec((value(), value()), 1..5), upper in any::<bool>()) {
        let mut links = vec![Link::new("A", "Title"), Link { null: NullPolicy::Clear, ..Link::new("B", "Phone") }];
        links.push(Link { source: Source::Template("{{A}}/{{B}}".into()), ..Link::new("", "Department") });
        if upper {
            links[0].transforms.push(Transform::Upper);
        }
        let mapper = mapper(links);
        let mut room = Vec::new();
        for (a, b) in values {
            let row = [a, b];
            prop_assert_eq!(mapper.digest(&row, &mut room), mapper.map(&row).hash);
        }
    }

    #[test]
    fn rows_with_one_hash_send_the_same(a in value(), b in value()) {
        let mapper = mapper(vec![Link::new("A", "Title")]);
        let (one, other) = (mapper.map(&[a, Value::Null]), mapper.map(&[b, Value::Null]));
        let same = one.payload == other.payload && one.rejections == other.rejections;
        prop_assert!(same || one.hash != other.hash);
        let refused = !one.rejections.is_empty() || !other.rejections.is_empty();
        prop_assert!(one.hash == other.hash || one.payload != other.payload || refused);
    }

    #[test]
    fn only_if_empty_writes_where_there_is_nothing(old in prop::option::of("[a-c ]{0,2}"), new in prop::option::of("[a-c]{1,2}"), polite in any::<bool>()) {
        let wire = |text: &Option<String>| text.as_ref().map_or(Wire::Null, |text| json!(text));
        let record = Record { id: "003".into(), fields: [("Title".to_owned(), wire(&old))].into(), modstamp: None };
        let payload: Payload = [("Title".to_owned(), wire(&new))].into();
        let only_if_empty = if polite { vec!["Title".to_owned()] } else { Vec::new() };
        let object = object();
        let rules = Rules {
            operation: Operation::Upsert,
            matching: Some(MatchMode::All),
            object: &object,
            only_if_empty: &only_if_empty,
            persons: false,
            has_places: false,
        };
        let facts = RowFacts { payload: &payload, sources: &BTreeMap::new(), rejections: &[], can_match: true };
        let decision = decide(&rules, facts, &[&record]);
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
        let writes = text(&old) != text(&new) && (!polite || text(&old).is_empty());
        prop_assert_eq!(decision.action, if writes { Action::Update } else { Action::Skip });
        prop_assert_eq!(decision.fields.len(), usize::from(writes));
    }

    #[test]
    fn a_look_up_finds_those_that_have_the_value(have in prop::collection::vec("[abAB]{1,2}", 0..8), ask in prop::collection::vec(" ?[abAB]{1,2} ?", 1..6)) {
        let mut parents = Parents::of(Field::new("Number__c", FieldType::String, 40));
        let records: Vec<Record> = have
            .iter()
            .enumerate()
            .map(|(at, text)| Record {
                id: format!("001{at}"),
                fields: [("Number__c".to_owned(), json!(text))].into(),
                modstamp: None,
            })
            .collect();
        let asked = parents.unknown(ask.iter().map(String::as_str));
        let folded = |text: &str| text.trim().to_lowercase();
        let distinct: BTreeSet<String> = ask.iter().map(|text| folded(text)).collect();
        prop_assert_eq!(asked.len(), distinct.len(), "each value is asked for once");
        parents.learn(&asked, &records);
        for text in &ask {
            let wanted: Vec<String> =
                records.iter().filter(|r| folded(r.fields["Number__c"].as_str().unwrap()) == folded(text)).map(|r| r.id.clone()).collect();
            let found = match parents.get(text) {
                Parent::None => Vec::new(),
                Parent::One(id) => vec![id.clone()],
                Parent::Several(ids) => ids.clone(),
            };
            prop_assert_eq!(found, wanted);
        }
    }
}
