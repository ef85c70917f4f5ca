//! Through HTTP, as a client would.
