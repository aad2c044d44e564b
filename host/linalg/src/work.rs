//! Who does the work: threads that live as long as a call, and the check that ends it early.

use std::fmt;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::LinalgError;

/// How many threads a computation may use, and whether it should go on.
///
/// The check is asked between blocks, every few milliseconds of work, from any of the threads. Once it says yes the computation ends with
/// [`LinalgError::Stopped`].
#[derive(Clone, Copy)]
pub struct Work<'a> {
    threads: NonZero<usize>,
    should_stop: &'a (dyn Fn() -> bool + Sync),
}

impl fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl<'a> Work<'a> {
    /// Work by this many threads, the caller's own among them, until `should_stop` says so.
    pub const fn new(threads: NonZero<usize>, should_stop: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { threads, should_stop }
    }

    /// Work by the caller's thread alone, to the end.
    pub const fn alone() -> Self {
        Self { threads: NonZero::<usize>::MIN, should_stop: &|| false }
    }

    /// The same, by one thread.
    pub(crate) const fn by_one(self) -> Self {
        Self { threads: NonZero::<usize>::MIN, ..self }
    }

    pub(crate) fn go_on(&self) -> Result<(), LinalgError> {
        if (self.should_stop)() { Err(LinalgError::Stopped) } else { Ok(()) }
    }

    /// The same, with no more threads than this many bytes can hold of what each of them needs.
    pub(crate) fn within(self, bytes: usize, each: usize) -> Self {
        let most = NonZero::new(bytes / each.max(1)).unwrap_or(NonZero::<usize>::MIN);
        Self { threads: self.threads.min(most), ..self }
    }

    /// Hands each item to one of the threads, in any order. The items must not depend on one another.
    pub(crate) fn each<T: Send>(
        &self,
        items: impl ExactSizeIterator<Item = T> + Send,
        work: impl Fn(T) -> Result<(), LinalgError> + Sync,
    ) -> Result<(), LinalgError> {
        let workers = self.threads.get().min(items.len());
        let (items, failed) = (Mutex::new(items), AtomicBool::new(false));
        let one = || {
            loop {
                if failed.load(Relaxed) {
                    return Ok(());
                }
                // The lock is let go at the end of this statement.
                let Some(item) = lock(&items).next() else { return Ok(()) };
                self.go_on().and_then(|()| work(item)).inspect_err(|_| failed.store(true, Relaxed))?;
            }
        };
        all(workers, one)
    }

    /// Computes `count` parts, each by one of the threads in a place that the thread keeps, and merges them in order.
    ///
    /// No thread begins a part before it has merged its last one, so that there are never more places than threads.
    pub(crate) fn in_order<P>(
        &self,
        count: usize,
        place: impl Fn() -> P + Sync,
        compute: impl Fn(&mut P, usize) + Sync,
        merge: impl FnMut(&mut P) + Send,
    ) -> Result<(), LinalgError> {
        let queue = Queue { state: Mutex::new(State { next: 0, turn: 0, over: false, merge }), turned: Condvar::new() };
        let one = || {
            let _end = EndOnPanic(&queue);
            let mut place = place();
            loop {
                if let Err(stopped) = self.go_on() {
                    queue.end();
                    return Err(stopped);
                }
                let Some(index) = queue.take(count) else { return Ok(()) };
                compute(&mut place, index);
                let mut state = lock(&queue.state);
                while state.turn != index && !state.over {
                    state = queue.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.over {
                    return Ok(());
                }
                (state.merge)(&mut place);
                state.turn += 1;
                drop(state);
                queue.turned.notify_all();
            }
        };
        all(self.threads.get().min(count), one)
    }
}

/// Runs the same work on the caller's thread and on as many more as it takes. The first error, by thread, is the result.
fn all(workers: usize, one: impl Fn() -> Result<(), LinalgError> + Sync) -> Result<(), LinalgError> {
    thread::scope(|scope| {
        // Where no thread can be started, those that there are do the work of all.
        let others: Vec<_> = (1..workers).map_while(|_| thread::Builder::new().spawn_scoped(scope, &one).ok()).collect();
        let mut result = one();
        for other in others {
            match other.join() {
                Ok(found) => result = result.and(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        result
    })
}

struct State<M> {
    /// The part to begin next.
    next: usize,
    /// The part to merge next.
    turn: usize,
    over: bool,
    merge: M,
}

struct Queue<M> {
    state: Mutex<State<M>>,
    turned: Condvar,
}

impl<M> Queue<M> {
    fn take(&self, count: usize) -> Option<usize> {
        let mut state = lock(&self.state);
        if state.over || state.next == count {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    fn end(&self) {
        lock(&self.state).over = true;
        self.turned.notify_all();
    }
}

/// Without it, those who wait for the turn of a thread that is no more would wait for ever.
struct EndOnPanic<'a, M>(&'a Queue<M>);

impl<M> Drop for EndOnPanic<'_, M> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn with(threads: usize, should_stop: &(dyn Fn() -> bool + Sync)) -> Work<'_> {
        Work::new(NonZero::new(threads).unwrap(), should_stop)
    }

    #[test]
    fn parts_are_merged_in_order() {
        for threads in [1, 2, 7] {
            let mut merged = vec![];
            let merge = |place: &mut usize| merged.push(*place);
            with(threads, &|| false).in_order(100, || 0, |place, index| *place = index, merge).unwrap();
            assert_eq!(merged, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_check_ends_the_work() {
        for threads in [1, 3] {
            let asked = AtomicUsize::new(0);
            let stop = || asked.fetch_add(1, Relaxed) >= 5;
            let work = with(threads, &stop);
            assert_eq!(work.in_order(1000, || (), |(), _| (), |()| ()), Err(LinalgError::Stopped));
            assert_eq!(work.each(0..1000, |_| Ok(())), Err(LinalgError::Stopped));
        }
    }

    #[test]
    fn a_panic_in_one_thread_keeps_no_other_waiting() {
        let compute = |(): &mut (), index| assert!(index != 3, "as meant");
        let result = std::panic::catch_unwind(|| with(4, &|| false).in_order(100, || (), compute, |()| ()));
        assert!(result.is_err());
    }
}
