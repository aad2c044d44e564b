//! A listening socket on its way from a supervisor to the service that it starts: sent through the service's standard input (unix(7), `SCM_RIGHTS`).
//!
//! Were it the standard input itself, the service could not let go of it: connections would wait in it for a process that takes none any more.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Gives the standard input of a service through which it gets the socket.
///
/// # Errors
/// The system has no room for the pair of sockets in between.
pub(crate) fn hand_over(listener: &TcpListener) -> io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut message = SendAncillaryBuffer::new(&mut space);
    let descriptors = [listener.as_fd()];
    if !message.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    // Something must go with it, whatever it is.
    sendmsg(&ours, &[IoSlice::new(b"socket")], &mut message, SendFlags::empty())?;
    Ok(theirs.into())
}

/// The listening socket that a supervisor hands over through the standard input of this process.
///
/// # Errors
/// The standard input is something else, or nothing comes through it.
pub fn handed_over() -> io::Result<TcpListener> {
    take_over(std::io::stdin().as_fd().try_clone_to_owned()?)
}

fn take_over(input: OwnedFd) -> io::Result<TcpListener> {
    let input = UnixStream::from(input);
    // Where it is no such socket, this says so.
    input.peer_addr()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut message = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 16];
    recvmsg(&input, &mut [IoSliceMut::new(&mut bytes)], &mut message, RecvFlags::CMSG_CLOEXEC)?;
    let descriptor = message.drain().find_map(|part| match part {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let listener = TcpListener::from(descriptor.ok_or_else(|| io::Error::other("no socket came with it"))?);
    listener.local_addr()?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_socket_arrives_and_can_be_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let input = hand_over(&listener).unwrap();
        drop(listener);
        let taken = take_over(input).unwrap();
        assert_eq!(taken.local_addr().unwrap(), address);
        let client = TcpStream::connect(address).unwrap();
        assert_eq!(taken.accept().unwrap().1, client.local_addr().unwrap());
        drop(taken);
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn anything_else_is_refused() {
        let nothing = File::open("/dev/null").unwrap();
        assert!(take_over(nothing.into()).is_err());
        let listening = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(take_over(listening.into()).is_err());
        let (silent, other) = UnixStream::pair().unwrap();
        drop(other);
        assert_eq!(take_over(silent.into()).unwrap_err().to_string(), "no socket came with it");
    }
}
