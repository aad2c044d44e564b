//! Parquet files, good and bad, through the public interface.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::*;
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field as ArrowField};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use sprag_data::{DType, DataError, Source, Table, Values, file_digest, load, table_digest};
use tempfile::TempDir;

struct Data {
    _folder: TempDir,
    source: Source,
}

fn file(bytes: &[u8]) -> Data {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("data.parquet");
    std::fs::write(&path, bytes).unwrap();
    Data { _folder: folder, source: Source::new(path) }
}

fn bytes(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(3)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn table(columns: Vec<(&str, ArrayRef)>) -> Table {
    load(&file(&bytes(columns)).source).unwrap()
}

/// The one column of a file with this array.
fn read(array: ArrayRef) -> (DType, Values, Option<Vec<u8>>) {
    let table = table(vec![("a", array)]);
    let column = table.read("a", 0, table.row_count() as u32).unwrap();
    (table.schema()[0].dtype, column.values, column.validity)
}

fn texts() -> Values {
    Values::Texts { bytes: b"xyyx".to_vec(), ends: vec![1, 3, 3, 4] }
}

#[test]
fn every_type_has_its_place() {
    let text = vec![Some("x"), Some("yy"), None, Some("x")];
    let dictionary: DictionaryArray<Int32Type> = text.clone().into_iter().collect();
    let cases: Vec<(ArrayRef, DType, Values)> = vec![
        (Arc::new(Int8Array::from(vec![Some(-1), None, Some(2)])), DType::Integer, Values::Integers(vec![-1, 0, 2])),
        (Arc::new(UInt32Array::from(vec![u32::MAX])), DType::Integer, Values::Integers(vec![u32::MAX.into()])),
        (Arc::new(Int64Array::from(vec![i64::MIN])), DType::Integer, Values::Integers(vec![i64::MIN])),
        (Arc::new(Float32Array::from(vec![Some(0.5), None])), DType::Float, Values::Floats(vec![0.5, 0.0])),
        (Arc::new(Float64Array::from(vec![0.1, f64::INFINITY])), DType::Float, Values::Floats(vec![0.1, f64::INFINITY])),
        (
            Arc::new(Decimal128Array::from(vec![Some(12_345), None]).with_precision_and_scale(9, 2).unwrap()),
            DType::Float,
            Values::Floats(vec![123.45, 0.0]),
        ),
        (Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])), DType::Boolean, Values::Booleans(vec![1, 0, 0])),
        (Arc::new(StringArray::from(text.clone())), DType::Text, texts()),
        (Arc::new(LargeStringArray::from(text.clone())), DType::Text, texts()),
        (Arc::new(StringViewArray::from(text)), DType::Text, texts()),
        (Arc::new(dictionary), DType::Text, texts()),
        (Arc::new(Date32Array::from(vec![1, -1])), DType::Timestamp, Values::Integers(vec![86_400_000_000, -86_400_000_000])),
        (Arc::new(TimestampSecondArray::from(vec![7])), DType::Timestamp, Values::Integers(vec![7_000_000])),
        (Arc::new(TimestampMillisecondArray::from(vec![7])), DType::Timestamp, Values::Integers(vec![7_000])),
        (Arc::new(TimestampMicrosecondArray::from(vec![7]).with_timezone("+01:00")), DType::Timestamp, Values::Integers(vec![7])),
        (Arc::new(TimestampNanosecondArray::from(vec![-1, 1_999])), DType::Timestamp, Values::Integers(vec![-1, 1])),
        (Arc::new(NullArray::new(2)), DType::Float, Values::Floats(vec![0.0; 2])),
    ];
    for (array, dtype, values) in cases {
        let label = array.data_type().to_string();
        let has_nulls = array.logical_null_count() > 0;
        let read = read(array);
        assert_eq!((read.0, read.1, read.2.is_some()), (dtype, values, has_nulls), "{label}");
    }
}

#[test]
fn row_groups_join_and_names_keep_their_order() {
    let rows: Vec<i64> = (0..10).collect();
    let text: Vec<Option<String>> = rows.iter().map(|i| (i % 4 != 0).then(|| i.to_string())).collect();
    let columns: Vec<(&str, ArrayRef)> =
        vec![("b", Arc::new(Int64Array::from(rows.clone()))), ("a", Arc::new(StringArray::from(text)))];
    let data = file(&bytes(columns));
    let table = load(&data.source).unwrap();
    assert_eq!((table.row_count(), table.features().join(" ")), (10, "b a".to_owned()));
    assert_eq!(table.read("b", 2, 5).unwrap().values, Values::Integers(rows[2..7].to_vec()));
    assert_eq!(table.read("a", 8, 2).unwrap().text(1), Some("9"));
    assert_eq!(table.read("a", 8, 2).unwrap().validity, Some(vec![0b10]));
    assert_eq!(table.digest(), table_digest(file_digest(&data.source.path).unwrap(), &data.source));
}

#[test]
fn a_table_without_rows() {
    let table =
        table(vec![("a", Arc::new(Int32Array::from(Vec::<i32>::new()))), ("t", Arc::new(StringArray::from(Vec::<&str>::new())))]);
    assert_eq!((table.row_count(), table.schema()[0].dtype, table.schema()[1].dtype), (0, DType::Integer, DType::Text));
}

#[test]
fn declared_types_widen_integers_and_nothing_else() {
    let mut data = file(&bytes(vec![("a", Arc::new(Int32Array::from(vec![1])))]));
    data.source.columns.insert("a".into(), DType::Float);
    assert_eq!(load(&data.source).unwrap().read("a", 0, 1).unwrap().values, Values::Floats(vec![1.0]));
    data.source.columns.insert("a".into(), DType::Text);
    let error = load(&data.source).unwrap_err().to_string();
    assert!(error.contains("column `a`") && error.ends_with("cannot be read as text: it is of type Int32"), "{error}");
    data.source.columns.insert("b".into(), DType::Text);
    let error = load(&data.source).unwrap_err();
    assert!(matches!(&error, DataError::DeclaredColumn { column, .. } if column == "b"), "{error}");
}

#[test]
fn values_and_types_that_do_not_fit() {
    let error = |array: ArrayRef| {
        load(&file(&bytes(vec![("ok", Arc::new(NullArray::new(array.len()))), ("bad", array)])).source).unwrap_err()
    };
    let big = error(Arc::new(UInt64Array::from(vec![u64::MAX])));
    assert!(matches!(&big, DataError::Convert { column, expected: DType::Integer, .. } if column == "bad"), "{big}");
    let far = error(Arc::new(TimestampSecondArray::from(vec![i64::MAX])));
    assert!(matches!(far, DataError::Convert { expected: DType::Timestamp, .. }), "{far}");
    let item = Arc::new(ArrowField::new("item", DataType::Int32, true));
    let list = ListArray::new(item, OffsetBuffer::from_lengths([1]), Arc::new(Int32Array::from(vec![1])), None::<NullBuffer>);
    let nested = error(Arc::new(list));
    assert!(
        matches!(&nested, DataError::UnsupportedType { column, found, .. } if column == "bad" && found.contains("List")),
        "{nested}"
    );
    let binary = error(Arc::new(BinaryArray::from(vec![&b"x"[..]])));
    assert!(matches!(binary, DataError::UnsupportedType { .. }), "{binary}");
}

#[test]
fn files_that_are_not_parquet() {
    let message = |bytes: &[u8]| load(&file(bytes).source).unwrap_err().to_string();
    assert!(message(b"").ends_with("the file is empty"));
    assert!(message(b"a,b\n1,2\n").ends_with("the file does not begin with `PAR1`"));
    let whole = bytes(vec![("a", Arc::new(Int64Array::from_iter_values(0..1000)))]);
    for length in (4..whole.len()).step_by(97) {
        assert!(message(&whole[..length]).ends_with("is it truncated?"), "{length}");
    }
    assert!(message(b"PAR1PAR1").contains("truncated"));
    assert!(matches!(load(&file(b"PAR1aaaa\xff\xff\xff\x7fPAR1").source), Err(DataError::Parquet { .. })));
}

#[test]
fn a_flipped_byte_is_an_error_or_other_values_and_never_a_panic() {
    let text: Vec<String> = (0..200).map(|i| format!("text {}", i % 17)).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(Int64Array::from_iter((0..200).map(|i| (i % 5 != 0).then_some(i))))),
        ("t", Arc::new(StringArray::from(text))),
    ];
    let whole = bytes(columns);
    let data = file(&whole);
    for at in (4..whole.len() - 4).step_by(61) {
        let mut broken = whole.clone();
        broken[at] ^= 0x5a;
        std::fs::write(&data.source.path, broken).unwrap();
        let _ = load(&data.source);
    }
}
