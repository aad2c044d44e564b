//! What every deploy plugin says of releases and services, whatever it deploys to.

use super::deploy::{Phase, Release, Service, State, Weight};
use crate::Failure;

impl Release {
    /// The image, by its digest.
    ///
    /// # Errors
    ///
    /// The release was not pushed, or its image is named by something that can change.
    pub fn image_by_digest(&self) -> Result<&str, Failure> {
        let hint =
            "set `[release] repository` in sprag.toml, so that the package is pushed to a registry that the target reaches";
        let Some(image) = self.image.as_deref() else {
            return Err(Failure::bad_input(format!("expected the release's image in a registry, found none: {hint}")));
        };
        let digest = image.split_once("@sha256:").map(|(_, digest)| digest);
        if digest.is_some_and(|digest| digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit())) {
            return Ok(image);
        }
        Err(Failure::bad_input(format!(
            "expected an image by its digest (`registry/repository@sha256:...`), found `{image}`: {hint}"
        )))
    }
}

impl Service {
    /// A name for what runs the service: the given one, else model and environment; lower-case letters, digits and hyphens, at most `most` of them.
    pub fn resource_name(&self, given: Option<&str>, most: usize) -> String {
        if let Some(given) = given {
            return given.to_owned();
        }
        let name = format!("{}-{}", self.model, self.environment).to_ascii_lowercase();
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(most).collect();
        plain.trim_matches('-').to_owned()
    }
}

impl State {
    /// The state of a service that is not there.
    pub fn absent(message: impl Into<String>) -> Self {
        Self { phase: Phase::Absent, message: message.into(), endpoint: None, releases: vec![] }
    }
}

impl Weight {
    /// Holds weights against the contract: percents that add up to 100, and each package once.
    ///
    /// # Errors
    ///
    /// They do not.
    pub fn check_whole(weights: &[Self]) -> Result<(), Failure> {
        let sum: u32 = weights.iter().fold(0, |sum, weight| sum.saturating_add(weight.percent));
        let mut packages: Vec<_> = weights.iter().map(|weight| &weight.package).collect();
        packages.sort();
        let count = packages.len();
        packages.dedup();
        if sum == 100 && packages.len() == count {
            return Ok(());
        }
        let shown: Vec<_> = weights.iter().map(|weight| format!("{} %", weight.percent)).collect();
        let found = if shown.is_empty() { "none".to_owned() } else { shown.join(" + ") };
        Err(Failure::bad_params(format!("expected weights of different packages that add up to 100 %, found {found}")))
    }
}

/// The first digits of a digest (`sha256:...`), for a name.
pub fn short_digest(digest: &str, digits: usize) -> &str {
    let all = digest.rsplit(':').next().unwrap_or(digest);
    all.get(..digits).unwrap_or(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_by_its_digest() {
        let release = |image: Option<&str>| Release {
            version: 1,
            model_digest: "sha256:1".to_owned(),
            package: "sha256:2".to_owned(),
            image: image.map(str::to_owned),
        };
        let by_digest = format!("r.io/m@sha256:{}", "a".repeat(64));
        assert_eq!(release(Some(&by_digest)).image_by_digest().unwrap(), by_digest);
        for wrong in [None, Some("r.io/m:latest"), Some("r.io/m@sha256:12")] {
            let failure = release(wrong).image_by_digest().unwrap_err();
            assert!(failure.message().contains("[release] repository"), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_is_one_that_targets_take() {
        let service = |model: &str| Service { environment: "staging".to_owned(), model: model.to_owned(), key: None };
        assert_eq!(service("My_Model.v2").resource_name(None, 63), "my-model-v2-staging");
        assert_eq!(service("diabetes").resource_name(None, 9), "diabetes");
        assert_eq!(service("diabetes").resource_name(Some("given"), 3), "given");
    }

    #[test]
    fn weights_add_up() {
        let weight = |package: &str, percent| Weight { package: package.to_owned(), percent };
        assert!(Weight::check_whole(&[weight("a", 90), weight("b", 10)]).is_ok());
        for wrong in
            [vec![], vec![weight("a", 99)], vec![weight("a", 50), weight("a", 50)], vec![weight("a", u32::MAX), weight("b", 101)]]
        {
            assert!(Weight::check_whole(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_digest_is_shortened() {
        assert_eq!(short_digest("sha256:0123456789", 4), "0123");
        assert_eq!(short_digest("sha256:01", 4), "01");
    }
}
