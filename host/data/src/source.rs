//! A data file and how to read it, and the digests that identify what it holds.
//!
//! Chooses the reader; [`crate::csv`] and [`crate::parquet`] do the reading. Knows no remote storage: a path is a local file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sprag_core::digest::{Digest, Hasher};

use crate::{DType, DataError, Table};

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Delimited text with a header line (RFC 4180).
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The format that a file's extension names: `csv`, `tsv` or `txt`; `parquet` or `pq`.
    pub fn of_extension(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// A data file and the options to read it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where the file is.
    pub path: PathBuf,
    /// The format; none to go by the extension.
    pub format: Option<Format>,
    /// Declared column types. A column that is not named here has its type inferred (CSV) or taken from the file (Parquet).
    pub columns: BTreeMap<String, DType>,
    /// The byte between two fields of a CSV file: ASCII, and neither a quote nor a line end.
    pub delimiter: u8,
    /// The fields of a CSV file that stand for no value. See the crate's CSV rules at [`load`].
    pub null_values: Vec<String>,
    /// The longest record that a CSV file may hold, in bytes, so that a file without line ends fails fast and in bounded memory.
    pub max_line_bytes: u64,
}

impl Source {
    /// The default of [`Source::max_line_bytes`]: 16 MiB.
    pub const MAX_LINE_BYTES: u64 = 16 << 20;

    /// The default of [`Source::null_values`].
    pub const NULL_VALUES: [&str; 7] = ["", "NA", "N/A", "null", "NULL", "NaN", "nan"];

    /// The file at `path` with the default options: format by extension, types inferred, a comma (a tab for `.tsv`) between fields.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let tabs = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
        Self {
            path,
            format: None,
            columns: BTreeMap::new(),
            delimiter: if tabs { b'\t' } else { b',' },
            null_values: Self::NULL_VALUES.map(str::to_owned).to_vec(),
            max_line_bytes: Self::MAX_LINE_BYTES,
        }
    }

    pub(crate) fn resolved_format(&self) -> Option<Format> {
        self.format.or_else(|| Format::of_extension(&self.path))
    }
}

/// Reads a file into a table, digesting it on the way.
///
/// Parquet types map as follows: integers to `integer`; floats and decimals to `float`; booleans to `boolean`; every kind of text, a
/// dictionary of text included, to `text`; dates and timestamps of any unit to `timestamp`, rounded down to microseconds.
///
/// The rules for CSV, where the format leaves room:
///
/// - The first line names the columns. Empty lines are skipped. A byte order mark and CRLF line ends are accepted.
/// - A field that begins with `"` is quoted: it may hold delimiters, line ends, and quotes written twice. A quote further in is literal.
/// - Without a declared type a column is `integer`, else `float`, `boolean` (`true`, `false`), `timestamp` (ISO 8601) or at last `text`:
///   the narrowest type that holds every value in it, not a sample. A column without a value is `float`.
/// - `inf`, `infinity` and `nan`, in any case and with a sign, read as floats. `-0` is a float, since no integer holds its sign. An
///   integer beyond 64 bits is a float.
/// - Spaces and tabs around an unquoted number, boolean or timestamp are ignored, also when it is compared with the null values; text is
///   kept as it is. A quoted field that reads as a null value is a null in all columns but those of text, where it is that text.
///
/// # Errors
///
/// Each way in which a file can be unreadable or malformed is one variant of [`DataError`], with the line where there is one.
pub fn load(source: &Source) -> Result<Table, DataError> {
    match source.resolved_format() {
        Some(Format::Csv) => crate::csv::load::load(source),
        Some(Format::Parquet) => crate::parquet::load(source),
        None => Err(DataError::UnknownFormat { path: source.path.clone() }),
    }
}

/// The SHA-256 of a file's bytes, read in pieces.
///
/// # Errors
///
/// When the file is absent, a directory, or cannot be read.
pub fn file_digest(path: impl AsRef<Path>) -> Result<Digest, DataError> {
    let path = path.as_ref();
    let mut file = open(path)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(DataError::read(path, error)),
        }
    }
}

/// The digest of the table that [`load`] makes of a file with this digest: from the digest and the options that bear on the cells.
pub fn table_digest(file: Digest, source: &Source) -> Digest {
    let format = source.resolved_format();
    let mut hasher = Hasher::new();
    // The number stands for the parsing rules: raise it when the same bytes come to mean different cells.
    hasher.field(b"sprag-table/1").field(file.as_bytes()).field(format.map_or("", Format::name).as_bytes());
    for (name, dtype) in &source.columns {
        hasher.field(name.as_bytes()).field(dtype.name().as_bytes());
    }
    if format == Some(Format::Csv) {
        let mut nulls: Vec<&str> = source.null_values.iter().map(String::as_str).collect();
        nulls.sort_unstable();
        nulls.dedup();
        hasher.field(b"nulls").field(&[source.delimiter]);
        for null in nulls {
            hasher.field(null.as_bytes());
        }
    }
    hasher.finish()
}

/// Opens a regular file for reading.
pub(crate) fn open(path: &Path) -> Result<File, DataError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => DataError::Missing { path: path.to_owned() },
        _ => DataError::read(path, error),
    })?;
    if file.metadata().map_err(|error| DataError::read(path, error))?.is_dir() {
        return Err(DataError::Directory { path: path.to_owned() });
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_and_delimiter_go_by_the_extension() {
        assert_eq!(Format::of_extension(Path::new("a/b.CSV")), Some(Format::Csv));
        assert_eq!(Format::of_extension(Path::new("b.pq")), Some(Format::Parquet));
        assert_eq!(Format::of_extension(Path::new("b.xlsx")), None);
        assert_eq!(Source::new("a.tsv").delimiter, b'\t');
        assert_eq!(Source::new("a.csv").delimiter, b',');
    }

    #[test]
    fn every_option_that_bears_on_the_cells_changes_the_digest() {
        let base = Source::new("a.csv");
        let digest = |source: &Source| table_digest(Digest::of(b"x"), source);
        let changed = [
            Source { format: Some(Format::Parquet), ..base.clone() },
            Source { columns: [("a".to_owned(), DType::Text)].into(), ..base.clone() },
            Source { columns: [("a".to_owned(), DType::Float)].into(), ..base.clone() },
            Source { delimiter: b';', ..base.clone() },
            Source { null_values: vec!["?".to_owned()], ..base.clone() },
        ];
        let mut seen = vec![digest(&base), table_digest(Digest::of(b"y"), &base)];
        for source in &changed {
            assert!(!seen.contains(&digest(source)), "{source:?}");
            seen.push(digest(source));
        }
    }

    #[test]
    fn what_does_not_bear_on_the_cells_leaves_the_digest() {
        let base = Source::new("a.csv");
        let digest = |source: &Source| table_digest(Digest::of(b"x"), source);
        let mut same = Source { path: "elsewhere/b.csv".into(), max_line_bytes: 5, format: Some(Format::Csv), ..base.clone() };
        same.null_values.reverse();
        assert_eq!(digest(&base), digest(&same));
    }

    #[test]
    fn a_file_is_digested_as_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(file_digest(&path).unwrap(), Digest::of(b"abc"));
        assert!(matches!(file_digest(folder.path()), Err(DataError::Directory { .. })));
        assert!(matches!(file_digest(folder.path().join("b")), Err(DataError::Missing { .. })));
    }
}
