//! Undo and redo over whole values.

/// How many steps back are kept.
const DEPTH: usize = 500;

/// A value with its past and its undone future.
#[derive(Debug, Clone)]
pub struct History<T> {
    now: T,
    past: Vec<T>,
    future: Vec<T>,
}

impl<T: Clone + PartialEq> History<T> {
    /// Starts with this value and no past.
    pub fn new(now: T) -> Self {
        Self { now, past: Vec::new(), future: Vec::new() }
    }

    /// The value as it is.
    pub fn now(&self) -> &T {
        &self.now
    }

    /// Makes `next` the value, as one step. An equal value is no step.
    pub fn set(&mut self, next: T) -> bool {
        if next == self.now {
            return false;
        }
        self.past.push(std::mem::replace(&mut self.now, next));
        if self.past.len() > DEPTH {
            self.past.remove(0);
        }
        self.future.clear();
        true
    }

    /// One step back; false when there is none.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop() else { return false };
        self.future.push(std::mem::replace(&mut self.now, before));
        true
    }

    /// One undone step forward again; false when there is none.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.future.pop() else { return false };
        self.past.push(std::mem::replace(&mut self.now, after));
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_step_can_be_undone_and_redone(values in prop::collection::vec(0_u8..4, 0..30)) {
            let mut history = History::new(9);
            let mut seen = vec![9];
            for value in values {
                if history.set(value) {
                    seen.push(value);
                }
            }
            for wanted in seen.iter().rev() {
                prop_assert_eq!(history.now(), wanted);
                history.undo();
            }
            prop_assert!(!history.undo());
            for wanted in &seen {
                prop_assert_eq!(history.now(), wanted);
                history.redo();
            }
            prop_assert!(!history.redo());
        }
    }
}
