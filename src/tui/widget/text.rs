//! Text in cells: how wide it is, cut at a width, with nothing in it that a terminal would obey.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::tui::glyphs::Glyphs;

/// How many cells the text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text on one line, without anything that a terminal would obey: a cell's ESC must never
/// reach it. Line ends and tabs become signs.
pub fn harmless(text: &str, glyphs: &Glyphs) -> String {
    if !text.chars().any(is_dangerous) {
        return text.to_owned();
    }
    text.chars()
        .map(|letter| match letter {
            '\n' if glyphs.is_unicode => "↵".to_owned(),
            '\n' => "\\n".to_owned(),
            '\t' => " ".to_owned(),
            '\r' => String::new(),
            letter if is_dangerous(letter) => glyphs.control.to_owned(),
            letter => letter.to_string(),
        })
        .collect()
}

/// The same, but line ends stay.
pub fn harmless_lines(text: &str, glyphs: &Glyphs) -> String {
    text.lines().map(|line| harmless(line, glyphs)).collect::<Vec<_>>().join("\n")
}

fn is_dangerous(letter: char) -> bool {
    // Controls, and marks that turn the direction of the rest of the line.
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// At most `cells` wide; an ellipsis says that something is missing.
pub fn cut(text: &str, cells: usize, glyphs: &Glyphs) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.graphemes(true) {
        let before = kept.len();
        kept.push_str(letter);
        // In some scripts a whole is not as wide as the sum of its parts, so the whole is measured.
        if kept.width() + 1 > cells {
            kept.truncate(before);
            break;
        }
    }
    if cells > 0 {
        kept.push_str(glyphs.ellipsis);
    }
    kept
}

/// Exactly `cells` wide: cut or filled with spaces.
pub fn fit(text: &str, cells: usize, glyphs: &Glyphs) -> String {
    let mut kept = cut(text, cells, glyphs);
    let gap = cells.saturating_sub(kept.width());
    kept.extend(std::iter::repeat_n(' ', gap));
    kept
}

/// Exactly `cells` wide, at the right end.
pub fn fit_right(text: &str, cells: usize, glyphs: &Glyphs) -> String {
    let kept = cut(text, cells, glyphs);
    let gap = cells.saturating_sub(kept.width());
    format!("{}{kept}", " ".repeat(gap))
}

/// In lines of at most `cells`, broken between words; a longer word is broken anywhere.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_word_bounds() {
            let before = line.len();
            line.push_str(word);
            if line.width() <= cells {
                continue;
            }
            line.truncate(before);
            if !line.trim().is_empty() {
                lines.push(line.trim_end().to_owned());
            }
            line.clear();
            if word.trim().is_empty() {
                continue;
            }
            for letter in word.graphemes(true) {
                append(letter, cells, &mut line, &mut lines);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// One letter more at the end of `line`; when that is too wide, what was there becomes a line.
fn append(letter: &str, cells: usize, line: &mut String, lines: &mut Vec<String>) {
    let before = line.len();
    line.push_str(letter);
    if line.width() <= cells {
        return;
    }
    line.truncate(before);
    if before > 0 {
        lines.push(std::mem::take(line));
    }
    if letter.width() <= cells || letter.chars().count() == 1 {
        line.push_str(letter);
        return;
    }
    // In some scripts one letter of several signs is wider than a whole narrow line.
    for sign in letter.chars() {
        append(sign.encode_utf8(&mut [0; 4]), cells, line, lines);
    }
}

/// A number with its thousands apart: 1,204,331.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`, `1,000 rows`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// Draws styled pieces from `x` on, within `cells`; returns the cells used. The last piece that
/// does not fit is cut.
pub fn pieces(buffer: &mut Buffer, x: u16, y: u16, cells: u16, parts: &[(&str, Style)], glyphs: &Glyphs) -> u16 {
    let mut used = 0;
    for (text, style) in parts {
        let left = cells.saturating_sub(used);
        if left == 0 {
            break;
        }
        let shown = cut(text, usize::from(left), glyphs);
        buffer.set_string(x + used, y, &shown, *style);
        used += shown.width() as u16;
        if shown != *text {
            break;
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::glyphs::{ASCII, UNICODE};

    #[test]
    fn an_escape_sequence_in_a_cell_stays_text() {
        assert_eq!(harmless("a\u{1b}[2Jb\nc", &UNICODE), "a␀[2Jb↵c");
        assert_eq!(harmless("a\u{7}b\nc", &ASCII), "a?b\\nc");
    }

    #[test]
    fn words_stay_together() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(thousands(1_204_331), "1,204,331");
    }

    #[test]
    fn a_letter_wider_than_the_line_is_broken_in_its_signs() {
        for text in ["\u{1b132}\u{113cc}", "\u{fe68}\u{6d2}", "a\u{1b132}\u{113cc}b"] {
            let lines = wrap(text, 2);
            assert!(lines.iter().all(|line| line.width() <= 2), "{lines:?}");
            assert_eq!(lines.concat(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_fits(text in "\\PC{0,40}", cells in 0usize..30) {
            prop_assert!(cut(&text, cells, &UNICODE).width() <= cells);
            prop_assert_eq!(fit(&text, cells, &ASCII).width(), cells);
            for line in wrap(&text, cells.max(2)) {
                prop_assert!(line.width() <= cells.max(2));
            }
        }
    }
}
