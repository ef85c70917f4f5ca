//! A program without a terminal: keys in, screens and effects out.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::Options;
use super::app::App;
use super::effect::Effect;
use super::keys::Key;
use super::look::Look;
use super::msg::{Answer, Input, Msg};
use super::ticket::Ticket;

/// The whole program on a screen in memory.
pub(crate) struct Harness {
    /// The program.
    pub app: App,
    terminal: Terminal<TestBackend>,
    effects: Vec<Effect>,
}

impl Harness {
    /// The demo on a screen of this size, as it starts.
    pub fn new(columns: u16, rows: u16) -> Self {
        Self::with(Look::full(), columns, rows)
    }

    /// The same with other colours and signs.
    pub fn with(look: Look, columns: u16, rows: u16) -> Self {
        let mut app = App::new(look, &Options { demo: true, ..Options::default() }, columns, rows);
        let effects = app.start();
        let Ok(terminal) = Terminal::new(TestBackend::new(columns, rows));
        Self { app, terminal, effects }
    }

    /// Presses keys by their names, with blanks between them: `"j j Enter Ctrl-R"`.
    pub fn keys(&mut self, names: &str) -> &mut Self {
        for name in names.split_whitespace() {
            let key: Key = name.parse().unwrap_or_else(|error| panic!("{error}"));
            self.send(Msg::Input(Input::Key(key)));
        }
        self
    }

    /// Types a text letter by letter.
    pub fn type_text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            let code = if letter == '\n' { super::keys::Code::Enter } else { super::keys::Code::Char(letter) };
            self.send(Msg::Input(Input::Key(Key::plain(code))));
        }
        self
    }

    /// Sends a message.
    pub fn send(&mut self, msg: Msg) -> &mut Self {
        let effects = self.app.update(msg);
        self.effects.extend(effects.into_iter().filter(|effect| !matches!(effect, Effect::Tick(_))));
        self
    }

    /// What is asked for since this was called last; ticks left out.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The same, without taking it.
    pub fn peek(&self) -> &[Effect] {
        &self.effects
    }

    /// Answers the last effect that this finds the ticket of.
    pub fn answer(&mut self, find: impl Fn(&Effect) -> Option<Ticket>, answer: Answer) -> &mut Self {
        let at = self
            .effects
            .iter()
            .rposition(|effect| find(effect).is_some())
            .unwrap_or_else(|| panic!("nothing was asked that this answers: {:?}", self.effects));
        let ticket = find(&self.effects.remove(at)).expect("found above");
        self.send(Msg::Answer(ticket, Box::new(answer)))
    }

    /// Answers this question, now or again.
    pub fn answer_to(&mut self, ticket: Ticket, answer: Answer) -> &mut Self {
        self.send(Msg::Answer(ticket, Box::new(answer)))
    }

    /// Makes the screen another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        self.terminal.backend_mut().resize(columns, rows);
        self.send(Msg::Input(Input::Resize(columns, rows)))
    }

    /// What the screen shows, line by line, without blanks at the ends.
    pub fn screen(&mut self) -> String {
        let buffer = self.buffer();
        text_of(&buffer)
    }

    /// The screen, and under it the stretches of cells that look other than plain, frames left
    /// out: line, columns, style.
    pub fn styled(&mut self) -> String {
        let buffer = self.buffer();
        format!("{}\n\n{}", text_of(&buffer), styles_of(&buffer))
    }

    /// The cells.
    pub fn buffer(&mut self) -> Buffer {
        let Ok(frame) = self.terminal.draw(|frame| self.app.draw(frame));
        frame.buffer.clone()
    }
}

fn text_of(buffer: &Buffer) -> String {
    let area = buffer.area;
    let line = |y: u16| {
        let mut text = String::new();
        let mut skip = 0;
        for x in area.left()..area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = super::widget::text::width(symbol).saturating_sub(1);
            text.push_str(symbol);
        }
        text.trim_end().to_owned()
    };
    (area.top()..area.bottom()).map(line).collect::<Vec<_>>().join("\n")
}

fn styles_of(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut runs = Vec::new();
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let style = |x: u16| {
                let cell = &buffer[(x, y)];
                (cell.fg, cell.bg, cell.modifier)
            };
            let first = style(x);
            let start = x;
            while x < area.right() && style(x) == first {
                x += 1;
            }
            let (fg, bg, modifier) = first;
            let is_frame = (start..x).all(|x| "│─╭╮╰╯┌┐└┘|+- ".contains(buffer[(x, y)].symbol()));
            let is_plain = fg == Color::Reset && bg == Color::Reset && modifier.is_empty();
            if !is_plain && (!is_frame || modifier.contains(Modifier::REVERSED)) {
                let bg = if bg == Color::Reset { String::new() } else { format!(" on {bg}") };
                let modifier = if modifier.is_empty() { String::new() } else { format!(" {modifier:?}") };
                runs.push(format!("{y}: {start}..{x} {fg}{bg}{modifier}"));
            }
        }
    }
    runs.join("\n")
}
