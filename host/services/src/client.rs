//! What commands and stages do with services: ask the supervisor through the service's folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sprag_runtime::outside::{Pending, Service, ServiceCondition, ServiceError, ServiceShare, ServiceStatus, Services};
use sprag_schemas::secrets::Secret;

use crate::folder::{Folder, FolderError, Found, Wanted};
use crate::keys::{self, Keys};
use crate::process::part_from_environment;

/// How often an answer of the supervisor is looked for.
const TICK: Duration = Duration::from_millis(10);

/// How long a supervisor may take to answer.
const TO_ANSWER: Duration = Duration::from_secs(150);

/// How long there may be no supervisor before whoever waits for its answer gives up. A new one needs a moment until it is there.
const TO_LIVE: Duration = Duration::from_secs(5);

/// The services of one project on this machine.
#[derive(Debug, Clone)]
pub struct LocalServices {
    program: PathBuf,
    project: PathBuf,
    store: PathBuf,
    secrets: BTreeMap<String, Secret>,
    environment: fn(&str) -> Option<String>,
}

impl LocalServices {
    /// The services of the project in a folder, run by a program of `sprag`. `secrets` say where bearer keys come from.
    pub fn new(program: &Path, project: &Path, store: &Path, secrets: &BTreeMap<String, Secret>) -> Self {
        let environment = |name: &str| std::env::var(name).ok();
        let (program, project, store) = (program.to_owned(), project.to_owned(), store.to_owned());
        Self { program, project, store, secrets: secrets.clone(), environment }
    }

    /// The same, with the values of variables from elsewhere than this process's environment.
    #[must_use]
    pub fn reading(mut self, environment: fn(&str) -> Option<String>) -> Self {
        self.environment = environment;
        self
    }

    /// Starts a service that should run by its folder, and does not: after the machine was started anew, say. One that runs is handed keys that changed meanwhile.
    /// None where there is no such service.
    ///
    /// # Errors
    /// A bearer key is missing, or it does not get ready.
    pub async fn start_again(&self, name: &str) -> Result<Option<ServiceStatus>, ServiceError> {
        let folder = Folder::of(&self.store, name);
        if folder.wanted().map_err(io)?.is_none() {
            return Ok(None);
        }
        let _turn = turn(&folder, name).await?;
        let Some(before) = folder.wanted().map_err(io)?.filter(|wanted| wanted.is_running) else { return Ok(None) };
        let keys = match before.keys.iter().map(|mark| self.key(&mark.variable, name)).collect::<Result<Keys, _>>() {
            Ok(keys) => keys,
            // It has its keys: to look at it takes none.
            Err(_) if stands(&folder, &before)? => return self.look(name),
            Err(missing) => return Err(missing),
        };
        let wanted = Wanted { keys: keys.marks(&before.keys).map_err(no_random)?, ..before.clone() };
        self.change(&folder, name, Some(&before), wanted, &keys).await.map(Some)
    }

    fn look(&self, name: &str) -> Result<Option<ServiceStatus>, ServiceError> {
        let folder = Folder::of(&self.store, name);
        let Some(found) = folder.found().map_err(io)? else { return Ok(None) };
        let is_supervised = folder.is_supervised().map_err(io)?;
        Ok(Some(status(name, &found, is_supervised)))
    }

    async fn put(self, service: Service) -> Result<ServiceStatus, ServiceError> {
        check(&service)?;
        let folder = Folder::of(&self.store, &service.name);
        let _turn = turn(&folder, &service.name).await?;
        folder.create().map_err(io)?;
        let before = folder.wanted().map_err(io)?;
        let (arguments, keys) = self.arguments(&service)?;
        let earlier = before.as_ref().map_or(&[][..], |before| &before.keys);
        let wanted = Wanted {
            generation: 1,
            is_running: true,
            arguments,
            shares: service.shares.iter().map(|share| (share.package.clone(), share.percent)).collect(),
            port: service.port,
            keys: keys.marks(earlier).map_err(no_random)?,
        };
        self.change(&folder, &service.name, before.as_ref(), wanted, &keys).await
    }

    /// Makes a service what it should be, and waits until it is. Nothing happens where it is so already.
    async fn change(
        &self,
        folder: &Folder,
        name: &str,
        before: Option<&Wanted>,
        wanted: Wanted,
        keys: &Keys,
    ) -> Result<ServiceStatus, ServiceError> {
        let wanted = Wanted { generation: before.map_or(1, |before| before.generation + 1), ..wanted };
        let is_same = |before: &&Wanted| Wanted { generation: wanted.generation, ..(*before).clone() } == wanted;
        if let Some(before) = before.filter(is_same)
            && stands(folder, before)?
        {
            return self.look(name)?.ok_or_else(|| ServiceError::Io("the service went away".to_owned()));
        }
        folder.want(&wanted).map_err(io)?;
        if !folder.is_supervised().map_err(io)? {
            self.spawn(folder, name)?;
        }
        hand_over(folder, name, keys).await?;
        self.answer(folder, name, wanted.generation).await
    }

    /// Starts a supervisor that outlives this process.
    fn spawn(&self, folder: &Folder, name: &str) -> Result<(), ServiceError> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(&self.program);
        part_from_environment(&mut command);
        command
            .arg("--project")
            .arg(&self.project)
            .args(["services", "supervise", name])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(folder.log().map_err(io)?)
            .process_group(0);
        let failed = |error: std::io::Error| ServiceError::Io(format!("failed to start `{}`: {error}", self.program.display()));
        let mut child = command.spawn().map_err(failed)?;
        // Collected by a thread where this process lives long enough, so that it does not stay behind as a dead entry.
        std::thread::spawn(move || child.wait());
        Ok(())
    }

    async fn answer(&self, folder: &Folder, name: &str, generation: u64) -> Result<ServiceStatus, ServiceError> {
        let (since, mut supervised) = (Instant::now(), Instant::now());
        loop {
            if let Some(found) = folder.found().map_err(io)?.filter(|found| found.generation == generation) {
                if let Some(why) = found.refused {
                    return Err(ServiceError::NotReady(why));
                }
                return Ok(status(name, &found, true));
            }
            if folder.is_supervised().map_err(io)? {
                supervised = Instant::now();
            }
            let is_gone = supervised.elapsed() > TO_LIVE;
            if is_gone || since.elapsed() > TO_ANSWER {
                let (found, tail) = (if is_gone { "that it ended" } else { "silence" }, folder.log_tail());
                let message = format!("expected the supervisor of `{name}` to answer, found {found}\n{tail}");
                return Err(ServiceError::NotReady(message.trim_end().to_owned()));
            }
            tokio::time::sleep(TICK).await;
        }
    }

    async fn end(self, name: String) -> Result<bool, ServiceError> {
        let folder = Folder::of(&self.store, &name);
        let _turn = turn(&folder, &name).await?;
        let Some(wanted) = folder.wanted().map_err(io)? else { return Ok(false) };
        folder.want(&Wanted { generation: wanted.generation + 1, is_running: false, ..wanted }).map_err(io)?;
        let since = Instant::now();
        while folder.path().exists() {
            if !folder.is_supervised().map_err(io)? {
                // Nobody looks after it: what its supervisor left is ended here.
                if let Some(server) = folder.found().map_err(io)?.and_then(|found| found.server) {
                    server.ask_to_end();
                }
                folder.remove().map_err(io)?;
                break;
            }
            if since.elapsed() > TO_ANSWER {
                return Err(ServiceError::Io(format!("expected the supervisor of `{name}` to end it, found silence")));
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(true)
    }

    /// What follows `sprag serve`, and the keys in variables that it names. Their values are in no argument and no file of sprag.
    fn arguments(&self, service: &Service) -> Result<(Vec<String>, Keys), ServiceError> {
        let (mut arguments, mut keys) = (vec![], Keys::default());
        for share in &service.shares {
            let value =
                if service.shares.len() == 1 { share.package.clone() } else { format!("{}={}", share.package, share.percent) };
            arguments.extend(["--package".to_owned(), value]);
        }
        for name in &service.keys {
            let secret = self.secrets.get(name);
            let secret =
                secret.ok_or_else(|| ServiceError::BadService(format!("expected a secret of the project, found `{name}`")))?;
            match (&secret.env, &secret.file) {
                (Some(variable), _) => {
                    keys.extend(Keys::from_iter([self.key(variable, &service.name)?]));
                    arguments.extend(["--key-env".to_owned(), variable.clone()]);
                }
                (_, Some(file)) => arguments.extend(["--key-file".to_owned(), self.project.join(file).display().to_string()]),
                (None, None) => {
                    let message =
                        format!("expected a bearer key from `env` or `file`, found another source of the secret `{name}`");
                    return Err(ServiceError::BadService(message));
                }
            }
        }
        Ok((arguments, keys))
    }

    /// A variable with the key in it. A service whose key is missing would be open.
    fn key(&self, variable: &str, service: &str) -> Result<(String, String), ServiceError> {
        let value = (self.environment)(variable).filter(|value| !value.is_empty()).ok_or_else(|| {
            let message = format!(
                "expected a bearer key of the service `{service}` in the environment variable `{variable}`, found none; set it where sprag runs"
            );
            ServiceError::BadService(message)
        })?;
        Ok((variable.to_owned(), value))
    }
}

impl Services for LocalServices {
    fn start(&self, service: Service) -> Pending<Result<ServiceStatus, ServiceError>> {
        Box::pin(self.clone().put(service))
    }

    fn stop(&self, name: String) -> Pending<Result<bool, ServiceError>> {
        Box::pin(self.clone().end(name))
    }

    fn status(&self, name: String) -> Pending<Result<Option<ServiceStatus>, ServiceError>> {
        let status = self.look(&name);
        Box::pin(std::future::ready(status))
    }

    fn list(&self) -> Pending<Result<Vec<ServiceStatus>, ServiceError>> {
        let all = Folder::names(&self.store).map_err(io).and_then(|names| {
            let found = names.iter().map(|name| self.look(name));
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        });
        Box::pin(std::future::ready(all))
    }
}

/// Waits for the turn to change a service: two who do at once would take the supervisor's answer to one for that to the other.
async fn turn(folder: &Folder, name: &str) -> Result<File, ServiceError> {
    let since = Instant::now();
    loop {
        if let Some(turn) = folder.turn().map_err(io)? {
            return Ok(turn);
        }
        if since.elapsed() > TO_ANSWER {
            return Err(ServiceError::Io(format!("expected a turn to change the service `{name}`, found another command at it")));
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Whether a service is what it should be, and is looked after.
fn stands(folder: &Folder, wanted: &Wanted) -> Result<bool, ServiceError> {
    let found = folder.found().map_err(io)?;
    let is_good = |found: &Found| found.is_ready && found.refused.is_none() && found.generation == wanted.generation;
    Ok(found.as_ref().is_some_and(is_good) && folder.is_supervised().map_err(io)?)
}

/// Hands keys to the supervisor, which may be on its way here.
async fn hand_over(folder: &Folder, name: &str, keys: &Keys) -> Result<(), ServiceError> {
    let since = Instant::now();
    while !keys.is_empty() {
        let failed = |source| io(FolderError::Io { path: folder.inbox(), source });
        if keys::send(&folder.inbox(), keys).map_err(failed)? {
            break;
        }
        if since.elapsed() > TO_LIVE {
            let message = format!(
                "expected the supervisor of `{name}` to take its bearer keys, found none that does; `sprag services stop {name}` ends one of an older sprag\n{}",
                folder.log_tail()
            );
            return Err(ServiceError::NotReady(message.trim_end().to_owned()));
        }
        tokio::time::sleep(TICK).await;
    }
    Ok(())
}

fn no_random(error: std::io::Error) -> ServiceError {
    ServiceError::Io(format!("failed to draw random numbers: {error}"))
}

fn io(error: FolderError) -> ServiceError {
    ServiceError::Io(error.to_string())
}

fn status(name: &str, found: &Found, is_supervised: bool) -> ServiceStatus {
    let condition = match (is_supervised, found.is_ready) {
        (false, _) => ServiceCondition::Lost,
        (true, true) => ServiceCondition::Ready,
        (true, false) if found.shares.is_empty() => ServiceCondition::Starting,
        (true, false) => ServiceCondition::Restarting,
    };
    let shares = found.shares.iter().map(|(package, percent)| ServiceShare { package: package.clone(), percent: *percent });
    ServiceStatus {
        name: name.to_owned(),
        shares: shares.collect(),
        port: found.port,
        url: format!("http://127.0.0.1:{}", found.port),
        condition,
        restarts: found.restarts,
    }
}

fn check(service: &Service) -> Result<(), ServiceError> {
    let bad = |message: String| Err(ServiceError::BadService(message));
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if service.name.is_empty() || service.name.len() > 64 || !service.name.chars().all(inside) {
        return bad(format!(
            "expected a name of lower-case letters, digits and hyphens, found `{}`",
            service.name.escape_debug()
        ));
    }
    let digests = service.shares.iter().map(|share| share.package.strip_prefix("sha256:").unwrap_or_default());
    if let Some(digest) =
        digests.into_iter().find(|digest| digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return bad(format!("expected the digest of a package, found `{}`", digest.escape_debug()));
    }
    let sum: u64 = service.shares.iter().map(|share| u64::from(share.percent)).sum();
    if sum != 100 {
        return bad(format!("expected shares that add up to 100, found {sum}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, shares: &[(&str, u32)]) -> Service {
        let shares = shares
            .iter()
            .map(|(digit, percent)| ServiceShare { package: format!("sha256:{}", digit.repeat(64)), percent: *percent });
        Service { name: name.to_owned(), shares: shares.collect(), port: 0, keys: vec![] }
    }

    #[test]
    fn services_are_checked_before_anything_happens() {
        assert_eq!(check(&service("diabetes-staging", &[("a", 90), ("b", 10)])), Ok(()));
        let message = |service| check(&service).unwrap_err().to_string();
        assert_eq!(
            message(service("../up", &[("a", 100)])),
            "expected a name of lower-case letters, digits and hyphens, found `../up`"
        );
        assert_eq!(message(service("s", &[("a", 90)])), "expected shares that add up to 100, found 90");
        assert_eq!(message(service("s", &[])), "expected shares that add up to 100, found 0");
        assert!(message(service("s", &[("--config=", 100)])).starts_with("expected the digest of a package, found"));
    }

    #[test]
    fn keys_are_named_by_their_source() {
        let secret = Secret { env: Some("SCORING_KEY".into()), ..Secret::default() };
        let secrets = BTreeMap::from([("key".to_owned(), secret)]);
        let services = LocalServices::new(Path::new("sprag"), Path::new("/p"), Path::new("/p/.sprag"), &secrets);
        let mut wanted = service("s", &[("a", 100)]);
        wanted.keys = vec!["key".into()];
        let services = services.reading(|name| (name == "SCORING_KEY").then(|| "s3cret".to_owned()));
        let (arguments, keys) = services.arguments(&wanted).unwrap();
        assert_eq!(arguments[2..], ["--key-env", "SCORING_KEY"]);
        assert_eq!(keys.iter().collect::<Vec<_>>(), [("SCORING_KEY", "s3cret")]);
        let message = |result: Result<(Vec<String>, Keys), ServiceError>| result.err().unwrap().to_string();
        assert_eq!(
            message(services.clone().reading(|_| None).arguments(&wanted)),
            "expected a bearer key of the service `s` in the environment variable `SCORING_KEY`, found none; set it where sprag runs"
        );
        wanted.keys = vec!["other".into()];
        assert_eq!(message(services.arguments(&wanted)), "expected a secret of the project, found `other`");
    }
}
