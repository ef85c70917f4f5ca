//! The whole program without a terminal: keys in, screens, effects and bytes out.

mod bytes;
mod fixture;
mod home_and_connect;
mod manners;
mod query;
mod sync;
