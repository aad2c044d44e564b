//! How often somebody may ask: a bucket of tokens for each, which fills by itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// More buckets than this are not kept: those that are full are dropped first.
const MOST: usize = 10_000;

/// Buckets, one for each key.
#[derive(Debug)]
pub struct Limiter<K> {
    burst: f64,
    per_second: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<K: Eq + Hash> Limiter<K> {
    /// So many at once, and so many a second after that.
    pub fn new(burst: u32, per_second: f64) -> Self {
        Self { burst: burst.into(), per_second, buckets: Mutex::default() }
    }

    /// Takes a token; where there is none, says after how many seconds there is.
    ///
    /// # Errors
    /// There is none.
    pub fn take(&self, key: K, now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST && !buckets.contains_key(&key) {
            let fills_in = Duration::from_secs_f64(self.burst / self.per_second);
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < fills_in);
            if buckets.len() >= MOST {
                return Err(1);
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: self.burst, at: now });
        let filled = now.saturating_duration_since(bucket.at).as_secs_f64() * self.per_second;
        *bucket = Bucket { tokens: (bucket.tokens + filled).min(self.burst), at: now.max(bucket.at) };
        if bucket.tokens < 1.0 {
            let wait = ((1.0 - bucket.tokens) / self.per_second).ceil();
            return Err(if wait.is_finite() { (wait as u64).max(1) } else { 1 });
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let (limiter, start) = (Limiter::new(2, 0.5), Instant::now());
        assert_eq!(limiter.take("a", start), Ok(()));
        assert_eq!(limiter.take("a", start), Ok(()));
        assert_eq!(limiter.take("a", start), Err(2));
        assert_eq!(limiter.take("b", start), Ok(()), "each has its own");
        assert_eq!(limiter.take("a", start + Duration::from_secs(1)), Err(1));
        assert_eq!(limiter.take("a", start + Duration::from_secs(2)), Ok(()));
        let later = start + Duration::from_secs(3600);
        assert_eq!((limiter.take("a", later), limiter.take("a", later), limiter.take("a", later)), (Ok(()), Ok(()), Err(2)));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let (limiter, now) = (Limiter::new(1, 1.0), Instant::now() + Duration::from_secs(10));
        assert_eq!(limiter.take("a", now), Ok(()));
        assert!(limiter.take("a", now - Duration::from_secs(5)).is_err());
    }

    #[test]
    fn many_who_ask_take_no_more_memory() {
        let (limiter, now) = (Limiter::new(1, 1.0), Instant::now());
        (0..MOST).for_each(|key| limiter.take(key, now).unwrap());
        assert_eq!(limiter.take(MOST, now), Err(1));
        assert_eq!(limiter.take(MOST, now + Duration::from_secs(2)), Ok(()));
    }
}
