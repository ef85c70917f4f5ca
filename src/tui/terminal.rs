//! The terminal: taken over, given back, whatever happens. One of the two files that name crossterm.

use std::io::{self, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::layout::Size;
use rustix::process::{Signal, kill_current_process_group};

use super::app::App;
use super::output::Output;

/// Whether the terminal is ours now: the panic hook gives it back only then.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// Buttons, and motion with a button down, in coordinates of any size. Not crossterm's own command:
/// that one asks for a report for every cell the pointer crosses.
const MOUSE_ON: &[u8] = b"\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l";

/// More than this many bytes of clipboard text are cut off or refused by some terminals.
const CLIPBOARD_LIMIT: usize = 70_000;

/// The terminal that the program runs on.
#[derive(Debug)]
pub struct Terminal {
    screen: ratatui::Terminal<Output<Stdout>>,
}

impl Terminal {
    /// Takes the terminal over: raw keys, the other screen, pasted text marked as such.
    pub fn enter() -> io::Result<Self> {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back();
            hook(info);
        }));
        take_over()?;
        let screen = ratatui::Terminal::new(Output::new(io::stdout(), size)).inspect_err(|_| give_back())?;
        Ok(Self { screen })
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        size().map(|size| (size.width, size.height))
    }

    /// Draws a frame: one write, none when nothing changed.
    pub fn draw(&mut self, app: &App) -> io::Result<()> {
        self.screen.draw(|frame| app.draw(frame)).map(drop)
    }

    /// Makes the next frame draw everything anew.
    pub fn clear(&mut self) -> io::Result<()> {
        self.screen.clear()
    }

    /// Mouse reports on or off.
    pub fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.screen.backend_mut().write_now(if on { MOUSE_ON } else { MOUSE_OFF })
    }

    /// Puts a text into the clipboard of the operator's terminal, as far as that allows it (OSC 52).
    /// False when the text is too long for that.
    pub fn copy(&mut self, text: &str) -> io::Result<bool> {
        let Some(sequence) = clipboard(text, std::env::var_os("TMUX").is_some()) else { return Ok(false) };
        self.screen.backend_mut().write_now(sequence.as_bytes())?;
        Ok(true)
    }

    /// Gives the terminal back, stops the whole process group as a shell expects of Ctrl-Z, and
    /// takes the terminal over again once somebody says `fg`.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        kill_current_process_group(Signal::STOP)?;
        take_over()?;
        self.clear()
    }

    /// Lets go of a terminal that is gone: nothing is written to it any more.
    pub fn abandon(self) {
        IS_OURS.store(false, Ordering::SeqCst);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn size() -> io::Result<Size> {
    let (width, height) = crossterm::terminal::size()?;
    Ok(Size { width, height })
}

fn take_over() -> io::Result<()> {
    enable_raw_mode()?;
    IS_OURS.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide).inspect_err(|_| give_back())
}

/// Gives the terminal back, once. Errors have nowhere to go: the terminal may be what is broken.
fn give_back() {
    if !IS_OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = out.write_all(MOUSE_OFF);
    let _ = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// OSC 52; tmux gets it plain for itself and wrapped for the terminal around it.
fn clipboard(text: &str, in_tmux: bool) -> Option<String> {
    let encoded = STANDARD.encode(text);
    if encoded.len() > CLIPBOARD_LIMIT {
        return None;
    }
    let plain = format!("\x1b]52;c;{encoded}\x07");
    Some(if in_tmux { format!("{plain}\x1bPtmux;\x1b{plain}\x1b\\") } else { plain })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmux_passes_a_copy_on_to_the_terminal_around_it() {
        assert_eq!(clipboard("hi", false).unwrap(), "\x1b]52;c;aGk=\x07");
        assert!(clipboard("hi", true).unwrap().ends_with("\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"));
        assert_eq!(clipboard(&"x".repeat(80_000), false), None);
    }
}
