//! The heart of a run: a thread of its own that tells the store that the process lives and how far
//! it is, and hears what people ask of it. Work that blocks, or a slow destination, does not stop it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::super::{Progress, ProgressSender};
use crate::store::{Request, RunId, Store, StoreError};

/// Between two signs of life, at most.
const BEAT: Duration = Duration::from_secs(2);
/// Between two looks at what is asked, and between two writes of progress.
const LOOK: Duration = Duration::from_millis(250);

/// Beats until it is dropped.
#[derive(Debug)]
pub(in crate::engine) struct Heart {
    end: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
    paused: watch::Receiver<bool>,
}

impl Heart {
    /// Starts to beat for a run whose lease this store has. A request to stop cancels `cancel`.
    pub(in crate::engine) fn start(
        store: &Store,
        run: RunId,
        progress: &ProgressSender,
        cancel: CancellationToken,
    ) -> Result<Self, StoreError> {
        let end = Arc::new((Mutex::new(false), Condvar::new()));
        let (pause, paused) = watch::channel(false);
        let mut beating = Beating {
            store: store.beside()?,
            run,
            progress: progress.subscribe(),
            pause,
            cancel,
            last: Instant::now(),
            told: None,
        };
        let until = end.clone();
        let thread = std::thread::Builder::new().name(format!("heart of run {run}")).spawn(move || {
            let (ended, changed) = &*until;
            let mut is_over = ended.lock().unwrap_or_else(PoisonError::into_inner);
            while !*is_over {
                drop(is_over);
                let goes_on = beating.beat();
                is_over = ended.lock().unwrap_or_else(PoisonError::into_inner);
                if !goes_on {
                    return;
                }
                if !*is_over {
                    is_over = changed.wait_timeout(is_over, LOOK).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        });
        let thread = thread.map_err(|error| StoreError::Unreadable(error.to_string()))?;
        Ok(Self { end, thread: Some(thread), paused })
    }

    /// Whether a person wants a pause.
    pub(in crate::engine) fn paused(&self) -> watch::Receiver<bool> {
        self.paused.clone()
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        *self.end.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.end.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // What it does last is one small write.
            let _ = thread.join();
        }
    }
}

struct Beating {
    store: Store,
    run: RunId,
    progress: watch::Receiver<Progress>,
    pause: watch::Sender<bool>,
    cancel: CancellationToken,
    last: Instant,
    told: Option<Progress>,
}

impl Beating {
    /// Writes and hears what there is; false when the lease is lost: the journal refuses the rest.
    fn beat(&mut self) -> bool {
        let progress = *self.progress.borrow();
        let news = (progress.run == Some(self.run) && self.told != Some(progress)).then_some(progress);
        if news.is_some() || self.last.elapsed() >= BEAT {
            let text = news.and_then(|progress| serde_json::to_string(&progress).ok());
            match self.store.beat(self.run, text.as_deref()) {
                Ok(true) => {}
                Ok(false) => return self.lost(),
                // A full disk or a busy file: the process itself is seen to live all the same.
                Err(error) => tracing::warn!(%error, run = self.run.0, "no sign of life could be written"),
            }
            (self.told, self.last) = (news.or(self.told), Instant::now());
        }
        match self.store.lease(self.run) {
            Ok(Some(lease)) => {
                self.pause.send_if_modified(|paused| {
                    std::mem::replace(paused, lease.request == Some(Request::Pause))
                        != (lease.request == Some(Request::Pause))
                });
                if lease.request == Some(Request::Stop) {
                    self.cancel.cancel();
                }
            }
            Ok(None) => return self.lost(),
            Err(error) => tracing::warn!(%error, run = self.run.0, "what is asked of the run cannot be read"),
        }
        true
    }

    /// The run has ended, or somebody has taken it over: then this process does nothing more for it.
    fn lost(&self) -> bool {
        if self.store.lease(self.run).is_ok_and(|lease| lease.is_some()) {
            tracing::error!(run = self.run.0, "another process has taken the run over");
            self.cancel.cancel();
        }
        false
    }
}
