//! The process that keeps one service running.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use crate::folder::{Folder, FolderError, Found, Wanted};
use crate::keys::{Inbox, Keys};
use crate::process::ProcessId;
use crate::server::{Health, Server};

/// How often it looks.
const TICK: Duration = Duration::from_millis(20);

/// For how long the lock is tried before it is another supervisor's.
const TO_LOCK: Duration = Duration::from_secs(1);

/// How long a server may take to finish its requests, beyond what it allows itself.
const TO_END: Duration = Duration::from_secs(60);

/// How long the keys of a change may take to come, after the change itself.
const TO_HAND_OVER: Duration = Duration::from_secs(5);

/// How long after it could not be told how things are that is tried again.
const TO_TELL: Duration = Duration::from_millis(500);

/// The first and the longest pause before a server that ended is started again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Why a supervisor could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// The folder of the service cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is nothing to run.
    #[error("expected a service in `{}`, found none", .0.display())]
    NoService(PathBuf),
}

/// Keeps the service of a folder running until it is asked to stop. Ends at once where another supervisor does.
///
/// # Errors
/// The folder cannot be used.
pub async fn supervise(program: &Path, project: &Path, folder: Folder) -> Result<(), SuperviseError> {
    let Some(lock) = lock(&folder).await? else { return Ok(()) };
    let inbox = Inbox::open(&folder.inbox()).map_err(|source| FolderError::Io { path: folder.inbox(), source })?;
    let wanted = folder.wanted()?.ok_or_else(|| SuperviseError::NoService(folder.path().to_owned()))?;
    let before = folder.found()?;
    // A supervisor that was killed leaves its server running: it answers on until the new one does.
    let orphan = before.as_ref().and_then(|found| found.server.clone()).filter(ProcessId::is_alive);
    let kept_port = before.as_ref().map_or(0, |found| found.port);
    let mut supervisor = Supervisor {
        program: program.to_owned(),
        project: project.to_owned(),
        folder,
        found: Found {
            generation: 0,
            refused: None,
            shares: before.as_ref().filter(|_| orphan.is_some()).map_or_else(Vec::new, |before| before.shares.clone()),
            port: kept_port,
            is_ready: orphan.is_some(),
            restarts: before.map_or(0, |found| found.restarts),
            server: orphan.clone(),
        },
        listener: None,
        current: None,
        next: None,
        ending: vec![],
        orphan,
        attempts: 0,
        restart: None,
        inbox,
        keys: Keys::default(),
        waits: None,
        untold: None,
        _lock: lock,
    };
    supervisor.turn_to(wanted);
    loop {
        tokio::time::sleep(TICK).await;
        if supervisor.step() == Step::Done {
            return Ok(());
        }
    }
}

/// The lock of a folder; none where another supervisor has it. Who only looks whether there is one holds it for a moment, too.
async fn lock(folder: &Folder) -> Result<Option<File>, FolderError> {
    let since = Instant::now();
    loop {
        let lock = folder.lock()?;
        if lock.is_some() || since.elapsed() > TO_LOCK {
            return Ok(lock);
        }
        tokio::time::sleep(TICK).await;
    }
}

/// A listening socket with its port.
type Socket = (u16, TcpListener);

#[derive(PartialEq, Eq)]
enum Step {
    Again,
    Done,
}

/// A server that ended, to be started again.
struct Restart {
    wanted: Wanted,
    keys: Keys,
    at: Instant,
    pause: Duration,
}

struct Supervisor {
    program: PathBuf,
    project: PathBuf,
    folder: Folder,
    found: Found,
    /// The socket of the current server.
    listener: Option<Socket>,
    current: Option<Server>,
    /// The server that is to come, with its socket.
    next: Option<(Server, Socket)>,
    ending: Vec<(Server, Instant)>,
    orphan: Option<ProcessId>,
    attempts: u64,
    restart: Option<Restart>,
    inbox: Inbox,
    /// The keys that were handed over last.
    keys: Keys,
    /// The change whose keys have not come yet, and since when.
    waits: Option<(u64, Instant)>,
    /// When it could not be told last how things are, since the disk is full, say. The service matters more.
    untold: Option<Instant>,
    _lock: File,
}

impl Supervisor {
    fn step(&mut self) -> Step {
        // What has no folder is nobody's any more.
        if self.folder.is_gone() {
            return self.stop();
        }
        self.keys.extend(self.inbox.take());
        // A file that cannot be read changes nothing: whoever wrote it is told by the silence.
        let wanted = self.folder.wanted().ok().flatten();
        if let Some(wanted) = wanted.filter(|wanted| wanted.generation != self.found.generation)
            && self.next.as_ref().is_none_or(|(next, _)| next.wanted.generation != wanted.generation)
        {
            if !wanted.is_running {
                return self.stop();
            }
            self.turn_to(wanted);
        }
        self.look_after_next();
        self.look_after_current();
        self.look_after_orphan();
        if self.untold.is_some_and(|since| since.elapsed() > TO_TELL) {
            self.tell();
        }
        self.ending.retain_mut(|(server, since)| {
            if since.elapsed() > TO_END {
                server.kill();
            }
            !server.is_over()
        });
        Step::Again
    }

    /// Starts what is wanted beside what runs, once its keys are there.
    fn turn_to(&mut self, wanted: Wanted) {
        let Some(keys) = self.keys.meant_by(&wanted.keys) else {
            return self.wait_for_keys(&wanted);
        };
        self.waits = None;
        if let Some((superseded, _)) = self.next.take() {
            self.end(superseded);
        }
        match self.listen(wanted.port).and_then(|socket| Ok((self.start(&wanted, &keys, &socket.1)?, socket))) {
            Ok(next) => self.next = Some(next),
            Err(why) => self.refuse(wanted.generation, why),
        }
    }

    fn wait_for_keys(&mut self, wanted: &Wanted) {
        let since = match self.waits {
            Some((generation, since)) if generation == wanted.generation => since,
            _ => Instant::now(),
        };
        self.waits = Some((wanted.generation, since));
        if since.elapsed() > TO_HAND_OVER {
            let variables: Vec<_> = wanted.keys.iter().map(|mark| format!("`{}`", mark.variable)).collect();
            let why = format!("expected whoever deploys to hand over the bearer keys of {}, found silence", variables.join(", "));
            self.refuse(wanted.generation, why);
        }
    }

    fn look_after_next(&mut self) {
        let Some((next, _)) = &mut self.next else { return };
        match next.health(&self.folder) {
            Health::Starting => {}
            Health::Ready => {
                let (next, socket) = self.next.take().expect("it was there above");
                self.found.generation = next.wanted.generation;
                self.found.refused = None;
                self.found.shares.clone_from(&next.wanted.shares);
                self.found.server = Some(next.process.clone());
                self.found.is_ready = true;
                self.found.port = socket.0;
                self.listener = Some(socket);
                self.restart = None;
                if let Some(old) = self.current.replace(next) {
                    self.end(old);
                }
                if let Some(orphan) = self.orphan.take() {
                    orphan.ask_to_end();
                }
                self.tell();
            }
            Health::Over(why) => {
                let (mut next, _) = self.next.take().expect("it was there above");
                next.kill();
                self.refuse(next.wanted.generation, why);
            }
        }
    }

    fn look_after_current(&mut self) {
        if let Some(restart) = self.restart.take_if(|restart| restart.at <= Instant::now()) {
            let socket = self.listener.as_ref().map(|(_, listener)| listener.try_clone());
            let started = socket.and_then(Result::ok).and_then(|socket| self.start(&restart.wanted, &restart.keys, &socket).ok());
            match started {
                Some(server) => self.current = Some(server),
                None => self.plan_restart(restart.wanted, restart.keys, restart.pause),
            }
            self.found.restarts += 1;
        }
        let Some(current) = &mut self.current else { return };
        match current.health(&self.folder) {
            Health::Starting => {}
            Health::Ready if self.found.is_ready => {}
            Health::Ready => {
                self.found.is_ready = true;
                self.found.server = Some(current.process.clone());
                self.tell();
            }
            Health::Over(_) => {
                let mut over = self.current.take().expect("it was there above");
                over.kill();
                // One that ran for a while deserves a quick start; one that falls over again and again does not.
                let pause = if over.since.elapsed() > PAUSES.1 { PAUSES.0 } else { self.last_pause() };
                self.plan_restart(over.wanted.clone(), over.keys.clone(), pause);
                self.found.is_ready = false;
                self.found.server = None;
                self.tell();
            }
        }
    }

    /// Notices the end of a server that another supervisor left, where nothing has taken its place.
    fn look_after_orphan(&mut self) {
        if self.orphan.take_if(|orphan| !orphan.is_alive()).is_none() || self.current.is_some() {
            return;
        }
        self.found.is_ready = false;
        self.found.server = None;
        self.tell();
    }

    fn plan_restart(&mut self, wanted: Wanted, keys: Keys, pause: Duration) {
        let next_pause = (pause * 2).min(PAUSES.1);
        self.restart = Some(Restart { wanted, keys, at: Instant::now() + pause, pause: next_pause });
    }

    /// The pause that comes next, the longer the more often it was started again.
    fn last_pause(&self) -> Duration {
        let doubled = PAUSES.0.saturating_mul(1 << self.found.restarts.min(10));
        doubled.min(PAUSES.1)
    }

    fn start(&mut self, wanted: &Wanted, keys: &Keys, listener: &TcpListener) -> Result<Server, String> {
        self.attempts += 1;
        Server::start(&self.program, &self.project, &self.folder, listener, wanted, keys, self.attempts)
    }

    /// Opens the socket of a port, or the one that the service had where any will do. One that is open already serves again.
    fn listen(&self, port: u16) -> Result<Socket, String> {
        let port = if port == 0 { self.found.port } else { port };
        if let Some((open, listener)) = self.listener.as_ref().filter(|(open, _)| *open == port || port == 0) {
            return Ok((*open, listener.try_clone().map_err(|error| error.to_string())?));
        }
        let is_beside_orphan = self.orphan.is_some() && port == self.found.port;
        let listener = open(port, is_beside_orphan)?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        Ok((port, listener))
    }

    fn refuse(&mut self, generation: u64, why: String) {
        self.found.generation = generation;
        self.found.refused = Some(why);
        self.tell();
    }

    /// Says how things are. Where that cannot be written, it is tried again, and the service is looked after meanwhile.
    fn tell(&mut self) {
        self.untold = self.folder.tell(&self.found).is_err().then(Instant::now);
    }

    fn end(&mut self, server: Server) {
        server.ask_to_end();
        self.ending.push((server, Instant::now()));
    }

    /// Ends everything and removes the folder.
    fn stop(&mut self) -> Step {
        let running = [self.current.take(), self.next.take().map(|(next, _)| next)];
        for server in running.into_iter().flatten() {
            self.end(server);
        }
        if let Some(orphan) = self.orphan.take() {
            orphan.ask_to_end();
        }
        self.listener = None;
        let since = Instant::now();
        while self.ending.iter_mut().any(|(server, _)| !server.is_over()) {
            if since.elapsed() > TO_END {
                self.ending.iter_mut().for_each(|(server, _)| server.kill());
            }
            std::thread::sleep(TICK);
        }
        // Whoever asked for the end removes what could not be removed here, or says why not.
        let _left = self.folder.remove();
        Step::Done
    }
}

/// Opens a listening socket on the loopback address.
fn open(port: u16, is_beside_orphan: bool) -> Result<TcpListener, String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let failed = |error: std::io::Error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            format!("expected a free port, found that {port} is in use; choose another `port`, or end what uses it")
        } else {
            format!("failed to listen on {address}: {error}")
        }
    };
    if !is_beside_orphan {
        // Sockets that share a port do not notice each other, so a strict one looks first.
        drop(TcpListener::bind(address).map_err(failed)?);
    }
    let listen = || -> std::io::Result<TcpListener> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        // The supervisor that comes after this one, should it be killed, opens the port beside the server that this one leaves.
        socket.set_reuseport(true)?;
        socket.bind(address)?;
        socket.listen(1024)?.into_std()
    };
    listen().map_err(failed)
}
