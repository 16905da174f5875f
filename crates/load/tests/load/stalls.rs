//! A bare server that answers at once, except for a stall.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;

/// Answers with this status on every connection; `stall` after the first request it stops for `stall.1`.
pub(crate) fn serve(status: &'static str, stall: Option<(Duration, Duration)>) -> SocketAddr {
    answer_all(TcpListener::bind("127.0.0.1:0").unwrap(), status, stall)
}

/// Accepts nobody for half a second, and has room for one who waits: who else connects in this time asks again after one.
pub(crate) fn serve_late(status: &'static str) -> SocketAddr {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.listen(1).unwrap().into_std().unwrap()
    });
    listener.set_nonblocking(false).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        answer_all(listener, status, None);
    });
    address
}

fn answer_all(
    listener: TcpListener,
    status: &'static str,
    stall: Option<(Duration, Duration)>,
) -> SocketAddr {
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let start = Instant::now();
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || answer(stream, status, start, stall));
        }
    });
    address
}

fn answer(
    mut stream: TcpStream,
    status: &str,
    start: Instant,
    stall: Option<(Duration, Duration)>,
) -> Option<()> {
    let mut bytes = vec![0; 4096];
    let mut filled = 0;
    loop {
        let read = stream
            .read(&mut bytes[filled..])
            .ok()
            .filter(|read| *read > 0)?;
        filled += read;
        // A request is whole once its body has ended.
        if !bytes[..filled].ends_with(b"}") {
            continue;
        }
        filled = 0;
        if let Some((after, length)) = stall {
            let until = start + after + length;
            if start.elapsed() > after {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
            }
        }
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}");
        stream.write_all(answer.as_bytes()).ok()?;
    }
}
