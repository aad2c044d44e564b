//! Parquet output in parts: each part is encoded as one row group on any thread, and a footer at the end names them all.
//!
//! A part is first a little Parquet file of its own, of which the pages are kept as they are. Its note is that file's footer: all that the
//! last footer needs to know. So a job that was killed goes on with the notes of the parts that it had written.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::arrow::encode_arrow_schema;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::RowPlan;
use super::block::{Block, Original};
use super::plan::Part;
use crate::parquet::{MAGIC, caught, shorten_long};
use crate::{DType, DataError, Field, Table};

/// The length of the footer and the magic bytes after it.
const TAIL: usize = 8;

/// Writes parts.
pub(super) struct ParquetParts {
    schema: SchemaRef,
    properties: WriterProperties,
    outputs: Vec<Field>,
}

impl ParquetParts {
    /// A writer of columns that come from the input, some through a dictionary, followed by outputs.
    pub(super) fn new(kept: Vec<FieldRef>, dictionaries: Vec<bool>, outputs: &[Field]) -> Result<Self, DataError> {
        let mut properties = WriterProperties::builder()
            .set_created_by("sprag".to_owned())
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(None)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            // Nothing but pages lies between the beginning of a part and its footer.
            .set_offset_index_disabled(true);
        let has_dictionary = dictionaries.into_iter().chain(outputs.iter().map(|field| field.dtype == DType::Text));
        let outputs_in_arrow = outputs.iter().map(|field| arrow_field(&Field { nullable: false, ..field.clone() }));
        let fields: Vec<FieldRef> = kept.into_iter().chain(outputs_in_arrow).collect();
        for (field, has_dictionary) in fields.iter().zip(has_dictionary) {
            // The columns within a nested one have other paths, and the writer's own choice.
            properties = properties.set_column_dictionary_enabled(ColumnPath::new(vec![field.name().clone()]), has_dictionary);
        }
        let parts = Self { schema: Arc::new(Schema::new(fields)), properties: properties.build(), outputs: outputs.to_vec() };
        // Made once here, so that a type that cannot be written is an error before anything is read.
        parts.writer(&mut Vec::new()).map_err(failed)?;
        Ok(parts)
    }

    fn writer<'a>(&self, out: &'a mut Vec<u8>) -> Result<ArrowWriter<&'a mut Vec<u8>>, ParquetError> {
        // The schema that Arrow wants to find is in the last footer alone.
        let options = ArrowWriterOptions::new().with_properties(self.properties.clone()).with_skip_arrow_metadata(true);
        ArrowWriter::try_new_with_options(out, self.schema.clone(), options)
    }

    pub(super) fn part(
        &self,
        plan: &RowPlan,
        block: &Block,
        accepted: Option<&[u32]>,
        predictions: &Table,
    ) -> Result<Part, DataError> {
        let mut arrays = self.kept_arrays(plan, block);
        if let Some(accepted) = accepted {
            let mut mask = vec![false; block.rows];
            accepted.iter().for_each(|row| mask[*row as usize] = true);
            let mask = BooleanArray::from(mask);
            let filtered = arrays.iter().map(|array| arrow_select::filter::filter(array, &mask));
            arrays = filtered.collect::<Result<_, _>>().map_err(|error| refused(&error.to_string()))?;
        }
        arrays.extend(predictions.columns().cells.iter().zip(&self.outputs).map(|(cells, field)| cells.to_arrow(field.dtype)));
        let rows = predictions.row_count();
        if rows == 0 {
            return Ok(Part { bytes: Vec::new(), note: Vec::new(), rows });
        }
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|error| refused(&error.to_string()))?;
        let mut bytes = Vec::with_capacity(batch.get_array_memory_size());
        let written = caught(|| -> Result<(), ParquetError> {
            let mut writer = self.writer(&mut bytes)?;
            writer.write(&batch)?;
            writer.close().map(|_| ())
        });
        written.map_err(|found| refused(&found))?.map_err(failed)?;
        split(bytes, rows).ok_or_else(|| refused("the writer left no footer"))
    }

    /// The columns that are written again, in all rows of a block.
    fn kept_arrays(&self, plan: &RowPlan, block: &Block) -> Vec<ArrayRef> {
        match &block.original {
            Original::Arrays(arrays) => {
                let at = |kept: &usize| plan.read.binary_search(kept).ok().map(|at| arrays[at].clone());
                plan.kept.iter().filter_map(at).collect()
            }
            Original::Text(parsed) => {
                let of = |kept: &usize| {
                    let at = plan.parsed.iter().position(|(column, _)| column == kept)?;
                    Some(parsed.columns[at].to_arrow(plan.parsed[at].1))
                };
                plan.kept.iter().filter_map(of).collect()
            }
        }
    }

    /// The footer of a file with parts that have these notes.
    pub(super) fn foot(&self, notes: &[Vec<u8>]) -> Result<Vec<u8>, DataError> {
        // An empty file, for its schema as Parquet has it.
        let mut empty = Vec::new();
        let empty = self.writer(&mut empty).and_then(ArrowWriter::close).map_err(failed)?;
        let mut start = MAGIC.len() as i64;
        let mut groups = Vec::with_capacity(notes.len());
        for note in notes.iter().filter(|note| !note.is_empty()) {
            let group =
                caught(|| ParquetMetaDataReader::decode_metadata(note)).map_err(|found| refused(&found))?.map_err(failed)?;
            let [group] = group.row_groups() else { return Err(refused("a part that is not one row group")) };
            let moved = moved(group, start - MAGIC.len() as i64, groups.len()).map_err(failed)?;
            start += moved.compressed_size();
            groups.push(moved);
        }
        let rows = groups.iter().map(RowGroupMetaData::num_rows).sum();
        let file = empty.file_metadata();
        let arrow = KeyValue::new("ARROW:schema".to_owned(), encode_arrow_schema(&self.schema));
        let (created_by, orders) = (file.created_by().map(str::to_owned), file.column_orders().cloned());
        let metadata = FileMetaData::new(file.version(), rows, created_by, Some(vec![arrow]), file.schema_descr_ptr(), orders);
        let mut bytes = Vec::new();
        ParquetMetaDataWriter::new(&mut bytes, &ParquetMetaData::new(metadata, groups)).finish().map_err(failed)?;
        Ok(bytes)
    }
}

/// A row group's metadata where the group lies `by` bytes further on.
fn moved(group: &RowGroupMetaData, by: i64, ordinal: usize) -> Result<RowGroupMetaData, ParquetError> {
    let column = |column: &parquet::file::metadata::ColumnChunkMetaData| {
        let dictionary = column.dictionary_page_offset().map(|offset| offset + by);
        let data = column.data_page_offset() + by;
        column.clone().into_builder().set_data_page_offset(data).set_dictionary_page_offset(dictionary).build()
    };
    let columns = group.columns().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let ordinal = i32::try_from(ordinal).map_err(|_| ParquetError::General("too many row groups".to_owned()))?;
    let offset = group.file_offset().map_or(by, |offset| offset + by);
    group.clone().into_builder().set_column_metadata(columns).set_ordinal(ordinal).set_file_offset(offset).build()
}

/// The pages of a little Parquet file, and its footer as a note.
fn split(mut bytes: Vec<u8>, rows: u64) -> Option<Part> {
    let tail = bytes.len().checked_sub(TAIL)?;
    let footer = u32::from_le_bytes(bytes[tail..tail + 4].try_into().ok()?) as usize;
    let note = bytes.get(tail.checked_sub(footer)?..tail)?.to_vec();
    bytes.truncate(tail - footer);
    bytes.drain(..MAGIC.len().min(bytes.len()));
    Some(Part { bytes, note, rows })
}

/// A field of Arrow for one of a table.
pub(super) fn arrow_field(field: &Field) -> FieldRef {
    let dtype = match field.dtype {
        DType::Float => DataType::Float64,
        DType::Integer => DataType::Int64,
        DType::Boolean => DataType::Boolean,
        DType::Text => DataType::LargeUtf8,
        DType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    };
    Arc::new(arrow_schema::Field::new(&field.name, dtype, field.nullable))
}

fn failed(error: ParquetError) -> DataError {
    refused(&error.to_string())
}

fn refused(found: &str) -> DataError {
    DataError::Write { format: "Parquet", found: shorten_long(found) }
}
