//! The README's key list is the program's own table. `UPDATE=1 cargo test readme` rewrites it.

use gondola::tui::keys::{Scope, bindings};

const START: &str = "<!-- keys -->\n";
const END: &str = "<!-- /keys -->";

fn table() -> String {
    let mut text = String::new();
    let mut titles: Vec<&str> = Vec::new();
    for scope in Scope::ALL {
        if titles.contains(&scope.title()) {
            continue;
        }
        titles.push(scope.title());
        text += &format!("**{}**\n\n| key | what it does |\n|---|---|\n", scope.title());
        for line in bindings().filter(|line| line.scope.title() == scope.title()) {
            let keys: Vec<String> = line.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
            text += &format!("| {} | {} |\n", keys.join(" "), line.help.replace('|', "\\|"));
        }
        text += "\n";
    }
    text
}

#[test]
fn the_key_list_is_the_programs_own() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let start = readme.find(START).unwrap() + START.len();
    let end = readme.find(END).unwrap();
    let wanted = table();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, format!("{}{wanted}{}", &readme[..start], &readme[end..])).unwrap();
        return;
    }
    assert_eq!(&readme[start..end], wanted, "run UPDATE=1 cargo test readme");
}
