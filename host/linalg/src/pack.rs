//! Columns laid out as the kernel reads them.

use std::ops::Range;

use crate::tile::PANEL;

/// Lays out rows of columns as panels: for each eight columns, the rows one after the other, with zeros for columns that are not there.
///
/// `value` maps the number of a column, the number of a row within `rows`, and the value.
#[inline]
pub(crate) fn pack(columns: &[&[f64]], rows: Range<usize>, into: &mut [f64], value: impl Fn(usize, usize, f64) -> f64) {
    let depth = rows.len();
    if depth == 0 {
        return;
    }
    for (at, (panel, columns)) in into.chunks_exact_mut(depth * PANEL).zip(columns.chunks(PANEL)).enumerate() {
        let (steps, _) = panel.as_chunks_mut::<PANEL>();
        let first = at * PANEL;
        if let &[a, b, c, d, e, f, g, h] = columns {
            let columns = [a, b, c, d, e, f, g, h].map(|column| &column[rows.clone()]);
            for (row, step) in steps.iter_mut().enumerate().take(depth) {
                *step = std::array::from_fn(|lane| value(first + lane, row, columns[lane][row]));
            }
        } else {
            for (row, step) in steps.iter_mut().enumerate() {
                *step = std::array::from_fn(|lane| {
                    columns.get(lane).map_or(0.0, |column| value(first + lane, row, column[rows.start + row]))
                });
            }
        }
    }
}

/// How many panels hold this many columns.
pub(crate) const fn panels(columns: usize) -> usize {
    columns.div_ceil(PANEL)
}
