//! Rows as JSON carries them.

use serde_json::Value;
use sprag_sdk::{Column, Dtype, Failure, Field, Source, Values, batch_rows};

/// The columns of a table, and its rows with a value for each.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub(crate) fields: Vec<Field>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// The rows that are sent beside the rows that must come back.
pub(crate) struct Pair {
    pub(crate) sent: Grid,
    pub(crate) expected: Grid,
    /// The place of each row among those that the stage was handed.
    pub(crate) places: Vec<usize>,
}

impl Pair {
    /// Reads both. A row with a number that JSON has no form for (NaN, an infinity) is left out.
    ///
    /// # Errors
    /// The tables are not of one length, or no row can be sent.
    pub(crate) fn read(rows: &impl Source, expected: &impl Source) -> Result<Self, Failure> {
        let (fields, rows) = cells(rows)?;
        let (outputs, expected) = cells(expected)?;
        if rows.len() != expected.len() {
            return Err(Failure::bad_input(format!(
                "expected a prediction for each of {} rows, found {} predictions",
                rows.len(),
                expected.len()
            )));
        }
        if outputs.is_empty() {
            return Err(Failure::bad_input("expected at least one column of predictions, found none"));
        }
        let (mut sent, mut back, mut places) = (vec![], vec![], vec![]);
        for (place, (row, prediction)) in rows.into_iter().zip(expected).enumerate() {
            let whole = |cells: Cells| cells.into_iter().collect::<Option<Vec<_>>>();
            if let (Some(row), Some(prediction)) = (whole(row), whole(prediction)) {
                sent.push(row);
                back.push(prediction);
                places.push(place);
            }
        }
        if sent.is_empty() {
            return Err(Failure::bad_input("expected at least one row of finite numbers to send, found none"));
        }
        Ok(Self { sent: Grid { fields, rows: sent }, expected: Grid { fields: outputs, rows: back }, places })
    }
}

/// A row; none in the place of a number that JSON has no form for.
type Cells = Vec<Option<Value>>;

/// The table's columns and rows.
fn cells(source: &impl Source) -> Result<(Vec<Field>, Vec<Cells>), Failure> {
    let fields = source.schema();
    let names: Vec<_> = fields.iter().map(|field| field.name.clone()).collect();
    let mut rows = vec![];
    for batch in source.batches(&names, batch_rows(names.len()))? {
        let batch = batch?;
        let count = batch.first().map_or(0, Column::len);
        rows.extend((0..count).map(|row| batch.iter().map(|column| cell(column, row)).collect::<Cells>()));
    }
    Ok((fields, rows))
}

fn cell(column: &Column, row: usize) -> Option<Value> {
    if column.is_null(row) {
        return Some(Value::Null);
    }
    match &column.values {
        Values::Floats(values) => serde_json::Number::from_f64(*values.get(row)?).map(Value::Number),
        Values::Integers(values) => values.get(row).map(|value| Value::from(*value)),
        Values::Booleans(values) => values.get(row).map(|value| Value::from(*value != 0)),
        Values::Texts(_) => column.text(row).map(|text| Value::from(text.into_owned())),
    }
}

/// What JSON and JSON Schema call a value of the type.
pub(crate) const fn json_type(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Float => "number",
        Dtype::Integer | Dtype::Timestamp => "integer",
        Dtype::Boolean => "boolean",
        Dtype::Text => "string",
    }
}
