//! What each function of the contract does, over any client and host.

use serde_json::json;
use sprag_azure::{Arm, ArmError, Host, Mark, Standing, summary};
use sprag_sdk::http::Client;
use sprag_sdk::stage::deploy::{Phase, Release, Service, State, Weight};
use sprag_sdk::{Action, Change, Failure};

use crate::body::{self, App, VERSION};
use crate::params::{Params, Strategy};
use crate::place::{Found, Place};

/// One service's web app.
pub struct Adapter<'a> {
    arm: Arm<'a>,
    params: &'a Params,
    service: &'a Service,
    site: String,
}

impl<'a> Adapter<'a> {
    /// The adapter for one call.
    ///
    /// # Errors
    ///
    /// The stage is not granted the identity's secret, or a name cannot be.
    pub fn new(client: &'a dyn Client, host: &'a dyn Host, params: &'a Params, service: &'a Service) -> Result<Self, Failure> {
        let site = body::site_id(params, service)?;
        Ok(Self { arm: Arm::new(client, host, &params.azure)?, params, service, site })
    }

    /// Says what [`apply`](Self::apply) would do.
    ///
    /// # Errors
    ///
    /// Azure cannot be asked, or the app belongs to something else.
    pub fn plan(&self, release: &Release) -> Result<Vec<Change>, Failure> {
        let app = App::new(&self.arm, self.params, self.service, release)?;
        let mut changes = vec![];
        if let Some(plan) = body::plan(self.params, self.service)? {
            changes.push(self.arm.plan(&plan)?);
        }
        let production = self.production();
        let subject = production.desired(&app.fixed);
        let Some(found) = self.own(&production)? else {
            changes.push(subject.change(Action::Create, format!("runs {}", release.package)));
            return Ok(changes);
        };
        let lines = production.differences(&app, &found);
        changes.push(if lines.is_empty() {
            subject.kept()
        } else if self.swaps(&app, &found) {
            subject.change(Action::Update, format!("by way of the slot `{}`: {}", self.params.slot, summary(&lines)))
        } else {
            subject.change(Action::Update, summary(&lines))
        });
        Ok(changes)
    }

    /// Makes production run the release, for all requests.
    ///
    /// # Errors
    ///
    /// Azure refuses. A container that does not answer is a state, and what ran before runs on.
    pub fn apply(&self, release: &Release) -> Result<State, Failure> {
        let app = App::new(&self.arm, self.params, self.service, release)?;
        if let Some(plan) = body::plan(self.params, self.service)? {
            if let Standing::Same(found) | Standing::Differs(_, found) = self.arm.standing(&plan)? {
                Mark { service: self.service, revision: None }.check(&plan.subject(), &found)?;
            }
            self.arm.ensure(&plan)?;
        }
        let production = self.production();
        let found = self.at_rest(&production)?;
        if let Some(found) = found.as_ref().filter(|found| self.swaps(&app, found)) {
            let slot = self.slot();
            if let Err(why) = self.stage(&slot, &app)? {
                return self.failed(why);
            }
            if found.share_of(&self.params.slot) > 0 {
                production.divide(None)?;
            }
            if let Err(why) = self.swap(&release.package)? {
                return self.failed(why);
            }
        } else if found.as_ref().is_none_or(|found| !production.differences(&app, found).is_empty()) {
            production.put(&app)?;
        }
        // A swap that an earlier call began, and did not see end, leaves the share of the slot as it was.
        if self.own(&production)?.is_some_and(|found| found.share_of(&self.params.slot) > 0) {
            production.divide(None)?;
        }
        match production.wait()? {
            Ok(()) => self.status(),
            Err(why) => self.failed(why),
        }
    }

    /// Looks.
    ///
    /// # Errors
    ///
    /// Azure cannot be asked, or the app belongs to something else.
    pub fn status(&self) -> Result<State, Failure> {
        let production = self.production();
        let Some(found) = self.own(&production)? else { return Ok(State::absent("there is no web app")) };
        let text = |place: &str| found.site.pointer(place).and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned();
        let (state, availability) = (text("/properties/state"), text("/properties/availabilityState"));
        let is_at_work = found.site.pointer("/properties/inProgressOperationId").is_some_and(serde_json::Value::is_string);
        let phase = match (state.as_str(), availability.as_str()) {
            ("Running", _) if is_at_work => Phase::Progressing,
            ("Running", "Normal" | "unknown") => Phase::Ready,
            ("Running", _) => Phase::Progressing,
            _ => Phase::Failed,
        };
        let endpoint = found.host().filter(|_| phase == Phase::Ready).map(|host| format!("https://{host}"));
        let share = found.share_of(&self.params.slot);
        let mut releases: Vec<_> = found.package().map(|package| (package.to_owned(), 100 - share)).into_iter().collect();
        if share > 0
            && let Some(package) = self.slot().look()?.as_ref().and_then(Found::package)
        {
            releases.push((package.to_owned(), share));
        }
        let releases = releases.into_iter().map(|(package, percent)| Weight { package, percent }).collect();
        Ok(State { phase, message: format!("the web app is in the state `{state}`"), endpoint, releases })
    }

    /// Divides the requests between production and the slot.
    ///
    /// # Errors
    ///
    /// Azure refuses, or the weights are of more than the two releases that can run.
    pub fn traffic(&self, release: &Release, weights: &[Weight]) -> Result<State, Failure> {
        Weight::check_whole(weights)?;
        let percent = |package: &str| weights.iter().find(|weight| weight.package == package).map_or(0, |weight| weight.percent);
        if percent(&release.package) == 100 {
            return self.apply(release);
        }
        if self.params.strategy == Strategy::InPlace {
            return Err(Failure::unsupported(
                "the strategy `in-place` runs one release, and cannot divide requests: expected 100 % for the release",
            ));
        }
        let production = self.production();
        let Some(found) = self.at_rest(&production)? else {
            return Err(Failure::bad_input("expected a web app that runs a release already, found none: apply one first"));
        };
        let runs = found.package().unwrap_or_default();
        let slot = self.slot();
        let share = if runs == release.package {
            // The release is in production already: the rest goes to what the slot runs.
            100 - percent(runs)
        } else {
            percent(&release.package)
        };
        let others =
            weights.iter().filter(|weight| weight.percent > 0 && weight.package != runs && weight.package != release.package);
        let in_slot = slot.look()?;
        let slot_runs = in_slot.as_ref().and_then(Found::package);
        if others.clone().any(|other| runs != release.package || slot_runs != Some(other.package.as_str())) {
            let known: Vec<_> = [Some(runs), slot_runs, Some(&release.package)].into_iter().flatten().collect();
            return Err(Failure::unsupported(format!(
                "a web app divides requests between production and one slot: expected weights of two of {}, found another",
                known.join(", ")
            )));
        }
        if runs != release.package {
            let app = App::new(&self.arm, self.params, self.service, release)?;
            if let Err(why) = self.stage(&slot, &app)? {
                return self.failed(why);
            }
        }
        let in_slot = slot.look()?;
        let host = in_slot.as_ref().and_then(Found::host).map(str::to_owned);
        production.divide(host.as_deref().filter(|_| share > 0).map(|host| (self.params.slot.as_str(), host, share)))?;
        self.status()
    }

    /// Puts an earlier release back: by a swap where the slot still runs it.
    ///
    /// # Errors
    ///
    /// As of [`apply`](Self::apply).
    pub fn rollback(&self, release: &Release) -> Result<State, Failure> {
        let (production, slot) = (self.production(), self.slot());
        let runs_there = |place: &Place<'_>| -> Result<bool, Failure> {
            Ok(place.look()?.as_ref().and_then(Found::package) == Some(&*release.package))
        };
        if self.params.strategy == Strategy::Swap
            && let Some(found) = self.at_rest(&production)?
            && found.package() != Some(&*release.package)
            && runs_there(&slot)?
        {
            if found.share_of(&self.params.slot) > 0 {
                production.divide(None)?;
            }
            // What the slot runs answered before: where it cannot be swapped, it is tried again from the beginning.
            if let Err(why) = self.swap(&release.package)? {
                self.arm.host().warn(&format!("the slot could not be swapped back: {why}"));
            }
        }
        self.apply(release)
    }

    /// Removes the app, its slot, and its own plan.
    ///
    /// # Errors
    ///
    /// Azure refuses, or the app belongs to something else.
    pub fn destroy(&self) -> Result<Vec<Change>, Failure> {
        let production = self.production();
        let subject = production.subject();
        let mut changes = vec![];
        if self.own(&production)?.is_some() {
            self.arm.delete_with(&self.site, VERSION, "&deleteEmptyServerFarm=false")?;
            changes.push(Change { action: Action::Delete, subject, detail: "with its slot".to_owned() });
        } else {
            changes.push(Change { action: Action::Keep, subject, detail: "there is none".to_owned() });
        }
        if let Some(plan) = body::plan(self.params, self.service)? {
            match self.arm.get(&plan.id, VERSION)? {
                None => changes.push(plan.change(Action::Keep, "there is none")),
                Some(found) => {
                    Mark { service: self.service, revision: None }.check(&plan.subject(), &found)?;
                    self.arm.delete(&plan.id, VERSION)?;
                    changes.push(plan.change(Action::Delete, "it was for the web app alone"));
                }
            }
        }
        Ok(changes)
    }

    fn production(&self) -> Place<'_> {
        Place { arm: &self.arm, id: self.site.clone(), kind: "web app" }
    }

    fn slot(&self) -> Place<'_> {
        Place { arm: &self.arm, id: format!("{}/slots/{}", self.site, self.params.slot), kind: "slot" }
    }

    /// Production as it is, if it is this service's.
    fn own(&self, production: &Place<'_>) -> Result<Option<Found>, Failure> {
        let found = production.look()?;
        if let Some(found) = &found {
            Mark { service: self.service, revision: None }.check(&format!("the {}", production.subject()), &found.site)?;
        }
        Ok(found)
    }

    /// Whether what should run takes the place of what runs by way of the slot.
    fn swaps(&self, app: &App, found: &Found) -> bool {
        self.params.strategy == Strategy::Swap && !self.production().runs(app, found)
    }

    /// Makes the slot run what it should, and waits for it.
    fn stage(&self, slot: &Place<'_>, app: &App) -> Result<Result<(), String>, ArmError> {
        let found = slot.look()?;
        if found.is_none_or(|found| !slot.differences(app, &found).is_empty()) {
            slot.put(app)?;
        }
        slot.wait()
    }

    /// Production as it is once nothing is at work on it, if it is this service's.
    fn at_rest(&self, production: &Place<'_>) -> Result<Option<Found>, Failure> {
        let what = format!("end another operation on the {}", production.subject());
        self.arm.until(&what, || {
            let site = self.arm.get(&self.site, VERSION)?;
            let pending = site.as_ref().and_then(|site| site.pointer("/properties/inProgressOperationId")?.as_str());
            Ok(pending.map_or(Ok(()), |operation| Err(format!("operation {operation}"))))
        })?;
        self.own(production)
    }

    /// Lets slot and production change places, so that production runs a package. A swap that is made twice is none: whether it is still to be made is looked at
    /// each time before.
    fn swap(&self, package: &str) -> Result<Result<(), String>, Failure> {
        /// How often it is looked and tried.
        const ROUNDS: usize = 3;
        let production = self.production();
        let body = json!({ "targetSlot": self.params.slot, "preserveVnet": true });
        for _ in 0..ROUNDS {
            if self.at_rest(&production)?.as_ref().and_then(Found::package) == Some(package) {
                return Ok(Ok(()));
            }
            match self.arm.post(&self.site, "slotsswap", VERSION, &body) {
                Ok(_) => {}
                Err(error) if error.is_busy() => {}
                Err(error @ (ArmError::Failed { .. } | ArmError::Refused { status: 409, .. })) => {
                    return Ok(Err(error.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        match self.at_rest(&production)?.as_ref().and_then(Found::package) == Some(package) {
            true => Ok(Ok(())),
            false => Err(Failure::Retry(format!(
                "production and the slot `{}` changed places, and production still runs another release: is another run at work?",
                self.params.slot
            ))),
        }
    }

    /// That the release does not run, beside what does.
    fn failed(&self, why: String) -> Result<State, Failure> {
        let now = self.status()?;
        Ok(State { phase: Phase::Failed, message: why, endpoint: now.endpoint, releases: now.releases })
    }
}
