//! Keeps a challenger that fails again and again from being asked: it is asked once more after a pause, which doubles each time it fails then.

use std::time::{Duration, Instant};

/// Failures in a row that blow the fuse.
const MOST: u32 = 3;

/// The first pause.
const FIRST: Duration = Duration::from_secs(10);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(600);

/// A fuse. It knows no clock: it is told what time it is.
#[derive(Debug, Default)]
pub(crate) struct Fuse {
    failures: u32,
    blown: Option<Blown>,
}

#[derive(Debug)]
struct Blown {
    until: Instant,
    pause: Duration,
    /// Whether somebody tries at the moment whether it holds again.
    is_tried: bool,
}

impl Fuse {
    /// Whether nobody may ask now.
    pub(crate) fn is_blown(&self, now: Instant) -> bool {
        self.blown.as_ref().is_some_and(|blown| blown.is_tried || now < blown.until)
    }

    /// Asks to ask. Whoever may says later how it ended: until then nobody else may, where the fuse was blown.
    pub(crate) fn enter(&mut self, now: Instant) -> bool {
        if self.is_blown(now) {
            return false;
        }
        if let Some(blown) = &mut self.blown {
            blown.is_tried = true;
        }
        true
    }

    /// It went well.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It failed. Gives for how long nobody may ask, where that begins now.
    pub(crate) fn failed(&mut self, now: Instant) -> Option<Duration> {
        self.failures += 1;
        let pause = match &self.blown {
            // Others that had been asked before it blew; they say nothing new.
            Some(blown) if !blown.is_tried => return None,
            Some(blown) => (blown.pause * 2).min(LONGEST),
            None if self.failures < MOST => return None,
            None => FIRST,
        };
        self.blown = Some(Blown { until: now + pause, pause, is_tried: false });
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn three_failures_in_a_row_blow_it() {
        let (mut fuse, now) = (Fuse::default(), Instant::now());
        for _ in 0..2 {
            assert!(fuse.enter(now) && fuse.enter(now), "as many as like");
            assert_eq!((fuse.failed(now), fuse.failed(now)), (None, None));
            fuse.succeeded();
        }
        assert_eq!((fuse.failed(now), fuse.failed(now), fuse.failed(now)), (None, None, Some(FIRST)));
        assert_eq!(fuse.failed(now), None, "one that was on its way");
        assert!(!fuse.enter(now + 9 * SECOND));
    }

    #[test]
    fn one_tries_after_each_pause_and_the_pauses_grow() {
        let (mut fuse, mut now) = (Fuse::default(), Instant::now());
        let mut pauses = vec![];
        pauses.extend((0..3).filter_map(|_| fuse.failed(now)));
        for _ in 0..8 {
            now += *pauses.last().unwrap();
            assert!(fuse.enter(now));
            assert!(fuse.is_blown(now) && !fuse.enter(now), "one at a time");
            pauses.extend(fuse.failed(now));
        }
        assert_eq!(pauses.iter().map(Duration::as_secs).collect::<Vec<_>>(), [10, 20, 40, 80, 160, 320, 600, 600, 600]);
        now += LONGEST;
        assert!(fuse.enter(now));
        fuse.succeeded();
        assert!(fuse.enter(now) && fuse.enter(now));
        assert_eq!(fuse.failed(now), None, "it counts anew");
    }
}
