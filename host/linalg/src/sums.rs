//! Sums over rows that come by batches: `X' W X` and `X' Y`.

use std::ops::Range;

use crate::matrix::{limited, row_count};
use crate::pack::{pack, panels};
use crate::tile::{PANEL, Update};
use crate::{LinalgError, Matrix, Work};

/// Rows that are summed up by one thread. Sums over spans are added in order.
pub const SPAN: usize = 4096;
/// Rows that are laid out for the kernel at a time, so that they and the sums stay in the second cache.
const DEPTH: usize = 256;
/// What the threads may take together for their parts of the sum.
const PARTS_BYTES: usize = 256 << 20;

/// Sums up the symmetric matrix `(X - 1 s')' W (X - 1 s')`, in memory for the result, and as much again and a block of rows for each thread.
///
/// With the columns' means as the shift `s` it is the matrix of sums of squares and products about the mean, which `X' X - n m m'` would give with a
/// loss of digits. Only half of it is computed. NaN and infinite values go where IEEE 754 takes them.
#[derive(Debug, Clone)]
pub struct Gram(Sums);

impl Gram {
    /// The sum over no rows, of as many columns as there are shifts.
    ///
    /// # Errors
    ///
    /// [`LinalgError::TooManyColumns`] above [`crate::MOST_COLUMNS`].
    pub fn new(shift: &[f64]) -> Result<Self, LinalgError> {
        Sums::new(limited(shift.len())?, shift.len(), shift.to_vec(), Half::Lower).map(Self)
    }

    /// Adds rows, given as columns of one length. Where there are weights, one for each row, each row counts so many times; they may be negative.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Columns`] and [`LinalgError::Rows`] where the shapes do not fit; [`LinalgError::Stopped`], after which the sum is of no use.
    pub fn add(&mut self, work: &Work<'_>, columns: &[&[f64]], weights: Option<&[f64]>) -> Result<(), LinalgError> {
        self.0.add(work, columns, columns, weights)
    }

    /// The whole symmetric matrix.
    pub fn finish(self) -> Matrix {
        let mut matrix = self.0.finish();
        let order = matrix.rows();
        let values = matrix.values_mut();
        for column in 0..order {
            for row in 0..column {
                values[column * order + row] = values[row * order + column];
            }
        }
        matrix
    }
}

/// Sums up `X' Y`: the gradient of a linear model, say, with its residuals as `Y`.
#[derive(Debug, Clone)]
pub struct Cross(Sums);

impl Cross {
    /// The sum over no rows, for `x` columns on the left and `y` on the right.
    ///
    /// # Errors
    ///
    /// [`LinalgError::TooManyColumns`] above [`crate::MOST_COLUMNS`] on a side.
    pub fn new(x: usize, y: usize) -> Result<Self, LinalgError> {
        Sums::new(limited(x)?, limited(y)?, vec![0.0; x.max(y)], Half::Both).map(Self)
    }

    /// Adds rows, given as columns of one length.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Columns`] and [`LinalgError::Rows`] where the shapes do not fit; [`LinalgError::Stopped`], after which the sum is of no use.
    pub fn add(&mut self, work: &Work<'_>, x: &[&[f64]], y: &[&[f64]]) -> Result<(), LinalgError> {
        self.0.add(work, x, y, None)
    }

    /// The matrix, with a row for each column of `X` and a column for each of `Y`.
    pub fn finish(self) -> Matrix {
        self.0.finish()
    }
}

/// Which entries are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    /// Those on and below the diagonal; the others are not defined.
    Lower,
    Both,
}

#[derive(Debug, Clone)]
struct Sums {
    left: usize,
    right: usize,
    shift: Vec<f64>,
    half: Half,
    /// The rows added so far.
    rows: usize,
    /// The sum over the whole spans, column after column, over whole panels.
    total: Vec<f64>,
    /// The sum over the span that is not whole yet.
    open: Vec<f64>,
}

/// The rows to add.
#[derive(Clone, Copy)]
struct Batch<'a> {
    left: &'a [&'a [f64]],
    right: &'a [&'a [f64]],
    weights: Option<&'a [f64]>,
}

/// What a thread works in.
struct Place {
    sums: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
}

impl Sums {
    fn new(left: usize, right: usize, shift: Vec<f64>, half: Half) -> Result<Self, LinalgError> {
        let entries = panels(left) * panels(right) * PANEL * PANEL;
        Ok(Self { left, right, shift, half, rows: 0, total: vec![0.0; entries], open: vec![0.0; entries] })
    }

    fn add(&mut self, work: &Work<'_>, left: &[&[f64]], right: &[&[f64]], weights: Option<&[f64]>) -> Result<(), LinalgError> {
        let expect = |what, expected, found| match expected == found {
            true => Ok(()),
            false => Err(LinalgError::Columns { what, expected, found }),
        };
        expect("the batch", self.left, left.len())?;
        expect("the batch on the right", self.right, right.len())?;
        let (rows, on_the_right) = (row_count(left)?, row_count(right)?);
        if self.left > 0 && self.right > 0 && rows != on_the_right {
            let what = "the batch on the right".to_owned();
            return Err(LinalgError::Rows { what, expected: rows, found: on_the_right });
        }
        if let Some(weights) = weights.filter(|weights| weights.len() != rows) {
            return Err(LinalgError::Rows { what: "the weights".to_owned(), expected: rows, found: weights.len() });
        }
        if self.total.is_empty() {
            return Ok(());
        }
        self.add_rows(work, Batch { left, right, weights }, rows)
    }

    fn add_rows(&mut self, work: &Work<'_>, batch: Batch<'_>, rows: usize) -> Result<(), LinalgError> {
        work.go_on()?;
        let missing = SPAN - self.rows % SPAN;
        let head = if missing == SPAN { 0 } else { rows.min(missing) };
        let spans = (rows - head) / SPAN;
        let tail = head + spans * SPAN;
        self.add_open(batch, 0..head);
        let mut total = std::mem::take(&mut self.total);
        let each = 8 * (total.len() + DEPTH * PANEL * (panels(self.left) + panels(self.right)));
        let merged = work.within(PARTS_BYTES, each).in_order(
            spans,
            || self.place(vec![0.0; self.open.len()]),
            |place, span| {
                place.sums.fill(0.0);
                let start = head + span * SPAN;
                self.sum(batch, start..start + SPAN, place);
            },
            |place| merge(&mut total, &place.sums),
        );
        self.total = total;
        merged?;
        self.rows += spans * SPAN;
        self.add_open(batch, tail..rows);
        Ok(())
    }

    /// Adds rows that do not pass the end of the open span.
    fn add_open(&mut self, batch: Batch<'_>, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        self.rows += rows.len();
        let open = std::mem::take(&mut self.open);
        let mut place = self.place(open);
        self.sum(batch, rows, &mut place);
        self.open = place.sums;
        if self.rows.is_multiple_of(SPAN) {
            self.close();
        }
    }

    fn close(&mut self) {
        merge(&mut self.total, &self.open);
        self.open.fill(0.0);
    }

    fn place(&self, sums: Vec<f64>) -> Place {
        let block = |columns| vec![0.0; panels(columns) * PANEL * DEPTH];
        Place { sums, left: block(self.left), right: block(self.right) }
    }

    /// Follows the place's sums on over rows of a batch.
    fn sum(&self, batch: Batch<'_>, rows: Range<usize>, place: &mut Place) {
        let stride = panels(self.left) * PANEL;
        for start in rows.clone().step_by(DEPTH) {
            let block = start..rows.end.min(start + DEPTH);
            let panel = block.len() * PANEL;
            let right = &mut place.right[..panels(self.right) * panel];
            pack(batch.right, block.clone(), right, |column, _, value| value - self.shift[column]);
            let left = &mut place.left[..panels(self.left) * panel];
            let left = match batch.weights {
                None if self.half == Half::Lower => &*right,
                None => {
                    pack(batch.left, block, left, |column, _, value| value - self.shift[column]);
                    left
                }
                Some(weights) => {
                    let weights = &weights[block.clone()];
                    pack(batch.left, block, left, |column, row, value| (value - self.shift[column]) * weights[row]);
                    left
                }
            };
            for (at, (right, sums)) in right.chunks_exact(panel).zip(place.sums.chunks_exact_mut(stride * PANEL)).enumerate() {
                let first = if self.half == Half::Lower { at } else { 0 };
                Update { left: &left[first * panel..], right, sums: &mut sums[first * PANEL..], stride }.run();
            }
        }
    }

    fn finish(mut self) -> Matrix {
        self.close();
        let mut matrix = Matrix::zeros(self.left, self.right);
        if self.left > 0 {
            let columns = matrix.values_mut().chunks_exact_mut(self.left);
            for (column, sums) in columns.zip(self.total.chunks_exact(panels(self.left) * PANEL)) {
                column.copy_from_slice(&sums[..self.left]);
            }
        }
        matrix
    }
}

fn merge(total: &mut [f64], sums: &[f64]) {
    for (total, sum) in total.iter_mut().zip(sums) {
        *total += sum;
    }
}
