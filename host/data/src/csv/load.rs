//! Loads a file: reads pieces, digests, parses and joins them, each on threads of its own.
//!
//! A file of one piece is done on the calling thread. A column whose type breaks late, so that only text is left, costs a second reading
//! of the file, which must then have the same digest.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use sprag_core::digest::{Digest, Hasher};

use super::fault::Fault;
use super::header::{Plan, Start};
use super::join::Joined;
use super::piece::{self, Known, Parsed};
use super::pieces::{Piece, Pieces};
use crate::source::{open, table_digest};
use crate::{DType, DataError, Field, Source, Table, threads};

/// How many pieces wait for a consumer at most, which bounds the memory that the text takes.
const WAITING: usize = 4;

type Outcome = Result<Parsed, Fault>;

/// A file as it was read once.
struct Reading {
    plan: Plan,
    columns: Vec<Joined>,
    digest: Digest,
}

/// Loads a CSV file.
pub(crate) fn load(source: &Source) -> Result<Table, DataError> {
    check_delimiter(source.delimiter)?;
    let mut reading = read(source, &[])?;
    let broken = |reading: &Reading| -> Vec<usize> {
        (0..reading.columns.len()).filter(|column| reading.columns[*column].is_broken()).collect()
    };
    let texts = broken(&reading);
    if !texts.is_empty() {
        let first = std::mem::replace(&mut reading, read(source, &texts)?);
        if reading.digest != first.digest || !broken(&reading).is_empty() {
            return Err(DataError::Changed { path: source.path.clone() });
        }
    }
    Ok(table(reading, source))
}

/// Refuses a delimiter that numbers have in them, since it would part them, and the marks of the format itself.
pub(super) fn check_delimiter(found: u8) -> Result<(), DataError> {
    let delimiter = char::from(found);
    let parts = delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && !"\0\"\r\n+-.".contains(delimiter);
    if parts { Ok(()) } else { Err(DataError::Delimiter { found }) }
}

fn table(reading: Reading, source: &Source) -> Table {
    let rows = reading.columns.first().map_or(0, Joined::rows);
    let (mut fields, mut cells) = (Vec::new(), Vec::new());
    for ((name, column), declared) in reading.plan.names.into_iter().zip(reading.columns).zip(reading.plan.declared) {
        let (dtype, column) = column.finish(declared);
        fields.push(Field { name, dtype, nullable: false });
        cells.push(column);
    }
    Table::assemble(fields, cells, rows, table_digest(reading.digest, source))
}

/// Reads the file once, with some columns as text that were found to be nothing else.
fn read(source: &Source, texts: &[usize]) -> Result<Reading, DataError> {
    let mut pieces = Pieces::new(open(&source.path)?, source.delimiter, source.max_line_bytes);
    let mut hasher = Hasher::new();
    let mut start = Start::default();
    let (first, mut plan) = loop {
        let next = pieces.next().map_err(|fault| fault.locate(start.lines, source, &[]))?;
        let Some(piece) = next else { return Err(DataError::NoHeader { path: source.path.clone() }) };
        match start.take(&piece, source)? {
            // The records of the first piece begin after its header.
            Some(plan) => break (Piece { skip: start.records, ..piece }, plan),
            None => hasher.update(&piece.bytes),
        }
    };
    texts.iter().for_each(|column| plan.declared[*column] = Some(DType::Text));
    let known = Known::new(plan.names.len());
    let mut collected = Collected::new(plan.names.len(), start.lines);
    let digest = if pieces.ended() {
        hasher.update(&first.bytes);
        collected.append(parse(&first, &plan, &known));
        hasher.finish()
    } else {
        in_parallel(first, pieces, hasher, &plan, &known, &mut collected)
    };
    match collected.fault {
        Some(fault) => Err(fault.locate(collected.lines, source, &plan.names)),
        None => Ok(Reading { plan, columns: collected.columns, digest }),
    }
}

fn parse(piece: &Piece, plan: &Plan, known: &Known) -> Outcome {
    piece::parse(piece::text(&piece.bytes[piece.skip..])?, plan, known)
}

/// What came out of the pieces so far, up to the first fault in the file.
struct Collected {
    columns: Vec<Joined>,
    /// How many line ends come before the next piece, or before the one with the fault.
    lines: u64,
    fault: Option<Fault>,
}

impl Collected {
    fn new(columns: usize, lines: u64) -> Self {
        Self { columns: (0..columns).map(|_| Joined::new()).collect(), lines, fault: None }
    }

    fn append(&mut self, outcome: Outcome) {
        match outcome {
            _ if self.fault.is_some() => {}
            Err(fault) => self.fault = Some(fault),
            Ok(parsed) => {
                self.lines += parsed.lines;
                self.columns.iter_mut().zip(parsed.columns).for_each(|(column, part)| column.append(part));
            }
        }
    }

    /// Takes in outcomes that come in any order, in the order of their numbers.
    fn append_all(&mut self, outcomes: Receiver<(usize, Outcome)>) {
        let (mut early, mut next) = (BTreeMap::new(), 0);
        for (number, outcome) in outcomes {
            early.insert(number, outcome);
            while let Some(outcome) = early.remove(&next) {
                self.append(outcome);
                next += 1;
            }
        }
    }
}

/// Reads on this thread, digests on another, joins on one more and parses on as many as there are cores.
fn in_parallel(
    first: Piece,
    pieces: Pieces<File>,
    hasher: Hasher,
    plan: &Plan,
    known: &Known,
    collected: &mut Collected,
) -> Digest {
    let (to_digest, digest_next) = sync_channel(WAITING);
    let (to_parse, parse_next) = sync_channel(WAITING);
    let (to_collect, collect_next) = channel();
    let (parse_next, failed) = (Mutex::new(parse_next), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let digest = scope.spawn(|| digest(digest_next, hasher));
        scope.spawn(|| collected.append_all(collect_next));
        for _ in 0..threads::available() {
            let to_collect = to_collect.clone();
            scope.spawn(|| parse_all(&parse_next, to_collect, plan, known, &failed));
        }
        feed(first, pieces, to_digest, to_parse, to_collect, &failed);
        digest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Hands out pieces until the file ends, cannot be read, or something is wrong in it.
fn feed(
    first: Piece,
    mut pieces: Pieces<File>,
    to_digest: SyncSender<Arc<Piece>>,
    to_parse: SyncSender<(usize, Arc<Piece>)>,
    to_collect: Sender<(usize, Outcome)>,
    failed: &AtomicBool,
) {
    let mut next = Ok(Some(first));
    for number in 0.. {
        match next {
            Ok(Some(piece)) => {
                let piece = Arc::new(piece);
                // Neither refuses while its thread lives, and the panic of a thread is passed on by the scope.
                let sent = to_digest.send(Arc::clone(&piece)).is_ok() && to_parse.send((number, piece)).is_ok();
                if !sent || failed.load(Relaxed) {
                    return;
                }
            }
            Ok(None) => return,
            Err(fault) => {
                let _ = to_collect.send((number, Err(fault)));
                return;
            }
        }
        next = pieces.next();
    }
}

fn digest(pieces: Receiver<Arc<Piece>>, mut hasher: Hasher) -> Digest {
    pieces.into_iter().for_each(|piece| hasher.update(&piece.bytes));
    hasher.finish()
}

fn parse_all(
    next: &Mutex<Receiver<(usize, Arc<Piece>)>>,
    to_collect: Sender<(usize, Outcome)>,
    plan: &Plan,
    known: &Known,
    failed: &AtomicBool,
) {
    loop {
        let received = next.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, piece)) = received else { return };
        let outcome = parse(&piece, plan, known);
        failed.fetch_or(outcome.is_err(), Relaxed);
        let _ = to_collect.send((number, outcome));
    }
}
