//! Which question an answer belongs to. A slow first answer must never overwrite a quick second.

/// The number of one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Hands out tickets, each once.
#[derive(Debug, Default)]
pub struct Tickets(u64);

impl Tickets {
    /// The next one.
    pub fn issue(&mut self) -> Ticket {
        self.0 += 1;
        Ticket(self.0)
    }
}

/// What one place waits for: the last question it asked, until it is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting(Option<Ticket>);

impl Waiting {
    /// Waits for this one from now on; what was waited for before is stale.
    pub fn on(&mut self, ticket: Ticket) {
        self.0 = Some(ticket);
    }

    /// Whether it waits at all.
    pub fn is_busy(&self) -> bool {
        self.0.is_some()
    }

    /// What it waits for.
    pub fn ticket(&self) -> Option<Ticket> {
        self.0
    }

    /// Whether this is the answer waited for; there may be more to come.
    pub fn is_for(&self, ticket: Ticket) -> bool {
        self.0 == Some(ticket)
    }

    /// Whether this is the answer waited for; it is the last one.
    pub fn take(&mut self, ticket: Ticket) -> bool {
        let mine = self.is_for(ticket);
        if mine {
            self.0 = None;
        }
        mine
    }

    /// Waits no more; the question that is to be cancelled.
    pub fn give_up(&mut self) -> Option<Ticket> {
        self.0.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_answer_is_not_taken() {
        let mut tickets = Tickets::default();
        let mut waiting = Waiting::default();
        let (first, second) = (tickets.issue(), tickets.issue());
        waiting.on(first);
        waiting.on(second);
        assert!(!waiting.take(first) && waiting.is_busy());
        assert!(waiting.take(second) && !waiting.is_busy() && !waiting.take(second));
    }
}
