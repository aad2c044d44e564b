//! `sprag:linalg/kernels`
//!
//! A computation runs on a thread that may block, so that what waits on the stage's clock goes on beside it, and asks that clock between its blocks. What its
//! result takes, and about what it needs meanwhile, is counted as the stage's memory before it begins, by shapes alone: whether a limit is hit does not
//! depend on the machine. Not counted is what each thread needs for itself, at most 256 MiB together.

mod columns;
mod refusal;

use std::num::NonZero;
use std::sync::Arc;

use columns::{Columns, check_result};
use refusal::{bad_shape, refused};
use sprag_data::Table;
use sprag_linalg_host::{Cholesky, Cross, Gram, LinalgError as Error, MOST_COLUMNS, Matrix, Work};
use wasmtime::component::Resource;

use crate::bindings::sprag::linalg::kernels::{ColumnStats, Factors, Host, HostMatrix, LinalgError, Solution, Spectrum};
use crate::budget::Held;
use crate::failure::StageFailure;
use crate::state::StageState;

/// The handle behind `sprag:linalg/kernels.matrix`.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct MatrixHandle {
    matrix: Arc<Matrix>,
    _memory: Arc<Held>,
}

/// What a function of the contract gives: a trap, a refusal, or a value.
type Answer<T> = wasmtime::Result<Result<T, LinalgError>>;

/// Leaves the function with a refusal.
macro_rules! grant {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(refusal) => return Ok(Err(refusal)),
        }
    };
}

/// The bytes of a matrix.
fn bytes(rows: usize, columns: usize) -> u64 {
    (rows as u64).saturating_mul(columns as u64).saturating_mul(8)
}

impl Host for StageState {
    async fn describe(&mut self, table: Resource<Table>, names: Vec<String>) -> Answer<Vec<ColumnStats>> {
        let columns = grant!(self.find(&table, names)?);
        let stats = self.kernel(columns.copied(), move |work| {
            columns.with(|values| sprag_linalg_host::column_stats(work, values)).map_err(|error| columns.explain(error))
        });
        let stats = grant!(stats.await?).into_iter().map(|stats| ColumnStats {
            count: stats.count as u64,
            mean: stats.mean,
            squares: stats.squares,
            min: stats.min,
            max: stats.max,
        });
        Ok(Ok(stats.collect()))
    }

    async fn gram(
        &mut self,
        table: Resource<Table>,
        names: Vec<String>,
        shift: Vec<f64>,
        weights: Option<Resource<MatrixHandle>>,
    ) -> Answer<Resource<MatrixHandle>> {
        let columns = grant!(self.find(&table, names)?);
        let weights = weights.map(|weights| self.matrix(&weights)).transpose()?;
        let (order, rows) = (grant!(small(columns.len())), columns.rows());
        if shift.len() != order {
            return Ok(Err(bad_shape("shift", format!("{order} values"), format!("{}", shift.len()))));
        }
        if let Some(shift) = shift.iter().find(|shift| !shift.is_finite()) {
            return Ok(Err(LinalgError::BadValue(format!("expected finite numbers in the shift, found {shift}"))));
        }
        if let Some(weights) = weights.as_ref().filter(|weights| (weights.rows(), weights.columns()) != (rows, 1)) {
            let found = format!("{} x {}", weights.rows(), weights.columns());
            return Ok(Err(bad_shape("the weights", format!("{rows} x 1"), found)));
        }
        let size = bytes(order, order);
        let work = size.saturating_mul(2).saturating_add(columns.copied());
        self.make(size, work, move |work| {
            columns.compute(|values| {
                let mut gram = Gram::new(&shift)?;
                // Of no columns the number of rows is not known.
                let weights = weights.as_ref().filter(|_| order > 0);
                gram.add(work, values, weights.map(|weights| weights.values()))?;
                Ok(gram.finish())
            })
        })
        .await
    }

    async fn cross(
        &mut self,
        table: Resource<Table>,
        names: Vec<String>,
        right: Resource<MatrixHandle>,
    ) -> Answer<Resource<MatrixHandle>> {
        let columns = grant!(self.find(&table, names)?);
        let right = self.matrix(&right)?;
        let (x, y) = (grant!(small(columns.len())), grant!(small(right.columns())));
        if right.rows() != columns.rows() {
            return Ok(Err(bad_shape("the right side", format!("{} rows", columns.rows()), right.rows().to_string())));
        }
        let size = bytes(x, y);
        let work = bytes(x.next_multiple_of(8), y.next_multiple_of(8)).saturating_mul(2).saturating_add(columns.copied());
        self.make(size, work, move |work| {
            columns.compute(|values| {
                let mut cross = Cross::new(x, y)?;
                cross.add(work, values, &right.as_columns())?;
                Ok(cross.finish())
            })
        })
        .await
    }

    async fn multiply(
        &mut self,
        table: Resource<Table>,
        names: Vec<String>,
        right: Resource<MatrixHandle>,
    ) -> Answer<Resource<MatrixHandle>> {
        let columns = grant!(self.find(&table, names)?);
        let right = self.matrix(&right)?;
        let work = bytes(right.rows(), right.columns().next_multiple_of(8)).saturating_add(columns.copied());
        self.make(bytes(columns.rows(), right.columns()), work, move |work| {
            columns.compute(|values| sprag_linalg_host::multiply(work, values, &right.as_columns()))
        })
        .await
    }
}

impl HostMatrix for StageState {
    async fn from_values(&mut self, rows: u64, columns: u32, values: Vec<f64>) -> Answer<Resource<MatrixHandle>> {
        let shape = || usize::try_from(rows).ok().zip(usize::try_from(columns).ok());
        let memory = self.shared.memory.hold(values.len() as u64 * 8)?;
        let found = values.len();
        let matrix = shape().and_then(|(rows, columns)| Matrix::from_values(rows, columns, values).ok());
        let matrix = grant!(matrix.ok_or_else(|| bad_shape("a matrix", format!("{rows} x {columns} values"), found.to_string())));
        if let Some(at) = matrix.values().iter().position(|value| !value.is_finite()) {
            let (column, row) = (at / matrix.rows(), at % matrix.rows());
            let message = format!("expected a finite number in column {column}, row {row}, found {}", matrix.values()[at]);
            return Ok(Err(LinalgError::BadValue(message)));
        }
        self.push(MatrixHandle { matrix: Arc::new(matrix), _memory: Arc::new(memory) }).map(Ok)
    }

    async fn from_table(&mut self, table: Resource<Table>, names: Vec<String>) -> Answer<Resource<MatrixHandle>> {
        let columns = grant!(self.find(&table, names)?);
        let size = bytes(columns.rows(), columns.len());
        self.make(size, columns.copied(), move |_| columns.compute(Matrix::from_columns)).await
    }

    async fn rows(&mut self, matrix: Resource<MatrixHandle>) -> wasmtime::Result<u64> {
        Ok(self.matrix(&matrix)?.rows() as u64)
    }

    async fn columns(&mut self, matrix: Resource<MatrixHandle>) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.matrix(&matrix)?.columns())?)
    }

    async fn read(&mut self, matrix: Resource<MatrixHandle>, offset: u64, len: u32) -> Answer<Vec<f64>> {
        self.check_call(u64::from(len) * 8)?;
        let matrix = self.matrix(&matrix)?;
        let (end, there) = (offset.saturating_add(len.into()), matrix.values().len());
        if end > there as u64 {
            return Ok(Err(bad_shape("a read", format!("values within 0..{there}"), format!("{offset}..{end}"))));
        }
        Ok(Ok(matrix.values()[offset as usize..end as usize].to_vec()))
    }

    async fn multiply(
        &mut self,
        matrix: Resource<MatrixHandle>,
        right: Resource<MatrixHandle>,
    ) -> Answer<Resource<MatrixHandle>> {
        let (left, right) = (self.matrix(&matrix)?, self.matrix(&right)?);
        let work = bytes(right.rows(), right.columns().next_multiple_of(8));
        self.make(bytes(left.rows(), right.columns()), work, move |work| {
            sprag_linalg_host::multiply(work, &left.as_columns(), &right.as_columns()).and_then(check_result).map_err(refused)
        })
        .await
    }

    async fn cholesky_solve(
        &mut self,
        matrix: Resource<MatrixHandle>,
        right: Resource<MatrixHandle>,
    ) -> Answer<Resource<MatrixHandle>> {
        let (left, right) = (self.matrix(&matrix)?, self.matrix(&right)?);
        let work = bytes(left.rows(), left.columns()).saturating_mul(2);
        self.make(bytes(right.rows(), right.columns()), work, move |work| {
            let solved = Cholesky::factor(work, &left).and_then(|factor| factor.solve(work, &right));
            solved.and_then(check_result).map_err(refused)
        })
        .await
    }

    async fn least_squares(
        &mut self,
        matrix: Resource<MatrixHandle>,
        right: Resource<MatrixHandle>,
        cutoff: Option<f64>,
    ) -> Answer<Solution> {
        let (left, right) = (self.matrix(&matrix)?, self.matrix(&right)?);
        if let Some(cutoff) = cutoff.filter(|cutoff| !(0.0..=1.0).contains(cutoff)) {
            return Ok(Err(LinalgError::BadValue(format!("expected a cutoff from 0 to 1, found {cutoff}"))));
        }
        let both = left.columns() + right.columns();
        let memory = self.shared.memory.hold(bytes(left.columns(), right.columns()))?;
        let solved = self.kernel(bytes(left.rows(), both).saturating_mul(2), move |work| {
            sprag_linalg_host::least_squares(work, &left.as_columns(), &right.as_columns(), cutoff).map_err(refused)
        });
        let solved = grant!(solved.await?);
        let weights = self.give(solved.weights, memory)?;
        Ok(Ok(Solution { weights, rank: u32::try_from(solved.rank)?, residuals: solved.residuals }))
    }

    async fn qr(&mut self, matrix: Resource<MatrixHandle>) -> Answer<Factors> {
        let matrix = self.matrix(&matrix)?;
        let rank = matrix.rows().min(matrix.columns());
        let (q, r) = (bytes(matrix.rows(), rank), bytes(rank, matrix.columns()));
        let (q, r) = (self.shared.memory.hold(q)?, self.shared.memory.hold(r)?);
        let work = bytes(matrix.rows(), matrix.columns()).saturating_mul(2);
        let factored = self.kernel(work, move |work| sprag_linalg_host::qr(work, &matrix.as_columns()).map_err(refused));
        let factored = grant!(factored.await?);
        Ok(Ok(Factors { q: self.give(factored.q, q)?, r: self.give(factored.r, r)? }))
    }

    async fn eigen(&mut self, matrix: Resource<MatrixHandle>) -> Answer<Spectrum> {
        let matrix = self.matrix(&matrix)?;
        let size = bytes(matrix.rows(), matrix.columns());
        let memory = self.shared.memory.hold(size)?;
        let found = self.kernel(size.saturating_mul(2), move |work| sprag_linalg_host::eigen(work, &matrix).map_err(refused));
        let found = grant!(found.await?);
        self.check_call(found.values.len() as u64 * 8)?;
        Ok(Ok(Spectrum { values: found.values, vectors: self.give(found.vectors, memory)? }))
    }

    async fn drop(&mut self, matrix: Resource<MatrixHandle>) -> wasmtime::Result<()> {
        self.handles.delete(matrix)?;
        Ok(())
    }
}

impl StageState {
    fn matrix(&self, matrix: &Resource<MatrixHandle>) -> wasmtime::Result<Arc<Matrix>> {
        Ok(self.handles.get(matrix)?.matrix.clone())
    }

    fn find(&self, table: &Resource<Table>, names: Vec<String>) -> Answer<Columns> {
        Ok(Columns::find(self.handles.get(table)?, names))
    }

    fn give(&mut self, matrix: Matrix, memory: Held) -> wasmtime::Result<Resource<MatrixHandle>> {
        self.push(MatrixHandle { matrix: Arc::new(matrix), _memory: Arc::new(memory) })
    }

    /// Computes a matrix of `size` bytes, with about `work` bytes more meanwhile.
    async fn make(
        &mut self,
        size: u64,
        work: u64,
        compute: impl FnOnce(&Work<'_>) -> Result<Matrix, LinalgError> + Send + 'static,
    ) -> Answer<Resource<MatrixHandle>> {
        let memory = self.shared.memory.hold(size)?;
        let matrix = grant!(self.kernel(work, compute).await?);
        self.give(matrix, memory).map(Ok)
    }

    /// Computes on a thread of its own, and on as many beside it as there are cores, until the stage's time is over.
    async fn kernel<T: Send + 'static>(
        &mut self,
        bytes: u64,
        compute: impl FnOnce(&Work<'_>) -> Result<T, LinalgError> + Send + 'static,
    ) -> Answer<T> {
        let memory = self.shared.memory.hold(bytes)?;
        let clock = self.shared.clock.clone();
        let computed = tokio::task::spawn_blocking(move || {
            let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
            let result = compute(&Work::new(threads, &|| clock.check().is_err()));
            drop(memory);
            // What a computation that was stopped says of its matrix is nothing to tell a guest.
            clock.check().map(|()| result)
        });
        match computed.await {
            Ok(result) => Ok(result?),
            Err(error) => Err(StageFailure::Host(format!("a computation did not come to its end: {error}")).into()),
        }
    }
}

/// A number of columns of which a square matrix can be made.
fn small(columns: usize) -> Result<usize, LinalgError> {
    if columns > MOST_COLUMNS {
        return Err(refused(Error::TooManyColumns { most: MOST_COLUMNS, found: columns }));
    }
    Ok(columns)
}
