//! The real binary under real load, killed with SIGKILL at random moments.
//!
//! Every client keeps a book of what it was told. A request whose answer did not come is sent again with the same key
//! until it is answered, so at the end every request has one answer. Then the server must agree with the books: each
//! acknowledged write is there exactly once. A build whose answers leave before the append (feature
//! `planted-answer-before-sync`) must fail here, or this test proves nothing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what it met and fails where it stands"
)]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};
use support::{Client, Dice, Server, run};

const KILLS: usize = 22;
const CLIENTS: u64 = 8;
const SKUS: u64 = 6;
const STOCK: i64 = 400_000;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let outcome = killed_and_restarted();
    if cfg!(feature = "planted-answer-before-sync") {
        let noticed = outcome.expect_err("answers left before the append, and nobody noticed");
        println!("noticed, as it must be: {noticed}");
    } else {
        outcome.unwrap();
    }
}

/// What a client was told.
#[derive(Default)]
struct Book {
    /// Reservations by id: state and units by SKU.
    reservations: BTreeMap<String, (String, BTreeMap<String, i64>)>,
    /// Units picked by SKU.
    picked: BTreeMap<String, i64>,
    /// Requests answered, with their answers, to be asked again.
    answered: Vec<(String, String, String, String)>,
    retried: u64,
}

fn killed_and_restarted() -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut server = Server::start(&data, &["--snapshot-mib", "1", "--segment-mib", "1"]);
    stock(server.address);
    let port = AtomicU16::new(server.address.port());
    let is_over = AtomicBool::new(false);
    let seed = Instant::now().elapsed().as_nanos() as u64 ^ u64::from(std::process::id());
    println!("seed {seed}");
    let books = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (port, is_over) = (&port, &is_over);
                scope.spawn(move || client(number, seed, port, is_over))
            })
            .collect();
        let mut dice = Dice(seed);
        for _ in 0..KILLS {
            std::thread::sleep(Duration::from_millis(30 + dice.roll(250)));
            server.kill();
            server = Server::start(&data, &["--snapshot-mib", "1", "--segment-mib", "1"]);
            port.store(server.address.port(), Ordering::Release);
        }
        std::thread::sleep(Duration::from_millis(200));
        is_over.store(true, Ordering::Release);
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect::<Vec<_>>()
    });
    let books = books.into_iter().collect::<Result<Vec<_>, _>>()?;
    compare(server.address, &books)?;
    server.stop();
    check(&data)
}

fn stock(address: SocketAddr) {
    let lines: Vec<_> = (0..SKUS)
        .map(|sku| json!({"sku": format!("sku-{sku}"), "quantity": STOCK}))
        .collect();
    let body = json!({"location": "store", "lines": lines}).to_string();
    let answer = Client::new(address)
        .post("/v1/stock/receipts", "opening", &body)
        .unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
}

fn client(number: u64, seed: u64, port: &AtomicU16, is_over: &AtomicBool) -> Result<Book, String> {
    let mut desk = Desk {
        number,
        port,
        client: None,
        requests: 0,
        book: Book::default(),
    };
    let mut dice = Dice(seed.wrapping_mul(number + 1));
    while !is_over.load(Ordering::Acquire) {
        desk.step(&mut dice)?;
    }
    for (path, key, body, first) in std::mem::take(&mut desk.book.answered)
        .into_iter()
        .rev()
        .take(200)
    {
        let again = desk.send(&path, &key, &body);
        let is_marked = again.header("idempotent-replayed") == Some("true");
        if again.body != first || !is_marked {
            return Err(format!(
                "asked again, {path} {key} says {} and not {first}",
                again.body
            ));
        }
    }
    Ok(desk.book)
}

struct Desk<'a> {
    number: u64,
    port: &'a AtomicU16,
    client: Option<(u16, Client)>,
    requests: u64,
    book: Book,
}

impl Desk<'_> {
    fn step(&mut self, dice: &mut Dice) -> Result<(), String> {
        let open: Vec<_> = self
            .book
            .reservations
            .iter()
            .filter(|(_, (state, _))| state == "held" || state == "confirmed")
            .collect();
        let pick = (!open.is_empty()).then(|| open[dice.roll(open.len() as u64) as usize]);
        let pick = pick.map(|(id, (state, lines))| (id.clone(), state.clone(), lines.clone()));
        match (dice.roll(4), pick) {
            (0, Some((id, state, lines))) if state == "confirmed" => self.pick(&id, &lines),
            (0 | 1, Some((id, state, _))) if state == "held" => {
                self.act(&id, "confirm", "confirmed")
            }
            (2, Some((id, _, _))) => self.act(&id, "release", "released"),
            _ => self.reserve(dice),
        }
    }

    fn reserve(&mut self, dice: &mut Dice) -> Result<(), String> {
        let mut lines = BTreeMap::new();
        for _ in 0..=dice.roll(3) {
            lines.insert(format!("sku-{}", dice.roll(SKUS)), 1 + dice.roll(3) as i64);
        }
        let wanted: Vec<_> = lines
            .iter()
            .map(|(sku, units)| json!({"sku": sku, "quantity": units}))
            .collect();
        let body = json!({"location": "store", "ttl_seconds": 3600, "lines": wanted}).to_string();
        let answer = self.write("/v1/reservations", &body, 201)?;
        let id = answer["id"].as_str().unwrap().to_owned();
        let is_new = self
            .book
            .reservations
            .insert(id.clone(), ("held".into(), lines))
            .is_none();
        is_new
            .then_some(())
            .ok_or_else(|| format!("the id {id} was given twice"))
    }

    fn act(&mut self, id: &str, action: &str, state: &str) -> Result<(), String> {
        self.write(&format!("/v1/reservations/{id}/{action}"), "{}", 200)?;
        self.book.reservations.get_mut(id).unwrap().0 = state.into();
        Ok(())
    }

    fn pick(&mut self, id: &str, lines: &BTreeMap<String, i64>) -> Result<(), String> {
        let picked: Vec<_> = lines
            .iter()
            .map(|(sku, units)| json!({"sku": sku, "picked": units}))
            .collect();
        let body = json!({ "lines": picked }).to_string();
        self.write(&format!("/v1/reservations/{id}/fulfill"), &body, 200)?;
        self.book.reservations.get_mut(id).unwrap().0 = "fulfilled".into();
        for (sku, units) in lines {
            *self.book.picked.entry(sku.clone()).or_default() += units;
        }
        Ok(())
    }

    /// Sends a write until it is answered, and notes the answer.
    fn write(&mut self, path: &str, body: &str, wanted: u16) -> Result<Value, String> {
        self.requests += 1;
        let key = format!("client-{}-{}", self.number, self.requests);
        let answer = self.send(path, &key, body);
        if answer.status != wanted {
            return Err(format!(
                "{path} {key} got {}: {}",
                answer.status, answer.body
            ));
        }
        self.book
            .answered
            .push((path.into(), key, body.into(), answer.body.clone()));
        Ok(answer.json())
    }

    fn send(&mut self, path: &str, key: &str, body: &str) -> support::Answer {
        let start = Instant::now();
        loop {
            let port = self.port.load(Ordering::Acquire);
            let is_current = self.client.as_ref().is_some_and(|(at, _)| *at == port);
            if !is_current {
                self.client = Some((port, Client::new(([127, 0, 0, 1], port).into())));
            }
            let (_, client) = self.client.as_mut().unwrap();
            match client.post(path, key, body) {
                Ok(answer) if answer.status < 500 => return answer,
                _ => self.book.retried += 1,
            }
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "no answer to {key} for a minute"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Holds the server against all books.
fn compare(address: SocketAddr, books: &[Book]) -> Result<(), String> {
    let mut client = Client::new(address);
    let (mut reserved, mut allocated) =
        (BTreeMap::<&str, i64>::new(), BTreeMap::<&str, i64>::new());
    let mut requests = 0;
    for book in books {
        for (id, (state, lines)) in &book.reservations {
            requests += 1;
            let answer = client
                .get(&format!("/v1/reservations/{id}"))
                .map_err(|error| error.to_string())?;
            if answer.status != 200 || answer.json()["state"] != json!(state) {
                return Err(format!(
                    "{id} was acknowledged as {state}, the server says {}",
                    answer.body
                ));
            }
            let sums = match state.as_str() {
                "held" => &mut reserved,
                "confirmed" => &mut allocated,
                _ => continue,
            };
            for (sku, units) in lines {
                *sums.entry(sku.as_str()).or_default() += units;
            }
        }
    }
    for sku in (0..SKUS).map(|sku| format!("sku-{sku}")) {
        let answer = client
            .get(&format!("/v1/stock/store/{sku}"))
            .map_err(|error| error.to_string())?
            .json();
        let picked: i64 = books.iter().filter_map(|book| book.picked.get(&sku)).sum();
        let sum = |sums: &BTreeMap<&str, i64>| sums.get(sku.as_str()).copied().unwrap_or(0);
        let books_say = (STOCK - picked, sum(&reserved), sum(&allocated));
        let number = |name: &str| answer[name].as_i64().unwrap();
        let server_says = (number("on_hand"), number("reserved"), number("allocated"));
        if books_say != server_says {
            return Err(format!(
                "{sku}: the books say (on hand, reserved, allocated) {books_say:?}, the server {server_says:?}"
            ));
        }
    }
    let retried: u64 = books.iter().map(|book| book.retried).sum();
    println!(
        "{requests} reservations agree after {KILLS} kills; {retried} tries met a dead server"
    );
    Ok(())
}

fn check(data: &Path) -> Result<(), String> {
    let output = run(&["check", "--json", "--data", data.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or(said)
}
