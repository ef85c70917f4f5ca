//! The loop: wait for something to happen, act on it, draw if anything changed.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use super::app::App;
use super::effect::Effect;
use super::input::Keyboard;
use super::msg::{Answer, Msg};
use super::runtime::Runtime;
use super::terminal::Terminal;

/// Between two frames that nobody typed for: a slow line gets fewer of them.
pub(super) fn pace() -> Duration {
    Duration::from_millis(if std::env::var_os("SSH_CONNECTION").is_some() { 250 } else { 100 })
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The operator left, or a signal asked for it.
    Left,
    /// The terminal is gone; nothing may be written to it.
    TerminalGone,
}

/// What the loop listens to and draws on.
pub(super) struct Loop<'a> {
    pub app: &'a mut App,
    pub terminal: &'a mut Terminal,
    pub runtime: &'a mut Runtime,
    pub answers: UnboundedReceiver<Msg>,
}

/// The signals that a terminal program must answer.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    stop: Signal,
}

/// What woke the loop.
enum Woken {
    Msg(Msg),
    Suspend,
    Frame,
    End(Ending),
}

impl Loop<'_> {
    /// Runs until somebody leaves or the terminal is gone.
    pub async fn run(mut self) -> io::Result<Ending> {
        let mut signals = Signals {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
        };
        let mut keyboard = Keyboard::open();
        let pace = pace();
        let mut drawn = Instant::now();
        let mut is_urgent = true;
        let mut is_dirty = true;
        let effects = self.app.start();
        self.perform(effects)?;
        loop {
            is_dirty |= self.app.take_dirty();
            if is_dirty && (is_urgent || drawn.elapsed() >= pace) {
                self.terminal.draw(self.app)?;
                (is_dirty, is_urgent, drawn) = (false, false, Instant::now());
            }
            let woken = tokio::select! { biased;
                _ = signals.hangup.recv() => Woken::End(Ending::TerminalGone),
                _ = signals.terminate.recv() => Woken::End(Ending::Left),
                _ = signals.interrupt.recv() => Woken::End(Ending::Left),
                _ = signals.stop.recv() => Woken::Suspend,
                input = keyboard.next() => match input {
                    Some(Ok(input)) => Woken::Msg(Msg::Input(input)),
                    Some(Err(_)) | None => Woken::End(Ending::TerminalGone),
                },
                Some(answer) = self.answers.recv() => Woken::Msg(answer),
                () = sleep_until(drawn + pace), if is_dirty => Woken::Frame,
            };
            match woken {
                Woken::End(ending) => return Ok(ending),
                Woken::Frame => {}
                Woken::Suspend => {
                    self.terminal.suspend()?;
                    (is_dirty, is_urgent) = (true, true);
                }
                Woken::Msg(msg) => {
                    is_urgent |= is_waited_for(&msg);
                    let effects = self.app.update(msg);
                    if self.perform(effects)? {
                        return Ok(Ending::Left);
                    }
                    // What else has come meanwhile is drawn in the same frame.
                    while let Ok(msg) = self.answers.try_recv() {
                        is_urgent |= is_waited_for(&msg);
                        let effects = self.app.update(msg);
                        if self.perform(effects)? {
                            return Ok(Ending::Left);
                        }
                    }
                }
            }
        }
    }

    /// Performs effects; true when one of them is to leave.
    fn perform(&mut self, effects: Vec<Effect>) -> io::Result<bool> {
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(true),
                Effect::Redraw => self.terminal.clear()?,
                Effect::Suspend => self.terminal.suspend()?,
                Effect::Mouse(on) => self.terminal.mouse(on)?,
                Effect::Copy(text) => {
                    if !self.terminal.copy(&text)? {
                        let words = "Too long for the clipboard of a terminal; nothing was copied".to_owned();
                        let effects = self.app.update(Msg::Notice(words));
                        effects.into_iter().for_each(|effect| self.runtime.start(effect));
                    }
                }
                other => self.runtime.start(other),
            }
        }
        Ok(false)
    }
}

/// Whether somebody waits to see it: a key's effect, the end of something. Progress can wait.
fn is_waited_for(msg: &Msg) -> bool {
    match msg {
        Msg::Input(_) | Msg::Notice(_) => true,
        Msg::Answer(_, answer) => !matches!(**answer, Answer::Progress(_) | Answer::CheckLine(_)),
        Msg::Tick => false,
    }
}
