//! gondola lifts rows from Snowflake to Salesforce, and shows you every one of them on the way.
//!
//! # The map of the house
//!
//! The folders read in the order in which data flows. Each may import what stands above it, never
//! what stands below; `tests/suite/architecture.rs` asserts that from the `use` lines.
//!
//! | folder | what lives there |
//! |---|---|
//! | [`types`] | cell values, columns, fields, keys: plain data |
//! | [`destination`] | the trait that a run writes through, and the one error type of a row |
//! | [`sql`] | SQL as text: a lexer that never fails, statements, lint, quoting |
//! | [`mapping`] | links, transforms, wire values by field type; record types, places, persons; what is wrong with a mapping; proposals |
//! | [`plan`] | which rows changed, which record each means, which parents, what would be written; the books |
//! | [`schedule`] | when a model runs by itself: `[schedule]` and the moments it means |
//! | [`config`] | connections, models and mappings on disk; where secrets come from |
//! | [`snowflake`] | sessions, statements, Arrow → values; the only folder that names firn |
//! | [`salesforce`] | sign-in, describe, SOQL, Collections, limits, errors |
//! | [`store`] | the state, one SQLite file: snapshots, runs, rows, journal, describes |
//! | [`engine`] | a run: extract → change → map → match → plan → write → settle |
//! | [`cli`] | one file a command; text and JSON out |
//! | [`tui`] | the full-screen program: message → update → effect |
//! | `sandbox` | a Snowflake and a Salesforce on loopback; imports nothing of the others |
//!
//! # Where to begin
//!
//! - A row's way: [`engine::Engine::plan`], then [`engine::Engine::run`].
//! - A decision about a row: [`plan::decide`].
//! - What is sent for a row: [`mapping::Mapper::map`].
//! - A key press: `tui::App::update`, and the key table in [`tui::keys`].
//!
//! Tests use the program's own doors: [`cli`] through the binary, the sandbox over HTTP.

pub mod cli;
pub mod config;
pub mod destination;
pub mod engine;
pub mod mapping;
pub mod plan;
pub mod salesforce;
pub mod schedule;
pub mod snowflake;
pub mod sql;
pub mod store;
pub mod tui;
pub mod types;

#[cfg(feature = "sandbox")]
pub mod sandbox;
