//! Sketches of tables, by which [`sprag_core::drift`] tells how far later data has moved.
//!
//! The bins are made of the training data: ten of equal share for numbers, with one below the least and one above the greatest, and the most
//! frequent values of text.

use std::collections::BTreeMap;

use sprag_core::drift::{Bins, ColumnSketch, Sketch};

use crate::cells::Cells;
use crate::{Column, DataError, Profile, Table, Values};

/// The percentiles between the bins of a column of numbers.
const PERCENTILES: [usize; 9] = [10, 20, 30, 40, 50, 60, 70, 80, 90];

/// A sketch of what goes into a model and what comes out of it, in bins made of these very tables.
///
/// # Errors
///
/// When a table has no rows: nothing could be held against it.
pub fn sketch(inputs: &Table, outputs: &Table) -> Result<Sketch, DataError> {
    let columns = |table: &Table| Ok::<_, DataError>(bins(&crate::profile(table)?));
    let mut sketch = Sketch::new(columns(inputs)?, columns(outputs)?);
    count(&mut sketch, inputs, outputs);
    Ok(sketch)
}

/// Counts the rows of tables in a sketch. A column that the sketch has and the table has not is counted as so many nulls.
pub fn count(sketch: &mut Sketch, inputs: &Table, outputs: &Table) {
    for (columns, table) in [(&mut sketch.inputs, inputs), (&mut sketch.outputs, outputs)] {
        for (name, column) in columns {
            let at = table.schema().iter().position(|field| field.name == *name);
            match at.map(|at| &table.columns().cells[at]) {
                Some(cells) => count_cells(column, cells),
                None => (0..table.row_count()).for_each(|_| column.null()),
            }
        }
    }
}

/// Counts the values of a run of rows.
pub fn count_column(sketch: &mut ColumnSketch, column: &Column) {
    if column.validity.is_none() {
        match &column.values {
            Values::Floats(values) => values.iter().for_each(|value| sketch.number(*value)),
            Values::Integers(values) => values.iter().for_each(|value| sketch.number(*value as f64)),
            Values::Booleans(values) => values.iter().for_each(|value| sketch.text(truth(*value != 0))),
            Values::Texts { ends, .. } => (0..ends.len()).for_each(|row| sketch.text(column.text(row).unwrap_or_default())),
        }
        return;
    }
    for row in 0..column.values.len() {
        match &column.values {
            _ if !column.is_valid(row) => sketch.null(),
            Values::Floats(values) => sketch.number(values[row]),
            Values::Integers(values) => sketch.number(values[row] as f64),
            Values::Booleans(values) => sketch.text(truth(values[row] != 0)),
            Values::Texts { .. } => sketch.text(column.text(row).unwrap_or_default()),
        }
    }
}

/// A boolean as a profile names it.
const fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn bins(profile: &Profile) -> BTreeMap<String, ColumnSketch> {
    let column = |column: &crate::ColumnProfile| {
        let bins = match (column.min, column.max) {
            (Some(min), Some(max)) => {
                // An edge just below the least, so that the least is not below itself.
                let edges = PERCENTILES.iter().filter_map(|percent| column.quantiles.get(*percent).copied());
                Bins::Edges([min.next_down()].into_iter().chain(edges).chain([max]).collect())
            }
            _ if column.dtype.is_numeric() => Bins::Edges(vec![]),
            _ => Bins::Values(column.categories.iter().map(|category| category.value.clone()).collect()),
        };
        (column.name.clone(), ColumnSketch::new(bins))
    };
    profile.columns.iter().map(column).collect()
}

fn count_cells(column: &mut ColumnSketch, cells: &Cells) {
    for row in 0..cells.len() {
        match cells {
            _ if cells.is_null(row) => column.null(),
            Cells::Floats(array) => column.number(array.value(row)),
            Cells::Integers(array) => column.number(array.value(row) as f64),
            Cells::Booleans(array) => column.text(truth(array.value(row))),
            Cells::Texts(array) => column.text(array.value(row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use sprag_core::drift::{Movement, Thresholds, compare};

    use super::*;
    use crate::{Column, DType, Field, Values};

    /// A column `x` of numbers and one of their kinds; the prediction is twice the number.
    fn tables(from: i32, to: i32) -> (Table, Table) {
        let field = |name: &str, dtype| Field { name: name.to_owned(), dtype, nullable: false };
        let column = |values| Column { values, validity: None };
        let kinds: Vec<&str> = (from..to).map(|x| if x % 3 == 0 { "third" } else { "rest" }).collect();
        let mut end = 0;
        let ends = kinds.iter().map(|kind| {
            end += kind.len() as u32;
            end
        });
        let texts = Values::Texts { ends: ends.collect(), bytes: kinds.concat().into_bytes() };
        let x: Vec<f64> = (from..to).map(f64::from).collect();
        let doubled = Values::Floats(x.iter().map(|x| 2.0 * x).collect());
        let inputs = Table::from_columns(
            vec![field("x", DType::Float), field("kind", DType::Text)],
            vec![column(Values::Floats(x)), column(texts)],
        );
        let outputs = Table::from_columns(vec![field("prediction", DType::Float)], vec![column(doubled)]);
        (inputs.unwrap(), outputs.unwrap())
    }

    #[test]
    fn bins_are_of_equal_share_and_nothing_is_outside() {
        let (inputs, outputs) = tables(0, 1000);
        let sketch = sketch(&inputs, &outputs).unwrap();
        let x = &sketch.inputs["x"];
        assert_eq!((x.counts.len(), x.counts[0], x.counts[11], x.other), (12, 0, 0, 0));
        assert!(x.counts[1..11].iter().all(|count| *count == 100), "{:?}", x.counts);
        assert_eq!(sketch.inputs["kind"].counts, [666, 334]);
        assert_eq!(sketch.outputs["prediction"].rows(), 1000);
    }

    #[test]
    fn a_run_of_rows_is_counted_as_the_table_is() {
        let (inputs, outputs) = tables(0, 90);
        let whole = sketch(&inputs, &outputs).unwrap();
        for (columns, table) in [(&whole.inputs, &inputs), (&whole.outputs, &outputs)] {
            for (name, counted) in columns {
                let mut again = ColumnSketch::new(counted.bins.clone());
                for start in (0..90).step_by(30) {
                    count_column(&mut again, &table.read(name, start, 30).unwrap());
                }
                assert_eq!(again, *counted, "{name}");
            }
        }
        let mut flags = ColumnSketch::new(Bins::Values(vec!["false".into(), "true".into()]));
        count_column(&mut flags, &Column { values: Values::Booleans(vec![1, 0, 1]), validity: Some(vec![0b011]) });
        assert_eq!((flags.counts.as_slice(), flags.nulls), (&[1, 1][..], 1));
    }

    #[test]
    fn later_rows_are_held_against_them() {
        let (inputs, outputs) = tables(0, 1200);
        let then = sketch(&inputs, &outputs).unwrap();
        let movements = |from: i32, to: i32| {
            let (inputs, outputs) = tables(from, to);
            let mut now = then.emptied();
            count(&mut now, &inputs, &outputs);
            let drift = compare(&then, &now, Thresholds::default()).unwrap();
            drift.into_iter().map(|column| (column.column, column.movement)).collect::<Vec<_>>()
        };
        let all =
            |x, kind, prediction| vec![("kind".to_owned(), kind), ("x".to_owned(), x), ("prediction".to_owned(), prediction)];
        assert_eq!(movements(0, 1200), all(Movement::Stable, Movement::Stable, Movement::Stable));
        assert_eq!(movements(900, 2100), all(Movement::MovedFar, Movement::Stable, Movement::MovedFar));
        assert_eq!(movements(0, 3), all(Movement::Unknown, Movement::Unknown, Movement::Unknown));
    }
}
