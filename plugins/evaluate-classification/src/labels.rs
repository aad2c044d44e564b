//! Classes as small numbers, in the order in which they turn up.

use std::collections::BTreeMap;

/// The classes seen so far.
#[derive(Debug, Default)]
pub(crate) struct Labels(BTreeMap<String, usize>);

impl Labels {
    /// The number of a class, new or known.
    pub(crate) fn index(&mut self, label: &str) -> usize {
        if let Some(&index) = self.0.get(label) {
            return index;
        }
        let index = self.0.len();
        self.0.insert(label.to_owned(), index);
        index
    }

    /// All classes with their numbers: whole numbers ascending, anything else as text.
    pub(crate) fn sorted(&self) -> Vec<(&str, usize)> {
        let mut sorted: Vec<_> = self.0.iter().map(|(label, &index)| (label.as_str(), index)).collect();
        if sorted.iter().all(|(label, _)| label.parse::<i64>().is_ok()) {
            sorted.sort_by_key(|(label, _)| label.parse::<i64>().unwrap_or_default());
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once_and_sorted_by_value() {
        let mut labels = Labels::default();
        assert_eq!(["10", "9", "10"].map(|label| labels.index(label)), [0, 1, 0]);
        assert_eq!(labels.sorted(), [("9", 1), ("10", 0)]);
        labels.index("a");
        assert_eq!(labels.sorted(), [("10", 0), ("9", 1), ("a", 2)]);
    }
}
