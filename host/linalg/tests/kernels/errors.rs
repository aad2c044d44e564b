//! What has no result says why, and with numbers of any kind nothing panics.

use sprag_linalg_host::{
    Cholesky, Cross, Gram, LinalgError, Matrix, Work, column_stats, eigen, least_squares, multiply, qr, triangle,
};

use crate::noise;

fn says<T>(result: Result<T, LinalgError>, expected: &str) {
    assert_eq!(result.map(drop).unwrap_err().to_string(), expected);
}

#[test]
fn shapes() {
    let (work, x) = (Work::alone(), noise(4, 2, 1));
    let (columns, short) = (x.as_columns(), noise(3, 1, 2));
    let mut gram = Gram::new(&[0.0; 2]).unwrap();
    says(gram.add(&work, &columns[..1], None), "expected 2 columns in the batch, found 1");
    says(gram.add(&work, &columns, Some(&[1.0])), "expected 4 rows in the weights, found 1");
    says(gram.add(&work, &[columns[0], short.column(0)], None), "expected 4 rows in column 1, found 3");
    let mut cross = Cross::new(2, 1).unwrap();
    says(cross.add(&work, &columns, &columns), "expected 1 columns in the batch on the right, found 2");
    says(cross.add(&work, &columns, &short.as_columns()), "expected 4 rows in the batch on the right, found 3");
    says(Gram::new(&vec![0.0; 8193]), "expected at most 8192 columns, found 8193");
    says(multiply(&work, &columns, &short.as_columns()), "expected 2 rows in the matrix on the right, found 3");
    says(eigen(&work, &x), "expected a square matrix, found 4 x 2");
    says(Cholesky::factor(&work, &x), "expected a square matrix, found 4 x 2");
    let factor = Cholesky::factor(&work, &Matrix::identity(2)).unwrap();
    says(factor.solve(&work, &short), "expected 2 rows in the right side, found 3");
    says(least_squares(&work, &columns, &short.as_columns(), None), "expected 4 rows in the right side, found 3");
    says(column_stats(&work, &[&[]]), "expected at least one row, found none");
}

#[test]
fn values() {
    let work = Work::alone();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let (good, bad) = ([1.0, 2.0], [1.0, value]);
        let expected = format!("expected finite numbers, found {value} in column 1, row 1");
        says(column_stats(&work, &[&good, &bad]), &expected);
        says(qr(&work, &[&good, &bad]), &expected);
        says(triangle(&work, &[&good, &bad]), &expected);
        says(least_squares(&work, &[&good], &[&bad], None), &expected);
        let square = Matrix::from_values(2, 2, vec![1.0, 0.0, 0.0, value]).unwrap();
        says(eigen(&work, &square), &expected);
        if value.is_nan() {
            assert!(Cholesky::factor(&work, &square).is_err());
        }
    }
    let large = [f64::MAX, -f64::MAX];
    says(column_stats(&work, &[&large]), "expected values whose sum of squares is finite, found larger ones");
    says(qr(&work, &[&large]), "expected values whose length of each column is finite, found larger ones");
    says(least_squares(&work, &[&[1e-300]], &[&[1e300]], None), "expected values whose solution is finite, found larger ones");
}

#[test]
fn singular_matrices_whatever_their_scale() {
    let work = Work::alone();
    for scale in [1e-200, 1.0, 1e200] {
        let square = |values: [f64; 4]| Matrix::from_values(2, 2, values.map(|value| value * scale).to_vec()).unwrap();
        let refused = Cholesky::factor(&work, &square([1.0; 4]));
        assert!(matches!(refused, Err(LinalgError::NotPositiveDefinite { column: 1, .. })));
        assert!(Cholesky::factor(&work, &square([-1.0, 0.0, 0.0, 1.0])).is_err());
        assert!(Cholesky::factor(&work, &square([1.0, 0.0, 0.0, 1e-30])).is_ok(), "different scales are no reason");
    }
}

#[test]
fn a_check_that_says_stop_ends_each_of_them() {
    let stop = || true;
    let (work, x) = (Work::new(std::num::NonZero::new(2).unwrap(), &stop), noise(9000, 4, 1));
    let (columns, square) = (x.as_columns(), Matrix::identity(9));
    let stopped = [
        column_stats(&work, &columns).map(drop),
        Gram::new(&[0.0; 4]).unwrap().add(&work, &columns, None),
        Cross::new(4, 4).unwrap().add(&work, &columns, &columns),
        multiply(&work, &columns, &noise(4, 1, 1).as_columns()).map(drop),
        qr(&work, &columns).map(drop),
        least_squares(&work, &columns, &columns[..1], None).map(drop),
        Cholesky::factor(&work, &square).map(drop),
        eigen(&work, &square).map(drop),
    ];
    for (at, result) in stopped.into_iter().enumerate() {
        assert_eq!(result, Err(LinalgError::Stopped), "{at}");
    }
}

#[test]
fn matrices_without_rows_or_columns_are_matrices() {
    let (work, none, empty) = (Work::alone(), Matrix::zeros(0, 0), Matrix::zeros(0, 3));
    assert!(column_stats(&work, &[]).unwrap().is_empty());
    assert_eq!(Gram::new(&[]).unwrap().finish(), none);
    assert_eq!(Gram::new(&[1.0; 3]).unwrap().finish(), Matrix::zeros(3, 3));
    assert_eq!(multiply(&work, &empty.as_columns(), &noise(3, 2, 1).as_columns()).unwrap(), Matrix::zeros(0, 2));
    assert_eq!(qr(&work, &empty.as_columns()).unwrap().r, empty);
    assert!(eigen(&work, &none).unwrap().values.is_empty());
    let solved = least_squares(&work, &empty.as_columns(), &Matrix::zeros(0, 1).as_columns(), None).unwrap();
    assert_eq!((solved.weights.values(), solved.rank, &*solved.residuals), ([0.0; 3].as_slice(), 0, [0.0].as_slice()));
}
