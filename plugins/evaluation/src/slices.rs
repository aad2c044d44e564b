//! Totals for the rows that share a value of a column.

use std::collections::BTreeMap;

use sprag_gate::{Rule, Slice};
use sprag_sdk::{Column, Failure};

/// How many values a column may have to be sliced by. More are a mistake in the project: an identifier, or a measurement.
const MAX_VALUES: usize = 100;

/// Totals of type `T` for each value of each column that the rule slices by.
#[derive(Debug)]
pub struct Slices<T> {
    columns: Vec<String>,
    totals: Vec<BTreeMap<Option<String>, (u64, T)>>,
}

impl<T: Default> Slices<T> {
    /// Empty totals for the rule's columns, each once.
    pub fn new(rule: &Rule) -> Self {
        let mut columns = Vec::<String>::new();
        for guard in &rule.slices {
            if !columns.contains(&guard.column) {
                columns.push(guard.column.clone());
            }
        }
        Self { totals: columns.iter().map(|_| BTreeMap::new()).collect(), columns }
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Lets `add` update the totals of each slice that row `row` of a batch is in. The batch's columns are those of [`columns`](Self::columns).
    ///
    /// # Errors
    ///
    /// [`Failure::BadParams`] when a column has too many values.
    pub fn update(&mut self, batch: &[Column], row: usize, mut add: impl FnMut(&mut T)) -> Result<(), Failure> {
        for ((totals, column), name) in self.totals.iter_mut().zip(batch).zip(&self.columns) {
            let (rows, total) = totals.entry(column.display(row).map(|value| value.into_owned())).or_default();
            *rows += 1;
            add(total);
            if totals.len() > MAX_VALUES {
                let message = format!("slices: expected a column with at most {MAX_VALUES} values, found more in `{name}`");
                return Err(Failure::BadParams(message));
            }
        }
        Ok(())
    }

    /// The slices, with both models' value of the deciding metric from the totals.
    pub fn finish(self, metric: impl Fn(&T) -> [Option<f64>; 2]) -> Vec<Slice> {
        let slice = |column: &String, value, rows, total: &T| {
            let [candidate, production] = metric(total);
            Slice { column: column.clone(), value, rows, candidate, production }
        };
        let columns = self.columns.iter().zip(self.totals);
        columns
            .flat_map(|(column, totals)| totals.into_iter().map(move |(value, (rows, total))| slice(column, value, rows, &total)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Rule {
        serde_json::from_str(r#"{"slices": [{"column": "sex"}, {"column": "sex", "otherwise": "blocked"}]}"#).unwrap()
    }

    #[test]
    fn each_value_has_its_rows() {
        let mut slices = Slices::<f64>::new(&rule());
        let batch = [Column::texts(["m", "f", "m"])];
        for row in 0..3 {
            slices.update(&batch, row, |total| *total += row as f64).unwrap();
        }
        let found: Vec<_> =
            slices.finish(|&total| [Some(total), None]).into_iter().map(|s| (s.value, s.rows, s.candidate)).collect();
        assert_eq!(found, [(Some("f".to_owned()), 1, Some(1.0)), (Some("m".to_owned()), 2, Some(2.0))]);
    }

    #[test]
    fn too_many_values_are_refused() {
        let mut slices = Slices::<()>::new(&rule());
        let batch = [Column::floats((0..200).map(f64::from).collect())];
        let failure = (0..200).find_map(|row| slices.update(&batch, row, |()| ()).err()).unwrap();
        assert_eq!(failure.message(), "slices: expected a column with at most 100 values, found more in `sex`");
    }
}
