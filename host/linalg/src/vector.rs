//! Operations on vectors. They are meant to be inlined into a function that [`fast`] runs, where the compiler uses the processor's widest registers; it
//! keeps the order of the operations as it is written.

use pulp::Arch;

/// Lanes of a sum: enough to hide the latency of an addition in registers of any width.
const LANES: usize = 16;

/// Runs a function compiled for the processor at hand.
#[inline]
pub(crate) fn fast<R>(function: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(function)
}

/// The sum of products, in sixteen lanes that are added in halves, then what is left over.
#[inline(always)]
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let length = left.len().min(right.len());
    let (lefts, left) = left[..length].as_chunks::<LANES>();
    let (rights, right) = right[..length].as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (left, right) in lefts.iter().zip(rights) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f64 = left.iter().zip(right).map(|(left, right)| left * right).sum();
    total(sums) + rest
}

/// The sum of lanes, added in halves.
#[inline(always)]
pub(crate) fn total(mut sums: [f64; LANES]) -> f64 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// `y += factor * x`.
#[inline(always)]
pub(crate) fn add_multiple(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// `y += factor * x`, rounded once.
#[inline(always)]
pub(crate) fn add_multiple_fused(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = x.mul_add(factor, *y);
    }
}

/// Turns the pairs `(x, y)` by an angle: `x' = c x - s y`, `y' = s x + c y`.
#[inline(always)]
pub(crate) fn rotate(x: &mut [f64], y: &mut [f64], cosine: f64, sine: f64) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

/// The Euclidean length, where the squares of the values neither overflow nor vanish.
#[inline(always)]
pub(crate) fn length(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}
