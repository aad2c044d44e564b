//! Work on several cores: a map over independent items.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// How many threads are worth starting.
pub(crate) fn available() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Maps every item, in any order, and returns the results in the order of the items. Threads are started only where `parallel`.
pub(crate) fn map<T: Send, R: Send>(items: Vec<T>, parallel: bool, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = available().min(items.len());
    if !parallel || threads < 2 {
        return items.into_iter().map(work).collect();
    }
    let slots: Vec<Mutex<(Option<T>, Option<R>)>> = items.into_iter().map(|item| Mutex::new((Some(item), None))).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(slot) = slots.get(next.fetch_add(1, Relaxed)) {
                    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                    slot.1 = slot.0.take().map(&work);
                }
            });
        }
    });
    let done = slots.into_iter().filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner).1);
    done.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_keep_the_order() {
        for parallel in [false, true] {
            let doubled = super::map((0..1000).collect(), parallel, |i: i32| 2 * i);
            assert_eq!(doubled, (0..1000).map(|i| 2 * i).collect::<Vec<_>>());
        }
    }
}
