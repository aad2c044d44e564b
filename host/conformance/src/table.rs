//! The tables that cases hand over: files of their folders, or made by a rule.

use std::path::PathBuf;

use serde::Deserialize;
use sprag_data::{Column, DType, Field, Source, Table, Values};

use crate::case::{Case, CaseError};

/// The table of a case.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DataSpec {
    /// A CSV or Parquet file of the folder. Without one, a table is made.
    pub file: Option<PathBuf>,
    /// The target, where there is a file; its last column where nothing is said, and none where it is empty.
    pub target: Option<String>,
    /// The rows of a table that is made: 200 where nothing is said.
    pub rows: Option<usize>,
    /// Its features: 4 where nothing is said.
    pub columns: Option<usize>,
    /// What is wrong with its first feature.
    pub with: Option<Flaw>,
}

/// What can be wrong with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Every seventh number is none.
    NotANumber,
    /// Every seventh number is infinite.
    Infinite,
    /// Every seventh value is missing.
    Gaps,
    /// It is text.
    Text,
    /// It is one number over and over.
    Constant,
    /// The table has no target.
    NoTarget,
}

/// The name of the target of a table that is made.
const TARGET: &str = "y";

impl DataSpec {
    /// Makes the table of a case.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub(crate) fn table(&self, case: &Case) -> Result<Table, CaseError> {
        let wrong = |message: String| CaseError::Data { case: case.name.clone(), message };
        let Some(file) = &self.file else {
            let made = made(self.rows.unwrap_or(200), self.columns.unwrap_or(4), self.with);
            return made.map_err(|error| wrong(error.to_string()));
        };
        let table = sprag_data::load(&Source::new(case.folder.join(file))).map_err(|error| wrong(error.to_string()))?;
        let last = table.schema().last().map(|field| field.name.clone());
        let target = self.target.clone().or(last).filter(|target| !target.is_empty());
        table.with_roles(target.as_deref(), None).map_err(|error| wrong(error.to_string()))
    }
}

/// A table of numbers in which the target, 0 or 1, follows from the features but for some noise: regression and classification both have something to learn.
fn made(rows: usize, columns: usize, flaw: Option<Flaw>) -> Result<Table, sprag_data::DataError> {
    let mut features: Vec<Vec<f64>> = (0..columns).map(|column| numbers(rows, column as u64 + 1)).collect();
    let noise = numbers(rows, 0);
    let sum = |row: usize| features.iter().enumerate().map(|(at, column)| column[row] / (at as f64 + 1.0)).sum::<f64>();
    let target: Vec<i64> = (0..rows).map(|row| i64::from(sum(row) + noise[row] / 4.0 > 0.0)).collect();
    let mut fields: Vec<_> = (0..columns).map(|at| field(&format!("x{at}"), DType::Float)).collect();
    let mut first = Column { values: Values::Floats(std::mem::take(&mut features[0])), validity: None };
    if let Some(flaw) = flaw {
        spoil(&mut first, flaw);
    }
    if flaw == Some(Flaw::Text) {
        fields[0].dtype = DType::Text;
    }
    fields[0].nullable = flaw == Some(Flaw::Gaps);
    let rest = features.into_iter().skip(1).map(|values| Column { values: Values::Floats(values), validity: None });
    let mut all: Vec<_> = std::iter::once(first).chain(rest).collect();
    if flaw != Some(Flaw::NoTarget) {
        fields.push(field(TARGET, DType::Integer));
        all.push(Column { values: Values::Integers(target), validity: None });
    }
    let table = Table::from_columns(fields, all)?;
    if flaw == Some(Flaw::NoTarget) { Ok(table) } else { table.with_roles(Some(TARGET), None) }
}

fn field(name: &str, dtype: DType) -> Field {
    Field { name: name.to_owned(), dtype, nullable: false }
}

fn spoil(column: &mut Column, flaw: Flaw) {
    let Values::Floats(values) = &mut column.values else { return };
    let every_seventh = |values: &mut Vec<f64>, with: f64| values.iter_mut().step_by(7).for_each(|value| *value = with);
    match flaw {
        Flaw::NotANumber => every_seventh(values, f64::NAN),
        Flaw::Infinite => every_seventh(values, f64::INFINITY),
        Flaw::Constant => values.fill(1.0),
        Flaw::Gaps => {
            every_seventh(values, 0.0);
            let mut bits = vec![0_u8; values.len().div_ceil(8)];
            (0..values.len()).filter(|row| row % 7 != 0).for_each(|row| bits[row / 8] |= 1 << (row % 8));
            column.validity = Some(bits);
        }
        Flaw::Text => {
            let words = ["red", "green", "blue, with a comma", "\"quoted\"", "Grün"];
            let (mut bytes, mut ends) = (vec![], vec![]);
            for row in 0..values.len() {
                bytes.extend(words[row % words.len()].as_bytes());
                ends.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            }
            column.values = Values::Texts { bytes, ends };
        }
        Flaw::NoTarget => {}
    }
}

/// Numbers between -0.5 and 0.5 that look random and are the same each time (Knuth's linear congruential generator for 64 bits).
fn numbers(rows: usize, stream: u64) -> Vec<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(stream + 1);
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    std::iter::repeat_with(next).take(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_flaw() {
        let nan = made(20, 3, Some(Flaw::NotANumber)).unwrap();
        assert_eq!((nan.schema().len(), nan.target(), nan.row_count()), (4, Some("y"), 20));
        assert!(nan.column_f64("x0").unwrap()[7].is_nan());
        let gaps = made(20, 3, Some(Flaw::Gaps)).unwrap();
        assert!(!gaps.read("x0", 0, 20).unwrap().is_valid(14) && gaps.read("x0", 0, 20).unwrap().is_valid(15));
        assert_eq!(made(5, 2, Some(Flaw::Text)).unwrap().field("x0").unwrap().dtype, DType::Text);
        assert_eq!(made(5, 2, Some(Flaw::NoTarget)).unwrap().target(), None);
        let both: std::collections::BTreeSet<_> =
            made(200, 4, None).unwrap().column_f64("y").unwrap().iter().map(|y| y.to_bits()).collect();
        assert_eq!(both.len(), 2, "both classes are there");
    }
}
