//! The naive twin: the rules of the ledger once more, written as plainly as they can be said.
//!
//! It shares nothing with the core: numbers are `i64`, on hand is a number of its own and not a sum of buckets, due
//! reservations are searched for among all open ones, and ended ones are never thrown away. Where twin and core
//! differ, one of them does not do what `docs/semantics.md` says.
//!
//! One [`Twin`] is one partition. Whatever is refused leaves no trace: every request is decided on a tray of copied
//! shelves (`shelf`), and only what is recorded is put back.
//!
//! ## What may be forgotten
//!
//! The ledger keeps a key, an ended reservation, an arrived transfer and a change of on hand for a time, and forgets
//! them *some time* after that, when an entry is recorded. The twin forgets nothing that shows. It keeps, for each
//! kind, the moment before which things may be gone, and says [`Outcome::Either`] where both answers are right. Two
//! requests would change the ledger in one case and not in the other, so that no answer can be foretold: a workload
//! asks [`Twin::foresees`] first, and leaves them out.

mod facts;
mod promises;
mod shelf;
mod stock;
mod told;
mod transfers;

pub use promises::{Promise, PromiseLine};
pub use shelf::Shelf;
pub use told::{Change, Limits, Outcome, Record, Remark, Said, Told};
pub use transfers::Incoming;

use crate::ask::{Ask, Labels, Millis, Parcel, Rules, TransferName};
use shelf::{Shelves, Tray};
use std::collections::{BTreeMap, BTreeSet};
use transfers::Step;

/// 1970-01-01T00:00:00Z: the time of a ledger without entries.
const BEGIN: Millis = -1_772_409_600_000;
/// 9999-12-31T23:59:59.999Z: no reservation expires later.
const END: Millis = 253_402_300_799_999 + BEGIN;

/// One partition, as it should be.
#[derive(Clone, Debug)]
pub struct Twin {
    partition: u16,
    now: Millis,
    position: u64,
    rules: Rules,
    gone: Gone,
    shelves: Shelves,
    promises: Vec<Promise>,
    /// The promises that are held or confirmed, so that the others need not be looked at.
    open: BTreeSet<u64>,
    dispatched: u64,
    outbox: BTreeMap<u64, Parcel>,
    incoming: BTreeMap<TransferName, Incoming>,
    /// By source: transfers with a lower number will not be announced again.
    settled: BTreeMap<u16, u64>,
    keys: BTreeMap<u64, Used>,
}

/// The newest use of a key.
#[derive(Clone, Debug)]
struct Used {
    ask: Ask,
    at: Millis,
    position: u64,
}

/// Before these moments things may be forgotten. They only go on, also when something is to be kept for longer.
#[derive(Clone, Copy, Debug)]
struct Gone {
    keys: Millis,
    ended: Millis,
    changes: Millis,
}

/// What is to be recorded.
struct Plan {
    event: &'static str,
    tray: Tray,
    then: Then,
    when: Option<Millis>,
    yes: Option<bool>,
    remarks: Vec<Remark>,
}

impl Plan {
    fn new(event: &'static str, tray: Tray) -> Self {
        Self::then(event, tray, Then::Nothing)
    }

    fn then(event: &'static str, tray: Tray, then: Then) -> Self {
        Self {
            event,
            tray,
            then,
            when: None,
            yes: None,
            remarks: Vec::new(),
        }
    }

    fn saying(event: &'static str, tray: Tray, remarks: Vec<Remark>) -> Self {
        Self::new(event, tray).remarking(remarks)
    }

    fn remarking(self, remarks: Vec<Remark>) -> Self {
        Self { remarks, ..self }
    }

    /// It tells of a moment.
    fn of(self, when: Millis) -> Self {
        let when = Some(when);
        Self { when, ..self }
    }

    /// It says yes or no.
    fn answering(self, yes: bool) -> Self {
        let yes = Some(yes);
        Self { yes, ..self }
    }
}

/// What changes beside the shelves.
enum Then {
    Nothing,
    Rules(Rules),
    /// This promise is new, or stands like that now.
    Promise(u64, Promise),
    Transfer(TransferName, Step),
}

impl Then {
    fn parcel(&self) -> Option<&Parcel> {
        match self {
            Self::Transfer(_, Step::Dispatch(parcel) | Step::Announce(parcel)) => Some(parcel),
            _ => None,
        }
    }
}

/// What comes of a request: what is to be recorded if anything, or why it is refused.
type Decision = Result<Option<Plan>, String>;

impl Twin {
    /// A partition without entries, with the rules that it begins with.
    pub fn new(partition: u16) -> Self {
        Self {
            partition,
            now: BEGIN,
            position: 0,
            rules: Rules::default(),
            gone: Gone {
                keys: BEGIN,
                ended: BEGIN,
                changes: BEGIN,
            },
            shelves: Shelves::default(),
            promises: Vec::new(),
            open: BTreeSet::new(),
            dispatched: 0,
            outbox: BTreeMap::new(),
            incoming: BTreeMap::new(),
            settled: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// Its number.
    pub fn partition(&self) -> u16 {
        self.partition
    }

    /// The time of the last entry.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// The position of the last entry, 0 before the first: how many there are.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The settings in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// When a key was last used.
    pub fn used(&self, key: u64) -> Option<Millis> {
        self.keys.get(&key).map(|used| used.at)
    }

    /// A shelf, if the item was ever stocked in the shop.
    pub fn shelf(&self, shop: usize, item: usize) -> Option<&Shelf> {
        self.shelves.get(shop, item)
    }

    /// All shelves, by shop and item.
    pub fn shelves(&self) -> impl Iterator<Item = &Shelf> {
        self.shelves.iter()
    }

    /// Records what is due at `clock`, then decides the request and records it if it is to be.
    pub fn ask(&mut self, clock: Millis, key: Option<u64>, ask: &Ask) -> Told {
        let mut entries = self.expire_due(clock);
        let now = self.now.max(clock);
        let outcome = match self.decide(now, key, ask) {
            Ok(plan) => {
                let labels = ask.labels();
                entries.push(Record {
                    labels,
                    ..self.record(now, plan)
                });
                if let Some(key) = key {
                    let (ask, position) = (ask.clone(), self.position);
                    self.keys.insert(
                        key,
                        Used {
                            ask,
                            at: now,
                            position,
                        },
                    );
                }
                Outcome::Recorded(entries.len() - 1)
            }
            Err(outcome) => outcome,
        };
        Told { entries, outcome }
    }

    /// Records all expiries that are due at `clock`, in order.
    pub fn expire_due(&mut self, clock: Millis) -> Vec<Record> {
        std::iter::from_fn(|| self.expire_one(clock)).collect()
    }

    /// Records the next expiry that is due at `clock`, if any.
    pub fn expire_one(&mut self, clock: Millis) -> Option<Record> {
        let now = self.now.max(clock);
        let plan = self.expiry(now)?;
        Some(self.record(now, plan))
    }

    /// Whether the rules leave one answer only, refusals apart.
    ///
    /// They leave two for a key that may be forgotten since a time when keys were kept for less long, and for a count of
    /// a time from which changes may be forgotten like that. What is asked now is decided later, and the clock may go
    /// back until then, but not to before the last entry: so what is too old is what was too old then.
    pub fn foresees(&self, key: Option<u64>, ask: &Ask) -> bool {
        let is_kept = |at: Millis, kept: Millis| self.now - at <= kept;
        let used = key.and_then(|key| self.keys.get(&key));
        let may_know = used.is_some_and(|used| {
            used.at < self.gone.keys && is_kept(used.at, self.rules.key_retention)
        });
        !may_know
            && match ask {
                Ask::Count { as_of, .. } => {
                    *as_of >= self.gone.changes || !is_kept(*as_of, self.rules.count_window)
                }
                _ => true,
            }
    }

    fn decide(&self, now: Millis, key: Option<u64>, ask: &Ask) -> Result<Plan, Outcome> {
        let used = key.and_then(|key| self.keys.get(&key));
        if let Some(used) = used.filter(|used| now - used.at <= self.rules.key_retention) {
            return Err(match used.ask == *ask {
                true => Outcome::Repeated(used.position),
                false => Outcome::Refused("key reused".to_owned()),
            });
        }
        match self.plan(now, ask) {
            Ok(plan) => plan.ok_or(Outcome::Nothing),
            Err(why) => Err(match self.may_be_unknown(ask) {
                Some(unknown) => Outcome::Either(why, unknown.to_owned()),
                None => Outcome::Refused(why),
            }),
        }
    }

    fn plan(&self, now: Millis, ask: &Ask) -> Decision {
        let plan = match ask {
            Ask::Settings(rules) if *rules == self.rules => return Ok(None),
            Ask::Announce(parcel) if self.was_announced(parcel.name) => return Ok(None),
            Ask::Settings(rules) => Plan::then("configured", Tray::default(), Then::Rules(*rules)),
            Ask::Receive {
                shop,
                lines,
                happened,
            } => self.receive(now, *shop, lines, *happened)?,
            Ask::Adjust {
                shop,
                lines,
                happened,
            } => self.adjust(now, *shop, lines, *happened)?,
            Ask::Count {
                shop,
                as_of,
                complete,
                lines,
            } => self.count(now, *shop, *as_of, *complete, lines)?,
            Ask::Sell {
                shop,
                lines,
                happened,
            } => self.sell(now, *shop, lines, *happened)?,
            Ask::Observe { shop, looks } => self.observe(now, *shop, looks)?,
            Ask::Push { shop, values } => self.push(*shop, values)?,
            Ask::Policy { shop, rules } => self.policy(now, *shop, rules)?,
            Ask::Hold {
                shop,
                lines,
                ttl,
                partial,
            } => self.hold(now, *shop, lines, *ttl, *partial)?,
            Ask::Confirm(no) => self.confirm(*no)?,
            Ask::Extend(no, ttl) => self.extend(now, *no, *ttl)?,
            Ask::Release(no) => self.release(now, *no)?,
            Ask::Fulfill {
                no,
                picks,
                happened,
            } => self.fulfill(now, *no, picks, *happened)?,
            Ask::Dispatch { from, to, lines } => self.dispatch(now, *from, *to, lines)?,
            Ask::Announce(parcel) => self.announce(parcel)?,
            Ask::HandOver(name) => self.hand_over(name.no)?,
            Ask::Arrive(name) => self.arrive(now, *name)?,
        };
        Ok(Some(plan))
    }

    /// What a refusal may say instead, because the ledger may have forgotten what the request names.
    fn may_be_unknown(&self, ask: &Ask) -> Option<&'static str> {
        match ask {
            Ask::Confirm(no) | Ask::Extend(no, _) | Ask::Release(no) | Ask::Fulfill { no, .. } => {
                (!self.is_promise_kept(*no)).then_some("unknown reservation")
            }
            Ask::Arrive(name) => (!self.is_transfer_kept(*name)).then_some("unknown transfer"),
            _ => None,
        }
    }

    fn record(&mut self, now: Millis, plan: Plan) -> Record {
        let Plan {
            event,
            tray,
            then,
            when,
            yes,
            remarks,
        } = plan;
        let parcel = then.parcel().cloned();
        let changes = self.shelves.put_back(tray, self.gone.changes);
        self.now = now;
        self.position += 1;
        let (reservation, transfer) = self.carry_out(then);
        self.gone.keys = self.gone.keys.max(now - self.rules.key_retention);
        self.gone.ended = self.gone.ended.max(now - self.rules.ended_retention);
        self.gone.changes = self.gone.changes.max(now - self.rules.count_window);
        Record {
            position: self.position,
            at: now,
            event,
            reservation,
            transfer,
            when,
            yes,
            parcel,
            changes,
            remarks,
            labels: Labels::default(),
        }
    }

    /// Changes what is not on shelves; gives the reservation or transfer that it is about.
    fn carry_out(&mut self, then: Then) -> (Option<u64>, Option<TransferName>) {
        match then {
            Then::Nothing => (None, None),
            Then::Rules(rules) => {
                self.rules = rules;
                (None, None)
            }
            Then::Promise(no, promise) => {
                self.put_promise(no, promise);
                (Some(no), None)
            }
            Then::Transfer(name, step) => {
                self.take_step(name, step);
                (None, Some(name))
            }
        }
    }

    /// When something happened: now if not said, never in the future.
    fn when(now: Millis, happened: Option<Millis>) -> Result<Millis, String> {
        match happened {
            Some(at) if at > now => Err("in future".to_owned()),
            Some(at) => Ok(at),
            None => Ok(now),
        }
    }

    /// Whether there may be so many shelves.
    fn has_room(&self, tray: &Tray) -> Result<(), String> {
        let shelves = (self.shelves.len() + tray.opened()) as u64;
        match tray.opened() > 0 && shelves > self.rules.most_levels {
            true => Err("full".to_owned()),
            false => Ok(()),
        }
    }
}
