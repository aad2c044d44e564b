//! Files read a block of rows at a time and written again, through the public interface.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use sprag_data::*;

fn field(name: &str, dtype: DType) -> Field {
    Field { name: name.to_owned(), dtype, nullable: false }
}

fn floats(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| field(name, DType::Float)).collect()
}

fn plan(path: &Path, inputs: &[Field], kept: &Kept, format: Format, block_rows: u32) -> Result<RowPlan, DataError> {
    let file = RowFile::open(&Source::new(path))?;
    RowPlan::new(file, inputs, kept, &[field("prediction", DType::Float)], format, block_rows)
}

/// The model of these tests: the sum of what it reads.
fn predict(inputs: &Table) -> Table {
    let mut sums = vec![0.0; inputs.row_count() as usize];
    for field in inputs.schema() {
        sums.iter_mut().zip(inputs.column_f64(&field.name).unwrap().iter()).for_each(|(sum, value)| *sum += value);
    }
    Table::from_columns(floats(&["prediction"]), vec![Column { values: Values::Floats(sums), validity: None }]).unwrap()
}

struct Scored {
    output: Vec<u8>,
    refused: String,
    /// Where each block ends, and how many bytes and notes there were by then.
    ends: Vec<(Position, usize, usize)>,
    notes: Vec<Vec<u8>>,
}

/// Scores a file from `from` on, with what was written before.
fn score(plan: &RowPlan, from: Option<(Position, Vec<u8>, Vec<Vec<u8>>)>) -> Result<Scored, DataError> {
    let (mut at, mut output, mut notes) = from.clone().unwrap_or_else(|| (Position::default(), plan.head().unwrap(), vec![]));
    let mut lanes = plan.lanes(from.map(|(at, ..)| at))?;
    let (mut refused, mut ends) = (plan.refused_head()?, vec![]);
    loop {
        let strips: Vec<Strip> =
            lanes.iter_mut().map(|lane| lane.read_next()).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        if strips.is_empty() {
            break;
        }
        let block = plan.block(strips)?;
        let mut faults = block.faults().to_vec();
        let accepted: Vec<u32> =
            (0..block.row_count() as u32).filter(|row| faults.iter().all(|fault| fault.row != *row)).collect();
        let predictions = predict(&block.inputs().rows(&accepted).unwrap());
        let accepted = (!faults.is_empty()).then_some(&accepted[..]);
        let part = plan.part(&block, accepted, &predictions)?;
        assert_eq!(part, plan.part(&block, accepted, &predictions)?, "the same block gives the same bytes");
        block.locate(&mut faults);
        refused.extend(plan.refused(&block, &faults, at.rows + 1)?);
        output.extend(part.bytes);
        notes.push(part.note);
        at = block.end(at);
        ends.push((at, output.len(), notes.len()));
    }
    output.extend(plan.foot(&notes)?);
    Ok(Scored { output, refused: String::from_utf8(refused).unwrap(), ends, notes })
}

fn text(scored: &Scored) -> &str {
    std::str::from_utf8(&scored.output).unwrap()
}

/// Writes bytes under a name and loads them as a table.
fn back(folder: &Path, name: &str, bytes: &[u8]) -> Table {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    load(&Source::new(path)).unwrap()
}

const CSV: &str =
    "id,x,y,note\n1,1.50,2,\"a, \"\"b\"\"\"\n2,oops,3,plain\n3,,1,\n4,1,inf,z\n5,2\n\n6,10,1,\"two\nlines\"\n7,1,1,last";

#[test]
fn csv_goes_through_as_it_is_and_bad_rows_are_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, CSV).unwrap();
    let plan = plan(&path, &floats(&["y", "x"]), &Kept::All, Format::Csv, 1000).unwrap();
    let scored = score(&plan, None).unwrap();
    assert_eq!(
        text(&scored),
        "id,x,y,note,prediction\n1,1.50,2,\"a, \"\"b\"\"\",3.5\n6,10,1,\"two\nlines\",11.0\n7,1,1,last,2.0\n"
    );
    assert_eq!(
        scored.refused,
        "refused_row,refused_line,refused_column,refused_reason,id,x,y,note\n\
         2,3,x,\"expected float, found `oops`\",2,oops,3,plain\n\
         3,4,x,\"expected float, found no value\",3,,1,\n\
         4,5,y,\"expected a finite number, found inf\",4,1,inf,z\n\
         5,6,,\"expected 4 fields, found 2\",5,2,,\n"
    );
    assert_eq!(scored.ends, [(Position { rows: 7, bytes: CSV.len() as u64, lines: 9 }, scored.output.len(), 1)]);
}

#[test]
fn columns_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "a;b;c\n1;\"x;y\";3\n2;z;4\n").unwrap();
    let file = |kept: &[&str]| {
        let source = Source { delimiter: b';', ..Source::new(&path) };
        let kept = Kept::Only(kept.iter().map(ToString::to_string).collect());
        let outputs = [field("prediction", DType::Float)];
        RowPlan::new(RowFile::open(&source).unwrap(), &floats(&["a"]), &kept, &outputs, Format::Csv, 10)
    };
    assert_eq!(text(&score(&file(&[]).unwrap(), None).unwrap()), "prediction\n1.0\n2.0\n");
    assert_eq!(text(&score(&file(&["c", "b"]).unwrap(), None).unwrap()), "b;c;prediction\n\"x;y\";3;1.0\nz;4;2.0\n");
    let Err(error) = file(&["d"]) else { panic!("there is no such column") };
    assert_eq!(error.to_string(), "no column `d`; known columns are `a`, `b`, `c`");
}

/// Four columns of 1000 rows: `x`, `n` with few values, `name`, and `when`.
fn table(rows: usize) -> Table {
    let names: Vec<String> = (0..rows).map(|row| format!("name {}", row % 7)).collect();
    let mut end = 0;
    let ends = names.iter().map(|name| {
        end += name.len() as u32;
        end
    });
    let columns = [
        Values::Floats((0..rows).map(|row| row as f64 * 0.5).collect()),
        Values::Integers((0..rows).map(|row| row as i64 % 3).collect()),
        Values::Texts { ends: ends.collect(), bytes: names.concat().into_bytes() },
        Values::Integers((0..rows).map(|row| row as i64 * 1_000_000).collect()),
    ];
    let fields = [("x", DType::Float), ("n", DType::Integer), ("name", DType::Text), ("when", DType::Timestamp)];
    let fields = fields.map(|(name, dtype)| field(name, dtype));
    Table::from_columns(fields.to_vec(), columns.map(|values| Column { values, validity: None }).to_vec()).unwrap()
}

/// The bytes of a Parquet file with the rows of [`table`], scored: parts of 300 rows.
fn parquet(folder: &Path, rows: usize) -> Scored {
    let csv = folder.join("table.csv");
    write_csv(&table(rows), std::fs::File::create(&csv).unwrap()).unwrap();
    score(&plan(&csv, &[field("x", DType::Float), field("n", DType::Integer)], &Kept::All, Format::Parquet, 30).unwrap(), None)
        .unwrap()
}

#[test]
fn what_is_written_as_parquet_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let scored = parquet(folder.path(), 1000);
    assert!(scored.ends.len() > 3, "several parts: {}", scored.ends.len());
    let (from, found) = (table(1000), back(folder.path(), "a.parquet", &scored.output));
    assert_eq!(found.row_count(), 1000);
    for name in ["x", "n", "name"] {
        assert_eq!(found.read(name, 0, 1000).unwrap(), from.read(name, 0, 1000).unwrap(), "{name}");
    }
    assert_eq!(found.read("when", 1, 1).unwrap().text(0), Some("1970-01-01T00:00:01Z"), "text, as the model does not read it");
    let sum: f64 = found.column_f64("prediction").unwrap().iter().sum();
    assert_eq!(sum, from.column_f64("x").unwrap().iter().sum::<f64>() + from.column_f64("n").unwrap().iter().sum::<f64>());
}

#[test]
fn parquet_goes_through_in_any_blocks_and_to_either_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    std::fs::write(&path, parquet(folder.path(), 1000).output).unwrap();
    let from = load(&Source::new(&path)).unwrap();
    let inputs = floats(&["prediction", "n"]);
    let renamed = [field("again", DType::Float)];
    for (format, name) in [(Format::Parquet, "out.parquet"), (Format::Csv, "out.csv")] {
        for block_rows in [7, 250, 5000] {
            let file = RowFile::open(&Source::new(&path)).unwrap();
            assert_eq!(file.row_count(), Some(1000));
            let plan = RowPlan::new(file, &inputs, &Kept::All, &renamed, format, block_rows).unwrap();
            let scored = score(&plan, None).unwrap();
            assert_eq!(scored.ends.len(), 1000_usize.div_ceil(block_rows as usize));
            let found = back(folder.path(), name, &scored.output);
            for column in ["x", "n", "name", "prediction"] {
                let (expected, found) = (from.read(column, 0, 1000).unwrap(), found.read(column, 0, 1000).unwrap());
                assert_eq!(expected, found, "{column} {name} {block_rows}");
            }
            let again: f64 = found.column_f64("again").unwrap().iter().sum();
            assert_eq!(again, from.column_f64("prediction").unwrap().iter().sum::<f64>() + 999.0);
        }
    }
}

#[test]
fn a_job_goes_on_from_where_a_block_ended_and_the_bytes_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("table.csv");
    let mut bytes = Vec::new();
    write_csv(&table(1000), &mut bytes).unwrap();
    // Quotes and a record over several lines, so that blocks end in the midst of things.
    bytes.extend(b"1.5,2,\"a \"\"quoted\"\"\nname, over\nlines\",1970-01-01\n".repeat(50));
    std::fs::write(&csv, bytes).unwrap();
    let parquet = folder.path().join("in.parquet");
    std::fs::write(&parquet, self::parquet(folder.path(), 1000).output).unwrap();
    std::fs::write(&csv, std::fs::read(&csv).unwrap()).unwrap();
    for (path, inputs, format) in [
        (&csv, floats(&["x", "n"]), Format::Csv),
        (&csv, floats(&["x", "n"]), Format::Parquet),
        (&parquet, floats(&["x", "n"]), Format::Parquet),
    ] {
        let kept = Kept::Only(vec!["x".into(), "name".into()]);
        let plan = plan(path, &inputs, &kept, format, 40).unwrap();
        let whole = score(&plan, None).unwrap();
        assert!(whole.ends.len() > 5, "{}", whole.ends.len());
        for (at, bytes, notes) in &whole.ends {
            let before = (*at, whole.output[..*bytes].to_vec(), whole.notes[..*notes].to_vec());
            let resumed = score(&plan, Some(before)).unwrap();
            assert_eq!(resumed.output, whole.output, "{format:?} from row {}", at.rows);
        }
    }
}

#[test]
fn what_cannot_be_scored_is_said_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    let bytes = parquet(folder.path(), 10).output;
    std::fs::write(&path, &bytes).unwrap();
    let refused = |inputs: &[Field], kept: &Kept| match plan(&path, inputs, kept, Format::Parquet, 10) {
        Ok(_) => panic!("expected an error"),
        Err(error) => error.to_string().replace(&path.display().to_string(), "in.parquet"),
    };
    assert_eq!(
        refused(&floats(&["x", "bmi", "age"]), &Kept::Only(vec![])),
        "`in.parquet` lacks the columns `bmi`, `age`, which the model reads; its columns are `x`, `n`, `name`, `when`, `prediction`"
    );
    assert_eq!(
        refused(&floats(&["name"]), &Kept::Only(vec![])),
        "column `name` of `in.parquet` cannot be read as float: it is of type LargeUtf8"
    );
    assert_eq!(
        refused(&floats(&["x"]), &Kept::All),
        "the output `prediction` of the model has the name of a column of `in.parquet`"
    );
    for (damage, expected) in [
        (&b""[..], "the file is empty"),
        (b"id,x\n1,2\n3,4\n", "the file does not begin with `PAR1`"),
        (&bytes[..bytes.len() - 9], "the file does not end with `PAR1`: is it truncated?"),
    ] {
        std::fs::write(&path, damage).unwrap();
        let error = RowFile::open(&Source::new(&path)).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn damage_in_the_midst_of_a_parquet_file_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    let whole = parquet(folder.path(), 1000).output;
    let mut failed = 0;
    for at in (4..whole.len() - 8).step_by(whole.len() / 200) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
        let inputs = [field("x", DType::Float), field("n", DType::Float)];
        let scored =
            plan(&path, &inputs, &Kept::Only(vec!["name".into()]), Format::Parquet, 100).and_then(|plan| score(&plan, None));
        failed += u32::from(scored.is_err());
    }
    assert!(failed > 20, "{failed}");
}

#[test]
fn files_without_rows_give_files_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    std::fs::write(&path, "x,y\n").unwrap();
    let scored = |format| score(&plan(&path, &floats(&["x"]), &Kept::All, format, 10).unwrap(), None).unwrap();
    assert_eq!(text(&scored(Format::Csv)), "x,y,prediction\n");
    let found = back(folder.path(), "out.parquet", &scored(Format::Parquet).output);
    assert_eq!((found.row_count(), found.schema().len()), (0, 3));
    std::fs::write(&path, "").unwrap();
    assert!(RowFile::open(&Source::new(&path)).unwrap_err().to_string().contains("found an empty file"));
}
