//! Arguments of `sprag serve` that put further models beside the champion.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use sprag_schemas::quantity::{ByteSize, TimeSpan};

/// The models beside the champion, which is what is served otherwise.
#[derive(Debug, Args)]
#[command(next_help_heading = "Challengers")]
pub struct ChallengerArgs {
    /// A model that answers a share of the requests, and NAME to pin it by: a version as above, or a package's digest. Where --canary sets it, no share is given.
    #[arg(long = "challenger", value_name = "NAME=MODEL[=PERCENT]")]
    pub challengers: Vec<ChallengerSpec>,
    /// A model that answers nothing: rows that the champion answered are scored by it as well, and the two answers compared.
    #[arg(long = "shadow", value_name = "NAME=MODEL")]
    pub shadows: Vec<ChallengerSpec>,
    /// A file with steps and thresholds: by it the challenger's share grows, or goes back to none.
    #[arg(long, value_name = "FILE")]
    pub canary: Option<PathBuf>,
    /// The file that keeps how far that is [default: in the project's .sprag folder].
    #[arg(long, value_name = "FILE", requires = "canary")]
    pub canary_state: Option<PathBuf>,
    /// The header by which requests are kept together: all with one value go to one model.
    #[arg(long, value_name = "HEADER")]
    pub sticky_header: Option<String>,
    /// The relative difference from which two numbers of champion and shadow do not match.
    #[arg(long, value_name = "NUMBER", default_value_t = 1e-9)]
    pub shadow_tolerance: f64,
    /// The time that a challenger or shadow has for a request; then the champion answers.
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub challenger_timeout: TimeSpan,
    /// The requests that a challenger scores at once [default: one for each core]. A shadow scores one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub challenger_concurrency: Option<u32>,
    /// The memory of one instance of a challenger or shadow.
    #[arg(long, value_name = "SIZE", default_value = "512MiB")]
    pub challenger_memory: ByteSize,
}

/// A model beside the champion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengerSpec {
    /// The name of its variant.
    pub name: String,
    /// The version, or the package's digest.
    pub model: String,
    /// Its share in percent.
    pub percent: Option<u8>,
}

impl FromStr for ChallengerSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split('=').collect();
        let (name, model, percent) = match parts[..] {
            [name, model] => (name, model, None),
            [name, model, percent] => (name, model, Some(percent)),
            _ => return Err("expected a name and a model such as `b=diabetes@candidate`".to_owned()),
        };
        if name.is_empty() || model.is_empty() {
            return Err("expected a name and a model such as `b=diabetes@candidate`".to_owned());
        }
        let percent = percent.map(|percent| {
            let parsed = percent.parse().ok().filter(|percent| *percent <= 100);
            parsed.ok_or_else(|| format!("expected a share from 0 to 100 behind the model, found `{percent}`"))
        });
        Ok(Self { name: name.to_owned(), model: model.to_owned(), percent: percent.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenger_has_a_name_a_model_and_perhaps_a_share() {
        let spec = |text: &str| text.parse::<ChallengerSpec>().map(|spec| (spec.name, spec.model, spec.percent));
        let some = |model: &str, percent| Ok(("b".to_owned(), model.to_owned(), percent));
        assert_eq!(spec("b=diabetes@candidate"), some("diabetes@candidate", None));
        assert_eq!(spec("b=@candidate=10"), some("@candidate", Some(10)));
        assert_eq!(spec("b=sha256:ab=0"), some("sha256:ab", Some(0)));
        assert_eq!(spec("b=@c=101"), Err("expected a share from 0 to 100 behind the model, found `101`".to_owned()));
        for text in ["b", "=@c", "b=", "b=@c=1=2"] {
            assert_eq!(spec(text), Err("expected a name and a model such as `b=diabetes@candidate`".to_owned()), "{text}");
        }
    }
}
