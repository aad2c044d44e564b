//! One model's answers, row by row.

use sprag_sdk::{Column, Failure, Source};

/// What the name of a probability column starts with.
const PROBABILITY: &str = "probability:";

/// The columns of a model's answers: the class, then the probabilities.
#[derive(Debug, Clone)]
pub(crate) struct Outputs {
    who: &'static str,
    /// The names of the columns to read.
    pub(crate) columns: Vec<String>,
    /// The classes of the probability columns, in order.
    pub(crate) classes: Vec<String>,
}

impl Outputs {
    /// Looks at a table of answers.
    pub(crate) fn of(who: &'static str, table: &dyn Source) -> Result<Self, Failure> {
        let names: Vec<_> = table.schema().into_iter().map(|field| field.name).collect();
        let Some((first, others)) = names.split_first() else {
            return Err(Failure::bad_input(format!("expected at least one output column of {who}, found none")));
        };
        let classes: Vec<_> = others.iter().filter_map(|name| name.strip_prefix(PROBABILITY)).map(str::to_owned).collect();
        let probabilities = classes.iter().map(|class| format!("{PROBABILITY}{class}"));
        Ok(Self { who, columns: std::iter::once(first.clone()).chain(probabilities).collect(), classes })
    }

    /// The class of a row.
    pub(crate) fn prediction<'a>(
        &self,
        batch: &'a [Column],
        row: usize,
        offset: u64,
    ) -> Result<std::borrow::Cow<'a, str>, Failure> {
        batch[0].display(row).ok_or_else(|| {
            let (who, row) = (self.who, offset + row as u64);
            Failure::bad_input(format!("expected a class as {who}'s prediction in row {row}, found no value"))
        })
    }

    /// The probability that a row was given of being of this class; none where the model gives no probabilities, 0 where it does not know the class.
    pub(crate) fn probability(&self, batch: &[Vec<f64>], class: &str, row: usize, offset: u64) -> Result<Option<f64>, Failure> {
        if self.classes.is_empty() {
            return Ok(None);
        }
        let Some(at) = self.classes.iter().position(|known| known == class) else { return Ok(Some(0.0)) };
        let found = batch[at][row];
        if (0.0..=1.0).contains(&found) {
            return Ok(Some(found));
        }
        let (who, row) = (self.who, offset + row as u64);
        Err(Failure::bad_input(format!(
            "expected a probability from 0 to 1 of class `{class}` from {who} in row {row}, found {found}"
        )))
    }

    /// The probability columns of a batch as numbers.
    pub(crate) fn probabilities(&self, batch: &[Column]) -> Result<Vec<Vec<f64>>, Failure> {
        let numbers = |(column, class): (&Column, &String)| {
            let found = column.numbers().map(|values| values.into_owned());
            found.ok_or_else(|| {
                Failure::bad_input(format!(
                    "expected numbers as the probability of class `{class}` from {}, found text",
                    self.who
                ))
            })
        };
        batch.iter().skip(1).zip(&self.classes).map(numbers).collect()
    }
}
