//! The columns that go into a scorer and come out of it: converted, and held against what the model promised.

use sprag_data::{Column as TableColumn, DType, Field as TableField, Table, Values as TableValues};

use crate::bindings::sprag::data::tables::{Column, Dtype, Field};
use crate::failure::StageFailure;
use crate::host::column_to_wit;

/// Rows of a table as the model wants them.
pub(crate) fn input(table: &Table, field: &Field, offset: u64, rows: u32) -> Result<Column, StageFailure> {
    let column = table
        .read(&field.name, offset, rows)
        .map_err(|error| StageFailure::Contract(format!("cannot score this data: {error}")))?;
    convert(column, field)
}

/// A column as the model wants it: an integer or boolean column serves where a float is asked for.
pub(crate) fn convert(column: TableColumn, field: &Field) -> Result<Column, StageFailure> {
    let TableColumn { values, validity } = column;
    let values = match (field.dtype, values) {
        (Dtype::Float, TableValues::Integers(values)) => TableValues::Floats(values.into_iter().map(|v| v as f64).collect()),
        (Dtype::Float, TableValues::Booleans(values)) => TableValues::Floats(values.into_iter().map(f64::from).collect()),
        (_, values) => values,
    };
    let found = match &values {
        TableValues::Floats(_) => "float",
        TableValues::Integers(_) => "integer",
        TableValues::Booleans(_) => "boolean",
        TableValues::Texts { .. } => "text",
    };
    if !is_of(field.dtype, &values) {
        let message = format!("expected the column `{}` to be {}, found {found}", field.name, dtype_name(field.dtype));
        return Err(StageFailure::Contract(message));
    }
    Ok(column_to_wit(TableColumn { values, validity }))
}

/// Whether values are of a type.
fn is_of(dtype: Dtype, values: &TableValues) -> bool {
    matches!(
        (dtype, values),
        (Dtype::Float, TableValues::Floats(_))
            | (Dtype::Integer | Dtype::Timestamp, TableValues::Integers(_))
            | (Dtype::Boolean, TableValues::Booleans(_))
            | (Dtype::Text, TableValues::Texts { .. })
    )
}

pub(crate) fn empty_column(dtype: Dtype) -> TableColumn {
    let values = match dtype {
        Dtype::Float => TableValues::Floats(vec![]),
        Dtype::Integer | Dtype::Timestamp => TableValues::Integers(vec![]),
        Dtype::Boolean => TableValues::Booleans(vec![]),
        Dtype::Text => TableValues::Texts { bytes: vec![], ends: vec![] },
    };
    TableColumn { values, validity: None }
}

/// Holds a batch of predictions against what the model promised; `before` rows were predicted before it.
pub(crate) fn check_batch(batch: &TableColumn, rows: u32, field: &Field, before: usize) -> Result<(), String> {
    let wrong = |found: &str| wrong_batch(rows, field, found);
    if batch.values.len() != rows as usize {
        return Err(wrong(&format!("{} rows", batch.values.len())));
    }
    if batch.validity.is_some() {
        return Err(wrong("nulls"));
    }
    if !is_of(field.dtype, &batch.values) {
        return Err(wrong("values of another type"));
    }
    if let TableValues::Floats(values) = &batch.values
        && let Some(row) = values.iter().position(|value| !value.is_finite())
    {
        return Err(wrong(&format!("{} in row {}", values[row], before + row)));
    }
    Ok(())
}

/// What [`Table::from_columns`] would refuse in a column that [`check_batch`] passed: booleans beyond 0 and 1, damaged text.
pub(crate) fn check_values(column: &TableColumn, field: &Field) -> Result<(), String> {
    match &column.values {
        TableValues::Booleans(values) => match values.iter().position(|value| *value > 1) {
            Some(row) => Err(format!("expected 0 or 1 in the output `{}`, found {} in row {row}", field.name, values[row])),
            None => Ok(()),
        },
        TableValues::Texts { bytes, ends } => {
            let mut start = 0;
            for (row, end) in ends.iter().map(|end| *end as usize).enumerate() {
                let text = bytes.get(start..end).map(std::str::from_utf8);
                if !matches!(text, Some(Ok(_))) {
                    return Err(format!("expected UTF-8 text in the output `{}`, found other bytes in row {row}", field.name));
                }
                start = end;
            }
            Ok(())
        }
        TableValues::Floats(_) | TableValues::Integers(_) => Ok(()),
    }
}

fn wrong_batch(rows: u32, field: &Field, found: &str) -> String {
    format!("expected {rows} rows of {} for the output `{}`, found {found}", dtype_name(field.dtype), field.name)
}

/// Adds a batch of predictions that [`check_batch`] passed to what was predicted before.
pub(crate) fn append(output: &mut TableColumn, batch: TableColumn, rows: u32, field: &Field) -> Result<(), String> {
    let wrong = |found: &str| wrong_batch(rows, field, found);
    match (&mut output.values, batch.values) {
        (TableValues::Floats(all), TableValues::Floats(values)) => all.extend(values),
        (TableValues::Integers(all), TableValues::Integers(values)) => all.extend(values),
        (TableValues::Booleans(all), TableValues::Booleans(values)) => all.extend(values),
        (TableValues::Texts { bytes, ends }, TableValues::Texts { bytes: more, ends: more_ends }) => {
            let start = u32::try_from(bytes.len()).map_err(|_| wrong("more than 4 GiB of text"))?;
            bytes.extend(more);
            for end in more_ends {
                ends.push(start.checked_add(end).ok_or_else(|| wrong("more than 4 GiB of text"))?);
            }
        }
        _ => return Err(wrong("values of another type")),
    }
    Ok(())
}

pub(crate) fn dtype_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Float => "float",
        Dtype::Integer => "integer",
        Dtype::Boolean => "boolean",
        Dtype::Text => "text",
        Dtype::Timestamp => "timestamp",
    }
}

pub(crate) fn table_field(field: &Field, nullable: bool) -> TableField {
    let dtype = match field.dtype {
        Dtype::Float => DType::Float,
        Dtype::Integer => DType::Integer,
        Dtype::Boolean => DType::Boolean,
        Dtype::Text => DType::Text,
        Dtype::Timestamp => DType::Timestamp,
    };
    TableField { name: field.name.clone(), dtype, nullable }
}
