//! What goes to a registry and what comes from it: sent in pieces, and read up to a bound, since who answers decides how long an answer is.

use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::Response;
use serde::Deserialize;

use super::patience::{Pulse, Silence};
use super::{Registry, RegistryError};

/// The most bytes of an answer that says something of a request: an error, or a token.
pub(super) const MOST_WORDS: usize = 1 << 16;

/// What a registry says of an error.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<ErrorEntry>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Registry {
    /// The next piece of an answer; none at its end.
    pub(super) async fn piece(&self, answer: &mut Response, action: &str) -> Result<Option<Bytes>, RegistryError> {
        let wait = self.patience.silence;
        match tokio::time::timeout(wait, answer.chunk()).await {
            Ok(piece) => piece.map_err(|source| self.connection(action, source)),
            Err(_) => Err(self.silent(action, Silence { what: "it sent no more of its answer", wait })),
        }
    }

    /// A whole answer of so many bytes at most. Nothing else here reads an answer into memory.
    pub(super) async fn whole(&self, mut answer: Response, action: &str, most: usize) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = vec![];
        while let Some(piece) = self.piece(&mut answer, action).await? {
            if bytes.len() + piece.len() > most {
                return Err(self.protocol(&format!("at most {most} bytes (to {action})"), "more"));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// The answer, where it is a success; else what the registry said.
    pub(super) async fn checked(&self, answer: Response, action: &str) -> Result<Response, RegistryError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        // The status says enough where the words cannot be had.
        let bytes = self.whole(answer, action, MOST_WORDS).await.unwrap_or_default();
        let message = match serde_json::from_slice::<Errors>(&bytes) {
            Ok(Errors { errors }) => {
                let said = errors.into_iter().map(|error| if error.message.is_empty() { error.code } else { error.message });
                said.collect::<Vec<_>>().join("; ")
            }
            Err(_) => String::from_utf8_lossy(&bytes).trim().chars().take(200).collect(),
        };
        // A registry's words are shown on a terminal.
        let message = message.chars().filter(|character| !character.is_control()).collect();
        let (action, host) = (action.to_owned(), self.host().to_owned());
        Err(RegistryError::Refused { action, host, status: status.as_u16(), message })
    }
}

/// What a request sends, read as it is taken.
pub(super) struct Content<R> {
    from: R,
    left: u64,
    pulse: Arc<Pulse>,
}

/// The bytes of one piece.
const PIECE: usize = 1 << 17;

impl<R: Read + Unpin + Send + Sync + 'static> Content<R> {
    /// So many bytes of what is read. The pulse hears of each piece that the connection takes.
    pub(super) fn of(from: R, length: u64, pulse: &Arc<Pulse>) -> reqwest::Body {
        reqwest::Body::wrap(Self { from, left: length, pulse: pulse.clone() })
    }
}

impl<R: Read + Unpin> http_body::Body for Content<R> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        // Read in place: a file of the store on a local disk, a piece at a time.
        let mut bytes = vec![0; usize::try_from(self.left).unwrap_or(PIECE).min(PIECE)];
        let read = match self.from.read(&mut bytes) {
            Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            Ok(read) => read,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        bytes.truncate(read);
        self.left -= read as u64;
        self.pulse.taken(self.left == 0);
        Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
