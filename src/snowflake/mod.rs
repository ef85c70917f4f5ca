//! Snowflake: the only folder that names `snowflake_api` (the crate firn).
//!
//! A thin layer over it, for what it leaves to its users: an own request id for each statement so
//! that a cancelled one is aborted on the server, values with all their digits and the years to
//! 9999, a count of the rows received against the rows announced, a new login when a session is
//! gone, and errors with code, text and place.

mod client;
mod convert;
mod errors;
mod stream;
mod text_cells;

pub use client::{Auth, Preview, QueryOptions, SessionInfo, Settings, Snowflake};
pub use errors::{Kind, Position, SnowflakeError};
pub use stream::RowStream;
