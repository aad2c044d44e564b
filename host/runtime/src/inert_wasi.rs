//! WASI as a stage sees it: nothing to open, a clock that replays, seeded random numbers, captured output.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sprag_schemas::manifest::Clock;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder};

/// 2000-01-01T00:00:00Z in seconds since 1970: where the frozen clock starts.
const FROZEN_START: u64 = 946_684_800;

/// Makes the WASI context of one stage.
pub(crate) fn context(seed: u64, clock: Clock, env: &[(String, String)], output: &Captured) -> WasiCtx {
    sealed(seed, clock).envs(env).stdout(output.stream()).stderr(output.stream()).build()
}

/// A context without anything of the machine: what it could tell apart from one run to the next is made from the seed.
pub(crate) fn sealed(seed: u64, clock: Clock) -> WasiCtxBuilder {
    let mut builder = WasiCtxBuilder::new();
    builder
        .secure_random(SplitMix64(seed))
        .insecure_random(SplitMix64(seed ^ 0x5bf0_3635))
        .insecure_random_seed(u128::from(seed));
    if clock == Clock::Frozen {
        let ticks = Arc::new(AtomicU64::new(0));
        builder.wall_clock(FrozenClock(ticks.clone())).monotonic_clock(FrozenClock(ticks));
    }
    builder
}

/// A clock that moves a microsecond each time it is looked at, and not otherwise.
struct FrozenClock(Arc<AtomicU64>);

impl FrozenClock {
    fn micros(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

impl HostWallClock for FrozenClock {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        Duration::from_secs(FROZEN_START) + Duration::from_micros(self.micros())
    }
}

impl HostMonotonicClock for FrozenClock {
    fn resolution(&self) -> u64 {
        1000
    }

    fn now(&self) -> u64 {
        self.micros().saturating_mul(1000)
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014). Written out here so that the numbers that a seed gives never change with a library.
struct SplitMix64(u64);

impl rand_core::TryRng for SplitMix64 {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| (word >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

/// Standard output and error of a stage, together: the last bytes are kept and the rest is dropped, so that a stage that writes
/// without end costs time and nothing else.
#[derive(Clone)]
pub(crate) struct Captured {
    tail: Arc<Mutex<Tail>>,
}

struct Tail {
    bytes: std::collections::VecDeque<u8>,
    capacity: usize,
    dropped: u64,
}

impl Captured {
    pub(crate) fn new(capacity: u64) -> Self {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        Self { tail: Arc::new(Mutex::new(Tail { bytes: std::collections::VecDeque::new(), capacity, dropped: 0 })) }
    }

    /// The stream that a guest writes to.
    fn stream(&self) -> Written {
        let captured = self.clone();
        Written::to(move |bytes| captured.push(bytes))
    }

    /// What was kept, as text.
    pub(crate) fn text(&self) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = tail.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        if tail.dropped == 0 { text.into_owned() } else { format!("[{} bytes before this were dropped]\n{text}", tail.dropped) }
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = bytes.len().saturating_sub(tail.capacity);
        let kept = &bytes[skipped..];
        let overflow = (tail.bytes.len() + kept.len()).saturating_sub(tail.capacity);
        tail.bytes.drain(..overflow);
        tail.bytes.extend(kept);
        tail.dropped += (skipped + overflow) as u64;
    }
}

/// A stream of a guest whose bytes go to a closure: it takes whatever comes, at once.
#[derive(Clone)]
pub(crate) struct Written(Arc<Take>);

/// What takes the bytes.
type Take = dyn Fn(&[u8]) + Send + Sync;

impl Written {
    pub(crate) fn to(take: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl IsTerminal for Written {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Written {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this form, and no world imports it.
        Box::new(tokio::io::empty())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Written {
    async fn ready(&mut self) {}
}

impl OutputStream for Written {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        (self.0)(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(1 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::TryRng;

    #[test]
    fn the_random_numbers_of_a_seed_are_the_published_ones() {
        // The first outputs for the seed 1234567, as the algorithm's authors' C code gives them.
        let mut random = SplitMix64(1_234_567);
        let drawn: Vec<_> = (0..3).map(|_| random.try_next_u64().unwrap()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn only_the_end_of_the_output_is_kept() {
        let output = Captured::new(4);
        output.push(b"ab");
        assert_eq!(output.text(), "ab");
        output.push(b"cdef");
        assert_eq!(output.text(), "[2 bytes before this were dropped]\ncdef");
        output.push(b"0123456789");
        assert_eq!(output.text(), "[12 bytes before this were dropped]\n6789");
    }
}
