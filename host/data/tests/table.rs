//! Tables made of columns: what is read, gathered, chosen and refused.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use sprag_data::{Column, DType, DataError, Field, Table, Values};

fn field(name: &str, dtype: DType) -> Field {
    Field { name: name.to_owned(), dtype, nullable: false }
}

fn column(values: Values) -> Column {
    Column { values, validity: None }
}

fn texts(values: &[&str]) -> Values {
    let ends = values.iter().scan(0, |end, value| {
        *end += value.len() as u32;
        Some(*end)
    });
    Values::Texts { bytes: values.concat().into_bytes(), ends: ends.collect() }
}

/// Twenty rows of every type; row `i` is null in column `c` where `i % 7` is the position of `c`.
fn table() -> Table {
    let rows = 0..20_usize;
    let names: Vec<String> = rows.clone().map(|i| if i % 7 == 3 { String::new() } else { format!("é{i}") }).collect();
    let columns = [
        (DType::Float, Values::Floats(rows.clone().map(|i| i as f64 + 0.5).collect())),
        (DType::Integer, Values::Integers(rows.clone().map(|i| i as i64).collect())),
        (DType::Boolean, Values::Booleans(rows.clone().map(|i| u8::from(i % 3 == 0)).collect())),
        (DType::Text, texts(&names.iter().map(String::as_str).collect::<Vec<_>>())),
        (DType::Timestamp, Values::Integers(rows.clone().map(|i| i as i64 * 1_000).collect())),
    ];
    let fields = columns.iter().map(|(dtype, _)| field(dtype.name(), *dtype)).collect();
    let nulls = |position: usize| {
        let mut bits = vec![0_u8; 3];
        rows.clone().filter(|i| i % 7 != position).for_each(|i| bits[i / 8] |= 1 << (i % 8));
        bits
    };
    let columns = columns.into_iter().enumerate().map(|(i, (_, values))| Column { values, validity: Some(nulls(i)) });
    Table::from_columns(fields, columns.collect()).unwrap()
}

fn value(column: &Column, row: usize) -> Option<String> {
    column.is_valid(row).then(|| match &column.values {
        Values::Floats(values) => values[row].to_string(),
        Values::Integers(values) => values[row].to_string(),
        Values::Booleans(values) => values[row].to_string(),
        Values::Texts { .. } => column.text(row).unwrap().to_owned(),
    })
}

#[test]
fn any_range_reads_as_the_slice_of_the_whole() {
    let table = table();
    for field in table.schema() {
        let whole = table.read(&field.name, 0, 20).unwrap();
        for offset in 0..=20 {
            for len in 0..=20 - offset {
                let part = table.read(&field.name, offset as u64, len as u32).unwrap();
                assert_eq!(part.values.len(), len);
                let expected: Vec<_> = (offset..offset + len).map(|row| value(&whole, row)).collect();
                assert_eq!((0..len).map(|row| value(&part, row)).collect::<Vec<_>>(), expected);
                // The bitmap is there only where it says something, and its unused bits are zero.
                assert_eq!(part.validity.is_some(), expected.contains(&None));
                let ones: u32 = part.validity.iter().flatten().map(|byte| byte.count_ones()).sum();
                assert!(part.validity.is_none() || ones as usize == expected.iter().flatten().count());
            }
        }
    }
}

#[test]
fn values_at_nulls_are_zero_and_do_not_bear_on_the_digest() {
    let table = table();
    assert!(table.schema().iter().all(|field| field.nullable));
    assert!(matches!(table.read("float", 0, 8).unwrap().values, Values::Floats(values) if values[0] == 0.0 && values[7] == 0.0));
    let make = |hidden: f64| {
        let column = Column { values: Values::Floats(vec![1.0, hidden]), validity: Some(vec![0b1111_1101]) };
        Table::from_columns(vec![field("a", DType::Float)], vec![column]).unwrap().digest()
    };
    assert_eq!(make(0.0), make(7.0));
    let hidden = |text: &str| {
        let column = Column { values: texts(&["x", text]), validity: Some(vec![1]) };
        Table::from_columns(vec![field("a", DType::Text)], vec![column]).unwrap()
    };
    assert_eq!(hidden("").digest(), hidden("secret").digest());
    assert_eq!(hidden("secret").read("a", 0, 2).unwrap().values, texts(&["x", ""]));
}

#[test]
fn the_digest_is_that_of_schema_and_rows() {
    let make = |name: &str, dtype, values| Table::from_columns(vec![field(name, dtype)], vec![column(values)]).unwrap().digest();
    let digests = [
        make("a", DType::Integer, Values::Integers(vec![1, 2])),
        make("b", DType::Integer, Values::Integers(vec![1, 2])),
        make("a", DType::Timestamp, Values::Integers(vec![1, 2])),
        make("a", DType::Integer, Values::Integers(vec![2, 1])),
        make("a", DType::Text, texts(&["ab", "c"])),
        make("a", DType::Text, texts(&["a", "bc"])),
    ];
    for (i, digest) in digests.iter().enumerate() {
        assert!(!digests[..i].contains(digest), "{i}");
    }
}

#[test]
fn rows_are_gathered_in_the_order_given() {
    let table = table();
    let picked = table.rows(&[19, 0, 3, 3]).unwrap();
    for field in table.schema() {
        let (whole, part) = (table.read(&field.name, 0, 20).unwrap(), picked.read(&field.name, 0, 4).unwrap());
        let expected: Vec<_> = [19, 0, 3, 3].map(|row| value(&whole, row)).to_vec();
        assert_eq!((0..4).map(|row| value(&part, row)).collect::<Vec<_>>(), expected);
    }
    assert!(!picked.field("integer").unwrap().nullable && picked.field("float").unwrap().nullable);
    assert_ne!(picked.digest(), table.rows(&[0, 19, 3, 3]).unwrap().digest());
    assert!(matches!(table.rows(&[20]), Err(DataError::OutOfRange { offset: 20, .. })));
}

#[test]
fn columns_as_floats() {
    let table = table();
    assert!(table.column_f64("float").unwrap()[0].is_nan());
    assert_eq!(table.column_f64("integer").unwrap()[3], 3.0);
    assert_eq!(table.column_f64("boolean").unwrap()[3], 1.0);
    assert!(matches!(table.column_f64("text"), Err(DataError::WrongType { found: DType::Text, .. })));
}

#[test]
fn roles_are_columns() {
    let table = table();
    assert_eq!((table.target(), table.features().len()), (None, 5));
    let chosen = table.with_roles(Some("float"), None).unwrap();
    assert_eq!((chosen.target(), chosen.features().join(" ")), (Some("float"), "integer boolean text timestamp".to_owned()));
    assert_eq!(chosen.rows(&[0]).unwrap().target(), Some("float"));
    assert_eq!(chosen.digest(), table.digest());
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(table.with_roles(Some("float"), Some(&names(&["text", "integer"]))).unwrap().features().join(" "), "text integer");
    let error = table.with_roles(Some("Y"), None).unwrap_err().to_string();
    assert_eq!(error, "no column `Y`; known columns are `float`, `integer`, `boolean`, `text`, `timestamp`");
    assert!(matches!(table.with_roles(None, Some(&names(&["x"]))), Err(DataError::UnknownColumn { .. })));
    assert!(matches!(table.with_roles(Some("float"), Some(&names(&["float"]))), Err(DataError::Feature { .. })));
    assert!(matches!(table.with_roles(None, Some(&names(&["text", "text"]))), Err(DataError::Feature { .. })));
}

#[test]
fn ranges_past_the_end_are_refused() {
    let table = table();
    assert!(matches!(table.read("float", 20, 1), Err(DataError::OutOfRange { end: 21, .. })));
    assert!(matches!(table.read("float", u64::MAX, 1), Err(DataError::OutOfRange { .. })));
    assert!(matches!(table.read("nothing", 0, 1), Err(DataError::UnknownColumn { .. })));
    assert_eq!(table.read("text", 20, 0).unwrap().values.len(), 0);
}

#[test]
fn columns_that_do_not_fit_are_refused() {
    let one = |dtype, values, validity| {
        let error = Table::from_columns(vec![field("a", dtype)], vec![Column { values, validity }]).unwrap_err();
        assert!(matches!(error, DataError::BadColumn { .. }), "{error}");
        error.to_string()
    };
    let text = |bytes: &[u8], ends: &[u32]| Values::Texts { bytes: bytes.to_vec(), ends: ends.to_vec() };
    assert_eq!(one(DType::Float, Values::Integers(vec![1]), None), "expected values of type float in column `a`, found integers");
    assert!(one(DType::Boolean, Values::Booleans(vec![0, 2]), None).contains("found 2"));
    assert!(one(DType::Float, Values::Floats(vec![1.0]), Some(vec![])).contains("a bitmap of 1 bytes"));
    assert!(one(DType::Float, Values::Floats(vec![1.0]), Some(vec![1, 0])).contains("2 bytes"));
    one(DType::Text, text(b"\xff", &[1]), None);
    one(DType::Text, text("é".as_bytes(), &[1, 2]), None);
    assert!(one(DType::Text, text(b"abc", &[2, 1]), None).contains("end 1 of row 1 before its start 2"));
    one(DType::Text, text(b"abc", &[1, 2]), None);
    one(DType::Text, text(b"abc", &[1, 4]), None);
    one(DType::Text, text(b"abc", &[]), None);
    let two = |second, columns: Vec<Values>| {
        Table::from_columns(vec![field("a", DType::Float), second], columns.into_iter().map(column).collect())
    };
    let floats = |len| Values::Floats(vec![0.0; len]);
    assert!(matches!(two(field("b", DType::Float), vec![floats(2), floats(3)]), Err(DataError::BadColumn { .. })));
    assert!(matches!(two(field("b", DType::Float), vec![floats(2)]), Err(DataError::ColumnCount { expected: 2, found: 1 })));
    assert!(matches!(
        two(field("a", DType::Float), vec![floats(1), floats(1)]),
        Err(DataError::DuplicateColumn { second: 2, .. })
    ));
    assert!(matches!(two(field(" ", DType::Float), vec![floats(1), floats(1)]), Err(DataError::ColumnName { position: 2, .. })));
}
