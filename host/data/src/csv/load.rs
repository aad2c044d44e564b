//! Loads a file: reads pieces, digests and parses them on threads, and joins the columns.
//!
//! A file of one piece is done on the calling thread. A column whose type breaks late, so that only text is left, costs a second reading
//! of the file, which must then have the same digest.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use sprag_core::digest::{Digest, Hasher};

use super::fault::Fault;
use super::header::{self, Plan};
use super::join;
use super::piece::{self, Known, Parsed};
use super::pieces::{Piece, Pieces};
use super::records::Records;
use crate::source::{open, table_digest};
use crate::{DType, DataError, Field, Source, Table, threads};

/// How many pieces wait for each consumer at most, which bounds the memory that the text takes.
const WAITING: usize = 4;

/// Below this many rows, joining columns takes less time than starting threads.
const MANY_ROWS: u64 = 100_000;

/// A file as it was read once.
struct Reading {
    plan: Plan,
    pieces: Vec<Parsed>,
    digest: Digest,
}

/// Loads a CSV file.
pub(crate) fn load(source: &Source) -> Result<Table, DataError> {
    if !source.delimiter.is_ascii() || matches!(source.delimiter, b'"' | b'\n' | b'\r' | 0) {
        return Err(DataError::Delimiter { found: source.delimiter });
    }
    let reading = read(source, &[])?;
    let digest = reading.digest;
    join(reading, source).or_else(|texts| {
        let again = read(source, &texts)?;
        if again.digest != digest {
            return Err(DataError::Changed { path: source.path.clone() });
        }
        join(again, source).map_err(|_| DataError::Changed { path: source.path.clone() })
    })
}

/// Makes the table, or says which columns must be read again as text.
fn join(reading: Reading, source: &Source) -> Result<Table, Vec<usize>> {
    let Reading { plan, pieces, digest } = reading;
    let rows = pieces.iter().map(|piece| piece.columns.first().map_or(0, |part| part.rows as u64)).sum();
    let mut columns: Vec<Vec<_>> = plan.names.iter().map(|_| Vec::with_capacity(pieces.len())).collect();
    for part in pieces.into_iter().flat_map(|piece| piece.columns.into_iter().enumerate()) {
        columns[part.0].push(part.1);
    }
    let dtypes: Vec<Option<DType>> = columns.iter().zip(&plan.declared).map(|(parts, declared)| join::dtype(parts, *declared)).collect();
    let texts: Vec<usize> = (0..dtypes.len()).filter(|column| dtypes[*column].is_none()).collect();
    if !texts.is_empty() {
        return Err(texts);
    }
    let typed: Vec<(Vec<_>, DType)> = columns.into_iter().zip(dtypes.into_iter().flatten()).collect();
    let fields = plan.names.into_iter().zip(&typed).map(|(name, (_, dtype))| Field { name, dtype: *dtype, nullable: false }).collect();
    let cells = threads::map(typed, rows >= MANY_ROWS, |(parts, dtype)| join::cells(parts, dtype));
    Ok(Table::assemble(fields, cells, rows, table_digest(digest, source)))
}

/// Reads the file once, with some columns as text that were found to be nothing else.
fn read(source: &Source, texts: &[usize]) -> Result<Reading, DataError> {
    let mut pieces = Pieces::new(open(&source.path)?, source.delimiter, source.max_line_bytes);
    let mut hasher = Hasher::new();
    let mut start = Start { plan: None, lines: 0, records: 0 };
    let first = loop {
        let next = pieces.next().map_err(|fault| locate(fault, start.lines, source, &[]))?;
        let Some(piece) = next else { return Err(DataError::NoHeader { path: source.path.clone() }) };
        if start.take(&piece, source)? {
            break piece;
        }
        hasher.update(&piece.bytes);
    };
    let Some(mut plan) = start.plan else { return Err(DataError::NoHeader { path: source.path.clone() }) };
    texts.iter().for_each(|column| plan.declared[*column] = Some(DType::Text));
    let known = Known::new(plan.names.len());
    let located = |fault, lines| locate(fault, lines, source, &plan.names);
    // The records of the first piece begin after its header.
    let first = Piece { skip: start.records, ..first };
    let (outcomes, digest) = if pieces.ended() {
        hasher.update(&first.bytes);
        (vec![parse(&first, &plan, &known)], hasher.finish())
    } else {
        in_parallel(first, pieces, hasher, &plan, &known)
    };
    let mut lines = start.lines;
    let mut parsed = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let piece = outcome.map_err(|fault| located(fault, lines))?;
        lines += piece.lines;
        parsed.push(piece);
    }
    Ok(Reading { plan, pieces: parsed, digest })
}

/// The beginning of a file, up to and with its header.
struct Start {
    plan: Option<Plan>,
    /// How many line ends there are in it.
    lines: u64,
    /// Where the records begin in the piece that has the header.
    records: usize,
}

impl Start {
    /// Takes in a piece; true where it has the header.
    fn take(&mut self, piece: &Piece, source: &Source) -> Result<bool, DataError> {
        let at = |fault| locate(fault, self.lines, source, &[]);
        let bytes = &piece.bytes[piece.skip..];
        // Only the header is looked at here, but it must be text as far as it goes.
        let end = memchr::memchr(b'\n', bytes).filter(|_| !bytes.contains(&b'"')).map_or(bytes.len(), |end| end + 1);
        let text = piece::text(&bytes[..end]).map_err(at)?;
        let mut records = Records::new(text, source.delimiter);
        if !records.advance() {
            self.lines += records.line;
            return Ok(false);
        }
        let names = header::names(&mut records).map_err(at)?;
        if records.length() as u64 > source.max_line_bytes {
            return Err(at(super::fault::What::LineTooLong.on_line(records.record_line)));
        }
        self.records = piece.skip + records.position();
        self.lines += records.line;
        self.plan = Some(header::plan(names, source)?);
        Ok(true)
    }
}

fn locate(fault: Fault, lines: u64, source: &Source, names: &[String]) -> DataError {
    fault.locate(lines, &source.path, source.max_line_bytes, names)
}

fn parse(piece: &Piece, plan: &Plan, known: &Known) -> Result<Parsed, Fault> {
    piece::parse(piece::text(&piece.bytes[piece.skip..])?, plan, known)
}

type Outcome = Result<Parsed, Fault>;

/// Reads on this thread, digests on another and parses on as many as there are cores. The outcomes are in the order of the pieces and
/// end with the first fault.
fn in_parallel(first: Piece, pieces: Pieces<File>, hasher: Hasher, plan: &Plan, known: &Known) -> (Vec<Outcome>, Digest) {
    let (to_hash, hash) = sync_channel::<Arc<Piece>>(WAITING);
    let (to_parse, parse_next) = sync_channel(WAITING);
    let (to_collect, collect) = mpsc::channel();
    let (parse_next, failed) = (Mutex::new(parse_next), AtomicBool::new(false));
    let digest = std::thread::scope(|scope| {
        let digest = scope.spawn(move || digest(hash, hasher));
        for _ in 0..threads::available() {
            let to_collect = to_collect.clone();
            scope.spawn(|| worker(&parse_next, to_collect, plan, known, &failed));
        }
        feed(first, pieces, &to_hash, &to_parse, &to_collect, &failed);
        drop((to_hash, to_parse));
        digest.join()
    });
    drop(to_collect);
    let mut outcomes: Vec<(usize, Outcome)> = collect.into_iter().collect();
    outcomes.sort_unstable_by_key(|(position, _)| *position);
    let digest = digest.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    (outcomes.into_iter().map(|(_, outcome)| outcome).collect(), digest)
}

type Numbered<T> = (usize, T);

/// Hands out pieces until the file ends, cannot be read, or something is wrong in it.
fn feed(
    first: Piece,
    mut pieces: Pieces<File>,
    to_hash: &SyncSender<Arc<Piece>>,
    to_parse: &SyncSender<Numbered<Arc<Piece>>>,
    to_collect: &mpsc::Sender<Numbered<Outcome>>,
    failed: &AtomicBool,
) {
    let mut next = Ok(Some(first));
    for position in 0.. {
        match next {
            Ok(Some(piece)) => {
                let piece = Arc::new(piece);
                // Neither refuses while its thread lives, and a thread that panics is reported where it is joined.
                let sent = to_hash.send(Arc::clone(&piece)).is_ok() && to_parse.send((position, piece)).is_ok();
                if !sent || failed.load(Relaxed) {
                    return;
                }
            }
            Ok(None) => return,
            Err(fault) => {
                let _ = to_collect.send((position, Err(fault)));
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

fn worker(
    next: &Mutex<Receiver<Numbered<Arc<Piece>>>>,
    to_collect: mpsc::Sender<Numbered<Outcome>>,
    plan: &Plan,
    known: &Known,
    failed: &AtomicBool,
) {
    loop {
        let received = next.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((position, piece)) = received else { return };
        let outcome = parse(&piece, plan, known);
        failed.fetch_or(outcome.is_err(), Relaxed);
        let _ = to_collect.send((position, outcome));
    }
}
