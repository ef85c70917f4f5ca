//! gondola lifts rows from Snowflake to Salesforce, and shows you every one of them on the way.

pub mod cli;
pub mod config;
pub mod destination;
pub mod engine;
pub mod mapping;
pub mod plan;
pub mod salesforce;
pub mod snowflake;
pub mod store;
pub mod tui;
pub mod types;

#[cfg(feature = "sandbox")]
pub mod sandbox;
