//! The state of a partition, and the two functions that everything rests on.
//!
//! [`State::decide`] looks and never changes: it gives the outcome of a command at a time. [`State::apply`] changes and
//! never decides: it adds up an entry. A leader decides, appends and applies; a replay and a follower only apply.

use crate::ahead::Ahead;
use crate::catalogue::Catalogue;
use crate::command::Command;
use crate::directory::Directory;
use crate::draft::{Draft, Opening};
use crate::entry::{Entry, Event, Stamp};
use crate::facts::push;
use crate::invariant::{Invariant, Violation};
use crate::journal::{self, Change, Journal};
use crate::keys::{Key, Keys};
use crate::level::{Bucket, Movement};
use crate::lines::Few;
use crate::name::{LocationId, Sku};
use crate::numbers::{LevelNo, LocationNo, Seq};
use crate::refusal::Refusal;
use crate::reservation::{Reservations, confirm, expire, extend, fulfill, hold, release};
use crate::settings::Settings;
use crate::stock::{adjust, count, observe, receive, sell, set_policy};
use crate::time::Timestamp;
use crate::totals::Totals;
use crate::transfer::{Transfers, announce, arrive, dispatch, hand_over};
use onhand_planted::Defect;

/// How many forgotten things of each kind one entry may clear away: enough to keep up, little enough not to stall.
const FORGET: usize = 4;

/// All that a partition knows.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) partition: u16,
    pub(crate) settings: Settings,
    pub(crate) last: Stamp,
    pub(crate) directory: Directory,
    pub(crate) reservations: Reservations,
    pub(crate) transfers: Transfers,
    pub(crate) keys: Keys,
    pub(crate) journal: Journal,
    pub(crate) totals: Totals,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is to be recorded: this entry follows.
    Record(Box<Entry>),
    /// The same request was answered before, by the entry at this position.
    Repeat(Seq),
    /// It is done already and nothing needs to be recorded.
    Nothing,
    /// It is refused; nothing changes.
    Refuse(Refusal),
}

impl State {
    /// The state of a new partition.
    pub fn new(partition: u16) -> Self {
        Self {
            partition,
            ..Self::default()
        }
    }

    /// The number of the partition.
    pub fn partition(&self) -> u16 {
        self.partition
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Position and time of the last entry; zero before the first.
    pub fn last(&self) -> Stamp {
        self.last
    }

    /// The levels and the names behind their numbers.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The reservations.
    pub fn reservations(&self) -> &Reservations {
        &self.reservations
    }

    /// The transfers.
    pub fn transfers(&self) -> &Transfers {
        &self.transfers
    }

    /// Running sums over all movements.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// How many idempotency keys are kept.
    pub fn keys(&self) -> u64 {
        self.keys.queue().back() - self.keys.queue().front()
    }

    /// How many changes of on hand are kept for counts as of the past.
    pub fn changes(&self) -> u64 {
        self.journal.back() - self.journal.front()
    }

    /// The time at which something at `clock` happens: the ledger's time never goes back.
    pub fn now(&self, clock: Timestamp) -> Timestamp {
        match Defect::ClockTakenAsItIs.is_on() {
            true => clock,
            false => clock.max(self.last.at),
        }
    }

    /// The next expiry that is due at `clock`, as the entry to record. Every one must be applied before a command is
    /// decided at that time.
    pub fn expire(&self, clock: Timestamp) -> Option<Entry> {
        let now = self.now(clock);
        let expired = expire::decide(self, now)?;
        Some(self.entry(now, None, Vec::new(), Event::Expired(expired)))
    }

    /// The outcome of a command at `clock`.
    pub fn decide(&self, clock: Timestamp, key: Option<Key>, command: &Command) -> Decision {
        self.decide_ahead(clock, key, command, &Ahead::default())
    }

    /// The outcome of a command at `clock`, of which [`State::look_ahead`] has found this.
    pub fn decide_ahead(
        &self,
        clock: Timestamp,
        key: Option<Key>,
        command: &Command,
        ahead: &Ahead,
    ) -> Decision {
        let now = self.now(clock);
        debug_assert!(
            self.reservations.first_due(now).is_none(),
            "expiries come first"
        );
        let remembered = key.and_then(|key| self.keys.find(&key, self.settings.key_retention, now));
        if let (Some(key), Some(remembered)) = (key, remembered) {
            let is_same = remembered.key.fingerprint == key.fingerprint;
            return if is_same || Defect::KeyBodyIgnored.is_on() {
                Decision::Repeat(remembered.seq)
            } else {
                Decision::Refuse(Refusal::KeyReused)
            };
        }
        match self.outcome(now, command, ahead) {
            Ok(Some((openings, event))) => {
                Decision::Record(Box::new(self.entry(now, key, openings, event)))
            }
            Ok(None) => Decision::Nothing,
            Err(refusal) => Decision::Refuse(refusal),
        }
    }

    fn entry(
        &self,
        at: Timestamp,
        key: Option<Key>,
        openings: Vec<Opening>,
        event: Event,
    ) -> Entry {
        let seq = self.last.seq.next();
        Entry {
            stamp: Stamp { seq, at },
            key,
            openings,
            event,
        }
    }

    fn outcome(
        &self,
        now: Timestamp,
        command: &Command,
        ahead: &Ahead,
    ) -> Result<Option<(Vec<Opening>, Event)>, Refusal> {
        let event = match command {
            Command::Configure(settings) if *settings == self.settings => return Ok(None),
            Command::Configure(settings) => Event::Configured(*settings),
            Command::Receive(command) => {
                let (openings, event) = receive::decide(self, now, command)?;
                return Ok(Some((openings, Event::Received(event))));
            }
            Command::Count(command) => {
                let (openings, event) = count::decide(self, now, command)?;
                return Ok(Some((openings, Event::Counted(event))));
            }
            Command::Sell(command) => {
                let (openings, event) = sell::decide(self, now, command)?;
                return Ok(Some((openings, Event::Sold(event))));
            }
            Command::Observe(command) => {
                let (openings, event) = observe::decide(self, now, command)?;
                return Ok(Some((openings, Event::Observed(event))));
            }
            Command::Push(command) => {
                let (openings, event) = push::decide(self, command)?;
                return Ok(Some((openings, Event::Pushed(event))));
            }
            Command::Announce(command) => {
                let announced = announce::decide(self, command)?;
                return Ok(announced.map(|(openings, event)| (openings, Event::Announced(event))));
            }
            Command::Adjust(command) => Event::Adjusted(adjust::decide(self, now, command)?),
            Command::SetPolicy(command) => Event::PolicySet(set_policy::decide(self, command)?),
            Command::Hold(command) => Event::Held(hold::decide(self, now, command, ahead)?),
            Command::Confirm(command) => Event::Confirmed(confirm::decide(self, command)?),
            Command::Extend(command) => Event::Extended(extend::decide(self, now, command)?),
            Command::Release(command) => Event::Released(release::decide(self, command)?),
            Command::Fulfill(command) => Event::Fulfilled(fulfill::decide(self, now, command)?),
            Command::Dispatch(command) => Event::Dispatched(dispatch::decide(self, command)?),
            Command::HandOver(command) => Event::HandedOver(hand_over::decide(self, command)?),
            Command::Arrive(command) => Event::Arrived(arrive::decide(self, command)?),
        };
        Ok(Some((Vec::new(), event)))
    }

    /// Adds up an entry.
    ///
    /// # Errors
    /// The entry does not fit the state: it breaks a numbered invariant. The state must not be used any more; it is
    /// rebuilt from the ledger, which never holds such an entry unless it was damaged.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Violation> {
        self.admit(entry)?;
        self.open(entry)?;
        self.check_is_there(entry)?;
        let changes = self.journal.back();
        let mut outcome = Ok(());
        entry.event.movements(&mut |movement| {
            if outcome.is_ok() {
                outcome = self.post(&movement, entry);
            }
        });
        outcome?;
        self.check_never_oversold(entry)?;
        self.settle(entry);
        self.last = entry.stamp;
        self.totals.entries += 1;
        if let Some(key) = entry.key {
            self.keys.remember(key, entry.stamp.seq, entry.stamp.at);
        }
        let changes = (self.journal.back() - changes) as usize;
        self.forget(entry.stamp.at, changes);
        Ok(())
    }

    fn open(&mut self, entry: &Entry) -> Result<(), Violation> {
        for Opening { location, sku } in &entry.openings {
            if self.directory.open(location, sku).is_none() {
                let what = format!("there is no number left for {location}/{sku}");
                return Err(Violation::new(Invariant::Bounds, entry.stamp, what));
            }
        }
        Ok(())
    }

    fn post(&mut self, movement: &Movement, entry: &Entry) -> Result<(), Violation> {
        if movement.units == 0 {
            return Ok(());
        }
        self.directory
            .post(movement)
            .map_err(|level| Violation::new(Invariant::Bounds, entry.stamp, self.name_of(level)))?;
        self.totals.post(movement);
        let units = movement.on_hand_change();
        if units != 0 && !entry.event.mends_the_record(movement) {
            let occurred_at = entry.event.occurred_at().unwrap_or(entry.stamp.at);
            self.note_change(movement.level, units, entry.stamp.at, occurred_at);
        }
        Ok(())
    }

    fn note_change(
        &mut self,
        no: LevelNo,
        units: i64,
        recorded_at: Timestamp,
        occurred_at: Timestamp,
    ) {
        let Some(level) = self.directory.level_mut(no) else {
            return;
        };
        let change = Change {
            recorded_at,
            occurred_at,
            units: units as i32,
            before: level.last_change,
            level: no,
        };
        level.last_change = journal::record(&mut self.journal, change);
    }

    fn settle(&mut self, entry: &Entry) {
        let stamp = &entry.stamp;
        match &entry.event {
            Event::Configured(settings) => self.settings = *settings,
            Event::Counted(event) => event.settle(self),
            Event::PolicySet(event) => event.settle(self),
            Event::Held(event) => event.settle(self, stamp),
            Event::Confirmed(event) => event.settle(self),
            Event::Extended(event) => event.settle(self),
            Event::Released(event) => event.settle(self, stamp),
            Event::Expired(event) => event.settle(self, stamp),
            Event::Fulfilled(event) => event.settle(self, stamp),
            Event::Dispatched(event) => event.settle(self),
            Event::Announced(event) => event.settle(self),
            Event::HandedOver(event) => event.settle(self),
            Event::Arrived(event) => event.settle(self, stamp),
            Event::Received(_)
            | Event::Adjusted(_)
            | Event::Sold(_)
            | Event::Observed(_)
            | Event::Pushed(_) => {}
        }
    }

    /// Forgets what is past its window. An entry of many changes clears as many, or the journal would only grow.
    fn forget(&mut self, now: Timestamp, changes: usize) {
        let Settings {
            key_retention,
            ended_retention,
            count_window,
            ..
        } = self.settings;
        if Defect::NothingForgotten.is_on() {
            return;
        }
        self.keys.forget(key_retention, now, FORGET);
        self.reservations.forget(ended_retention, now, FORGET);
        self.transfers.forget(ended_retention, now, FORGET);
        if Defect::ChangesPileUp.is_on() {
            return;
        }
        let horizon = now.minus(count_window);
        journal::forget(&mut self.journal, horizon, FORGET + changes);
    }

    pub(crate) fn check_room_for(&self, draft: &Draft<'_>) -> Result<(), Refusal> {
        let levels = (self.directory.len() + draft.opening_count()) as u64;
        let most = self.settings.most_levels.min(Catalogue::MOST_LEVELS.into());
        let has_room = draft.opening_count() == 0 || levels <= most;
        has_room.then_some(()).ok_or(Refusal::Full("stock levels"))
    }

    pub(crate) fn location(&self, location: &LocationId) -> Result<LocationNo, Refusal> {
        self.directory
            .location(location)
            .ok_or_else(|| Refusal::UnknownLocation(location.clone()))
    }

    pub(crate) fn level(
        &self,
        location: LocationNo,
        line: usize,
        sku: &Sku,
    ) -> Result<LevelNo, Refusal> {
        let sku_no = self.directory.sku(sku);
        sku_no
            .and_then(|sku| self.directory.level_no(location, sku))
            .ok_or_else(|| Refusal::UnknownSku {
                line,
                sku: sku.clone(),
            })
    }

    pub(crate) fn levels<'a>(
        &self,
        location: LocationNo,
        skus: impl Iterator<Item = &'a Sku>,
    ) -> Result<Few<LevelNo>, Refusal> {
        skus.enumerate()
            .map(|(line, sku)| self.level(location, line, sku))
            .collect()
    }

    /// The SKU of a level that exists.
    pub fn sku_of(&self, no: LevelNo) -> Sku {
        let (_, sku) = self.directory.names(no).unwrap_or_default();
        Sku::new(self.directory.sku_name(sku)).expect("the directory holds only valid names")
    }

    /// The name of a location that exists.
    pub fn location_of(&self, no: LocationNo) -> LocationId {
        LocationId::new(self.directory.location_name(no))
            .expect("the directory holds only valid names")
    }

    pub(crate) fn name_of(&self, no: LevelNo) -> String {
        let (location, sku) = self.directory.names(no).unwrap_or_default();
        let location = self.directory.location_name(location);
        format!("{location}/{} (level {no})", self.directory.sku_name(sku))
    }

    /// Units in a bucket, summed over all levels: what [`Totals`] must agree with.
    pub fn sum_of(&self, bucket: Bucket) -> i128 {
        let units = self
            .directory
            .iter()
            .map(|(_, level)| level.units_in(bucket));
        units.map(i128::from).sum()
    }
}
