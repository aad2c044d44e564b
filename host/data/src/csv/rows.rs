//! Records a piece at a time, where one that is wrong is set aside and does not end the reading.
//!
//! Only the columns that somebody reads are parsed. Every record's own text is kept, so that it can be written again as it came. What no
//! longer says where records begin and end (an open quote, bytes that are no text) is an error of the file still.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::ops::Range;

use super::builder::Builder;
use super::fault::{Fault, What};
use super::header::{Plan, Start};
use super::join::Joined;
use super::piece;
use super::pieces::{self, Pieces};
use super::records::Records;
use crate::cells::Cells;
use crate::rows::{Position, RowFault};
use crate::source::open;
use crate::{DType, DataError, Source};

/// How much is read at a time to find the header.
const HEADER_BLOCK: usize = 64 << 10;

/// A CSV file whose header was read.
#[derive(Debug)]
pub(crate) struct CsvRows {
    source: Source,
    plan: Plan,
    /// Where the first record begins.
    first: Position,
}

/// Some whole records as they stand in the file.
pub(crate) struct Text {
    bytes: Vec<u8>,
    /// How many line ends come before them in the file.
    lines: u64,
    /// Where they end.
    pub(crate) end: Position,
}

/// The records of a [`Text`], parsed.
pub(crate) struct Parsed {
    pub(crate) bytes: Vec<u8>,
    /// Where each record lies in `bytes`, without its line end.
    pub(crate) records: Vec<Range<usize>>,
    /// The columns that were asked for, in that order; null in a row that has a fault.
    pub(crate) columns: Vec<Cells>,
    /// What is wrong, by row: at most one fault a row.
    pub(crate) faults: Vec<RowFault>,
    /// How many line ends come before the first record in the file.
    lines: u64,
}

impl Parsed {
    /// The text of a row's record.
    pub(crate) fn record(&self, row: usize) -> &str {
        // The range is one of whole fields of a checked text.
        std::str::from_utf8(&self.bytes[self.records[row].clone()]).unwrap_or_default()
    }

    /// Gives faults, which ascend by row, the line on which their record begins.
    pub(crate) fn locate(&self, faults: &mut [RowFault]) {
        let (mut at, mut line) = (0, self.lines + 1);
        for fault in faults {
            let start = self.records[fault.row as usize].start;
            line += pieces::lines(&self.bytes[at..start]);
            (at, fault.line) = (start, Some(line));
        }
    }
}

impl CsvRows {
    /// Opens a file and reads its header.
    pub(crate) fn open(source: &Source) -> Result<Self, DataError> {
        super::load::check_delimiter(source.delimiter)?;
        let mut pieces = Pieces::with_block(open(&source.path)?, source.delimiter, source.max_line_bytes, HEADER_BLOCK);
        let (mut start, mut bytes) = (Start::default(), 0);
        loop {
            let next = pieces.next().map_err(|fault| fault.locate(start.lines, source, &[]))?;
            let Some(piece) = next else { return Err(DataError::NoHeader { path: source.path.clone() }) };
            if let Some(plan) = start.take(&piece, source)? {
                let first = Position { rows: 0, bytes: bytes + start.records as u64, lines: start.lines };
                return Ok(Self { source: source.clone(), plan, first });
            }
            bytes += piece.bytes.len() as u64;
        }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.plan.names
    }

    pub(crate) const fn delimiter(&self) -> u8 {
        self.plan.delimiter
    }

    /// The records from a position on, in pieces of about `block` bytes.
    pub(crate) fn texts(&self, from: Option<Position>, block: usize) -> Result<Texts, DataError> {
        let from = from.unwrap_or(self.first);
        let mut file = open(&self.source.path)?;
        file.seek(SeekFrom::Start(from.bytes)).map_err(|error| DataError::read(&self.source.path, error))?;
        let pieces = Pieces::from(file, self.source.delimiter, self.source.max_line_bytes, block, from.bytes);
        Ok(Texts { source: self.source.clone(), pieces, end: from })
    }

    /// Parses records: the columns at these positions, as these types.
    pub(crate) fn parse(&self, text: Text, wanted: &[(usize, DType)]) -> Result<Parsed, DataError> {
        let locate = |fault: Fault| fault.locate(text.lines, &self.source, &self.plan.names);
        let mut parse = Parse::new(&self.plan, wanted, text.bytes.len() / 64);
        parse.all(piece::text(&text.bytes).map_err(locate)?).map_err(locate)?;
        let columns = parse.builders.into_iter().zip(wanted).map(|(builder, (_, dtype))| {
            let mut joined = Joined::new();
            joined.append(builder.finish());
            joined.finish(Some(*dtype)).1
        });
        let columns = columns.collect();
        Ok(Parsed { columns, records: parse.records, faults: parse.faults, bytes: text.bytes, lines: text.lines })
    }
}

/// The pieces of a file from somewhere on.
pub(crate) struct Texts {
    source: Source,
    pieces: Pieces<File>,
    end: Position,
}

impl Texts {
    /// The next piece; none after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Text>, DataError> {
        let lines = self.end.lines;
        let Some(piece) = self.pieces.next().map_err(|fault| fault.locate(lines, &self.source, &[]))? else { return Ok(None) };
        self.end.bytes += piece.bytes.len() as u64;
        self.end.lines += pieces::lines(&piece.bytes);
        Ok(Some(Text { bytes: piece.bytes, lines, end: self.end }))
    }
}

/// Records on the way into columns.
struct Parse<'a> {
    plan: &'a Plan,
    /// For each column of the file, the builder that takes it.
    takers: Vec<Option<usize>>,
    types: Vec<(usize, DType)>,
    builders: Vec<Builder>,
    records: Vec<Range<usize>>,
    faults: Vec<RowFault>,
}

impl<'a> Parse<'a> {
    fn new(plan: &'a Plan, wanted: &[(usize, DType)], rows: usize) -> Self {
        let mut takers = vec![None; plan.names.len()];
        wanted.iter().enumerate().for_each(|(i, (column, _))| takers[*column] = Some(i));
        let builders = wanted.iter().map(|(_, dtype)| Builder::declared(*dtype, rows)).collect();
        Self { plan, takers, types: wanted.to_vec(), builders, records: Vec::with_capacity(rows), faults: Vec::new() }
    }

    fn all(&mut self, text: &str) -> Result<(), Fault> {
        let mut records = Records::new(text, self.plan.delimiter);
        while records.advance() {
            if let Some(fault) = self.record(&mut records)? {
                self.faults.push(fault);
            }
            if records.length() as u64 > self.plan.limit {
                return Err(What::LineTooLong.on_line(records.record_line));
            }
            let (start, end) = (records.record_start(), records.position());
            let record = &text[start..end];
            let record = record.strip_suffix('\n').unwrap_or(record);
            self.records.push(start..start + record.strip_suffix('\r').unwrap_or(record).len());
        }
        Ok(())
    }

    /// Takes one record, and says what is wrong with it. Every builder has a row more afterwards.
    fn record(&mut self, records: &mut Records<'_>) -> Result<Option<RowFault>, Fault> {
        let row = self.records.len() as u32;
        let at = |column: Option<&String>, reason| RowFault { row, line: None, column: column.cloned(), reason };
        let numbers = !self.plan.nulls.are_numbers();
        let (mut found, mut fault) = (0, None);
        loop {
            let taker = self.takers.get(found).copied().flatten();
            let last = match taker {
                Some(builder) if numbers && let Some(last) = self.builders[builder].push_number(records) => last,
                Some(builder) => {
                    let (field, last) = records.field()?;
                    if let Err(dtype) = self.builders[builder].push(field, &self.plan.nulls) {
                        self.builders[builder].null();
                        let text = crate::error::shorten(&field.text());
                        fault.get_or_insert_with(|| at(self.plan.names.get(found), format!("expected {dtype}, found `{text}`")));
                    }
                    last
                }
                None => records.field()?.1,
            };
            found += 1;
            if last {
                break;
            }
        }
        let expected = self.plan.names.len();
        if found == expected {
            return Ok(fault);
        }
        for (builder, _) in self.builders.iter_mut().zip(&self.types).filter(|(_, (column, _))| *column >= found) {
            builder.null();
        }
        Ok(Some(at(None, format!("expected {expected} fields, found {found}"))))
    }
}
