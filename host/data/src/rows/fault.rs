//! What keeps a row from being scored.

use arrow_array::Array;

use crate::cells::Cells;
use crate::{DType, Field};

/// A row that cannot be scored, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The row's number within its block, from 0.
    pub row: u32,
    /// The line of the file on which it begins, from 1, where the file has lines.
    pub line: Option<u64>,
    /// The column at fault, where it is one.
    pub column: Option<String>,
    /// What was expected and what was found.
    pub reason: String,
}

/// Adds a fault for each row that has no value in a column or a number in it that is not finite, but for rows that have a fault already.
pub(super) fn find(faults: &mut Vec<RowFault>, fields: &[Field], columns: &[Cells]) {
    for (field, cells) in fields.iter().zip(columns) {
        let mut found = Vec::new();
        let mut add = |row: usize, reason: String| {
            found.push(RowFault { row: row as u32, line: None, column: Some(field.name.clone()), reason });
        };
        let nulls = cells.nulls();
        if let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) {
            let empty = || format!("expected {}, found no value", field.dtype);
            nulls.iter().enumerate().filter(|(_, valid)| !valid).for_each(|(row, _)| add(row, empty()));
        }
        if let Cells::Floats(array) = cells {
            let values = array.values();
            // A pass without a branch, in the processor's wide registers, settles nearly every block.
            let any = values.iter().fold(false, |any, value| any | !value.is_finite());
            if any {
                let bad = values.iter().enumerate().filter(|(_, value)| !value.is_finite());
                bad.for_each(|(row, value)| add(row, format!("expected a finite number, found {value}")));
            }
        }
        merge(faults, found);
    }
}

/// Adds faults to others; of two in one row the earlier stays. The result ascends by row.
pub(crate) fn merge(faults: &mut Vec<RowFault>, more: Vec<RowFault>) {
    if more.is_empty() {
        return;
    }
    faults.extend(more);
    // A stable order: what was there first stays first.
    faults.sort_by_key(|fault| fault.row);
    faults.dedup_by_key(|fault| fault.row);
}

/// A column of floats as integers, where a model wants those: numbers with a fraction, and those beyond 64 bits, are faults.
pub(super) fn whole_numbers(field: &Field, array: &arrow_array::Float64Array, faults: &mut Vec<RowFault>) -> Cells {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let mut found = Vec::new();
    let mut values = Vec::with_capacity(array.len());
    for (row, value) in array.values().iter().enumerate() {
        let is_whole = value.fract() == 0.0 && (-LIMIT..LIMIT).contains(value);
        values.push(if is_whole { *value as i64 } else { 0 });
        if !is_whole && array.is_valid(row) {
            let reason = format!("expected {}, found {value}", DType::Integer);
            found.push(RowFault { row: row as u32, line: None, column: Some(field.name.clone()), reason });
        }
    }
    merge(faults, found);
    Cells::of_integers(values, array.nulls().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, dtype: DType) -> Field {
        Field { name: name.to_owned(), dtype, nullable: false }
    }

    #[test]
    fn nulls_and_what_is_not_finite_are_found_once_a_row() {
        let columns = [
            Cells::of_floats(vec![1.0, f64::NAN, 2.0, f64::NEG_INFINITY], None),
            Cells::of_integers(vec![1, 0, 0, 4], Some(vec![true, false, false, true].into())),
        ];
        let mut faults = Vec::new();
        find(&mut faults, &[field("x", DType::Float), field("i", DType::Integer)], &columns);
        let shown: Vec<_> = faults.iter().map(|fault| (fault.row, fault.column.as_deref(), fault.reason.as_str())).collect();
        assert_eq!(
            shown,
            [
                (1, Some("x"), "expected a finite number, found NaN"),
                (2, Some("i"), "expected integer, found no value"),
                (3, Some("x"), "expected a finite number, found -inf"),
            ]
        );
    }

    #[test]
    fn floats_serve_as_integers_where_they_are_whole() {
        let (mut faults, array) = (Vec::new(), vec![Some(3.0), Some(2.5), None, Some(1e300)].into());
        let cells = whole_numbers(&field("i", DType::Integer), &array, &mut faults);
        let Cells::Integers(integers) = cells else { panic!("integers") };
        assert_eq!((integers.values().as_ref(), integers.null_count()), (&[3, 0, 0, 0][..], 1));
        assert_eq!(faults.iter().map(|fault| fault.row).collect::<Vec<_>>(), [1, 3]);
    }
}
