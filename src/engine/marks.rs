//! Which rows of a snapshot a run has met: one bit each, so that a million rows take 125 kB.

/// A set of small numbers.
#[derive(Debug, Default)]
pub(super) struct Marks {
    words: Vec<u64>,
    count: u64,
}

impl Marks {
    /// Whether it has a number.
    pub(super) fn has(&self, number: u64) -> bool {
        self.words.get(place(number)).is_some_and(|word| word & bit(number) != 0)
    }

    /// Adds a number; false when it was there.
    pub(super) fn add(&mut self, number: u64) -> bool {
        let place = place(number);
        if place >= self.words.len() {
            self.words.resize(place + 1, 0);
        }
        let word = &mut self.words[place];
        let is_new = *word & bit(number) == 0;
        *word |= bit(number);
        self.count += u64::from(is_new);
        is_new
    }

    /// Takes a number out.
    pub(super) fn remove(&mut self, number: u64) {
        if self.has(number) {
            self.words[place(number)] &= !bit(number);
            self.count -= 1;
        }
    }

    /// How many numbers it has.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number / 64).unwrap_or(usize::MAX)
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((0u64..300, any::<bool>()), 0..200)) {
            let (mut marks, mut set) = (Marks::default(), BTreeSet::new());
            for (number, add) in steps {
                if add {
                    prop_assert_eq!(marks.add(number), set.insert(number));
                } else {
                    marks.remove(number);
                    set.remove(&number);
                }
            }
            prop_assert_eq!(marks.count(), set.len() as u64);
            prop_assert!((0..400).all(|number| marks.has(number) == set.contains(&number)));
        }
    }
}
