//! What the clients share: the levels that they work on, and where the server is.

use crate::history::History;
use crate::level::OPENING;
use crate::support::{Client, Dice};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Where the levels are: in both partitions.
const LOCATIONS: [&str; 3] = ["cork", "dublin", "galway"];
/// Levels that are worked on at the same time: one at each location.
const HOT: usize = LOCATIONS.len();
/// Requests to a level, about, until the clients go on to fresh ones: the bound of what one search has to explain.
const REQUESTS: usize = 200;
/// How often the clients go on.
const ROUNDS: usize = 16;

pub(crate) struct Shop {
    pub(crate) objects: Vec<Object>,
    /// Where the server listens now.
    pub(crate) port: AtomicU16,
    turns: AtomicUsize,
    names: AtomicU32,
    ids: Mutex<BTreeSet<String>>,
}

/// One level, what was asked of it, and its reservations.
pub(crate) struct Object {
    pub(crate) location: &'static str,
    pub(crate) sku: String,
    history: Mutex<History>,
    reservations: Mutex<Vec<Known>>,
}

/// A reservation whose identifier was told.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) name: u32,
    pub(crate) id: String,
}

impl Shop {
    pub(crate) fn new(port: u16) -> Self {
        let object = |number| Object {
            location: LOCATIONS[number % HOT],
            sku: format!("sku-{number}"),
            history: Mutex::default(),
            reservations: Mutex::default(),
        };
        Self {
            objects: (0..HOT * ROUNDS).map(object).collect(),
            port: AtomicU16::new(port),
            turns: AtomicUsize::new(0),
            names: AtomicU32::new(0),
            ids: Mutex::default(),
        }
    }

    /// Receives the opening stock of all levels.
    pub(crate) fn open(&self, address: SocketAddr) {
        let mut client = Client::new(address);
        for object in &self.objects {
            let line = json!({"sku": object.sku, "quantity": OPENING});
            let body = json!({"location": object.location, "lines": [line]}).to_string();
            let answer = client.post("/v1/stock/receipts", &object.sku, &body);
            assert_eq!(answer.unwrap().status, 201);
        }
    }

    /// The place of the level to go to next; `None` at the end of the day.
    pub(crate) fn next(&self, dice: &mut Dice) -> Option<usize> {
        let round = self.turns.fetch_add(1, Ordering::AcqRel) / (HOT * REQUESTS);
        (round < ROUNDS).then(|| round * HOT + dice.roll(HOT as u64) as usize)
    }

    /// A name for a reservation.
    pub(crate) fn name(&self) -> u32 {
        self.names.fetch_add(1, Ordering::AcqRel)
    }

    /// Notes an identifier; `false` if another reservation has it.
    pub(crate) fn is_new(&self, id: &str) -> bool {
        self.ids.lock().unwrap().insert(id.to_owned())
    }
}

impl Object {
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap()
    }

    pub(crate) fn remember(&self, known: Known) {
        self.reservations.lock().unwrap().push(known);
    }

    /// One of the latest reservations.
    pub(crate) fn recent(&self, dice: &mut Dice) -> Option<Known> {
        let known = self.reservations.lock().unwrap();
        let latest = known.len().min(6);
        (latest > 0).then(|| known[known.len() - 1 - dice.roll(latest as u64) as usize].clone())
    }

    /// The identifier behind a name.
    pub(crate) fn id(&self, name: u32) -> String {
        let known = self.reservations.lock().unwrap();
        let found = known.iter().rfind(|known| known.name == name);
        found.map(|known| known.id.clone()).unwrap()
    }
}
