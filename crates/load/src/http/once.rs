//! Single requests, where speed is of no matter.

use super::answer::{Parsed, parse};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// Gets a path: the status and the body.
pub(crate) fn get(address: SocketAddr, host: &str, path: &str) -> io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    match parse(&bytes).map_err(io::Error::other)? {
        Parsed::Whole(answer) => Ok((answer.status, answer.body.to_vec())),
        Parsed::Partial(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
