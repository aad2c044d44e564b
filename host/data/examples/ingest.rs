//! Prints how long a data file takes to load: `cargo run --release -p sprag-data --example ingest -- FILE [REPETITIONS]`.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected a file")?;
    let repetitions = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let bytes = std::fs::metadata(&path)?.len() as f64;
    for _ in 0..repetitions {
        let start = Instant::now();
        let table = sprag_data::load(&sprag_data::Source::new(&path))?;
        let seconds = start.elapsed().as_secs_f64();
        let (rows, columns) = (table.row_count(), table.schema().len());
        println!("{:8.1} ms {:8.1} MB/s  {rows} x {columns}  {}", seconds * 1e3, bytes / 1e6 / seconds, table.digest().short());
    }
    Ok(())
}
