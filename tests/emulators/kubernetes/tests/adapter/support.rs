//! A client and a run over a cluster in memory.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use deploy_kubernetes::{Adapter, Params};
use emulator_kubernetes::{Cluster, Outcome, Request as Ask};
use serde_json::Value;
use sprag_sdk::http::{Client, Error, Request, Response};
use sprag_sdk::stage::deploy::{Release, Service, State, Weight};
use sprag_sdk::{Change, Failure, Host};

pub(crate) const ROOT: &str = "https://cluster.example.com:6443";

/// Where the service's objects are.
pub(crate) const NAME: &str = "diabetes-staging";
pub(crate) const NAMESPACE: &str = "staging";

/// What happens at the first pause.
type AtPause = Box<dyn FnOnce(&Cluster)>;

/// A caller of a cluster.
pub(crate) struct Caller {
    pub(crate) cluster: Cluster,
    pub(crate) params: Params,
    clock: Cell<Duration>,
    /// After how many requests the caller is dead.
    pub(crate) dies_after: Cell<Option<usize>>,
    pub(crate) at_pause: RefCell<Option<AtPause>>,
    pub(crate) stops: Cell<bool>,
    pub(crate) warnings: RefCell<Vec<String>>,
    /// The fewest pods that callers reached at any time.
    pub(crate) least: Cell<usize>,
    /// The pods that callers were led to when they had ended.
    pub(crate) refused: RefCell<BTreeSet<String>>,
}

impl Caller {
    pub(crate) fn new(cluster: &Cluster, params: &Value) -> Self {
        Self {
            cluster: cluster.clone(),
            params: serde_json::from_value(params.clone()).unwrap(),
            clock: Cell::default(),
            dies_after: Cell::default(),
            at_pause: RefCell::default(),
            stops: Cell::default(),
            warnings: RefCell::default(),
            least: Cell::new(usize::MAX),
            refused: RefCell::default(),
        }
    }

    /// Lets time pass until whatever was led on has ended.
    pub(crate) fn linger(&self) {
        (0..60).for_each(|_| self.pause(Duration::from_secs(1)));
    }

    pub(crate) fn waited(&self) -> Duration {
        self.clock.get()
    }

    pub(crate) fn service(&self) -> Service {
        let key = self.params.key_secret.is_some().then(|| "scoring-key".to_owned());
        Service { environment: "staging".to_owned(), model: "diabetes".to_owned(), key }
    }

    fn with<T>(&self, work: impl FnOnce(Adapter<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let service = self.service();
        work(Adapter::new(self, self, &self.params, &service)?)
    }

    pub(crate) fn plan(&self, release: &Release) -> Result<Vec<Change>, Failure> {
        self.with(|adapter| adapter.plan(release))
    }

    pub(crate) fn apply(&self, release: &Release) -> Result<State, Failure> {
        self.with(|adapter| adapter.apply(release))
    }

    pub(crate) fn status(&self) -> Result<State, Failure> {
        self.with(|adapter| adapter.status())
    }

    pub(crate) fn traffic(&self, release: &Release, weights: &[(&Release, u32)]) -> Result<State, Failure> {
        let weights: Vec<_> =
            weights.iter().map(|(release, percent)| Weight { package: release.package.clone(), percent: *percent }).collect();
        self.with(|adapter| adapter.traffic(release, &weights))
    }

    pub(crate) fn destroy(&self) -> Result<Vec<Change>, Failure> {
        self.with(|adapter| adapter.destroy())
    }
}

impl Client for Caller {
    fn send(&self, request: &Request) -> Result<Response, Error> {
        if let Some(left) = self.dies_after.get() {
            if left == 0 {
                // What a program that was killed leaves is what it had sent.
                return Err(Error::Denied("killed".to_owned()));
            }
            self.dies_after.set(Some(left - 1));
        }
        let target =
            request.url.strip_prefix(ROOT).unwrap_or_else(|| panic!("expected {ROOT}, found {}", request.url)).to_owned();
        let headers: BTreeMap<_, _> = request.headers.iter().cloned().collect();
        let token = headers.get("authorization").map(|header| header.replace("<kubeconfig>", "t0ken"));
        let headers = headers.into_iter().chain(token.map(|token| ("authorization".to_owned(), token))).collect();
        let ask = Ask { method: request.method.clone(), target, headers, body: request.body.clone() };
        let outcome = self.cluster.handle(&ask);
        self.least.set(self.least.get().min(self.cluster.endpoints(NAMESPACE, NAME).len()));
        self.refused.borrow_mut().extend(self.cluster.refused(NAMESPACE, NAME));
        match outcome {
            Outcome::Answer(answer) => {
                let headers = answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                Ok(Response { status: answer.status, headers, body: answer.body.to_string().into_bytes() })
            }
            Outcome::Lost => Err(Error::Broken("the connection ended".to_owned())),
            Outcome::Watch(_) => panic!("the adapter watches nothing"),
        }
    }

    fn pause(&self, time: Duration) {
        self.clock.set(self.clock.get() + time);
        self.cluster.advance(time);
        self.refused.borrow_mut().extend(self.cluster.refused(NAMESPACE, NAME));
        let at_pause = self.at_pause.borrow_mut().take();
        if let Some(at_pause) = at_pause {
            at_pause(&self.cluster);
        }
    }

    fn now(&self) -> Duration {
        self.clock.get()
    }
}

impl Host for Caller {
    fn placeholder(&self, secret: &str) -> Result<String, Failure> {
        Ok(format!("<{secret}>"))
    }

    fn endpoint(&self, secret: &str) -> Result<Option<String>, Failure> {
        Ok((secret == "kubeconfig").then(|| ROOT.to_owned()))
    }

    fn log(&self, _: &str, _: &[(&str, &str)]) {}

    fn warn(&self, message: &str) {
        self.warnings.borrow_mut().push(message.to_owned());
    }

    fn should_stop(&self) -> bool {
        self.stops.get()
    }
}

/// A release whose digests are made of one letter.
pub(crate) fn release(version: u64, letter: char) -> Release {
    let digest = |letter: char| format!("sha256:{}", letter.to_string().repeat(64));
    Release {
        version,
        model_digest: digest('0'),
        package: digest(letter),
        image: Some(format!("registry.example.com/diabetes@{}", digest(letter))),
    }
}

/// The name of what belongs to a release.
pub(crate) fn name_of(release: &Release) -> String {
    format!("{NAME}-{}", &release.package[7..19])
}

/// Releases with the shares that a state gives them.
pub(crate) fn shares(state: &State) -> Vec<(char, u32)> {
    let mut shares: Vec<_> =
        state.releases.iter().map(|weight| (weight.package.chars().last().unwrap(), weight.percent)).collect();
    shares.sort_unstable();
    shares
}

/// How many pods of each release callers reach.
pub(crate) fn reached(cluster: &Cluster, releases: &[&Release]) -> Vec<usize> {
    let pods = cluster.endpoints(NAMESPACE, NAME);
    releases.iter().map(|release| pods.iter().filter(|pod| pod.starts_with(&name_of(release))).count()).collect()
}

/// Changes as lines.
pub(crate) fn lines(changes: &[Change]) -> Vec<String> {
    let action = |change: &Change| format!("{:?}", change.action).replace("Action::", "");
    changes.iter().map(|change| format!("{} {}", action(change), change.subject)).collect()
}
