//! CSV files of every kind, good and bad, through the public interface.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::PathBuf;

use sprag_data::{Column, DType, DataError, Source, Table, Values, file_digest, load, table_digest, write_csv};
use tempfile::TempDir;

/// A file that lives as long as this does.
struct Data {
    _folder: TempDir,
    source: Source,
}

fn data(bytes: impl AsRef<[u8]>) -> Data {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.csv");
    std::fs::write(&path, bytes).unwrap();
    Data { _folder: folder, source: Source::new(path) }
}

impl Data {
    fn declare(mut self, column: &str, dtype: DType) -> Self {
        self.source.columns.insert(column.to_owned(), dtype);
        self
    }

    fn load(&self) -> Result<Table, DataError> {
        load(&self.source)
    }

    /// The message of the error, with the file's folder cut out.
    fn error(&self) -> String {
        let folder = self.source.path.parent().unwrap().display().to_string();
        self.load().unwrap_err().to_string().replace(&format!("{folder}/"), "")
    }
}

fn table(bytes: impl AsRef<[u8]>) -> Table {
    data(bytes).load().unwrap()
}

fn dtypes(table: &Table) -> Vec<DType> {
    table.schema().iter().map(|field| field.dtype).collect()
}

/// The values of a column as text, nulls as `None`.
fn cells(table: &Table, column: &str) -> Vec<Option<String>> {
    let column: Column = table.read(column, 0, table.row_count() as u32).unwrap();
    let cell = |row: usize| match &column.values {
        Values::Floats(values) => format!("{:?}", values[row]),
        Values::Integers(values) => values[row].to_string(),
        Values::Booleans(values) => (values[row] == 1).to_string(),
        Values::Texts { .. } => column.text(row).unwrap().to_owned(),
    };
    (0..column.values.len()).map(|row| column.is_valid(row).then(|| cell(row))).collect()
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| (*value != "null").then(|| (*value).to_owned())).collect()
}

#[test]
fn types_are_inferred_from_every_value() {
    let table = table("f,i,b,t,d,n,m\n1.5,1,true,x,2026-01-31,,1\n2,NA,FALSE,\"\",2026-01-31T01:00Z,NA,\n,3,,NA,,NaN,2.5\n");
    use DType::{Boolean, Float, Integer, Text, Timestamp};
    assert_eq!(dtypes(&table), [Float, Integer, Boolean, Text, Timestamp, Float, Float]);
    assert_eq!(cells(&table, "f"), some(&["1.5", "2.0", "null"]));
    assert_eq!(cells(&table, "i"), some(&["1", "null", "3"]));
    assert_eq!(cells(&table, "b"), some(&["true", "false", "null"]));
    assert_eq!(cells(&table, "t"), some(&["x", "", "null"]));
    assert_eq!(cells(&table, "d"), some(&["1769817600000000", "1769821200000000", "null"]));
    assert_eq!(cells(&table, "n"), some(&["null", "null", "null"]));
    assert_eq!(cells(&table, "m"), some(&["1.0", "null", "2.5"]));
    assert!(table.schema().iter().all(|field| field.nullable));
}

#[test]
fn a_type_that_breaks_in_the_last_row_breaks_for_the_whole_column() {
    // Several pieces, so that early ones are parsed before the last is seen.
    let mut text = String::from("a,b,c,pad\n");
    for i in 0..60_000 {
        writeln!(text, "{i},{i},2026-01-01,{}", "x".repeat(40)).unwrap();
    }
    let broken = table(format!("{text}0.5,007x,z,x\n"));
    assert_eq!(dtypes(&broken), [DType::Float, DType::Text, DType::Text, DType::Text]);
    assert_eq!(broken.row_count(), 60_001);
    let last = |column: &str| broken.read(column, 59_999, 2).unwrap();
    assert_eq!(last("a").values, Values::Floats(vec![59_999.0, 0.5]));
    assert_eq!([last("b").text(0), last("b").text(1)], [Some("59999"), Some("007x")]);
    assert_eq!([last("c").text(0), last("c").text(1)], [Some("2026-01-01"), Some("z")]);
    assert_eq!(dtypes(&table(text)), [DType::Integer, DType::Integer, DType::Timestamp, DType::Text]);
}

#[test]
fn numbers_beyond_the_ordinary() {
    let table = table("a,b,c,d\ninf,-0,9223372036854775808, 1\n-Infinity,0,1,\t2 \n1e-400,1,1,3\n");
    assert_eq!(dtypes(&table), [DType::Float, DType::Float, DType::Float, DType::Integer]);
    assert_eq!(cells(&table, "a"), some(&["inf", "-inf", "0.0"]));
    assert_eq!(cells(&table, "b"), some(&["-0.0", "0.0", "1.0"]));
    assert_eq!(cells(&table, "c"), some(&["9.223372036854776e18", "1.0", "1.0"]));
    assert_eq!(cells(&table, "d"), some(&["1", "2", "3"]));
}

#[test]
fn null_values_are_the_source_s() {
    let mut data = data("a,b\n-999,\n1,x\n");
    data.source.null_values = vec!["-999".to_owned()];
    let table = data.load().unwrap();
    assert_eq!(cells(&table, "a"), some(&["null", "1"]));
    assert_eq!(cells(&table, "b"), some(&["", "x"]));
    data.source.path.set_file_name("floats.csv");
    std::fs::write(&data.source.path, "a\n0.5\n-999\n-999.0\n").unwrap();
    assert_eq!(cells(&data.load().unwrap(), "a"), some(&["0.5", "null", "-999.0"]));
}

#[test]
fn quoted_fields_hold_anything() {
    let table = table("\"a,1\",b\r\n\"x,\r\ny\",\"say \"\"hi\"\"\"\r\n\"1\",5\" pipe\r\n");
    assert_eq!(cells(&table, "a,1"), some(&["x,\r\ny", "1"]));
    assert_eq!(cells(&table, "b"), some(&["say \"hi\"", "5\" pipe"]));
}

#[test]
fn a_line_end_in_a_name_is_refused() {
    assert_eq!(
        data("\"a\nb\",c\n1,2\n").error(),
        "expected a name for column 1 of `data.csv`, found a name with a line end in it"
    );
}

#[test]
fn quoted_nulls_are_null_but_in_text() {
    let table = table("n,t\n\"\",\"\"\n\"1\",\"NA\"\n\"NA\",x\n");
    assert_eq!(cells(&table, "n"), some(&["null", "1", "null"]));
    assert_eq!(cells(&table, "t"), some(&["", "NA", "x"]));
}

#[test]
fn marks_line_ends_and_empty_lines_are_accepted() {
    let plain = table("a,b\n1,x\n2,y\n");
    for text in [
        "\u{feff}a,b\n1,x\n2,y\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        "a,b\n1,x\n2,y",
        "\n\na,b\n\n1,x\r\n\r\n2,y\n\n",
        "\u{feff}\"a\",b\n1,x\n2,y",
    ] {
        let table = table(text);
        assert_eq!(table.schema(), plain.schema(), "{text:?}");
        for column in ["a", "b"] {
            assert_eq!(cells(&table, column), cells(&plain, column), "{text:?}");
        }
    }
}

#[test]
fn other_delimiters() {
    let mut data = data("a;b\n1,5;\"x;y\"\n");
    data.source.delimiter = b';';
    let table = data.load().unwrap();
    assert_eq!((cells(&table, "a"), cells(&table, "b")), (some(&["1,5"]), some(&["x;y"])));
    for bad in [b'"', b'\n', b'5', b'.', b'e', 0xff] {
        data.source.delimiter = bad;
        assert!(matches!(data.load(), Err(DataError::Delimiter { found }) if found == bad));
    }
}

#[test]
fn header_only_is_a_table_without_rows() {
    for text in ["a,b\n", "a,b", "a,b\r\n\n"] {
        let table = data(text).declare("b", DType::Text).load().unwrap();
        assert_eq!((table.row_count(), dtypes(&table)), (0, vec![DType::Float, DType::Text]), "{text:?}");
    }
}

#[test]
fn files_that_are_not_there_or_empty() {
    let mut missing = data("");
    assert_eq!(missing.error(), "expected a header line in `data.csv`, found an empty file");
    assert!(matches!(data("\u{feff}\n\r\n").load(), Err(DataError::NoHeader { .. })));
    missing.source.path.set_file_name("none.csv");
    assert_eq!(missing.error(), "no file at `none.csv`");
    missing.source.path.set_file_name("folder.csv");
    std::fs::create_dir(&missing.source.path).unwrap();
    assert_eq!(missing.error(), "expected a file at `folder.csv`, found a directory");
    missing.source.path = PathBuf::from("data.xlsx");
    assert!(missing.load().unwrap_err().hint().unwrap().contains("`format`"));
}

#[test]
fn a_truncated_file_is_named_with_its_line() {
    let truncated = data("a,b,c\n1,2,3\n\n4,\"5\n5\",6\n7,8");
    assert_eq!(truncated.error(), "expected 3 fields on line 6 of `data.csv`, found 2");
    assert!(truncated.load().unwrap_err().hint().unwrap().contains("truncated"));
    assert_eq!(data("a,b,c\n1,2,3,4,5\n").error(), "expected 3 fields on line 2 of `data.csv`, found 5");
    assert_eq!(
        data("a,b,c\n1,2,x").declare("c", DType::Float).error(),
        "expected float in column `c` on line 2 of `data.csv`, found `x`"
    );
}

#[test]
fn the_first_fault_of_many_is_reported() {
    // Faults in several pieces, which threads find in any order.
    let mut text = String::from("a,b\n");
    for i in 1..=400_000 {
        text.push_str(if i % 90_000 == 0 { "1\n" } else { "0.123456789,x\n" });
    }
    for _ in 0..5 {
        assert_eq!(data(&text).error(), "expected 2 fields on line 90001 of `data.csv`, found 1");
    }
}

#[test]
fn binary_files_are_named_as_such() {
    assert_eq!(data(b"a,b\n1,2\n\x00,3\n").error(), "expected UTF-8 text in `data.csv`, found a NUL byte on line 3");
    assert_eq!(data(b"a,b\n1,\xe9\n").error(), "expected UTF-8 text in `data.csv`, found invalid UTF-8 on line 2");
    assert_eq!(data(b"\xff\xfea\0,\0").error(), "expected UTF-8 text in `data.csv`, found UTF-16 text on line 1");
    let parquet = data(b"PAR1\x15\x04");
    assert_eq!(parquet.error(), "expected UTF-8 text in `data.csv`, found a Parquet file on line 1");
    assert!(parquet.load().unwrap_err().hint().unwrap().contains("parquet"));
}

#[test]
fn a_line_that_never_ends_fails_fast() {
    let file = data(vec![b'7'; 100 << 20]);
    let start = std::time::Instant::now();
    assert_eq!(file.error(), "line 1 of `data.csv` is longer than the limit of 16777216 bytes (`max-line`)");
    assert!(start.elapsed().as_secs_f64() < 2.0, "{:?}", start.elapsed());
    let mut short = data("a,b\n1,2\n1,22222222222222\n");
    short.source.max_line_bytes = 10;
    assert_eq!(short.error(), "line 3 of `data.csv` is longer than the limit of 10 bytes (`max-line`)");
}

#[test]
fn quotes_that_do_not_match() {
    let open = "expected a closing quote in the quoted field that begins on line 3 of `data.csv`, found the end of the file";
    assert_eq!(data("a,b\n1,2\n3,\"4\n5,6\n").error(), open);
    assert!(data("a,b\n1,\"2\"x\n").error().contains("begins on line 2"));
}

#[test]
fn names_must_be_there_and_differ() {
    assert_eq!(data("a,b,a\n1,2,3\n").error(), "two columns of `data.csv` are named `a`: columns 1 and 3");
    assert_eq!(data("a,,b\n1,2,3\n").error(), "expected a name for column 2 of `data.csv`, found an empty name");
    let absent = data("AGE,SEX\n1,2\n").declare("BMI", DType::Float).error();
    assert_eq!(absent, "`data.csv` has no column `BMI`, which is declared; its columns are `AGE`, `SEX`");
}

#[test]
fn values_must_be_as_declared() {
    let error = |text: &str, dtype| data(format!("a,b\nx,\nx,{text}\n")).declare("b", dtype).error();
    assert_eq!(error("12.5", DType::Integer), "expected integer in column `b` on line 3 of `data.csv`, found `12.5`");
    assert!(error("maybe", DType::Boolean).contains("expected boolean"));
    assert!(error("31/01/2026", DType::Timestamp).contains("found `31/01/2026`"));
    assert!(error(&"z".repeat(500), DType::Float).len() < 200);
    let table = data("a,b\n007,1\n008,0\n").declare("a", DType::Text).declare("b", DType::Boolean).load().unwrap();
    assert_eq!((cells(&table, "a"), cells(&table, "b")), (some(&["007", "008"]), some(&["true", "false"])));
}

#[test]
fn the_digest_is_known_before_the_file_is_parsed() {
    let mut text = String::from("\u{feff}a,\"b\"\n");
    for i in 0..100_000 {
        writeln!(text, "{i},0.{i}").unwrap();
    }
    for text in ["a\n1\n", &text] {
        let data = data(text);
        let digest = data.load().unwrap().digest();
        assert_eq!(digest, table_digest(file_digest(&data.source.path).unwrap(), &data.source));
    }
}

#[test]
fn what_is_written_reads_back() {
    let original = table("f,b,t,d\n0.1,true,\"a,\"\"b\"\"\",2026-01-31T10:00:00.25\n,NA,\"NA\",\n-1e300,false,\"\",1969-01-01\n");
    let mut written = Vec::new();
    write_csv(&original, &mut written).unwrap();
    let again = table(&written);
    assert_eq!(again.schema(), original.schema());
    for field in original.schema() {
        assert_eq!(cells(&again, &field.name), cells(&original, &field.name));
    }
    let lone = table("a\nNA\n1\n");
    let mut written = Vec::new();
    write_csv(&lone, &mut written).unwrap();
    assert_eq!(cells(&table(&written), "a"), some(&["null", "1"]));
}
