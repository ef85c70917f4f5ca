//! Runs that outlive whoever began them: a process of their own, a lease, a heartbeat, requests.
//!
//! [`spawn`] starts the process and [`Engine::work`](super::Engine::work) is what it does; [`lease`]
//! says who may work on a mapping and takes over what a dead process left; [`heart`] tells the store
//! that a process lives and hears what people ask of it; [`follow`] watches a run from outside.

mod follow;
pub(super) mod heart;
pub(super) mod lease;
mod spawn;

pub use follow::RunNow;
pub(super) use follow::ended_words;
pub use spawn::{Orders, WorkerReply};
