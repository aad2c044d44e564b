//! Which columns of a file are read, as what, and which are written.

use arrow_schema::SchemaRef;

use super::parquet_parts::ParquetParts;
use super::text_parts::TextParts;
use super::{Block, Inner, Lane, Position, RowFault, RowFile, Way};
use crate::error::{Names, shorten};
use crate::parquet::{convert, natural};
use crate::{DType, DataError, Field, Format, Table};

/// The columns of a file that are written again beside what the model gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// All of them.
    All,
    /// These, in the order of the file.
    Only(Vec<String>),
}

/// How to read a file for a model, and how to write it again.
pub struct RowPlan {
    pub(super) file: RowFile,
    /// What the model reads.
    pub(super) inputs: Vec<Field>,
    /// The columns of the file that are read, ascending.
    pub(super) read: Vec<usize>,
    /// Where each input is in `read`; for CSV, in the file.
    pub(super) input_at: Vec<usize>,
    /// The columns of a CSV file that are parsed, and as what: first the inputs, then those that are written as columns.
    pub(super) parsed: Vec<(usize, DType)>,
    /// The columns of the file that are written again.
    pub(super) kept: Vec<usize>,
    parts: Parts,
    block_rows: u32,
}

/// What writes.
enum Parts {
    Parquet(Box<ParquetParts>),
    Text(TextParts),
}

/// The bytes of a part of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The bytes, which follow those of the part before.
    pub bytes: Vec<u8>,
    /// What [`RowPlan::foot`] must be told of this part.
    pub note: Vec<u8>,
    /// How many rows it has.
    pub rows: u64,
}

/// About how many bytes the record of a row has, by which CSV is cut into blocks.
const RECORD_BYTES: usize = 128;

impl RowPlan {
    /// Plans how to read `inputs` of a file, and how to write the columns that are kept, followed by `outputs`, as `format`.
    /// `block_rows` is how many rows of a Parquet file come in a block; a block of a CSV file has about that many records.
    ///
    /// # Errors
    ///
    /// When the file has not the columns that are read or kept, one is not of the type that the model wants, an output has the name of a
    /// column that is kept, or a column is of a type that the format cannot hold.
    pub fn new(
        file: RowFile,
        inputs: &[Field],
        kept: &Kept,
        outputs: &[Field],
        format: Format,
        block_rows: u32,
    ) -> Result<Self, DataError> {
        let columns = file.columns();
        let find = |name: &str| columns.iter().position(|column| column == name);
        let missing: Vec<String> =
            inputs.iter().filter(|field| find(&field.name).is_none()).map(|field| field.name.clone()).collect();
        let path = file.source.path.clone();
        if !missing.is_empty() {
            return Err(DataError::MissingColumns { path, columns: Names(missing), known: Names(columns) });
        }
        let kept: Vec<usize> = match kept {
            Kept::All => (0..columns.len()).collect(),
            Kept::Only(names) => {
                let find = |name: &String| find(name).ok_or_else(|| unknown(name, &columns));
                let mut kept = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
                kept.sort_unstable();
                kept.dedup();
                kept
            }
        };
        if let Some(clash) = outputs.iter().find(|output| kept.iter().any(|at| columns[*at] == output.name)) {
            return Err(DataError::OutputClash { path, column: clash.name.clone() });
        }
        let inputs: Vec<Field> = inputs.iter().map(|field| Field { nullable: false, ..field.clone() }).collect();
        let in_file: Vec<usize> = inputs.iter().filter_map(|field| find(&field.name)).collect();
        let mut read: Vec<usize> = in_file.iter().chain(&kept).copied().collect();
        if read.is_empty() && !columns.is_empty() {
            // Of a model that reads nothing the rows must be counted still.
            read.push(0);
        }
        read.sort_unstable();
        read.dedup();
        let at_in_read = |at: &usize| read.binary_search(at).unwrap_or_default();
        let mut parsed: Vec<(usize, DType)> = in_file.iter().zip(&inputs).map(|(at, field)| (*at, field.dtype)).collect();
        let parts = match (&file.inner, format) {
            (Inner::Parquet(stored), Format::Parquet) => {
                check_types(&file, stored.schema(), &inputs)?;
                let fields = kept.iter().map(|at| stored.schema().fields()[*at].clone());
                let small = |at: &usize| {
                    let field = &stored.schema().fields()[*at];
                    let width = field.data_type().primitive_width();
                    width.is_none_or(|width| stored.is_dictionary_worth(*at, width as u64))
                };
                let dictionaries = kept.iter().map(small).collect();
                Parts::Parquet(Box::new(ParquetParts::new(fields.collect(), dictionaries, outputs)?))
            }
            (Inner::Parquet(stored), Format::Csv) => {
                check_types(&file, stored.schema(), &inputs)?;
                let dtypes = kept.iter().map(|at| {
                    let field = &stored.schema().fields()[*at];
                    natural(field.data_type()).ok_or_else(|| unsupported(&file, field.name(), field.data_type()))
                });
                let dtypes = dtypes.collect::<Result<Vec<_>, _>>()?;
                let names = kept.iter().map(|at| columns[*at].clone()).collect();
                Parts::Text(TextParts::new(names, dtypes, b',', outputs, false))
            }
            (Inner::Csv(_), Format::Parquet) => {
                // What the model reads is written as what it was read as, and all else as the text that it is.
                let dtype = |at: &usize| in_file.iter().position(|input| input == at).map_or(DType::Text, |i| inputs[i].dtype);
                let fields = kept.iter().map(|at| Field { name: columns[*at].clone(), dtype: dtype(at), nullable: true });
                let fields: Vec<_> = fields.map(|field| super::parquet_parts::arrow_field(&field)).collect();
                let dictionaries = kept.iter().map(|at| dtype(at) == DType::Text).collect();
                parsed.extend(kept.iter().filter(|at| !in_file.contains(at)).map(|at| (*at, DType::Text)));
                Parts::Parquet(Box::new(ParquetParts::new(fields, dictionaries, outputs)?))
            }
            (Inner::Csv(stored), Format::Csv) => {
                let names = kept.iter().map(|at| columns[*at].clone()).collect();
                let whole = kept.len() == columns.len();
                Parts::Text(TextParts::new(names, vec![DType::Text; kept.len()], stored.delimiter(), outputs, whole))
            }
        };
        let input_at = in_file.iter().map(at_in_read).collect();
        Ok(Self { file, inputs, read, input_at, parsed, kept, parts, block_rows: block_rows.max(1) })
    }

    /// The lanes that give the blocks of the file, from its first row or from a place where a block ended.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn lanes(&self, from: Option<Position>) -> Result<Vec<Lane>, DataError> {
        match &self.file.inner {
            Inner::Parquet(file) => {
                let first = from.map_or(0, |from| from.rows);
                let lane = |column: &usize| Ok(Lane(Way::Column(file.column(*column, first, self.block_rows as usize)?)));
                self.read.iter().map(lane).collect()
            }
            Inner::Csv(file) => Ok(vec![Lane(Way::Text(Box::new(file.texts(from, self.block_rows as usize * RECORD_BYTES)?)))]),
        }
    }

    /// The file that is read.
    pub const fn file(&self) -> &RowFile {
        &self.file
    }

    /// The columns that the model reads.
    pub fn inputs(&self) -> &[Field] {
        &self.inputs
    }

    /// What the output begins with.
    ///
    /// # Errors
    ///
    /// When the format's writer fails.
    pub fn head(&self) -> Result<Vec<u8>, DataError> {
        match &self.parts {
            Parts::Parquet(_) => Ok(crate::parquet::MAGIC.to_vec()),
            Parts::Text(parts) => parts.head(),
        }
    }

    /// The part of the output for the rows of a block, in their order: those that `accepted` lists, or all. `predictions` has a row for each
    /// of these.
    ///
    /// # Errors
    ///
    /// When the format's writer fails.
    pub fn part(&self, block: &Block, accepted: Option<&[u32]>, predictions: &Table) -> Result<Part, DataError> {
        match &self.parts {
            Parts::Parquet(parts) => parts.part(self, block, accepted, predictions),
            Parts::Text(parts) => parts.part(self, block, accepted, predictions),
        }
    }

    /// What the output ends with, after parts with these notes, in their order.
    ///
    /// # Errors
    ///
    /// When a note is not one of this plan's, or the format's writer fails.
    pub fn foot(&self, notes: &[Vec<u8>]) -> Result<Vec<u8>, DataError> {
        match &self.parts {
            Parts::Parquet(parts) => parts.foot(notes),
            Parts::Text(_) => Ok(Vec::new()),
        }
    }

    /// The first line of a file of refused rows: where each was, what is wrong with it, and the columns that were read.
    ///
    /// # Errors
    ///
    /// Never, in practice: the line is written to memory.
    pub fn refused_head(&self) -> Result<Vec<u8>, DataError> {
        super::text_parts::refused_head(self)
    }

    /// The lines for refused rows of a block whose first row has this number in the file, from 1.
    ///
    /// # Errors
    ///
    /// When a value cannot be shown.
    pub fn refused(&self, block: &Block, faults: &[RowFault], first_row: u64) -> Result<Vec<u8>, DataError> {
        super::text_parts::refused(self, block, faults, first_row)
    }

    pub(super) fn unfit(&self, column: &str, expected: DType, found: &str) -> DataError {
        convert(&self.file.source, column, expected, found)
    }
}

/// Checks that columns of a Parquet file can be what a model reads, as far as their types say.
fn check_types(file: &RowFile, schema: &SchemaRef, inputs: &[Field]) -> Result<(), DataError> {
    for field in inputs {
        let Ok(stored) = schema.field_with_name(&field.name) else { continue };
        let found = natural(stored.data_type()).ok_or_else(|| unsupported(file, stored.name(), stored.data_type()))?;
        let fits = match field.dtype {
            DType::Float => matches!(found, DType::Float | DType::Integer | DType::Boolean),
            DType::Integer => matches!(found, DType::Integer | DType::Float),
            dtype => dtype == found,
        };
        if !fits {
            let found = format!("it is of type {}", shorten(&stored.data_type().to_string()));
            return Err(convert(&file.source, &field.name, field.dtype, &found));
        }
    }
    Ok(())
}

fn unsupported(file: &RowFile, column: &str, found: &arrow_schema::DataType) -> DataError {
    let (path, found) = (file.source.path.clone(), shorten(&found.to_string()));
    DataError::UnsupportedType { path, column: column.to_owned(), found }
}

fn unknown(name: &str, columns: &[String]) -> DataError {
    DataError::UnknownColumn { column: name.to_owned(), known: Names(columns.to_vec()) }
}
