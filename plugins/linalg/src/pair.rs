//! Two floats side by side. On WebAssembly the compiler does not find such pairs by itself, so they are named; elsewhere it does.

#[cfg(target_arch = "wasm32")]
mod wide {
    use core::arch::wasm32::{f64x2, f64x2_add, f64x2_extract_lane, f64x2_mul, v128};

    pub(crate) type Pair = v128;

    #[inline]
    #[target_feature(enable = "simd128")]
    pub(crate) fn pair(values: [f64; 2]) -> Pair {
        f64x2(values[0], values[1])
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    pub(crate) fn add_product(sum: Pair, left: Pair, right: Pair) -> Pair {
        f64x2_add(sum, f64x2_mul(left, right))
    }

    #[inline]
    #[target_feature(enable = "simd128")]
    pub(crate) fn total(pair: Pair) -> f64 {
        f64x2_extract_lane::<0>(pair) + f64x2_extract_lane::<1>(pair)
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod wide {
    pub(crate) type Pair = [f64; 2];

    #[inline]
    pub(crate) fn pair(values: [f64; 2]) -> Pair {
        values
    }

    #[inline]
    pub(crate) fn add_product(sum: Pair, left: Pair, right: Pair) -> Pair {
        [sum[0] + left[0] * right[0], sum[1] + left[1] * right[1]]
    }

    #[inline]
    pub(crate) fn total(pair: Pair) -> f64 {
        pair[0] + pair[1]
    }
}

pub(crate) use wide::{Pair, add_product, pair, total};
