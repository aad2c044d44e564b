//! What a column's values are like.

use crate::matrix::{check_finite, row_count};
use crate::vector::{fast, total};
use crate::{LinalgError, SPAN, Work};

const LANES: usize = 16;

/// What a column's values are like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnStats {
    /// How many there are; at least 1.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// The sum of their squared distances from the mean. Divided by `count` it is the variance of the values, by `count - 1` the estimate of that of
    /// what they were drawn from.
    pub squares: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// Describes each column, in one walk over the data.
///
/// A span of rows is described by the corrected two-pass algorithm, and spans are joined as in Chan, Golub and LeVeque, Algorithms for computing the sample
/// variance (1983). A column of one value has that value as its mean and no squares, exactly.
///
/// # Errors
///
/// [`LinalgError::NoRows`]; [`LinalgError::NotFinite`] with the first place; [`LinalgError::Overflow`] where finite values have no finite sum or sum of
/// squares; [`LinalgError::Rows`]; [`LinalgError::Stopped`].
pub fn column_stats(work: &Work<'_>, columns: &[&[f64]]) -> Result<Vec<ColumnStats>, LinalgError> {
    if row_count(columns)? == 0 && !columns.is_empty() {
        return Err(LinalgError::NoRows);
    }
    let mut stats =
        vec![ColumnStats { count: 0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }; columns.len()];
    work.each(stats.iter_mut().zip(columns), |(stats, column)| {
        fast(|| column.chunks(SPAN).for_each(|span| *stats = join(*stats, describe(span))));
        Ok(())
    })?;
    for (at, stats) in stats.iter_mut().enumerate() {
        if !(stats.mean.is_finite() && stats.squares.is_finite()) {
            check_finite(&columns[..=at])?;
            return Err(LinalgError::Overflow { what: "sum of squares" });
        }
        if stats.min == stats.max {
            (stats.mean, stats.squares) = (stats.min, 0.0);
        }
    }
    Ok(stats)
}

#[inline(always)]
fn describe(span: &[f64]) -> ColumnStats {
    let count = span.len() as f64;
    let (chunks, rest) = span.as_chunks::<LANES>();
    let (mut sums, mut mins, mut maxs) = ([0.0; LANES], [f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    for chunk in chunks {
        for lane in 0..LANES {
            let value = chunk[lane];
            sums[lane] += value;
            mins[lane] = if value < mins[lane] { value } else { mins[lane] };
            maxs[lane] = if value > maxs[lane] { value } else { maxs[lane] };
        }
    }
    let mean = (total(sums) + rest.iter().sum::<f64>()) / count;
    let (mut squares, mut drift) = ([0.0; LANES], [0.0; LANES]);
    for chunk in chunks {
        for lane in 0..LANES {
            let distance = chunk[lane] - mean;
            squares[lane] += distance * distance;
            drift[lane] += distance;
        }
    }
    let far = |value: &f64| value - mean;
    let drift = total(drift) + rest.iter().map(far).sum::<f64>();
    let squares = total(squares) + rest.iter().map(|value| far(value) * far(value)).sum::<f64>() - drift * drift / count;
    let min = mins.iter().chain(rest).fold(f64::INFINITY, |least, &value| if value < least { value } else { least });
    let max = maxs.iter().chain(rest).fold(f64::NEG_INFINITY, |most, &value| if value > most { value } else { most });
    ColumnStats { count: span.len(), mean, squares: if squares < 0.0 { 0.0 } else { squares }, min, max }
}

#[inline(always)]
fn join(before: ColumnStats, added: ColumnStats) -> ColumnStats {
    if before.count == 0 {
        return added;
    }
    let count = before.count + added.count;
    let (share, distance) = (added.count as f64 / count as f64, added.mean - before.mean);
    ColumnStats {
        count,
        mean: before.mean + distance * share,
        squares: before.squares + added.squares + distance * distance * share * before.count as f64,
        min: if added.min < before.min { added.min } else { before.min },
        max: if added.max > before.max { added.max } else { before.max },
    }
}
