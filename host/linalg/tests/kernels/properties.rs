//! What holds of every result: the same bits on any number of threads and in any batches, and the equations that define it.

use std::num::NonZero;

use sprag_linalg_host::{Cholesky, Cross, Gram, Matrix, Work, column_stats, eigen, least_squares, multiply, qr};

use crate::{assert_close, noise};

/// Every kernel's result, as bits.
fn everything(work: &Work<'_>) -> Vec<u64> {
    // Several spans and a rest, and as many columns as make several blocks of the factorisation.
    let (x, y, weights) = (noise(21_001, 37, 1), noise(21_001, 3, 2), noise(21_001, 1, 3));
    let (columns, mut found) = (x.as_columns(), vec![]);
    for stats in column_stats(work, &columns).unwrap() {
        found.extend([stats.mean, stats.squares, stats.min, stats.max]);
    }
    for weights in [None, Some(weights.values())] {
        let mut gram = Gram::new(&vec![0.25; 37]).unwrap();
        gram.add(work, &columns, weights).unwrap();
        found.extend(gram.finish().values());
    }
    let mut cross = Cross::new(37, 3).unwrap();
    cross.add(work, &columns, &y.as_columns()).unwrap();
    found.extend(cross.finish().values());
    found.extend(multiply(work, &columns, &noise(37, 5, 4).as_columns()).unwrap().values());
    let factors = qr(work, &columns).unwrap();
    found.extend(factors.q.values().iter().chain(factors.r.values()));
    let solved = least_squares(work, &columns, &y.as_columns(), None).unwrap();
    found.extend(solved.weights.values().iter().chain(&solved.residuals));
    let wide = noise(400, 300, 5);
    let mut square = multiply(work, &wide.transposed().as_columns(), &wide.as_columns()).unwrap();
    square.add_to_diagonal(1.0);
    found.extend(Cholesky::factor(work, &square).unwrap().solve(work, &noise(300, 4, 6)).unwrap().values());
    let spectrum = eigen(work, &square).unwrap();
    found.extend(spectrum.values.iter().chain(spectrum.vectors.values()));
    found.into_iter().map(f64::to_bits).collect()
}

#[test]
fn the_number_of_threads_shows_in_no_bit() {
    let alone = everything(&Work::alone());
    for threads in [2, 3, 7] {
        let together = everything(&Work::new(NonZero::new(threads).unwrap(), &|| false));
        assert!(alone == together, "{threads} threads");
    }
}

#[test]
fn the_batches_show_in_no_bit() {
    let (x, work) = (noise(10_000, 5, 1), Work::alone());
    let summed = |batches: &[usize]| {
        let (mut gram, mut start) = (Gram::new(&[0.5; 5]).unwrap(), 0);
        for rows in batches {
            let columns: Vec<&[f64]> = x.as_columns().iter().map(|column| &column[start..start + rows]).collect();
            gram.add(&work, &columns, None).unwrap();
            start += rows;
        }
        assert_eq!(start, 10_000);
        gram.finish()
    };
    let whole = summed(&[10_000]);
    assert_eq!(whole, summed(&[1, 0, 4095, 4096, 1808]));
    assert_eq!(whole, summed(&[5000, 5000]));
    assert_eq!(whole, summed(&[100; 100]));
}

#[test]
fn results_solve_what_they_are_asked() {
    for (rows, columns) in [(1, 1), (2, 1), (7, 7), (8, 3), (65, 64), (300, 40), (5000, 9)] {
        let (x, y, work) = (noise(rows, columns, 11), noise(rows, 2, 12), Work::alone());
        let what = format!("{rows} x {columns}");
        let factors = qr(&work, &x.as_columns()).unwrap();
        let product = multiply(&work, &factors.q.as_columns(), &factors.r.as_columns()).unwrap();
        assert_close(&what, &product, x.values(), 1e-13, |_, _| rows as f64);
        let q = multiply(&work, &factors.q.transposed().as_columns(), &factors.q.as_columns()).unwrap();
        assert_close(&what, &q, Matrix::identity(columns).values(), 1e-13, |_, _| 1.0);
        // The errors of a least squares solution are orthogonal to the columns.
        let weights = least_squares(&work, &x.as_columns(), &y.as_columns(), None).unwrap().weights;
        let fitted = multiply(&work, &x.as_columns(), &weights.as_columns()).unwrap();
        let errors = fitted.values().iter().zip(y.values()).map(|(fitted, y)| fitted - y).collect();
        let errors = Matrix::from_values(rows, 2, errors).unwrap();
        let along = multiply(&work, &x.transposed().as_columns(), &errors.as_columns()).unwrap();
        assert_close(&what, &along, &vec![0.0; 2 * columns], 1e-10, |_, _| rows as f64);

        let mut gram = Gram::new(&vec![0.0; columns]).unwrap();
        gram.add(&work, &x.as_columns(), None).unwrap();
        let mut gram = gram.finish();
        assert_eq!(gram, gram.transposed(), "{what}");
        gram.add_to_diagonal(1.0);
        let solved = Cholesky::factor(&work, &gram).unwrap().solve(&work, &Matrix::identity(columns)).unwrap();
        let one = multiply(&work, &gram.as_columns(), &solved.as_columns()).unwrap();
        assert_close(&what, &one, Matrix::identity(columns).values(), 1e-10, |_, _| 1.0);
        let spectrum = eigen(&work, &gram).unwrap();
        assert!(spectrum.values.is_sorted() && spectrum.values[0] > 0.99, "{what}");
        let turned = multiply(&work, &gram.as_columns(), &spectrum.vectors.as_columns()).unwrap();
        let stretched: Vec<f64> =
            spectrum.vectors.values().iter().enumerate().map(|(at, v)| v * spectrum.values[at / columns]).collect();
        assert_close(&what, &turned, &stretched, 1e-12, |_, _| rows as f64 * columns as f64);
    }
}

#[test]
fn scales_at_the_ends_of_the_range_are_no_reason_to_fail() {
    for scale in [1e-300, 1e-200, 1e200, 1e300] {
        let values = noise(50, 3, 1).into_values().into_iter().map(|value| value * scale).collect();
        let (x, y) = (Matrix::from_values(50, 3, values).unwrap(), noise(50, 1, 2));
        let plain = least_squares(&Work::alone(), &noise(50, 3, 1).as_columns(), &y.as_columns(), None).unwrap();
        let solved = least_squares(&Work::alone(), &x.as_columns(), &y.as_columns(), None).unwrap();
        assert_eq!(solved.rank, 3, "{scale:e}");
        let scaled: Vec<f64> = solved.weights.values().iter().map(|weight| weight * scale).collect();
        assert_close("weights", &plain.weights, &scaled, 1e-12, |_, _| 1.0);
    }
}
