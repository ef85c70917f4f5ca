//! The made-up customers.
