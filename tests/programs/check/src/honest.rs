//! What a good check does, and a look at all that it can see.

use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

use sprag_sdk::{Column, Failure, Measurement, Session, Severity, Table, Values, Verdict, measurement, write_artifact};

use crate::Params;

pub(crate) fn act(session: &Session, params: &Params, data: &Table) -> Result<Option<Verdict>, Failure> {
    match params.act.as_str() {
        "verdict" => {
            return Ok(Some(match params.with.as_str() {
                "fail" => Verdict::Fail,
                "skip" => Verdict::Skip,
                _ => Verdict::Pass,
            }));
        }
        "dump" => dump(session, params, data)?,
        "input" => input(session, params)?,
        "report" => report(session)?,
        "surroundings" => surroundings(session),
        _ => return Ok(None),
    }
    Ok(Some(Verdict::Pass))
}

/// Logs every cell, as `read` gives it in one piece, once the batches of `scan` gave the same.
fn dump(session: &Session, params: &Params, data: &Table) -> Result<(), Failure> {
    let (schema, rows) = (data.schema(), data.row_count());
    sprag_sdk::info!(session, "{rows} rows, target {:?}, features {:?}, {}", data.target(), data.features(), data.digest());
    let names: Vec<_> = schema.iter().map(|field| field.name.clone()).collect();
    let mut scanned = vec![Vec::new(); names.len()];
    let cursor = data.scan(&names, params.len.max(1))?;
    while let Some(batch) = cursor.next()? {
        for (all, column) in scanned.iter_mut().zip(&batch) {
            all.extend(cells(column));
        }
    }
    for (field, scanned) in schema.iter().zip(scanned) {
        let column = data.read(&field.name, 0, u32::try_from(rows).unwrap_or(u32::MAX))?;
        let read = cells(&column);
        if read != scanned {
            return Err(Failure::internal(format!("`read` gave {read:?}, `scan` gave {scanned:?}")));
        }
        let null = if field.nullable { "?" } else { "" };
        sprag_sdk::info!(session, "{}: {}{null} {}", field.name, field.dtype.name(), read.join(" "));
    }
    Ok(())
}

fn cells(column: &Column) -> Vec<String> {
    let cell = |row: usize| match &column.values {
        _ if column.is_null(row) => "null".to_owned(),
        Values::Floats(values) => format!("{:?}", values[row]),
        Values::Integers(values) => values[row].to_string(),
        Values::Booleans(values) => (values[row] == 1).to_string(),
        Values::Texts(texts) => {
            let start = if row == 0 { 0 } else { texts.ends[row - 1] as usize };
            format!("{:?}", String::from_utf8_lossy(&texts.bytes[start..texts.ends[row] as usize]))
        }
    };
    (0..column.len()).map(cell).collect()
}

fn input(session: &Session, params: &Params) -> Result<(), Failure> {
    let Some(reader) = session.input(&params.with) else {
        sprag_sdk::info!(session, "no input");
        return Ok(());
    };
    match reader.read(params.offset, params.len) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            sprag_sdk::info!(session, "{} of {} bytes of {}: {text}", bytes.len(), reader.len(), reader.media_type());
        }
        Err(error) => sprag_sdk::info!(session, "{error:?}"),
    }
    Ok(())
}

fn report(session: &Session) -> Result<(), Failure> {
    session.progress(1, Some(2));
    session.measure(&[measurement("rows", 3.0, "training")]);
    session.measure(&[Measurement { name: "loss".to_owned(), value: -0.5, step: Some(7), split: None }]);
    session.find(Severity::Warning, "odd-values", "expected 1, found 2", Some("x"));
    session.find(Severity::Note, "seen", "all is well", None);
    session.log(sprag_sdk::Level::Warn, "a line", &[("key".to_owned(), "value".to_owned())]);
    write_artifact("plot.svg", "image/svg+xml", b"<svg/>")?;
    write_artifact("empty.txt", "text/plain", b"")
}

/// Logs what WASI shows: the same whenever the stage runs with the same seed and grants.
fn surroundings(session: &Session) {
    let mut told = String::new();
    let env: Vec<_> = std::env::vars().collect();
    let _ = writeln!(told, "env {env:?}");
    let _ = writeln!(told, "args {}", std::env::args().count());
    let _ = writeln!(
        told,
        "files {}",
        ["/", ".", "/etc/passwd", "/tmp"].iter().filter(|path| std::fs::metadata(path).is_ok()).count()
    );
    let _ = writeln!(told, "written {}", std::fs::write("/tmp/x", "x").is_ok());
    let mut stdin = String::new();
    let _ = writeln!(told, "stdin {:?}", std::io::stdin().read_line(&mut stdin).ok());
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let _ = writeln!(told, "clock {}", since.as_secs());
    let started = Instant::now();
    let _ = writeln!(told, "elapsed {:?}", started.elapsed());
    // A `HashMap`'s keys are the one random thing that the standard library asks for.
    let hasher = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 1);
    let _ = writeln!(told, "random {hasher:x}");
    let _ = writeln!(told, "seed {}", session.seed());
    for line in told.lines() {
        sprag_sdk::info!(session, "{line}");
    }
}
