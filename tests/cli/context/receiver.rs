//! A server that takes whatever it is sent, and says yes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// A request that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Method and path.
    pub(crate) what: String,
    /// The headers, by their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Listens on a free port of the loopback address until the test ends.
pub(crate) struct Receiver {
    /// Where.
    pub(crate) address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, taken) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Taken>>>::default());
        let seen = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let (mut what, mut headers) = (String::new(), BTreeMap::new());
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                        break;
                    }
                    match line.split_once(':') {
                        Some((name, value)) if !what.is_empty() => {
                            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
                        }
                        _ => what = line.trim().trim_end_matches(" HTTP/1.1").to_owned(),
                    }
                }
                let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                seen.lock().unwrap().push(Taken { what, headers, body });
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.get_mut().write_all(answer).unwrap();
            }
        });
        Self { address, taken }
    }

    /// All that was taken so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}
