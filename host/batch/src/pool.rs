//! Blocks on threads: read in strips by lanes, worked on in any order, written in their own.
//!
//! Every thread does whatever is to be done: the writing of the next block before the work on one, and that before the reading of another. So
//! decoding, scoring and encoding share the cores as they need them, and no block waits for long. How far reading may be ahead of writing is
//! bounded, and with it the memory. Of several errors the one of the earliest block is told, as on one thread.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How far reading may be ahead of writing, in blocks, beyond one for each thread.
const AHEAD: u64 = 2;

/// Runs blocks from `lanes` through `work` on threads, and what comes of them through `sink` in order. Each thread has something of its own
/// from `make`. Lanes that do not end with the same block are `uneven`.
pub(crate) fn run<L, T, S, D, E>(
    threads: usize,
    lanes: Vec<L>,
    make: impl Fn() -> Result<S, E> + Sync,
    work: impl Fn(&mut S, Vec<T>) -> Result<D, E> + Sync,
    sink: impl FnMut(D) -> Result<(), E> + Send,
    uneven: impl Fn() -> E + Sync,
) -> Result<(), E>
where
    L: FnMut() -> Result<Option<T>, E> + Send,
    T: Send,
    D: Send,
    E: Send,
{
    let threads = threads.max(1);
    let board = Board {
        lanes: lanes.iter().map(|_| Lane::default()).collect(),
        window: threads as u64 + AHEAD,
        gathering: BTreeMap::new(),
        ready: BTreeMap::new(),
        done: BTreeMap::new(),
        written: 0,
        is_writing: false,
        end: None,
        outcome: None,
        is_abandoned: false,
    };
    let shared = Shared { board: Mutex::new(board), changed: Condvar::new() };
    let lanes: Vec<Mutex<L>> = lanes.into_iter().map(Mutex::new).collect();
    let sink = Mutex::new(sink);
    let lock = |lane: &usize| lanes[*lane].lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let _alarm = Alarm(&shared);
                let mut own = None;
                while let Some(job) = shared.next_job() {
                    match job {
                        Job::Write(done) => {
                            let written = (*sink.lock().unwrap_or_else(PoisonError::into_inner))(done);
                            shared.update(|board| board.has_written(written));
                        }
                        Job::Work(number, strips) => {
                            let done = match &mut own {
                                Some(own) => work(own, strips),
                                None => make().and_then(|made| work(own.insert(made), strips)),
                            };
                            shared.update(|board| drop(board.done.insert(number, done)));
                        }
                        Job::Read(lane) => {
                            let strip = (*lock(&lane))();
                            shared.update(|board| board.has_read(lane, strip, &uneven));
                        }
                    }
                }
            });
        }
    });
    let board = shared.board.into_inner().unwrap_or_else(PoisonError::into_inner);
    board.outcome.unwrap_or(Ok(()))
}

/// What a thread does next.
enum Job<T, D> {
    Write(D),
    Work(u64, Vec<T>),
    Read(usize),
}

#[derive(Default)]
struct Lane {
    /// The block that it reads next.
    next: u64,
    is_busy: bool,
    is_over: bool,
}

/// What is where. Blocks are numbered from 0.
struct Board<T, D, E> {
    lanes: Vec<Lane>,
    window: u64,
    /// Blocks of which some lanes have given their strip.
    gathering: BTreeMap<u64, Vec<Option<T>>>,
    ready: BTreeMap<u64, Vec<T>>,
    done: BTreeMap<u64, Result<D, E>>,
    written: u64,
    is_writing: bool,
    /// How many blocks there are, once a lane has come to its end.
    end: Option<u64>,
    outcome: Option<Result<(), E>>,
    is_abandoned: bool,
}

impl<T, D, E> Board<T, D, E> {
    /// A job that can be begun now.
    fn take(&mut self) -> Option<Job<T, D>> {
        if !self.is_writing {
            match self.done.remove(&self.written) {
                Some(Ok(done)) => {
                    self.is_writing = true;
                    return Some(Job::Write(done));
                }
                Some(Err(error)) => {
                    self.outcome = Some(Err(error));
                    return None;
                }
                None => {}
            }
        }
        if self.end == Some(self.written) && self.lanes.iter().all(|lane| lane.is_over) {
            self.outcome = Some(Ok(()));
            return None;
        }
        if let Some((number, strips)) = self.ready.pop_first() {
            return Some(Job::Work(number, strips));
        }
        let limit = self.written + self.window;
        let can_read = |lane: &&mut Lane| !lane.is_busy && !lane.is_over && lane.next < limit;
        let (at, lane) =
            self.lanes.iter_mut().enumerate().filter(|(_, lane)| can_read(lane)).min_by_key(|(_, lane)| lane.next)?;
        lane.is_busy = true;
        Some(Job::Read(at))
    }

    fn has_written(&mut self, written: Result<(), E>) {
        self.is_writing = false;
        self.written += 1;
        if let Err(error) = written {
            self.outcome = Some(Err(error));
        }
    }

    fn has_read(&mut self, at: usize, strip: Result<Option<T>, E>, uneven: &impl Fn() -> E) {
        let count = self.lanes.len();
        let lane = &mut self.lanes[at];
        let number = lane.next;
        lane.is_busy = false;
        lane.next += 1;
        match strip {
            // Beyond the end of another lane.
            Ok(Some(_)) if self.end.is_some_and(|end| end <= number) => {
                lane.is_over = true;
                self.done.insert(self.end.unwrap_or(number), Err(uneven()));
            }
            Ok(Some(strip)) => {
                let strips = self.gathering.entry(number).or_insert_with(|| (0..count).map(|_| None).collect());
                strips[at] = Some(strip);
                if strips.iter().all(Option::is_some) {
                    let strips = self.gathering.remove(&number).unwrap_or_default();
                    self.ready.insert(number, strips.into_iter().flatten().collect());
                }
            }
            Ok(None) => {
                lane.is_over = true;
                let end = *self.end.get_or_insert(number);
                let is_passed = self.gathering.range(number..).next().is_some();
                if end != number || is_passed {
                    self.done.insert(end.min(number), Err(uneven()));
                }
            }
            Err(error) => {
                lane.is_over = true;
                self.done.insert(number, Err(error));
            }
        }
    }
}

struct Shared<T, D, E> {
    board: Mutex<Board<T, D, E>>,
    changed: Condvar,
}

impl<T, D, E> Shared<T, D, E> {
    fn lock(&self) -> MutexGuard<'_, Board<T, D, E>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do; none when all is done.
    fn next_job(&self) -> Option<Job<T, D>> {
        let mut board = self.lock();
        loop {
            if board.outcome.is_some() || board.is_abandoned {
                return None;
            }
            if let Some(job) = board.take() {
                return Some(job);
            }
            if board.outcome.is_some() {
                self.changed.notify_all();
                return None;
            }
            board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn update(&self, change: impl FnOnce(&mut Board<T, D, E>)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// Lets the other threads go where one panics, so that the panic is seen and nobody waits for ever.
struct Alarm<'a, T, D, E>(&'a Shared<T, D, E>);

impl<T, D, E> Drop for Alarm<'_, T, D, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.update(|board| board.is_abandoned = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A lane that counts to `end`, with an error at `bad`.
    fn lane(end: u32, bad: Option<u32>) -> impl FnMut() -> Result<Option<u32>, String> + Send {
        let mut next = 0;
        move || {
            let at = next;
            next += 1;
            match bad {
                Some(bad) if bad == at => Err(format!("read {at}")),
                _ => Ok((at < end).then_some(at)),
            }
        }
    }

    fn check(threads: usize, lanes: Vec<(u32, Option<u32>)>, bad_work: Option<u32>) -> (Vec<u32>, Result<(), String>) {
        let mut written = Vec::new();
        let lanes: Vec<_> = lanes.into_iter().map(|(end, bad)| lane(end, bad)).collect();
        let outcome = run(
            threads,
            lanes,
            || Ok(0_u64),
            |own, strips| {
                *own += 1;
                assert!(strips.iter().all(|strip| *strip == strips[0]), "strips of one block: {strips:?}");
                if bad_work == Some(strips[0]) { Err(format!("work {}", strips[0])) } else { Ok(strips[0]) }
            },
            |done| {
                written.push(done);
                Ok(())
            },
            || "uneven".to_owned(),
        );
        (written, outcome)
    }

    #[test]
    fn blocks_are_written_in_order_on_any_number_of_threads() {
        for threads in [1, 2, 7] {
            assert_eq!(check(threads, vec![(500, None); 3], None), ((0..500).collect(), Ok(())), "{threads}");
            assert_eq!(check(threads, vec![(0, None)], None), (vec![], Ok(())));
        }
    }

    #[test]
    fn the_earliest_error_is_told_and_all_before_it_is_written() {
        for threads in [1, 3, 8] {
            let expected = |number: u32, what: &str| ((0..number).collect::<Vec<_>>(), Err(format!("{what} {number}")));
            assert_eq!(check(threads, vec![(50, Some(20)), (50, None)], Some(30)), expected(20, "read"));
            assert_eq!(check(threads, vec![(50, Some(20)), (50, None)], Some(11)), expected(11, "work"));
            let (written, outcome) = check(threads, vec![(9, None), (12, None)], None);
            assert_eq!((written, outcome), ((0..9).collect(), Err("uneven".to_owned())));
        }
    }

    #[test]
    fn reading_stays_near_to_writing() {
        let (read, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut count = 0;
        let lane = || {
            count += 1;
            read.fetch_add(1, Ordering::SeqCst);
            Ok::<_, ()>((count < 300).then_some(()))
        };
        let sink = |()| {
            let ahead = read.load(Ordering::SeqCst) - written.fetch_add(1, Ordering::SeqCst);
            assert!(ahead <= 2 + AHEAD as usize, "{ahead} blocks ahead");
            Ok(())
        };
        run(2, vec![lane], || Ok(()), |(), _| Ok(()), sink, || ()).unwrap();
        assert_eq!(written.into_inner(), 299);
    }

    #[test]
    fn a_panic_is_passed_on_and_nobody_waits() {
        let panicked = std::panic::catch_unwind(|| {
            let work = |(): &mut (), strips: Vec<u32>| if strips[0] == 5 { panic!("as planned") } else { Ok(()) };
            run(3, vec![lane(100, None)], || Ok(()), work, |()| Ok(()), String::new)
        });
        assert!(panicked.is_err());
    }
}
