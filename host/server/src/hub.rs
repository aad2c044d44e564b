//! The events of runs, as they come and for whoever comes later.
//!
//! Readers pull: each has its own place in what was told, so that one that stalls costs nothing and holds nobody up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sprag_schemas::event::Event;
use tokio::sync::watch;

/// The most bytes of events that are kept of one run: the last ones.
const MOST_BYTES: usize = 8 << 20;

/// The most that is kept of a run that is over: who comes then reads its record.
const MOST_WHEN_OVER: usize = 256 << 10;

/// The most runs whose events are kept: the last ones.
const MOST_RUNS: usize = 200;

/// The events of all runs of this server.
#[derive(Debug, Default)]
pub struct Hub {
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    by_request: BTreeMap<String, Arc<Feed>>,
    in_order: VecDeque<String>,
}

/// The events of one run.
#[derive(Debug)]
pub struct Feed {
    told: Mutex<Told>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Told {
    events: VecDeque<Entry>,
    bytes: usize,
    next: u64,
    is_over: bool,
}

/// An event with its place.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place, from 1.
    pub place: u64,
    /// Its name, as its JSON spells it.
    pub name: Arc<str>,
    /// Its JSON.
    pub json: Arc<str>,
}

/// What a reader gets next.
#[derive(Debug)]
pub enum Next {
    /// An event.
    Event(Entry),
    /// Nothing yet.
    Later,
    /// Nothing any more.
    Over,
}

impl Told {
    /// Drops the oldest events until so many bytes are left, or one event.
    fn trim(&mut self, most: usize) {
        while self.bytes > most && self.events.len() > 1 {
            let dropped = self.events.pop_front().map_or(0, |entry| entry.json.len());
            self.bytes -= dropped;
        }
    }
}

impl Hub {
    /// The feed of a request's run; made where there is none.
    pub fn feed(&self, request: &str) -> Arc<Feed> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = runs.by_request.get(request) {
            return feed.clone();
        }
        let feed = Arc::new(Feed { told: Mutex::default(), changed: watch::Sender::new(0) });
        runs.by_request.insert(request.to_owned(), feed.clone());
        runs.in_order.push_back(request.to_owned());
        while runs.in_order.len() > MOST_RUNS {
            // One that is under way is kept; there are never that many.
            let Some(oldest) = runs.in_order.pop_front() else { break };
            if runs.by_request.get(&oldest).is_some_and(|feed| feed.told().is_over) {
                runs.by_request.remove(&oldest);
            } else {
                runs.in_order.push_back(oldest);
                break;
            }
        }
        feed
    }

    /// The feed of a request's run, where there is one.
    pub fn known(&self, request: &str) -> Option<Arc<Feed>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).by_request.get(request).cloned()
    }
}

impl Feed {
    /// Tells an event.
    pub fn tell(&self, event: &Event) {
        let Ok(value) = serde_json::to_value(event) else { return };
        let name = value.get("event").and_then(|name| name.as_str()).unwrap_or("event").to_owned();
        self.push(&name, &value.to_string());
    }

    fn push(&self, name: &str, json: &str) {
        let mut told = self.told();
        told.next += 1;
        let entry = Entry { place: told.next, name: name.into(), json: json.into() };
        told.bytes += json.len();
        told.events.push_back(entry);
        told.trim(MOST_BYTES);
        self.changed.send_replace(told.next);
    }

    /// Says that nothing more comes, unless the run is begun again.
    pub fn end(&self) {
        let mut told = self.told();
        told.is_over = true;
        told.trim(MOST_WHEN_OVER);
        drop(told);
        self.changed.send_modify(|next| *next += 1);
    }

    /// Says that something comes after all.
    pub fn begin(&self) {
        self.told().is_over = false;
    }

    /// What comes after a place.
    pub fn after(&self, place: u64) -> Next {
        let told = self.told();
        let first = told.events.front().map_or(told.next + 1, |entry| entry.place);
        let index = usize::try_from((place + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        match told.events.get(index) {
            Some(entry) => Next::Event(entry.clone()),
            None if told.is_over => Next::Over,
            None => Next::Later,
        }
    }

    /// Hears of changes: for whoever got [`Next::Later`].
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(holder: &str) -> Event {
        Event::Waiting { holder: Some(holder.to_owned()) }
    }

    fn all(feed: &Feed, mut place: u64) -> Vec<(u64, String)> {
        let mut found = vec![];
        while let Next::Event(entry) = feed.after(place) {
            place = entry.place;
            found.push((entry.place, entry.json.to_string()));
        }
        found
    }

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let feed = Hub::default().feed("r1");
        assert!(matches!(feed.after(0), Next::Later));
        feed.tell(&waiting("a"));
        feed.tell(&waiting("b"));
        assert_eq!(all(&feed, 0).len(), 2);
        assert_eq!(all(&feed, 1), [(2, r#"{"event":"waiting","holder":"b"}"#.to_owned())]);
        feed.end();
        assert!(matches!(feed.after(2), Next::Over));
        assert_eq!(all(&feed, 0).len(), 2, "what was told stays");
    }

    #[test]
    fn the_last_events_are_kept() {
        let feed = Hub::default().feed("r1");
        let long = "x".repeat(1 << 20);
        (0..20).for_each(|_| feed.tell(&waiting(&long)));
        let places: Vec<_> = all(&feed, 0).into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, (14..=20).collect::<Vec<_>>(), "a reader from the beginning gets what there is");
        feed.tell(&waiting("the end"));
        feed.end();
        let left: Vec<_> = all(&feed, 0).into_iter().map(|(place, _)| place).collect();
        assert_eq!(left, [21], "of a run that is over little is kept, and its end");
    }

    #[test]
    fn the_last_runs_are_kept_and_none_that_goes_on_is_dropped() {
        let hub = Hub::default();
        let first = hub.feed("r0");
        for run in 1..MOST_RUNS + 50 {
            hub.feed(&format!("r{run}")).end();
        }
        assert!(hub.known("r0").is_some());
        first.end();
        assert!(hub.known(&format!("r{}", MOST_RUNS + 49)).is_some());
    }
}
