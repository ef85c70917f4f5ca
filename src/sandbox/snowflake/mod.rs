//! The Snowflake wire.
