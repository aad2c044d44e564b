//! Logistic regression with an L2 penalty, for two classes or more.
//!
//! It is solved by Newton's method, walking over the data batch by batch in every iteration: the data may be larger than the guest's memory. Features are
//! standardised on the way, and the scaling is folded into the weights, so that the model takes the columns as they are. The model's state is ONNX. It deliberately
//! neither encodes text features nor fills nulls, and has no other penalty.

mod classes;
mod fit;
mod params;
mod problem;
mod score;

pub use classes::Classes;
pub use fit::{Fit, fit};
pub use params::Params;
pub use score::Classifier;
use sprag_sdk::{Failure, Measurement, Session, Severity, State, Table, Trainer, measurement};

/// The plugin.
pub struct TrainLogistic;

impl Trainer for TrainLogistic {
    type Params = Params;
    type Model = Classifier;

    fn train(session: &Session, params: Params, training: &Table, _validation: Option<&Table>) -> Result<State, Failure> {
        let fit = fit(training, &params, session)?;
        if !fit.converged {
            let message =
                format!("expected to converge within {} iterations, found that the weights still change", fit.losses.len());
            sprag_sdk::warn!(session, "{message}");
            session.find(Severity::Warning, "not-converged", &message, None);
        }
        let series = fit
            .losses
            .iter()
            .zip(0..)
            .map(|(&loss, step)| Measurement { step: Some(step), ..measurement("log_loss", loss, "iteration") });
        let last = fit.losses.last().copied().unwrap_or_default();
        let ends = [("log_loss", last), ("accuracy", fit.accuracy)].map(|(name, value)| measurement(name, value, "training"));
        session.measure(&series.chain(ends).collect::<Vec<_>>());
        Ok(Classifier::try_from(fit)?.state())
    }
}

sprag_sdk::trainer!(TrainLogistic);
