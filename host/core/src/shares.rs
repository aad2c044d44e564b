//! Who gets a request, where several take a share of them.

use crate::digest::Digest;

/// The golden ratio as a part of 2^64: its multiples fall into every interval as often as its length asks for, more evenly than by chance and without a
/// pattern that a client could fall into step with (Weyl's additive recurrence).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The place of a request in the order in which requests come.
pub fn place(count: u64) -> u64 {
    count.wrapping_mul(GOLDEN)
}

/// The place of all requests with this key: the same in every process and after every restart.
pub fn place_of(key: &[u8]) -> u64 {
    Digest::of(key).as_bytes().iter().take(8).fold(0, |place, byte| place << 8 | u64::from(*byte))
}

/// Which of the shares, in percent, a place falls into; none where it falls into what they leave.
///
/// A share that grows keeps the places that it had, as long as those before it stay as they are.
pub fn choose(place: u64, shares: impl IntoIterator<Item = u32>) -> Option<usize> {
    let hundredth = ((u128::from(place) * 100) >> 64) as u32;
    let mut end = 0;
    shares.into_iter().position(|share| {
        end += share;
        hundredth < end
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_requests_are_divided_as_the_shares_ask() {
        for shares in [vec![1], vec![10], vec![50], vec![99], vec![100], vec![0], vec![33, 33], vec![5, 20, 75], vec![1, 1, 1]] {
            // From anywhere on, not only from the first request on.
            for start in [0, 1, 12_345, u64::MAX - 500] {
                let mut counts = vec![0_i64; shares.len() + 1];
                for count in 0..1000_u64 {
                    let chosen = choose(place(start.wrapping_add(count)), shares.iter().copied());
                    counts[chosen.unwrap_or(shares.len())] += 1;
                }
                let rest = 100 - shares.iter().sum::<u32>();
                for (count, share) in counts.iter().zip(shares.iter().copied().chain([rest])) {
                    let expected = i64::from(share) * 10;
                    assert!((count - expected).abs() <= 3, "{shares:?} from {start}: {counts:?}");
                }
            }
        }
    }

    #[test]
    fn a_small_share_waits_for_no_long_run() {
        let taken: Vec<u64> = (0..10_000).filter(|count| choose(place(*count), [5]).is_some()).collect();
        let longest = taken.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest.is_some_and(|longest| longest <= 40), "{longest:?}");
    }

    #[test]
    fn a_key_stays_where_it_is_while_its_share_grows() {
        let keys: Vec<String> = (0..1000).map(|key| format!("user-{key}")).collect();
        let mut before: Vec<&String> = vec![];
        for share in [5, 25, 50, 100] {
            let chosen: Vec<&String> = keys.iter().filter(|key| choose(place_of(key.as_bytes()), [share]).is_some()).collect();
            assert!(before.iter().all(|key| chosen.contains(key)), "{share}");
            assert!((chosen.len() as i64 - i64::from(share) * 10).abs() <= 50, "{share}: {}", chosen.len());
            before = chosen;
        }
        // The first eight bytes of the SHA-256 of `user-7`, by sha256sum.
        assert_eq!(format!("{:016x}", place_of(b"user-7")), "092081140b677b45");
    }
}
