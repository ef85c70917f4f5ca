//! The terminal program: message → update → effect.
//!
//! [`app::App::update`] takes what happened and says what is to be done; it waits for nothing.
//! [`app::App::draw`] cannot change anything. Only [`runtime`] spawns tasks. Keys live in one table
//! ([`keys`]). Only `terminal.rs` and `input.rs` name crossterm.

pub mod app;
mod app_view;
pub mod effect;
pub mod glyphs;
pub mod keys;
pub mod look;
pub mod msg;
pub mod overlay;
pub mod screen;
mod sql_text;
#[cfg(test)]
pub(crate) mod testing;
pub mod theme;
pub mod ticket;
pub mod widget;
pub mod work;
