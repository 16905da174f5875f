//! What black-box tests share: the real binary as a server, and a small HTTP client that sees connections break.

#![allow(dead_code, reason = "each test binary uses its own part")]

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary under test.
pub(crate) fn onhand() -> Command {
    Command::new(env!("CARGO_BIN_EXE_onhand"))
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    onhand()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) grpc_address: SocketAddr,
}

impl Server {
    /// Starts a server on a data folder and waits until it is ready.
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        let (address, grpc_address) = (free_address(), free_address());
        let child = onhand()
            .args([
                "serve",
                "--log",
                "warn",
                "--listen",
                &address.to_string(),
                "--grpc-listen",
                &grpc_address.to_string(),
                "--data",
            ])
            .arg(data)
            .args(more)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            address,
            grpc_address,
        };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) {
        let start = Instant::now();
        loop {
            if let Ok(answer) = Client::new(self.address).get("/readyz")
                && answer.status == 200
            {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status} while it started");
            }
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "the server is not ready after 30 s"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGKILL: no chance to do anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: a graceful stop, which must end with code 0.
    pub(crate) fn stop(&mut self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the server ended with {status}");
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// A test that fails leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A keep-alive connection that is opened again when it broke.
pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: onhand\r\n\r\n"))
    }

    pub(crate) fn post(&mut self, path: &str, key: &str, body: &str) -> io::Result<Answer> {
        let length = body.len();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: onhand\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// Asks as a caller who waits for a millisecond, and whose body comes when that is over.
    pub(crate) fn post_too_late(&mut self, path: &str, body: &str) -> io::Result<Answer> {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: onhand\r\nContent-Type: application/json\r\nOnhand-Timeout-Ms: 1\r\nContent-Length: {length}\r\n\r\n"
        );
        self.send_in_parts(&[&head, body], Duration::from_millis(10))
    }

    fn send(&mut self, request: &str) -> io::Result<Answer> {
        self.send_in_parts(&[request], Duration::ZERO)
    }

    /// Sends a request with pauses between its parts.
    fn send_in_parts(&mut self, parts: &[&str], pause: Duration) -> io::Result<Answer> {
        let answer = self.try_send(parts, pause);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    fn try_send(&mut self, parts: &[&str], pause: Duration) -> io::Result<Answer> {
        if self.stream.is_none() {
            let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(2))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            self.stream = Some(BufReader::new(stream));
        }
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                std::thread::sleep(pause);
            }
            stream.get_mut().write_all(part.as_bytes())?;
        }
        read_answer(stream)
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let line = |stream: &mut BufReader<TcpStream>| -> io::Result<String> {
        let mut line = String::new();
        match stream.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    };
    let first = line(stream)?;
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(first.clone()))?;
    let mut headers = Vec::new();
    loop {
        let header = line(stream)?;
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(": ") {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8(body).map_err(io::Error::other)?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// Random numbers that are the same for the same seed (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (hash ^ (hash >> 31)) % sides
    }
}
