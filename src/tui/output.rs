//! The way to the terminal: a frame is collected, then written at once, inside a synchronized
//! update; a frame in which nothing changed writes nothing.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::encode::encode;

/// Opens a synchronized update (<https://contour-terminal.org/vt-extensions/synchronized-output/>):
/// terminals that know it show the frame whole, others ignore it.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// A backend that writes one frame at a time.
pub struct Output<W: Write> {
    /// The frame so far. A vector's `flush` does nothing, which is what is wanted: ratatui's backend
    /// flushes after every cursor command.
    page: Vec<u8>,
    to: W,
    size: fn() -> io::Result<Size>,
    cursor: Option<Position>,
    is_cursor_shown: Option<bool>,
}

impl<W: Write> std::fmt::Debug for Output<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

impl<W: Write> Output<W> {
    /// Writes to `to`; `size` says how large the terminal is now.
    pub fn new(to: W, size: fn() -> io::Result<Size>) -> Self {
        Self { page: Vec::new(), to, size, cursor: None, is_cursor_shown: None }
    }

    fn queue(&mut self) -> CrosstermBackend<&mut Vec<u8>> {
        CrosstermBackend::new(&mut self.page)
    }

    /// Writes something that is no part of a frame, at once.
    pub fn write_now(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.to.flush()
    }

    /// What was written to.
    pub fn target(&mut self) -> &mut W {
        &mut self.to
    }
}

impl<W: Write> Backend for Output<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.cursor = None;
        let width = (self.size)()?.width;
        encode(content, width, &mut self.page);
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.is_cursor_shown.replace(false) != Some(false) {
            self.queue().hide_cursor()?;
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.is_cursor_shown.replace(true) != Some(true) {
            self.queue().show_cursor()?;
        }
        Ok(())
    }

    /// The last place it was put to: asking the terminal would read from the keyboard's stream.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor.replace(position) != Some(position) {
            self.queue().set_cursor_position(position)?;
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.cursor = None;
        self.is_cursor_shown = None;
        self.queue().clear()
    }

    fn clear_region(&mut self, kind: ClearType) -> io::Result<()> {
        self.cursor = None;
        self.is_cursor_shown = None;
        self.queue().clear_region(kind)
    }

    fn size(&self) -> io::Result<Size> {
        (self.size)()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: (self.size)()?, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.page.is_empty() {
            return Ok(());
        }
        let frame = [BEGIN, &std::mem::take(&mut self.page), END].concat();
        self.write_now(&frame)
    }
}
