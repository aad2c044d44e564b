//! Runs what is requested: one run of a project at a time, and so many of all projects.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use sprag_lifecycle::{Cancel, Observer, RunError};
use sprag_pipelines::{execute, take};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::site::{Hosted, Site};

/// How often it is looked for requests that another process handed in.
const LOOK: Duration = Duration::from_millis(250);

/// How long is waited after the store refused.
const AFTER_A_FAULT: Duration = Duration::from_secs(2);

/// Starts a thread for each project. They end when the site stops.
///
/// # Errors
/// There is no thread.
pub fn start(site: &Arc<Site>, most: usize, runtime: &Handle) -> std::io::Result<Vec<JoinHandle<()>>> {
    let turns = Arc::new(Semaphore::new(most.max(1)));
    let each = |hosted: &Arc<Hosted>| {
        let (site, hosted, turns, runtime) = (site.clone(), hosted.clone(), turns.clone(), runtime.clone());
        // The stack of the main thread: a run compiles components on it.
        let thread = std::thread::Builder::new().name("sprag-runs".to_owned()).stack_size(8 << 20);
        thread.spawn(move || work(&site, &hosted, &turns, &runtime))
    };
    site.hosted.iter().map(each).collect()
}

fn work(site: &Site, hosted: &Hosted, turns: &Semaphore, runtime: &Handle) {
    while !site.is_stopping() {
        match next(site, hosted, turns, runtime) {
            Ok(true) => {}
            Ok(false) => hosted.wait(LOOK),
            Err(error) => {
                site.ground.tell(&format!("`{}`: {}", hosted.home.display(), sprag_lifecycle::with_causes(&error)));
                hosted.wait(AFTER_A_FAULT);
            }
        }
    }
}

/// Runs the next request; whether there was one.
fn next(site: &Site, hosted: &Hosted, turns: &Semaphore, runtime: &Handle) -> Result<bool, RunError> {
    let Ok(_turn) = runtime.block_on(turns.acquire()) else { return Ok(false) };
    if site.is_stopping() {
        return Ok(false);
    }
    let store = &hosted.store;
    let Some(request) = take(store)? else {
        return Ok(false);
    };
    let id = request.id.clone();
    let (feed, cancel) = (site.hub.feed(&id), Cancel::default());
    feed.begin();
    hosted.begin(&id, &cancel);
    // A stop that came before this run was known has not reached it.
    if site.is_stopping() {
        cancel.request();
    }
    let observer: Observer = {
        let feed = feed.clone();
        Arc::new(move |event| feed.tell(&event))
    };
    let options = site.ground.options();
    let open = |digest: &_, overrides: &[String]| site.ground.open(&hosted.home, store, digest, overrides);
    let done = runtime.block_on(execute(store, request, open, &options, observer, cancel, &|| site.is_stopping()));
    hosted.end(&id);
    feed.end();
    done?;
    Ok(true)
}
