//! Reads plain decimal numbers, whole or not, at the speed that a file of floats asks for, rounded correctly.
//!
//! A number is an optional `-`, digits, and at most one point among them, with a significand below 2^64 and at most 40 digits after the
//! point. All else (exponents, more digits, `inf`, and the rare quotient that the arithmetic cannot place) is left to the standard
//! library, which reads the same values more slowly. Digits are found and summed eight at a time (D. Lemire, "Number parsing
//! at a gigabyte per second", 2021); the scaling is described at [`scale`].

/// The most digits after a point.
const MOST: usize = 40;

/// The number at the start of some bytes and the length of its text, or none where it is not one of this kind. What follows the number
/// is for the caller to judge.
#[inline]
pub(super) fn decimal(bytes: &[u8]) -> Option<(f64, usize)> {
    let negative = *bytes.first()? == b'-';
    let start = usize::from(negative);
    let (mut significand, mut at) = whole(bytes, start)?;
    let (mut count, mut fraction) = (at - start, 0);
    if bytes.get(at) == Some(&b'.') {
        let first = at + 1;
        (significand, at) = digits(bytes, first, significand)?;
        fraction = at - first;
        count += fraction;
    }
    if count == 0 {
        return None;
    }
    let value = scale(significand, fraction)?;
    Some((f64::from_bits(value.to_bits() | u64::from(negative) << 63), at))
}

/// The integer at the start of some bytes and the length of its text; none for `-0`, whose sign no integer holds, and where it is not one
/// of this kind.
#[inline]
pub(super) fn integer(bytes: &[u8]) -> Option<(i64, usize)> {
    let start = usize::from(*bytes.first()? == b'-');
    let (magnitude, end) = digits(bytes, start, 0)?;
    let magnitude = i64::try_from(magnitude).ok()?;
    match start {
        0 => (end > 0).then_some((magnitude, end)),
        _ => (magnitude > 0).then_some((-magnitude, end)),
    }
}

/// The digits before the point. One digit and a point are so frequent that they are looked for first.
#[inline]
fn whole(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    match bytes.get(at..)?.first_chunk()? {
        [digit @ b'0'..=b'9', b'.'] => Some((u64::from(digit - b'0'), at + 1)),
        _ => digits(bytes, at, 0),
    }
}

/// Appends the decimal digits at `at` to a significand; none where it would not fit, or fewer than eight bytes are left to look at.
///
/// Eight digits and the end of the digits are told apart by a branch, which is foreseen: so the processor goes on to what follows before
/// it knows where the digits end.
#[inline]
fn digits(bytes: &[u8], mut at: usize, mut significand: u64) -> Option<(u64, usize)> {
    const POWERS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    loop {
        let eight = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
        let digits = eight ^ 0x3030_3030_3030_3030;
        // A byte is a digit where it is at most 9; adding 0x76 carries all others into the top bit of their byte, or they have it.
        let others = ((digits & 0x7f7f_7f7f_7f7f_7f7f).wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
        if others == 0 {
            significand = significand.checked_mul(100_000_000)?.checked_add(sum(digits))?;
            at += 8;
            continue;
        }
        let count = others.trailing_zeros() as usize / 8;
        // The digits move to the end, so that zeros come before them. Two shifts, since one by 64 is not defined.
        let half = 4 * (8 - count);
        let value = sum(digits << half << half);
        return Some((significand.checked_mul(POWERS[count])?.checked_add(value)?, at + count));
    }
}

/// The number that eight digits make, the first in the lowest byte.
#[inline]
const fn sum(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

/// `2^(127 + bits) / 5^power`, rounded down to 128 bits, where 5^power has `bits` bits.
#[derive(Clone, Copy)]
struct Reciprocal {
    high: u64,
    low: u64,
    bits: i32,
}

static RECIPROCALS: [Reciprocal; MOST + 1] = reciprocals();

const fn reciprocals() -> [Reciprocal; MOST + 1] {
    let mut table = [Reciprocal { high: 0, low: 0, bits: 0 }; MOST + 1];
    let (mut power, mut divisor) = (1, 5_u128);
    while power <= MOST {
        let bits = 128 - divisor.leading_zeros();
        // Long division, bit by bit, from the first bit of the quotient that can be set.
        let (mut quotient, mut remainder, mut step) = (0_u128, 1_u128 << (bits - 1), 0);
        while step < 128 {
            remainder <<= 1;
            quotient <<= 1;
            if remainder >= divisor {
                remainder -= divisor;
                quotient |= 1;
            }
            step += 1;
        }
        table[power] = Reciprocal { high: (quotient >> 64) as u64, low: quotient as u64, bits: bits as i32 };
        power += 1;
        divisor *= 5;
    }
    table
}

/// The float nearest to `significand / 10^power`, or none where this arithmetic cannot tell; the power is at most [`MOST`].
///
/// With `n` the significand shifted to 64 bits and `r` the reciprocal of 5^power, `n * r / 2^64` is the quotient times a power of two. Cut
/// to an integer `q` of 127 or 128 bits it is too small by less than 2: less than 1 from the cut, and less than 1 from rounding `r` down,
/// since `n < 2^64`. So the bits below the 53 that are kept say on which side of the half the quotient lies, unless they are the half or
/// one less than it.
#[inline]
fn scale(significand: u64, power: usize) -> Option<f64> {
    if power == 0 || significand == 0 {
        return Some(significand as f64);
    }
    let Reciprocal { high, low, bits } = *RECIPROCALS.get(power)?;
    let shifted = significand.leading_zeros();
    let n = u128::from(significand << shifted);
    let q = n * u128::from(high) + ((n * u128::from(low)) >> 64);
    let (top, rest) = ((q >> 64) as u64, q as u64);
    // The place of the half in the upper 64 bits.
    let place = 9 + (top >> 63);
    let below = top & ((2 << place) - 1);
    if (rest == 0 && below == 1 << place) || (rest == u64::MAX && below == (1 << place) - 1) {
        return None;
    }
    let kept = (top >> (place + 1)) + (top >> place & 1);
    // No quotient of these powers is near either end of the exponents. Where rounding carries `kept` to 2^53, the sum carries on into the
    // exponent, which is then right.
    let exponent = 1023 + 52 + 2 + place as i32 - shifted as i32 - bits - power as i32;
    Some(f64::from_bits(((exponent as u64) << 52) + (kept - (1 << 52))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits and length of the number at the start of a text, which some other bytes follow.
    fn read(text: &str) -> Option<(u64, usize)> {
        decimal(format!("{text},       ").as_bytes()).map(|(value, length)| (value.to_bits(), length))
    }

    fn same(text: &str) -> bool {
        read(text) == Some((text.parse::<f64>().unwrap().to_bits(), text.len()))
    }

    #[test]
    fn plain_numbers() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "1",
            "12345678",
            "123456789",
            "18446744073709551615",
            "0.5",
            ".5",
            "5.",
            "-1.25",
            "0.1",
            "0.3",
            "9007199254740993",
            "0.00000000000000000000000000000000000001",
            "1844674407370955161.5",
            "0.1257302210933933",
            "00012.50",
            "-0.21726952781224665",
            "4503599627370496.75",
            "1.7976931348623157",
        ] {
            assert!(same(text), "{text}: {:?}", read(text));
        }
    }

    #[test]
    fn all_else_is_left_alone() {
        for text in ["", "-", ".", "-.", "+1", "inf", "nan", "x", "18446744073709551616", &format!("0.{}1", "0".repeat(40))] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(decimal(b"1.5,2"), None, "too near the end to look at eight bytes");
        assert_eq!(
            [read("1e5").map(|read| read.1), read("1.5.2").map(|read| read.1), read("7:").map(|read| read.1)],
            [Some(1), Some(3), Some(1)]
        );
    }

    #[test]
    fn integers() {
        let read = |text: &str| integer(format!("{text},       ").as_bytes());
        for value in [0, 7, -7, 12_345_678, -123_456_789, i64::MAX, -i64::MAX] {
            assert_eq!(read(&value.to_string()), Some((value, value.to_string().len())));
        }
        assert_eq!(
            [read("-0"), read(""), read("-"), read("+1"), read("9223372036854775808"), read(&i64::MIN.to_string())],
            [None; 6]
        );
        assert_eq!(read("1.5"), Some((1, 1)));
    }

    #[test]
    fn halves_are_left_open_or_read_right() {
        // 2^53 + 1 is a half between two floats; so is each of these, and digits beyond it decide.
        for text in
            ["9007199254740993.0", "4503599627370497.5", "4503599627370497.51", "4503599627370497.49", "0.500000000000000055"]
        {
            assert!(read(text).is_none() || same(text), "{text}");
        }
    }

    #[test]
    fn any_number_reads_as_the_standard_library_reads_it() {
        // SplitMix64.
        let mut state = 0_u64;
        let mut random = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        };
        let mut open = 0;
        for _ in 0..300_000 {
            let digits = (random() >> (random() % 64)).to_string();
            let places = (random() % 24) as usize;
            let padded = format!("{digits:0>width$}", width = places + 1);
            let (whole, fraction) = padded.split_at(padded.len() - places);
            let text = format!("{}{whole}.{fraction}", if random() % 2 == 0 { "-" } else { "" });
            match read(&text) {
                None => open += 1,
                read => assert!(same(&text), "{text}: {read:?}"),
            }
        }
        assert!(open < 1000, "{open} numbers left open");
        for _ in 0..300_000 {
            let float = f64::from_bits(random() >> 12 | 0x3ff0_0000_0000_0000) - 1.5;
            assert!(same(&float.to_string()), "{float}");
        }
    }
}
