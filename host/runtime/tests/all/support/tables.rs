//! Tables to hand over.

use sprag_data::{Column, DType, Field, Table, Values};

/// The numbers 1 to `rows` in a column `x`, and their doubles in the target `y`.
pub(crate) fn numbers(rows: u32) -> Table {
    let x: Vec<_> = (1..=rows).map(f64::from).collect();
    let y = x.iter().map(|x| x * 2.0).collect();
    let column = |values| Column { values: Values::Floats(values), validity: None };
    let table = Table::from_columns(vec![field("x", DType::Float), field("y", DType::Float)], vec![column(x), column(y)]);
    table.unwrap().with_roles(Some("y"), None).unwrap()
}

/// Nine rows of every type, with a null in each column.
pub(crate) fn every_type() -> Table {
    // Row 3 is null; nine rows need two bytes.
    let validity = || Some(vec![0b1111_0111, 0b0000_0001]);
    let texts = ["", "a", "é", "", "a\nb", "\"q\"", "日本", "x,y", "end"];
    let ends = texts.iter().scan(0, |end, text| {
        *end += text.len() as u32;
        Some(*end)
    });
    let columns = [
        ("f", DType::Float, Values::Floats(vec![0.5, -0.0, 1e300, 0.0, f64::MIN_POSITIVE, 3.0, 4.0, 5.0, -6.25])),
        ("i", DType::Integer, Values::Integers(vec![i64::MIN, -1, 0, 0, 1, 2, 3, 4, i64::MAX])),
        ("b", DType::Boolean, Values::Booleans(vec![0, 1, 0, 0, 1, 1, 0, 0, 1])),
        ("t", DType::Text, Values::Texts { bytes: texts.concat().into_bytes(), ends: ends.collect() }),
        ("s", DType::Timestamp, Values::Integers(vec![-1, 0, 1, 0, 2, 3, 4, 5, 1_700_000_000_000_000])),
    ];
    let fields = columns.iter().map(|(name, dtype, _)| field(name, *dtype)).collect();
    let columns = columns.into_iter().map(|(_, _, values)| Column { values, validity: validity() }).collect();
    Table::from_columns(fields, columns).unwrap()
}

fn field(name: &str, dtype: DType) -> Field {
    Field { name: name.to_owned(), dtype, nullable: false }
}
