//! The counters on the path of each request.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use sprag_core::drift::{ColumnSketch, Sketch};
use sprag_data::{Column, Field, count_column};

/// How many threads count without waiting for each other.
const SHARDS: usize = 8;

/// The next thread's shard.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// This thread's shard.
    static SHARD: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
}

/// Counters of one model: columns in the order in which requests have them, so that no name is looked up on the way.
pub(super) struct Counts {
    inputs: Vec<String>,
    outputs: Vec<String>,
    shards: [Mutex<Shard>; SHARDS],
}

/// The counters of some threads; a column that the sketch does not have has none.
#[derive(Clone)]
struct Shard {
    inputs: Vec<Option<ColumnSketch>>,
    outputs: Vec<Option<ColumnSketch>>,
    has_counted: bool,
}

impl Counts {
    /// Counters in the bins of a sketch, for columns of this order.
    pub(super) fn new(sketch: &Sketch, inputs: &[Field], outputs: &[Field]) -> Self {
        let empty = sketch.emptied();
        let counters = |columns: &BTreeMap<String, ColumnSketch>, fields: &[Field]| {
            fields.iter().map(|field| columns.get(&field.name).cloned()).collect()
        };
        let shard =
            Shard { inputs: counters(&empty.inputs, inputs), outputs: counters(&empty.outputs, outputs), has_counted: false };
        let names = |fields: &[Field]| fields.iter().map(|field| field.name.clone()).collect();
        Self { inputs: names(inputs), outputs: names(outputs), shards: std::array::from_fn(|_| Mutex::new(shard.clone())) }
    }

    /// Counts the rows of a request.
    pub(super) fn count(&self, inputs: &[Column], outputs: &[Column]) {
        let shard = &self.shards[SHARD.with(Cell::get)];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.has_counted = true;
        let Shard { inputs: counted_inputs, outputs: counted_outputs, .. } = &mut *shard;
        for (counters, columns) in [(counted_inputs, inputs), (counted_outputs, outputs)] {
            for (counter, column) in counters.iter_mut().zip(columns) {
                if let Some(counter) = counter {
                    count_column(counter, column);
                }
            }
        }
    }

    /// Takes what was counted since this was called last; none where nothing was.
    pub(super) fn take(&self, training: &Sketch) -> Option<Sketch> {
        let mut all: Option<Sketch> = None;
        for shard in &self.shards {
            let taken = {
                let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                if !shard.has_counted {
                    continue;
                }
                shard.has_counted = false;
                let empty = |columns: &mut Vec<Option<ColumnSketch>>| {
                    let fresh = columns.iter().map(|column| Some(ColumnSketch::new(column.as_ref()?.bins.clone()))).collect();
                    std::mem::replace(columns, fresh)
                };
                (empty(&mut shard.inputs), empty(&mut shard.outputs))
            };
            let sum = all.get_or_insert_with(|| training.emptied());
            for (columns, names, counters) in
                [(&mut sum.inputs, &self.inputs, taken.0), (&mut sum.outputs, &self.outputs, taken.1)]
            {
                for (name, counter) in names.iter().zip(counters) {
                    if let (Some(column), Some(counter)) = (columns.get_mut(name), counter) {
                        column.counts.iter_mut().zip(&counter.counts).for_each(|(sum, more)| *sum += more);
                        column.nulls += counter.nulls;
                        column.other += counter.other;
                    }
                }
            }
        }
        all
    }
}
