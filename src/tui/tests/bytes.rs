//! What goes over the line: little, at once, and nothing while nothing changes.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::layout::{Rect, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::fixture::{newcomer, regular, with_plan, with_rows};
use crate::tui::output::Output;
use crate::tui::testing::Harness;

/// Keeps each write by itself.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Vec<Vec<u8>>>>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A program on a terminal that is only bytes.
struct Line {
    program: Harness,
    terminal: Terminal<Output<Wire>>,
    wire: Wire,
}

impl Line {
    fn to(program: Harness) -> Self {
        let wire = Wire::default();
        let output = Output::new(wire.clone(), || Ok(Size { width: 80, height: 24 }));
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 80, 24)) };
        let terminal = Terminal::with_options(output, options).unwrap();
        Self { program, terminal, wire }
    }

    /// Draws; the writes that it took.
    fn draw(&mut self) -> Vec<Vec<u8>> {
        self.wire.0.borrow_mut().clear();
        self.terminal.draw(|frame| self.program.app.draw(frame)).unwrap();
        self.wire.0.borrow().clone()
    }

    fn bytes(&mut self) -> usize {
        self.draw().iter().map(Vec::len).sum()
    }
}

fn screens() -> [Harness; 4] {
    [newcomer(80, 24), regular(80, 24), with_rows(80, 24), with_plan(80, 24, true)]
}

#[test]
fn the_first_paint_is_one_write_of_at_most_12_kilobytes() {
    for program in screens() {
        let mut line = Line::to(program);
        let writes = line.draw();
        assert_eq!(writes.len(), 1);
        assert!(writes[0].len() <= 12 * 1024, "{} bytes", writes[0].len());
        assert!(writes[0].starts_with(b"\x1b[?2026h") && writes[0].ends_with(b"\x1b[?2026l"));
    }
}

#[test]
fn a_frame_in_which_nothing_changed_is_no_bytes() {
    for program in screens() {
        let mut line = Line::to(program);
        line.draw();
        assert_eq!(line.draw(), Vec::<Vec<u8>>::new());
    }
}

#[test]
fn moving_the_selection_is_at_most_400_bytes() {
    for (program, key) in [(with_rows(80, 24), "j"), (with_rows(80, 24), "Right"), (regular(80, 24), "j")] {
        let mut line = Line::to(program);
        line.draw();
        line.program.keys(key);
        let bytes = line.bytes();
        assert!((1..=400).contains(&bytes), "{key}: {bytes} bytes");
    }
}

#[test]
fn typing_a_letter_is_at_most_100_bytes() {
    let mut program = newcomer(80, 24);
    program.keys("2");
    let mut line = Line::to(program);
    line.draw();
    line.program.type_text("x");
    line.draw();
    line.program.type_text("y");
    let bytes = line.bytes();
    assert!((1..=100).contains(&bytes), "{bytes} bytes");
}
