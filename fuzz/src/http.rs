//! Requests, through the server's router over a running engine.
//!
//! The input is text: up to eight requests, with `---` on a line between two. Each is a line of method and address,
//! lines of headers, an empty line, and the body. `$N` is a number that no input before had, so that every input finds
//! its own locations untouched though the engine is kept; `$R` and `$T` are the last reservation and transfer that this
//! input made.
//!
//! Oracle: the status is one that the OpenAPI document lists for the call, and no 5xx. An error is a problem document
//! whose type, title, status and detail say something; an answer in JSON is JSON. What was refused or only read wrote
//! nothing to the ledger. What was written and is asked again with the same key writes nothing, and is answered with
//! the same bytes.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use onhand_core::{Event, Seq, Timestamp};
use onhand_engine::{Clock, Engine, Options as EngineOptions};
use onhand_server::{Options, app, http};
use prometheus_client::registry::Registry;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const PARTITIONS: u16 = 2;
const MOST_REQUESTS: usize = 8;
/// So many entries, and the engine is made anew: memory and folder stay small in a long run.
const MOST_ENTRIES: u64 = 20_000;
/// 2026-03-01T09:30:00Z.
const NOW: u64 = 1_772_357_400_000;

thread_local! {
    static SHOP: RefCell<Option<Shop>> = const { RefCell::new(None) };
}

/// Runs one input.
pub fn run(input: &[u8]) {
    SHOP.with_borrow_mut(|shop| {
        if shop
            .as_ref()
            .is_none_or(|shop| shop.written() > MOST_ENTRIES)
        {
            shop.take();
        }
        let shop = shop.get_or_insert_with(Shop::open);
        shop.inputs += 1;
        Visit::new(shop).all(input);
    });
}

/// A clock that stands still: the same input is answered the same way.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW)
    }
}

/// A server without its connections.
struct Shop {
    engine: Arc<Engine>,
    router: Router,
    calls: Calls,
    inputs: u64,
    runtime: Runtime,
    // Dropped last.
    _dir: TempDir,
}

impl Shop {
    fn open() -> Self {
        let dir = folder();
        let options = EngineOptions {
            partitions: Some(PARTITIONS),
            segment_bytes: 4 << 20,
            clock: Arc::new(Still),
            ..EngineOptions::default()
        };
        let mut registry = Registry::default();
        let opened = Engine::open(dir.path(), options, &mut registry, &mut |_, _, _| {});
        let (engine, _) = opened.unwrap_or_else(|error| panic!("no engine: {error}"));
        let router = http(app(Arc::clone(&engine), registry, Options::default()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        Self {
            engine,
            router,
            calls: Calls::documented(),
            inputs: 0,
            runtime: runtime.expect("the system gives a runtime"),
            _dir: dir,
        }
    }

    fn positions(&self) -> Vec<u64> {
        let position = |partition| self.engine.table(partition).position().seq.0;
        (0..PARTITIONS).map(position).collect()
    }

    fn written(&self) -> u64 {
        self.positions().iter().sum()
    }

    /// How many entries clients wrote since these positions. Others are the engine's own, and may come at any time.
    fn written_since(&self, before: &[u64]) -> usize {
        let mut count = 0;
        for (partition, (before, now)) in (0..).zip(before.iter().zip(self.positions())) {
            let entries = (before + 1..=now).map(|seq| self.engine.entry(partition, Seq(seq)));
            count += entries
                .map(|entry| {
                    entry
                        .ok()
                        .flatten()
                        .expect("what the table shows is in the ledger")
                })
                .filter(|entry| {
                    !matches!(
                        entry.event,
                        Event::Announced(_) | Event::HandedOver(_) | Event::Expired(_)
                    )
                })
                .count();
        }
        count
    }
}

/// In memory if the system has such a folder: the target is about requests, not about the disk.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let dir = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    dir.expect("the system gives a folder")
}

/// One input's requests.
struct Visit<'a> {
    shop: &'a Shop,
    reservation: String,
    transfer: String,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl<'a> Visit<'a> {
    fn new(shop: &'a Shop) -> Self {
        Self {
            shop,
            reservation: "r0-0".into(),
            transfer: "t0-0-0".into(),
        }
    }

    fn all(mut self, input: &[u8]) {
        for text in pieces(input).into_iter().take(MOST_REQUESTS) {
            let text = self.filled_in(text);
            // What hyper would not take for a request never comes to the router.
            if request(&text).is_some() {
                self.one(&text);
            }
        }
    }

    fn filled_in(&self, text: &[u8]) -> Vec<u8> {
        let number = self.shop.inputs.to_string();
        let text = replaced(text, b"$N", number.as_bytes());
        let text = replaced(&text, b"$R", self.reservation.as_bytes());
        replaced(&text, b"$T", self.transfer.as_bytes())
    }

    fn one(&mut self, text: &[u8]) {
        let before = self.shop.positions();
        let (method, uri, reply) = self.send(text);
        check(&self.shop.calls, &method, &uri, &reply);
        let written = self.shop.written_since(&before);
        let is_write = method == Method::POST && reply.status.is_success();
        assert!(
            written == 0 || is_write,
            "{method} {uri}: {} and {written} entries",
            reply.status
        );
        if written > 0 {
            self.again(text, &reply);
            self.remember(&reply);
        }
    }

    fn send(&self, text: &[u8]) -> (Method, Uri, Reply) {
        let request = request(text).expect("it was a request before");
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let reply = self.shop.runtime.block_on(async {
            let answer = self.shop.router.clone().oneshot(request).await;
            let (head, body) = answer.unwrap_or_else(|never| match never {}).into_parts();
            let body = to_bytes(body, usize::MAX)
                .await
                .expect("an answer is whole");
            Reply {
                status: head.status,
                headers: head.headers,
                body: body.into(),
            }
        });
        (method, uri, reply)
    }

    /// The same request once more.
    fn again(&self, text: &[u8], first: &Reply) {
        let before = self.shop.positions();
        let (_, uri, reply) = self.send(text);
        assert_eq!(
            self.shop.written_since(&before),
            0,
            "{uri}: a repeat was written again"
        );
        assert_eq!(
            reply.status, first.status,
            "{uri}: a repeat has another status"
        );
        // A batch says of each reservation whether it is a repeat.
        if !uri.path().ends_with("/batch") {
            assert_eq!(
                reply.body, first.body,
                "{uri}: a repeat is answered differently"
            );
            assert!(
                reply.headers.contains_key("idempotent-replayed"),
                "{uri}: a repeat does not say so"
            );
        }
    }

    fn remember(&mut self, reply: &Reply) {
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        match answer["id"].as_str() {
            Some(id) if id.starts_with('r') => self.reservation = id.into(),
            Some(id) => self.transfer = id.into(),
            None => {}
        }
    }
}

fn pieces(input: &[u8]) -> Vec<&[u8]> {
    const BETWEEN: &[u8] = b"\n---\n";
    let mut pieces = Vec::new();
    let mut rest = input;
    while let Some(at) = find(rest, BETWEEN) {
        pieces.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    pieces.push(rest);
    pieces
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn replaced(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let (mut done, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = find(rest, what) {
        done.extend_from_slice(&rest[..at]);
        done.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    done.extend_from_slice(rest);
    done
}

/// The request that a text is.
fn request(text: &[u8]) -> Option<Request<Body>> {
    let (head, body) = match find(text, b"\n\n") {
        Some(at) => (&text[..at], &text[at + 2..]),
        None => (text, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut line = lines.next()?.splitn(2, |byte| *byte == b' ');
    let mut request = Request::builder().method(line.next()?).uri(line.next()?);
    for line in lines {
        let mut header = line.splitn(2, |byte| *byte == b':');
        request = request.header(header.next()?, header.next()?.trim_ascii());
    }
    request.body(Body::from(body.to_vec())).ok()
}

/// The calls of the OpenAPI document.
struct Calls(Vec<Call>);

struct Call {
    method: String,
    path: Vec<String>,
    statuses: BTreeSet<String>,
}

impl Calls {
    fn documented() -> Self {
        let document =
            serde_json::to_value(onhand_server::openapi()).expect("the document is plain data");
        let paths = document["paths"].as_object().expect("it has paths");
        let calls = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(|(method, call)| Call {
                method: method.to_uppercase(),
                path: path.split('/').map(str::to_owned).collect(),
                statuses: call["responses"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(status, _)| status.clone())
                    .collect(),
            })
        });
        Self(calls.collect())
    }

    /// Whether a call may be answered with a status.
    fn allow(&self, method: &Method, uri: &Uri, status: StatusCode) -> bool {
        let method = if method == Method::HEAD {
            "GET"
        } else {
            method.as_str()
        };
        let mut at_path = self
            .0
            .iter()
            .filter(|call| call.is_at(uri.path()))
            .peekable();
        if at_path.peek().is_none() {
            return is_elsewhere(uri.path(), status);
        }
        // An empty parameter is one in the middle of a path, and none at its end.
        let may_be_missing = uri.path().ends_with('/') && status == StatusCode::NOT_FOUND;
        may_be_missing
            || at_path.any(|call| match call.method == method {
                true => call.statuses.contains(status.as_str()),
                false => status == StatusCode::METHOD_NOT_ALLOWED,
            })
    }
}

impl Call {
    fn is_at(&self, path: &str) -> bool {
        let mut found = path.split('/');
        let is_same = self.path.iter().all(|segment| match found.next() {
            Some(found) => segment.starts_with('{') || segment == found,
            None => false,
        });
        is_same && found.next().is_none()
    }
}

/// The pages of the documentation are for people and not in the document; there is nothing else.
fn is_elsewhere(path: &str, status: StatusCode) -> bool {
    let is_page = path == "/docs" || path.starts_with("/docs/");
    let is_missing = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status);
    is_missing || (is_page && (status.is_success() || status.is_redirection()))
}

fn check(calls: &Calls, method: &Method, uri: &Uri, reply: &Reply) {
    let Reply {
        status,
        headers,
        body,
    } = reply;
    assert!(
        !status.is_server_error(),
        "{method} {uri}: {status} {}",
        String::from_utf8_lossy(body)
    );
    assert!(
        calls.allow(method, uri, *status),
        "{method} {uri}: {status} is not documented"
    );
    if method == Method::HEAD {
        return;
    }
    let kind = headers
        .get("content-type")
        .map_or(&b""[..], |kind| kind.as_bytes());
    if status.is_client_error() {
        assert_eq!(
            kind, b"application/problem+json",
            "{method} {uri}: {status}"
        );
        is_problem(*status, body);
    } else if kind == b"application/json" {
        serde_json::from_slice::<Value>(body)
            .unwrap_or_else(|error| panic!("{method} {uri}: no JSON: {error}"));
    }
}

fn is_problem(status: StatusCode, body: &[u8]) {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let says = |field: &str| problem[field].as_str().is_some_and(|text| !text.is_empty());
    let has_type = problem["type"]
        .as_str()
        .is_some_and(|name| name.starts_with("urn:onhand:problem:"));
    let is_sound =
        has_type && says("title") && says("detail") && problem["status"] == status.as_u16();
    assert!(is_sound, "{status}: no problem document: {problem}");
}
