//! Pieces of screens. They know nothing of screens, models or runs.

pub mod editor;
pub mod field;
pub mod footer;
pub mod gutter;
pub mod help;
pub mod highlight;
pub mod list;
pub mod picker;
pub mod popup;
pub mod route;
pub mod table;
pub mod text;
pub mod toast;
