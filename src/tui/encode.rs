//! Changed cells as bytes for the terminal, as few as may be.
//!
//! The usual way goes row by row and says the whole style and the whole position again at every
//! change. On the Map screen a move of the selection repaints two long lines of two colours that
//! stand beside each other in every row, so this writes one style after another, moves relatively
//! where that is shorter, and names only what differs in a style. The same frame takes about half.

use std::fmt::Write as _;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// The style of a cell as the terminal knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Pen {
    /// What a terminal starts with.
    const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }
}

/// Writes these cells of a screen so many columns wide. Begins and ends with a plain style, and
/// leaves the cursor anywhere.
pub fn encode<'a>(cells: impl Iterator<Item = (u16, u16, &'a Cell)>, width: u16, out: &mut Vec<u8>) {
    let mut pens: Vec<Pen> = Vec::new();
    let mut order: Vec<(usize, u16, u16, &Cell)> = cells
        .map(|(x, y, cell)| {
            let pen = Pen::of(cell);
            let at = pens.iter().position(|known| *known == pen).unwrap_or_else(|| {
                pens.push(pen);
                pens.len() - 1
            });
            (at, y, x, cell)
        })
        .collect();
    order.sort_by_key(|(pen, y, x, _)| (*pen, *y, *x));
    let mut text = String::new();
    let mut pen = Pen::PLAIN;
    // Where the terminal's cursor is, if that is certain.
    let mut cursor: Option<(u16, u16)> = None;
    for (at, y, x, cell) in order {
        text.push_str(&go(cursor, (x, y)));
        text.push_str(&change(pen, pens[at]));
        pen = pens[at];
        text.push_str(cell.symbol());
        // Terminals differ about wide letters, and about what follows the last column.
        let certain = cell.symbol().width() == 1 && x + 1 < width;
        cursor = certain.then_some((x + 1, y));
    }
    if pen != Pen::PLAIN {
        text.push_str("\x1b[m");
    }
    out.extend_from_slice(text.as_bytes());
}

/// The shortest way there.
fn go(from: Option<(u16, u16)>, to: (u16, u16)) -> String {
    let absolute = format!("\x1b[{};{}H", to.1 + 1, to.0 + 1);
    let Some(from) = from else { return absolute };
    let step = |distance: u16, letter: char| match distance {
        0 => String::new(),
        1 => format!("\x1b[{letter}"),
        _ => format!("\x1b[{distance}{letter}"),
    };
    let mut relative = if to.1 >= from.1 { step(to.1 - from.1, 'B') } else { step(from.1 - to.1, 'A') };
    match (to.0, from.0) {
        (x, now) if x < now && now - x <= 3 => relative.extend(std::iter::repeat_n('\x08', usize::from(now - x))),
        (x, now) if x < now => relative.push_str(&step(now - x, 'D')),
        (x, now) => relative.push_str(&step(x - now, 'C')),
    }
    if relative.len() < absolute.len() { relative } else { absolute }
}

/// The shortest change from one style to another.
fn change(from: Pen, to: Pen) -> String {
    if from == to {
        return String::new();
    }
    let differs = sequence(&difference(from, to));
    let anew = sequence(&[vec!["0".to_owned()], difference(Pen::PLAIN, to)].concat());
    let plain = (to == Pen::PLAIN).then(|| "\x1b[m".to_owned());
    [Some(differs), Some(anew), plain].into_iter().flatten().min_by_key(String::len).unwrap_or_default()
}

fn sequence(codes: &[String]) -> String {
    format!("\x1b[{}m", codes.join(";"))
}

/// SGR codes that lead from one style to another (ECMA-48, 8.3.117).
fn difference(from: Pen, to: Pen) -> Vec<String> {
    const CODES: [(Modifier, u8, u8); 9] = [
        (Modifier::BOLD, 1, 22),
        (Modifier::DIM, 2, 22),
        (Modifier::ITALIC, 3, 23),
        (Modifier::UNDERLINED, 4, 24),
        (Modifier::SLOW_BLINK, 5, 25),
        (Modifier::RAPID_BLINK, 6, 25),
        (Modifier::REVERSED, 7, 27),
        (Modifier::HIDDEN, 8, 28),
        (Modifier::CROSSED_OUT, 9, 29),
    ];
    let mut codes: Vec<String> = Vec::new();
    let mut now = from.modifier;
    for (modifier, _, off) in CODES {
        if now.contains(modifier) && !to.modifier.contains(modifier) {
            codes.push(off.to_string());
            // One code ends bold and dim, and one both speeds of blinking.
            for (other, _, other_off) in CODES {
                if other_off == off {
                    now.remove(other);
                }
            }
        }
    }
    for (modifier, on, _) in CODES {
        if to.modifier.contains(modifier) && !now.contains(modifier) {
            codes.push(on.to_string());
        }
    }
    if from.fg != to.fg {
        codes.push(colour(to.fg, 0));
    }
    if from.bg != to.bg {
        codes.push(colour(to.bg, 10));
    }
    codes
}

/// A colour's code; the background's is ten more.
fn colour(colour: Color, ground: u8) -> String {
    let named = match colour {
        Color::Reset => 39,
        Color::Black => 30,
        Color::Red => 31,
        Color::Green => 32,
        Color::Yellow => 33,
        Color::Blue => 34,
        Color::Magenta => 35,
        Color::Cyan => 36,
        Color::Gray => 37,
        Color::DarkGray => 90,
        Color::LightRed => 91,
        Color::LightGreen => 92,
        Color::LightYellow => 93,
        Color::LightBlue => 94,
        Color::LightMagenta => 95,
        Color::LightCyan => 96,
        Color::White => 97,
        Color::Indexed(index) => return format!("{};5;{index}", 38 + ground),
        Color::Rgb(red, green, blue) => {
            let mut text = format!("{};2", 38 + ground);
            for part in [red, green, blue] {
                let _ = write!(text, ";{part}");
            }
            return text;
        }
    };
    (named + ground).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const SIZE: (u16, u16) = (12, 5);

    fn colours() -> impl Strategy<Value = Color> {
        prop::sample::select(vec![
            Color::Reset,
            Color::Red,
            Color::Cyan,
            Color::DarkGray,
            Color::Indexed(200),
            Color::Rgb(1, 2, 3),
        ])
    }

    fn modifiers() -> impl Strategy<Value = Modifier> {
        // Those that vt100 tells apart.
        let one = prop::sample::select(vec![
            Modifier::empty(),
            Modifier::BOLD,
            Modifier::DIM,
            Modifier::ITALIC,
            Modifier::UNDERLINED,
            Modifier::REVERSED,
        ]);
        (one.clone(), one).prop_map(|(a, b)| a | b)
    }

    fn frame() -> impl Strategy<Value = Buffer> {
        let cell = (prop::sample::select(vec!["a", "Z", "━", "▶", " "]), colours(), colours(), modifiers());
        prop::collection::vec(cell, usize::from(SIZE.0 * SIZE.1)).prop_map(|cells| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
            for (cell, (symbol, fg, bg, modifier)) in buffer.content.iter_mut().zip(cells) {
                cell.set_symbol(symbol).set_style(Style::new().fg(fg).bg(bg).add_modifier(modifier));
            }
            buffer
        })
    }

    /// What a terminal shows in a cell, in ratatui's words.
    fn shown(screen: &vt100::Screen, x: u16, y: u16) -> (String, Color, Color, Modifier) {
        let cell = screen.cell(y, x).unwrap();
        let colour = |colour| match colour {
            vt100::Color::Default => Color::Reset,
            vt100::Color::Idx(1) => Color::Red,
            vt100::Color::Idx(6) => Color::Cyan,
            vt100::Color::Idx(8) => Color::DarkGray,
            vt100::Color::Idx(index) => Color::Indexed(index),
            vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
        };
        let mut modifier = Modifier::empty();
        for (set, flag) in [
            (cell.bold(), Modifier::BOLD),
            (cell.dim(), Modifier::DIM),
            (cell.italic(), Modifier::ITALIC),
            (cell.underline(), Modifier::UNDERLINED),
            (cell.inverse(), Modifier::REVERSED),
        ] {
            modifier.set(flag, set);
        }
        let symbol = if cell.has_contents() { cell.contents().to_owned() } else { " ".to_owned() };
        (symbol, colour(cell.fgcolor()), colour(cell.bgcolor()), modifier)
    }

    proptest! {
        #[test]
        fn the_terminal_shows_every_frame_as_it_is(frames in prop::collection::vec(frame(), 1..4)) {
            let mut terminal = vt100::Parser::new(SIZE.1.try_into().unwrap(), SIZE.0.try_into().unwrap(), 0);
            let mut before = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
            for frame in frames {
                let mut bytes = Vec::new();
                encode(before.diff(&frame).into_iter(), SIZE.0, &mut bytes);
                terminal.process(&bytes);
                for y in 0..SIZE.1 {
                    for x in 0..SIZE.0 {
                        let cell = &frame[(x, y)];
                        let wanted = (cell.symbol().to_owned(), cell.fg, cell.bg, cell.modifier);
                        let (mut symbol, fg, bg, mut modifier) = shown(terminal.screen(), x, y);
                        if symbol.is_empty() {
                            symbol = " ".to_owned();
                        }
                        // vt100 keeps one of bold and dim.
                        if cell.modifier.contains(Modifier::BOLD | Modifier::DIM) {
                            modifier |= Modifier::BOLD | Modifier::DIM;
                        }
                        prop_assert_eq!((symbol, fg, bg, modifier), wanted, "at {},{}", x, y);
                    }
                }
                before = frame;
            }
        }
    }

    #[test]
    fn a_vertical_costs_little_more_than_its_letters() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 5));
        for y in 0..5 {
            buffer[(4, y)].set_symbol("┃").set_fg(Color::Cyan);
        }
        let before = Buffer::empty(buffer.area);
        let mut bytes = Vec::new();
        encode(before.diff(&buffer).into_iter(), 12, &mut bytes);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\x1b[1;5H\x1b[36m┃\x1b[B\x08┃\x1b[B\x08┃\x1b[B\x08┃\x1b[B\x08┃\x1b[m"
        );
    }
}
