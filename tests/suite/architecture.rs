//! The house rules that the compiler does not know: who may import whom, who may name what.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders in the order in which data flows, with what each may import of ours.
const ROOMS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("destination.rs", &["types"]),
    ("sql", &["types"]),
    ("mapping", &["types", "destination"]),
    ("plan", &["types", "destination", "mapping"]),
    ("schedule", &[]),
    ("config", &["types", "destination", "mapping", "schedule"]),
    ("snowflake", &["types", "sql"]),
    ("salesforce", &["types", "destination"]),
    ("store", &["types", "destination", "mapping", "plan", "schedule"]),
    (
        "engine",
        &["types", "destination", "mapping", "plan", "config", "snowflake", "salesforce", "store", "sql", "schedule"],
    ),
    ("tui", &["types", "destination", "mapping", "plan", "config", "store", "engine", "sql", "snowflake", "schedule"]),
    (
        "cli",
        &[
            "types",
            "destination",
            "mapping",
            "plan",
            "config",
            "store",
            "engine",
            "sql",
            "snowflake",
            "schedule",
            "tui",
            "sandbox",
        ],
    ),
    // The stand-ins must be able to disagree with the clients.
    ("sandbox", &[]),
];

/// Crates that only some folders may name.
const GUARDED: &[(&str, &[&str])] = &[
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("tui_textarea", &["tui"]),
    ("reqwest", &["salesforce", "snowflake"]),
    ("rusqlite", &["store", "sandbox"]),
    ("snowflake_api", &["snowflake"]),
    ("datafusion", &["sandbox"]),
    ("axum", &["sandbox"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// The room of a file: the first part of its path under `src`.
fn room(file: &Path) -> String {
    let under = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    under.components().next().unwrap().as_os_str().to_string_lossy().into_owned()
}

/// The lines of a file that are compiled into the program: no comments, no test modules.
fn program_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(n, l)| (n + 1, l))
}

fn is_test_file(file: &Path) -> bool {
    let name = file.to_string_lossy();
    name.ends_with("/tests.rs")
        || name.contains("/tests/")
        || name.ends_with("testing.rs")
        || name.ends_with("stub.rs")
        || name.ends_with("fixture.rs")
}

/// Names that follow `crate::` in a line, whether in a path or at the start of a use list.
fn ours<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    line.match_indices(prefix)
        .filter_map(|(at, _)| {
            let rest = &line[at + prefix.len()..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            (end > 0).then_some(&rest[..end])
        })
        .collect()
}

fn violations(check: impl Fn(&str, &str) -> Option<String>) -> Vec<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for file in sources(&src).into_iter().filter(|file| !is_test_file(file)) {
        let room = room(&file);
        if matches!(room.as_str(), "lib.rs" | "main.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in program_lines(&text) {
            if let Some(rule) = check(&room, line) {
                found.push(format!("{}:{number}: {rule}: {}", file.display(), line.trim()));
            }
        }
    }
    found
}

#[test]
fn imports_run_in_one_direction() {
    let found = violations(|room, line| {
        let allowed = ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed)?;
        let own = room.trim_end_matches(".rs");
        ours(line, "crate::")
            .into_iter()
            .find(|name| *name != own && !allowed.contains(name))
            .map(|name| format!("{room} may not import {name}"))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_folder_is_in_the_table() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in sources(&src) {
        let room = room(&file);
        assert!(
            matches!(room.as_str(), "lib.rs" | "main.rs") || ROOMS.iter().any(|(name, _)| *name == room),
            "src/{room} is in no rule"
        );
    }
}

#[test]
fn guarded_crates_are_named_where_they_belong() {
    let found = violations(|room, line| {
        GUARDED
            .iter()
            .find(|(name, rooms)| {
                !rooms.contains(&room)
                    && (line.trim_start().starts_with(&format!("use {name}::")) || line.contains(&format!(" {name}::")))
            })
            .map(|(name, rooms)| format!("{name} only under {}", rooms.join(", ")))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn crossterm_stays_in_the_terminal_files() {
    let found =
        violations(|room, line| (room == "tui" && line.contains("crossterm::")).then(|| "crossterm".to_owned()));
    let strangers: Vec<&String> = found
        .iter()
        .filter(|place| {
            !["tui/terminal.rs", "tui/input.rs", "tui/event_loop.rs", "tui/output.rs"]
                .iter()
                .any(|file| place.contains(file))
        })
        .collect();
    assert!(strangers.is_empty(), "{strangers:#?}");
}

#[test]
fn the_top_level_holds_what_was_agreed() {
    let agreed =
        ["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "CHANGELOG.md", "src", "assets", "tests", "target"];
    for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || agreed.contains(&name.as_str()), "{name} at the top level");
    }
}
