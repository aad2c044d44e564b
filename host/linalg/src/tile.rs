//! The one kernel on which all products rest: `C += A B'` for panels of eight columns of `A` and `B`.

use pulp::{Arch, Simd, WithSimd};

/// The columns of a panel.
pub(crate) const PANEL: usize = 8;

/// Adds `left' right` to `sums`: each entry is followed on by the chain of fused multiply-adds over the depth, in order.
///
/// A panel holds, for each step of the depth, [`PANEL`] values one after the other.
pub(crate) struct Update<'a> {
    /// Any number of panels of the same depth, one after the other.
    pub(crate) left: &'a [f64],
    /// One panel.
    pub(crate) right: &'a [f64],
    /// Eight columns; row `8 i + j` is for column `j` of panel `i` on the left.
    pub(crate) sums: &'a mut [f64],
    /// The distance from a column of `sums` to the next.
    pub(crate) stride: usize,
}

impl Update<'_> {
    pub(crate) fn run(self) {
        if !self.right.is_empty() {
            Arch::new().dispatch(self);
        }
    }
}

impl WithSimd for Update<'_> {
    type Output = ();

    // As many sums as the registers hold beside their operands: 16 of 32 where they have eight lanes, 8 of 16 where they have four.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F64_LANES {
            8 => tiles::<S, 1, 2, 8>(simd, self),
            4 => tiles::<S, 2, 1, 4>(simd, self),
            2 => tiles::<S, 4, 1, 4>(simd, self),
            _ => tiles::<S, 8, 1, 1>(simd, self),
        }
    }
}

/// Tiles of `TALL` panels by `WIDE` columns; a panel is `PARTS` vectors.
#[inline(always)]
fn tiles<S: Simd, const PARTS: usize, const TALL: usize, const WIDE: usize>(simd: S, update: Update<'_>) {
    let Update { left, right, sums, stride } = update;
    let mut pairs = left.chunks_exact(right.len() * TALL);
    let mut row = 0;
    for panels in pairs.by_ref() {
        tile::<S, PARTS, TALL, WIDE>(simd, panels, right, &mut sums[row..], stride);
        row += PANEL * TALL;
    }
    for panel in pairs.remainder().chunks_exact(right.len()) {
        tile::<S, PARTS, 1, WIDE>(simd, panel, right, &mut sums[row..], stride);
        row += PANEL;
    }
}

#[inline(always)]
fn tile<S: Simd, const PARTS: usize, const TALL: usize, const WIDE: usize>(
    simd: S,
    left: &[f64],
    right: &[f64],
    sums: &mut [f64],
    stride: usize,
) {
    let (rights, _) = right.as_chunks::<PANEL>();
    let mut lefts = left.chunks_exact(right.len());
    let lefts: [&[[S::f64s; PARTS]]; TALL] = std::array::from_fn(|_| {
        let panel = lefts.next().unwrap_or_default();
        let (vectors, _) = S::as_simd_f64s(panel);
        let (steps, _) = vectors.as_chunks::<PARTS>();
        // All of one length, so that the loop below checks no bounds.
        &steps[..rights.len()]
    });
    for first in (0..PANEL).step_by(WIDE) {
        let mut chains = [[[simd.splat_f64s(0.0); PARTS]; TALL]; WIDE];
        for (column, chains) in chains.iter_mut().enumerate() {
            let (vectors, _) = S::as_simd_f64s(&sums[(first + column) * stride..][..PANEL * TALL]);
            for (chain, vector) in chains.as_flattened_mut().iter_mut().zip(vectors) {
                *chain = *vector;
            }
        }
        for step in 0..rights.len() {
            let right: &[f64] = &rights[step][first..first + WIDE];
            let left: [[S::f64s; PARTS]; TALL] = std::array::from_fn(|panel| lefts[panel][step]);
            for column in 0..WIDE {
                let factor = simd.splat_f64s(right[column]);
                for panel in 0..TALL {
                    for part in 0..PARTS {
                        let chain = &mut chains[column][panel][part];
                        *chain = simd.mul_add_f64s(left[panel][part], factor, *chain);
                    }
                }
            }
        }
        for (column, chains) in chains.iter().enumerate() {
            let (vectors, _) = S::as_mut_simd_f64s(&mut sums[(first + column) * stride..][..PANEL * TALL]);
            for (vector, chain) in vectors.iter_mut().zip(chains.as_flattened()) {
                *vector = *chain;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|at| ((at * 7919 + seed * 104_729) % 1009) as f64 / 500.0 - 1.0).collect()
    }

    /// Runs the kernel on vectors of every width that the processor has, and as the definition says.
    #[test]
    fn the_width_of_the_vectors_shows_in_no_bit() {
        for (panels, depth) in [(1, 1), (2, 7), (5, 64), (3, 257)] {
            let (left, right) = (values(panels * depth * PANEL, 1), values(depth * PANEL, 2));
            let (stride, before) = (panels * PANEL + 3, values((panels * PANEL + 3) * PANEL, 3));
            let mut expected = before.clone();
            for (column, panel, lane) in (0..PANEL * panels * PANEL).map(|at| (at % 8, at / 64, at / 8 % 8)) {
                let sum = &mut expected[column * stride + panel * PANEL + lane];
                for step in 0..depth {
                    *sum = left[(panel * depth + step) * PANEL + lane].mul_add(right[step * PANEL + column], *sum);
                }
            }
            let check = |width: &str, run: &dyn Fn(Update<'_>)| {
                let mut sums = before.clone();
                run(Update { left: &left, right: &right, sums: &mut sums, stride });
                assert_eq!(sums, expected, "{width}: {panels} panels of depth {depth}");
            };
            check("native", &|update| update.run());
            check("one lane", &|update| update.with_simd(pulp::Scalar::new()));
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V3::try_new() {
                check("four lanes", &|update| simd.vectorize(|| update.with_simd(simd)));
            }
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V4::try_new() {
                check("eight lanes", &|update| simd.vectorize(|| update.with_simd(simd)));
            }
        }
    }
}
