//! The words of DESIGN §2, as values.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::mapping::RowSelection;

/// Defines an enum whose values are written in lower case everywhere: JSON, the store, the screen.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every value, in the order of reports.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| format!("`{text}`?"))
            }
        }
    };
}

words! {
    /// How a row compares with the snapshot.
    Change {
        /// The snapshot does not have it.
        Added = "added",
        /// What would be sent has changed.
        Updated = "updated",
        /// What would be sent is what was confirmed before.
        Unchanged = "unchanged",
        /// The snapshot has it, the query no longer returns it.
        Removed = "removed",
        /// Its key is null or repeated: it has no identity.
        Invalid = "invalid",
    }
}

words! {
    /// What would be done for a row.
    Action {
        /// A new record.
        Create = "create",
        /// Some fields of one record.
        Update = "update",
        /// One record goes.
        Delete = "delete",
        /// Nothing: the destination already has it (or has nothing to update).
        Skip = "skip",
        /// Nothing: a person must decide.
        Hold = "hold",
        /// Nothing: it would surely fail.
        Reject = "reject",
    }
}

words! {
    /// What became of a row.
    Outcome {
        /// A record was created.
        Created = "created",
        /// A record was changed.
        Updated = "updated",
        /// A record was deleted.
        Deleted = "deleted",
        /// Nothing was to be done.
        Unchanged = "unchanged",
        /// The destination refused it.
        Failed = "failed",
        /// It was not sent, or it is not known what became of it.
        Unprocessed = "unprocessed",
    }
}

impl Action {
    /// Whether a call is made for it.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Delete)
    }
}

impl Change {
    /// Whether a mapping that sends `rows` acts on it. `full` acts on unchanged rows too.
    pub fn is_selected(self, rows: RowSelection, full: bool) -> bool {
        match self {
            Self::Invalid => true,
            Self::Added => !matches!(rows, RowSelection::Updated | RowSelection::Removed),
            Self::Updated => !matches!(rows, RowSelection::Added | RowSelection::Removed),
            Self::Unchanged => rows == RowSelection::All || (full && rows != RowSelection::Removed),
            Self::Removed => matches!(rows, RowSelection::Removed | RowSelection::Mirror),
        }
    }
}
