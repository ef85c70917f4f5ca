//! The signs that are drawn, in Unicode (box drawing and symbols one cell wide) and in ASCII.

use ratatui::symbols::border;

/// A set of signs. Each is one cell wide.
#[derive(Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named by its meaning")]
pub struct Glyphs {
    pub done: &'static str,
    pub warning: &'static str,
    pub failed: &'static str,
    pub waiting: &'static str,
    pub selected: &'static str,
    pub arrow: &'static str,
    pub ellipsis: &'static str,
    pub dot: &'static str,
    pub separator: &'static str,
    pub above: &'static str,
    pub below: &'static str,
    pub left: &'static str,
    pub right: &'static str,
    pub null: &'static str,
    pub space: &'static str,
    pub control: &'static str,
    pub key: &'static str,
    pub unlinked: &'static str,
    pub linked: &'static str,
    pub matched: &'static str,
    pub step_open: &'static str,
    pub step_close: &'static str,
    pub vertical: &'static str,
    pub horizontal: &'static str,
    pub caret: &'static str,
    pub spinner: [&'static str; 4],
    pub border: border::Set<'static>,
    /// Whether lines are drawn with box characters.
    pub is_unicode: bool,
}

/// Unicode.
pub static UNICODE: Glyphs = Glyphs {
    done: "✓",
    warning: "!",
    failed: "✗",
    waiting: "·",
    selected: ">",
    arrow: "→",
    ellipsis: "…",
    dot: "●",
    separator: "·",
    above: "▴",
    below: "▾",
    left: "◂",
    right: "▸",
    null: "∅",
    space: "·",
    control: "␀",
    key: "◆",
    unlinked: "○",
    linked: "●",
    matched: "◆",
    step_open: "▌",
    step_close: "▐",
    vertical: "│",
    horizontal: "─",
    caret: "▲",
    spinner: ["◐", "◓", "◑", "◒"],
    border: border::ROUNDED,
    is_unicode: true,
};

/// ASCII.
pub static ASCII: Glyphs = Glyphs {
    done: "+",
    warning: "!",
    failed: "x",
    waiting: ".",
    selected: ">",
    arrow: ">",
    ellipsis: "~",
    dot: "*",
    separator: "-",
    above: "^",
    below: "v",
    left: "<",
    right: ">",
    null: "-",
    space: "_",
    control: "?",
    key: "#",
    unlinked: "o",
    linked: "*",
    matched: "#",
    step_open: "[",
    step_close: "]",
    vertical: "|",
    horizontal: "-",
    caret: "^",
    spinner: ["|", "/", "-", "\\"],
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
    is_unicode: false,
};

impl Glyphs {
    /// Unicode if the locale says UTF-8, as POSIX orders its variables; else ASCII.
    pub fn from_environment() -> &'static Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .unwrap_or_default()
            .to_lowercase();
        if locale.contains("utf-8") || locale.contains("utf8") { &UNICODE } else { &ASCII }
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn every_sign_takes_one_cell_and_ascii_is_ascii() {
        for set in [&UNICODE, &ASCII] {
            let all = [
                set.done,
                set.warning,
                set.failed,
                set.waiting,
                set.selected,
                set.arrow,
                set.ellipsis,
                set.dot,
                set.separator,
                set.above,
                set.below,
                set.left,
                set.right,
                set.null,
                set.space,
                set.control,
                set.key,
                set.unlinked,
                set.linked,
                set.matched,
                set.step_open,
                set.step_close,
                set.vertical,
                set.horizontal,
                set.caret,
            ];
            for sign in all.into_iter().chain(set.spinner) {
                assert_eq!(sign.width(), 1, "{sign}");
                assert!(set.is_unicode || sign.is_ascii(), "{sign}");
            }
        }
    }
}
