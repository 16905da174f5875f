//! The real binary under real load, killed with SIGKILL at random moments.
//!
//! Every client keeps a book of what it was told. A request whose answer did not come is sent again with the same key
//! until it is answered, so at the end every request has one answer. Reservations are made alone and in batches, in
//! both partitions, and some are left to expire, whoever is alive then. Then the server must agree with the books: each
//! acknowledged write is there exactly once. A build whose answers leave before the append (the planted defect
//! `answer-before-sync`) must fail here, or this test proves nothing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what it met and fails where it stands"
)]

mod support;

use onhand_planted::Defect;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};
use support::{Client, Dice, Server, run};

const KILLS: usize = 22;
const CLIENTS: u64 = 8;
/// For how long a reservation is held that is left to expire.
const BRIEF: Duration = Duration::from_secs(1);
/// Two of them in each partition.
const LOCATIONS: [&str; 4] = ["cork", "dublin", "galway", "limerick"];
const SKUS: u64 = 3;
const SERVE: [&str; 6] = [
    "--partitions",
    "2",
    "--snapshot-mib",
    "1",
    "--segment-mib",
    "1",
];
const STOCK: i64 = 400_000;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    expect(killed_and_restarted("before-answer"));
}

/// Answers leave before the sync: the system still has what a process wrote, so its end alone loses nothing.
#[test]
fn nothing_acknowledged_is_lost_though_it_was_not_synced() {
    expect(killed_and_restarted("within:2000ms"));
}

fn expect(outcome: Outcome) {
    if !Defect::AnswerBeforeSync.is_on() {
        return outcome.unwrap();
    }
    // A server that does not start, or a test that does not work, would be an error, too.
    match outcome.expect_err("answers left before the append, and nobody noticed") {
        Trouble::Broken(promise) => println!("noticed, as it must be: {promise}"),
        Trouble::Else(why) => panic!("answers left before the append, and it failed for {why}"),
    }
}

/// What came of it, or a part of it.
type Outcome<T = ()> = Result<T, Trouble>;

/// What went wrong.
#[derive(Debug)]
enum Trouble {
    /// Something that was acknowledged is lost, or not what it was.
    Broken(String),
    /// Anything else.
    Else(String),
}

/// Units by level, which is written as in its path: location, slash, SKU.
type Lines = BTreeMap<String, i64>;

/// What a client was told.
#[derive(Default)]
struct Book {
    /// Reservations by id: state and lines.
    reservations: BTreeMap<String, (String, Lines)>,
    /// Units picked.
    picked: Lines,
    /// Requests answered, with their answers, to be asked again: path, key, body, answer.
    answered: Vec<(String, String, String, Value)>,
    retried: u64,
}

fn killed_and_restarted(durability: &str) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let start = || Server::start(&data, &[&SERVE[..], &["--durability", durability]].concat());
    let mut server = start();
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
            server = start();
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
    std::thread::sleep(BRIEF);
    compare(server.address, &books)?;
    server.stop();
    check(&data)
}

fn stock(address: SocketAddr) {
    let mut client = Client::new(address);
    for (location, sku) in levels() {
        let line = json!({"sku": sku, "quantity": STOCK});
        let body = json!({"location": location, "lines": [line]}).to_string();
        let key = format!("opening-{location}-{sku}");
        let answer = client.post("/v1/stock/receipts", &key, &body).unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
}

fn levels() -> impl Iterator<Item = (&'static str, String)> {
    let skus = |location| (0..SKUS).map(move |sku| (location, format!("sku-{sku}")));
    LOCATIONS.into_iter().flat_map(skus)
}

fn client(number: u64, seed: u64, port: &AtomicU16, is_over: &AtomicBool) -> Outcome<Book> {
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
        if again.json() != first || !is_marked {
            return Err(Trouble::Broken(format!(
                "asked again, {path} {key} says {} and not {first}",
                again.body
            )));
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
    fn step(&mut self, dice: &mut Dice) -> Outcome {
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
                self.act(&id, "confirm", "{}", "confirmed")
            }
            (2, Some((id, _, _))) => self.act(&id, "release", "{}", "released"),
            _ => self.reserve(dice),
        }
    }

    /// Reserves once, or several times in a batch.
    fn reserve(&mut self, dice: &mut Dice) -> Outcome {
        if dice.roll(4) > 0 {
            let hold = Hold::random(dice);
            let answer = self.write("/v1/reservations", &hold.body.to_string(), 201);
            return self.note(hold, &answer.map_err(Trouble::Else)?);
        }
        let holds: Vec<_> = (0..=dice.roll(4))
            .map(|_| (self.key(), Hold::random(dice)))
            .collect();
        let items: Vec<_> = holds.iter().map(|(key, hold)| hold.in_batch(key)).collect();
        let body = json!({ "reservations": items }).to_string();
        let answer = self.send("/v1/reservations/batch", "a batch", &body);
        let results = answer.json()["results"].as_array().cloned();
        let results = results.filter(|results| results.len() == holds.len());
        let results =
            results.ok_or_else(|| Trouble::Else(format!("a batch got {}", answer.body)))?;
        for ((key, hold), result) in holds.into_iter().zip(results) {
            let (path, body) = ("/v1/reservations".into(), hold.body.to_string());
            let first = result["reservation"].clone();
            self.note(hold, &first)?;
            self.book.answered.push((path, key, body, first));
        }
        Ok(())
    }

    fn note(&mut self, hold: Hold, answer: &Value) -> Outcome {
        let none = || Trouble::Else(format!("no reservation: {answer}"));
        let id = answer["id"].as_str().ok_or_else(none)?.to_owned();
        let state = if hold.is_brief { "expired" } else { "held" };
        let noted = (state.into(), hold.lines);
        let is_new = self.book.reservations.insert(id.clone(), noted).is_none();
        is_new
            .then_some(())
            .ok_or_else(|| Trouble::Broken(format!("the id {id} was given twice")))
    }

    /// Does something with a reservation that was acknowledged, which can only be refused if it is not what it was.
    fn act(&mut self, id: &str, action: &str, body: &str, state: &str) -> Outcome {
        self.write(&format!("/v1/reservations/{id}/{action}"), body, 200)
            .map_err(Trouble::Broken)?;
        self.book.reservations.get_mut(id).unwrap().0 = state.into();
        Ok(())
    }

    fn pick(&mut self, id: &str, lines: &Lines) -> Outcome {
        let picked: Vec<_> = lines
            .iter()
            .map(|(level, units)| json!({"sku": sku_of(level), "picked": units}))
            .collect();
        let body = json!({ "lines": picked }).to_string();
        self.act(id, "fulfill", &body, "fulfilled")?;
        add(&mut self.book.picked, lines);
        Ok(())
    }

    /// Sends a write until it is answered, and notes the answer.
    fn write(&mut self, path: &str, body: &str, wanted: u16) -> Result<Value, String> {
        let key = self.key();
        let answer = self.send(path, &key, body);
        if answer.status != wanted {
            return Err(format!(
                "{path} {key} got {}: {}",
                answer.status, answer.body
            ));
        }
        let (path, answer) = (path.into(), answer.json());
        let answered = (path, key, body.into(), answer.clone());
        self.book.answered.push(answered);
        Ok(answer)
    }

    fn key(&mut self) -> String {
        self.requests += 1;
        format!("client-{}-{}", self.number, self.requests)
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

/// A reservation to be made.
struct Hold {
    lines: Lines,
    /// Whether it is left to expire.
    is_brief: bool,
    body: Value,
}

impl Hold {
    fn random(dice: &mut Dice) -> Self {
        let location = LOCATIONS[dice.roll(LOCATIONS.len() as u64) as usize];
        let mut lines = Lines::new();
        for _ in 0..=dice.roll(3) {
            let level = format!("{location}/sku-{}", dice.roll(SKUS));
            lines.insert(level, 1 + dice.roll(3) as i64);
        }
        let wanted: Vec<_> = lines
            .iter()
            .map(|(level, units)| json!({"sku": sku_of(level), "quantity": units}))
            .collect();
        let is_brief = dice.roll(6) == 0;
        let ttl = if is_brief { BRIEF.as_secs() } else { 3600 };
        let body = json!({"location": location, "ttl_seconds": ttl, "lines": wanted});
        Self {
            lines,
            is_brief,
            body,
        }
    }

    fn in_batch(&self, key: &str) -> Value {
        let mut item = self.body.clone();
        item["idempotency_key"] = key.into();
        item
    }
}

fn sku_of(level: &str) -> &str {
    level.split_once('/').unwrap().1
}

/// Holds the server against all books.
fn compare(address: SocketAddr, books: &[Book]) -> Outcome {
    let mut client = Client::new(address);
    let (mut reserved, mut allocated, mut seen) = (Lines::new(), Lines::new(), BTreeMap::new());
    for (id, (state, lines)) in books.iter().flat_map(|book| &book.reservations) {
        let answer = get(&mut client, &format!("/v1/reservations/{id}"))?;
        if answer["state"] != json!(state) {
            return Err(Trouble::Broken(format!(
                "{id} was acknowledged as {state}, the server says {answer}"
            )));
        }
        let partition = id.split('-').next().unwrap_or_default();
        *seen.entry((partition, state.as_str())).or_insert(0) += 1;
        match state.as_str() {
            "held" => add(&mut reserved, lines),
            "confirmed" => add(&mut allocated, lines),
            _ => {}
        }
    }
    let mut picked = Lines::new();
    books.iter().for_each(|book| add(&mut picked, &book.picked));
    for (location, sku) in levels() {
        let level = format!("{location}/{sku}");
        let of = |sums: &Lines| sums.get(&level).copied().unwrap_or(0);
        let books_say = (STOCK - of(&picked), of(&reserved), of(&allocated));
        let answer = get(&mut client, &format!("/v1/stock/{level}"))?;
        let number = |name: &str| answer[name].as_i64().unwrap();
        let server_says = (number("on_hand"), number("reserved"), number("allocated"));
        if books_say != server_says {
            return Err(Trouble::Broken(format!(
                "{level}: the books say (on hand, reserved, allocated) {books_say:?}, the server {server_says:?}"
            )));
        }
    }
    let retried: u64 = books.iter().map(|book| book.retried).sum();
    println!("after {KILLS} kills, and {retried} tries on a dead server, these agree: {seen:?}");
    let is_wide = |partition| seen.contains_key(&(partition, "expired"));
    assert!(is_wide("r0") && is_wide("r1"), "a partition was not used");
    Ok(())
}

/// What the server says of something that was acknowledged.
fn get(client: &mut Client, path: &str) -> Outcome<Value> {
    let failed = |error: std::io::Error| Trouble::Else(error.to_string());
    let answer = client.get(path).map_err(failed)?;
    let said = format!("{path} got {}: {}", answer.status, answer.body);
    match answer.status {
        200 => Ok(answer.json()),
        404 => Err(Trouble::Broken(said)),
        _ => Err(Trouble::Else(said)),
    }
}

fn add(sums: &mut Lines, lines: &Lines) {
    for (level, units) in lines {
        *sums.entry(level.clone()).or_default() += units;
    }
}

fn check(data: &Path) -> Outcome {
    let output = run(&["check", "--json", "--data", data.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let is_sound = output.status.success();
    is_sound.then_some(()).ok_or(Trouble::Else(said))
}
