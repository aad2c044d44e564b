//! Inside the process: what the host costs a stage, and how fast a table goes over.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_data::{Column, DType, Field, Table, Values};
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};
use sprag_runtime::{Cancel, Loaded, Runtime, StageCall};
use sprag_schemas::manifest::{Clock, Kind};

use crate::measure::{Report, alone, in_turn, ms};

pub(crate) fn run(report: &mut Report, scratch: &Path) {
    let runtime = Runtime::new(Some(&scratch.join("code"))).expect("the engine starts");
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts");
    let guest = std::fs::read(env!("BENCH_CHECK")).expect("the build script built it");
    let check = runtime.load(Digest::of(&guest), &guest).expect("the guest compiles");

    let small = table(1, 1);
    let call = call(check.clone(), "{}");
    let overhead = alone(500, || {
        tokio.block_on(runtime.sanity_check(&call, &small)).result.expect("the guest passes");
    });
    let start = alone(500, || {
        tokio.block_on(runtime.instantiate(&call, Kind::SanityCheck)).result.expect("the guest starts");
    });
    report.add("store, link, instantiate", ms(start.median()), String::new(), String::new(), None);
    let goal = Some(("under 0.5 ms", overhead.median() < 0.0005));
    report.add("a stage that does nothing: the same, call, report", ms(overhead.median()), String::new(), String::new(), goal);
    let digest = Digest::of(&guest);
    let load = alone(200, || {
        runtime.load(digest, &guest).expect("the code is cached");
    });
    report.add("a component from the code cache", ms(load.median()), String::new(), String::new(), None);

    handover(report, &runtime, &tokio, check);
}

fn handover(report: &mut Report, runtime: &Runtime, tokio: &tokio::runtime::Runtime, check: Loaded) {
    let (rows, columns) = (1_000_000, 10);
    let table = table(rows, columns);
    let bytes = (rows * columns * 8) as f64;
    let call = call(check, r#"{"scan":true}"#);
    let source = vec![1.0_f64; rows * columns];
    let mut target = vec![0.0_f64; rows * columns];
    let (handed, copied) = in_turn(
        15,
        || {
            tokio.block_on(runtime.sanity_check(&call, &table)).result.expect("the guest reads all rows");
        },
        || {
            target.copy_from_slice(&source);
            std::hint::black_box(&mut target);
        },
    );
    let speed = |seconds: f64| format!("{:.1} GB/s", bytes / seconds / 1e9);
    let ratio = format!("{:.2} of it", copied.median() / handed.median());
    report.add(
        "table of 80 MB into a guest",
        speed(handed.median()),
        format!("{} (memcpy)", speed(copied.median())),
        ratio,
        None,
    );
}

/// Numbers that look random and are the same each time.
fn values(rows: usize, column: usize) -> Vec<f64> {
    let mut state = 0x9e37_79b9_u64.wrapping_mul(column as u64 + 1);
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    std::iter::repeat_with(next).take(rows).collect()
}

pub(crate) fn table(rows: usize, columns: usize) -> Table {
    let fields = (0..columns).map(|i| Field { name: format!("c{i}"), dtype: DType::Float, nullable: false }).collect();
    let columns = (0..columns).map(|i| Column { values: Values::Floats(values(rows, i)), validity: None }).collect();
    Table::from_columns(fields, columns).expect("the columns are of one length")
}

pub(crate) fn call(component: Loaded, params_json: &str) -> StageCall {
    StageCall {
        component,
        params_json: params_json.to_owned(),
        seed: 0,
        inputs: BTreeMap::new(),
        env: vec![],
        clock: Clock::Frozen,
        limits: Limits::default(),
        blobs: Arc::new(Memory::default()),
        observer: Arc::new(|_| {}),
        cancel: Cancel::default(),
        outbound: None,
        folders: None,
        services: None,
        processes: None,
    }
}

/// Blobs in memory: the disk is not what is measured here.
#[derive(Default, Clone)]
struct Memory(Arc<Mutex<BTreeMap<Digest, Arc<Vec<u8>>>>>);

impl Blobs for Memory {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Ok(Box::new(Sink { bytes: vec![], to: self.clone() }))
    }

    fn open(&self, digest: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        let blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(digest).map(|bytes| bytes.clone() as Arc<dyn ReadAt>).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

struct Sink {
    bytes: Vec<u8>,
    to: Memory,
}

impl BlobSink for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)> {
        let (digest, length) = (Digest::of(&self.bytes), self.bytes.len() as u64);
        self.to.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, Arc::new(self.bytes));
        Ok((digest, length))
    }
}
