//! Looks at each part, makes what is missing, and changes what differs and can be changed.

use serde_json::{Map, Value};
use sprag_azure::{Arm, Host, Progress, Standing, summary};
use sprag_sdk::http::Client;
use sprag_sdk::{Action, Change, Failure};

use crate::params::Params;
use crate::parts::{self, Part};

/// The version of the interface of subscriptions.
const SUBSCRIPTION: &str = "2022-12-01";

/// A project's part of Azure.
pub struct Adapter<'a> {
    arm: Arm<'a>,
    params: &'a Params,
}

impl<'a> Adapter<'a> {
    /// The adapter for one call.
    ///
    /// # Errors
    ///
    /// The stage is not granted the identity's secret.
    pub fn new(client: &'a dyn Client, host: &'a dyn Host, params: &'a Params) -> Result<Self, Failure> {
        Ok(Self { arm: Arm::new(client, host, &params.azure)?, params })
    }

    /// Says what [`apply`](Self::apply) would do.
    ///
    /// # Errors
    ///
    /// Azure cannot be asked, or something is there that cannot become what it should be.
    pub fn plan(&self) -> Result<Vec<Change>, Failure> {
        let parts = parts::all(self.params, &self.tenant()?)?;
        parts.iter().map(|part| self.plan_part(part)).collect()
    }

    /// Makes everything as it should be.
    ///
    /// # Errors
    ///
    /// Azure refuses, or something is there that cannot become what it should be. What was made before that stays, and is kept by the next call.
    pub fn apply(&self) -> Result<Vec<Change>, Failure> {
        let parts = parts::all(self.params, &self.tenant()?)?;
        // All is looked at before anything is made: what cannot be should not leave half of the rest.
        for part in &parts {
            self.plan_part(part)?;
        }
        parts.iter().map(|part| self.apply_part(part)).collect()
    }

    fn plan_part(&self, part: &Part) -> Result<Change, Failure> {
        let change = self.arm.plan(&part.desired)?;
        if change.action == Action::Update
            && let Standing::Differs(lines, found) = self.arm.standing(&part.desired)?
            && !has_failed(&found)
        {
            part.check(&lines)?;
        }
        Ok(change)
    }

    fn apply_part(&self, part: &Part) -> Result<Change, Failure> {
        let desired = &part.desired;
        match self.arm.settled(desired)? {
            Standing::Differs(lines, found) if !has_failed(&found) => {
                part.check(&lines)?;
                self.arm.patch(&desired.id, desired.version, &part.patch())?;
                // What Azure answered well and did not do would be tried for ever.
                match self.arm.settled(desired)? {
                    Standing::Same(_) => Ok(desired.change(Action::Update, summary(&lines))),
                    _ => Err(Failure::internal(format!(
                        "expected Azure to change {}, found it to answer well and to keep it as it was: {}",
                        desired.subject(),
                        summary(&lines)
                    ))),
                }
            }
            _ => Ok(self.arm.ensure(desired)?.0),
        }
    }

    /// The tenant of the subscription, which a key vault must name.
    fn tenant(&self) -> Result<String, Failure> {
        let subscription = &self.params.azure.subscription;
        let found = self.arm.get(&format!("/subscriptions/{subscription}"), SUBSCRIPTION)?;
        let tenant = found.as_ref().and_then(|found| found.get("tenantId")).and_then(Value::as_str);
        tenant.map(str::to_owned).ok_or_else(|| {
            Failure::bad_params(format!("expected the subscription `{subscription}`, found none that the identity can read"))
        })
    }
}

/// What ended badly is made again as a whole.
fn has_failed(found: &Value) -> bool {
    matches!(Progress::of(found), Progress::Ended(_))
}

impl Part {
    /// Holds differences against what can be changed.
    fn check(&self, lines: &[String]) -> Result<(), Failure> {
        let is_changeable = |line: &&String| {
            let mut places = self.changeable.iter().map(|place| place.trim_start_matches('/').replace('/', "."));
            places.any(|place| line.strip_prefix(&place).is_some_and(|rest| rest.starts_with(['.', ':', '['])))
        };
        let fixed: Vec<String> = lines.iter().filter(|line| !is_changeable(line)).cloned().collect();
        if fixed.is_empty() {
            return Ok(());
        }
        Err(Failure::bad_params(format!(
            "expected what is there to be as the parameters say where it cannot be changed, found {} to differ: {}; give another name, or the value that is \
             there",
            self.desired.subject(),
            summary(&fixed)
        )))
    }

    /// The body of the `PATCH`: the members that can be changed.
    fn patch(&self) -> Value {
        let mut patch = Value::Object(Map::new());
        for place in self.changeable {
            let Some(value) = self.desired.body.pointer(place) else { continue };
            let mut target = &mut patch;
            for name in place.trim_start_matches('/').split('/') {
                target = &mut target[name];
            }
            *target = value.clone();
        }
        patch
    }
}
