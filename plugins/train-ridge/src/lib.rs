//! Ridge regression: the linear function that makes the sum of squared errors plus `alpha` times the sum of squared weights smallest.
//!
//! It is solved in closed form from the centred Gram matrix, which two walks over the data sum up batch by batch: the data may be larger than the guest's
//! memory. The model's state is ONNX. It deliberately neither scales nor encodes features, and refuses nulls instead of filling them.

mod fit;
mod params;
mod score;

pub use fit::{Fit, Training, fit};
pub use params::Params;
pub use score::Line;
use sprag_sdk::{Failure, Session, Severity, State, Table, Trainer, measurement};

/// The plugin.
pub struct TrainRidge;

impl Trainer for TrainRidge {
    type Params = Params;
    type Model = Line;

    fn train(session: &Session, params: Params, training: &Table, _validation: Option<&Table>) -> Result<State, Failure> {
        let fit = fit(training, &params, session)?;
        if fit.rank < fit.coefficients.len() {
            let (rank, columns) = (fit.rank, fit.coefficients.len());
            let message = format!(
                "the {columns} features have rank {rank}; of all the best solutions the one with the smallest weights was taken"
            );
            sprag_sdk::warn!(session, "{message}");
            session.find(Severity::Warning, "rank-deficient", &message, None);
        }
        let Training { mse, r2 } = fit.training;
        let norm = fit.coefficients.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
        session.measure(
            &[("mse", mse), ("r2", r2), ("coefficient_norm", norm)].map(|(name, value)| measurement(name, value, "training")),
        );
        Ok(Line::from(fit).state())
    }
}

sprag_sdk::trainer!(TrainRidge);
