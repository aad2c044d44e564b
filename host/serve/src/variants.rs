//! The models that a service answers with at once, and which of them answers a request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use http::{HeaderMap, HeaderName};
use sprag_core::shares;
use sprag_scoring::{Head, Problem, Route};

use crate::catalog::ReleaseKey;
use crate::challenger::CHAMPION;
use crate::rival::Rival;
use crate::served::Served;

/// The header by which a client pins a variant.
const PIN: &str = "x-api-version";

/// A place for a model, under a name that figures and log lines have. The model in it can be swapped at any moment: a request goes on with the one that it
/// began with.
pub struct Variant {
    name: &'static str,
    served: RwLock<Option<Arc<Served>>>,
    trouble: Mutex<Option<String>>,
}

impl Variant {
    /// A place with nothing in it.
    pub(crate) fn new(name: &str) -> Self {
        // Names are few and last as long as the process: leaked, they cost a request nothing.
        Self { name: Box::leak(name.to_owned().into_boxed_str()), served: RwLock::default(), trouble: Mutex::default() }
    }

    /// Its name, such as `champion`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The release that is in it; none where a challenger was not loaded yet.
    pub fn release(&self) -> Option<ReleaseKey> {
        self.served().map(|served| served.key.clone())
    }

    /// Why the release that should be in it is not, where that is so.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn served(&self) -> Option<Arc<Served>> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another model into it, and gives the one that was there.
    pub(crate) fn swap(&self, served: Served) -> Option<Arc<Served>> {
        self.set_trouble(None);
        self.served.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(served))
    }

    pub(crate) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// All variants of a service.
pub(crate) struct Variants {
    champion: Variant,
    pub(crate) rivals: Vec<Arc<Rival>>,
    /// The header whose value keeps requests with the same one together.
    sticky: Option<HeaderName>,
    count: AtomicU64,
}

/// The variant that answers a request, with the model that is in it at the moment.
pub(crate) struct Chosen<'a> {
    pub(crate) variant: &'a Variant,
    pub(crate) served: Arc<Served>,
    /// The challenger, where it is one.
    pub(crate) rival: Option<&'a Arc<Rival>>,
    /// Whether the client asked for this one: then no other answers in its place, and what it does is no sample of what challengers do.
    pub(crate) is_pinned: bool,
}

impl Variants {
    pub(crate) fn new(champion: Served, rivals: Vec<Arc<Rival>>, sticky: Option<HeaderName>) -> Self {
        let variant = Variant::new(CHAMPION);
        variant.swap(champion);
        Self { champion: variant, rivals, sticky, count: AtomicU64::new(0) }
    }

    /// The champion's place.
    pub(crate) fn champion(&self) -> &Variant {
        &self.champion
    }

    /// The champion's model.
    pub(crate) fn champion_served(&self) -> Arc<Served> {
        self.champion.served().expect("the champion's place is filled before there is a service, and never emptied")
    }

    /// The share of the requests that no challenger is to answer, in percent.
    pub(crate) fn champion_weight(&self) -> u32 {
        100_u32.saturating_sub(self.rivals.iter().map(|rival| rival.weight()).sum())
    }

    /// The champion, for a request.
    pub(crate) fn choose_champion(&self) -> Chosen<'_> {
        Chosen { variant: &self.champion, served: self.champion_served(), rival: None, is_pinned: false }
    }

    /// The variant that the client names, if it names one.
    pub(crate) fn pinned(&self, headers: &HeaderMap) -> Result<Option<Chosen<'_>>, Problem> {
        let Some(name) = headers.get(PIN) else { return Ok(None) };
        if name.as_bytes() == CHAMPION.as_bytes() {
            return Ok(Some(Chosen { is_pinned: true, ..self.choose_champion() }));
        }
        let Some(rival) = self.rivals.iter().find(|rival| rival.name().as_bytes() == name.as_bytes()) else {
            let known: Vec<_> = std::iter::once(CHAMPION).chain(self.rivals.iter().map(|rival| rival.name())).collect();
            let found: String = String::from_utf8_lossy(name.as_bytes()).chars().take(100).collect();
            let message = format!(
                "expected one of the variants `{}` in the header `{PIN}`, found `{}`",
                known.join("`, `"),
                found.escape_debug()
            );
            return Err(Problem::new(400, "unknown-variant", message));
        };
        if let Some(reason) = rival.withdrawn() {
            let message =
                format!("expected a variant that takes requests, found that `{}` was rolled back: {reason}", rival.name());
            return Err(Problem::new(410, "rolled-back", message));
        }
        let Some(served) = rival.variant.served() else {
            let message = format!("expected a variant that is loaded, found that `{}` is not", rival.name());
            return Err(Problem::new(503, "not-loaded", message).header("retry-after", "1"));
        };
        Ok(Some(Chosen { variant: &rival.variant, served, rival: Some(rival), is_pinned: true }))
    }

    /// The challenger whose share a request falls into, and where it leads there; none where the champion answers.
    pub(crate) fn draw(&self, headers: &HeaderMap, head: &Head<'_>, champion: &Served) -> Option<(Chosen<'_>, Route)> {
        if self.rivals.is_empty() {
            return None;
        }
        let key = self.sticky.as_ref().and_then(|name| headers.get(name));
        let place = match key {
            Some(key) => shares::place_of(key.as_bytes()),
            None => shares::place(self.count.fetch_add(1, Ordering::Relaxed)),
        };
        let rival = &self.rivals[shares::choose(place, self.rivals.iter().map(|rival| rival.weight()))?];
        let served = rival.fitting(champion)?;
        // Where the path names the champion's version, which leads nowhere here, the client means it.
        let route = served.api.route(head).ok()?;
        Some((Chosen { variant: &rival.variant, served, rival: Some(rival), is_pinned: false }, route))
    }

    /// The challenger whose model a path names, where the champion's is another.
    pub(crate) fn named(&self, head: &Head<'_>) -> Option<(Chosen<'_>, Route)> {
        self.rivals.iter().filter(|rival| rival.withdrawn().is_none()).find_map(|rival| {
            let served = rival.variant.served()?;
            let route = served.api.route(head).ok()?;
            Some((Chosen { variant: &rival.variant, served, rival: Some(rival), is_pinned: true }, route))
        })
    }
}
