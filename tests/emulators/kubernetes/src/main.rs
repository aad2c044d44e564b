//! Serves a cluster for `kubectl`, until it is ended: `emulator-kubernetes PORT FOLDER` writes `ca.pem` and `kubeconfig` into the folder.

use std::path::Path;
use std::{env, fs, io, thread};

use emulator_kubernetes::{Cluster, Options, Server};

fn main() -> io::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [port, folder] = arguments.as_slice() else { return Err(io::Error::other("expected a port and a folder")) };
    let (cluster, port) = (Cluster::new(), port.parse().map_err(io::Error::other)?);
    cluster.let_in("t0ken-of-the-tester", "tester");
    let server = Server::start(&cluster, Options { port, tls: true, speed: 10 })?;
    let authority = Path::new(folder).join("ca.pem");
    fs::write(&authority, server.authority().unwrap_or_default())?;
    let kubeconfig = server.kubeconfig("t0ken-of-the-tester", Some(&authority.display().to_string()));
    fs::write(Path::new(folder).join("kubeconfig"), kubeconfig)?;
    loop {
        thread::park();
    }
}
