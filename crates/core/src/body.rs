//! A partition's state as data: what a snapshot holds, and nothing that can be derived from it.

use crate::catalogue::{Catalogue, Extent};
use crate::directory::{Directory, LevelPages};
use crate::entry::Stamp;
use crate::invariant::{Invariant, Violation};
use crate::journal::{Change, Journal};
use crate::keys::{KeyQueue, Keys, Remembered};
use crate::level::{Bucket, Level};
use crate::numbers::{LevelNo, LocationNo, ReservationNo, Seq, SkuNo, TransferNo};
use crate::pages::Queue;
use crate::reservation::{EndedQueue, Kept, Reservation, Reservations};
use crate::settings::Settings;
use crate::sorted::Sorted;
use crate::state::State;
use crate::totals::Totals;
use crate::transfer::{Incoming, Outgoing, TransferId, Transfers};
use compact_str::CompactString;
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What stands once in a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The partition's number.
    pub partition: u16,
    /// The last entry that the state reflects.
    pub last: Stamp,
    /// The settings in force.
    pub settings: Settings,
    /// The running sums.
    pub totals: Totals,
    /// The number of the next transfer from here.
    pub next_transfer: u64,
    /// The number that the next reservation gets (in version 1 that of the first slot), and the first number in each
    /// queue: ended reservations, keys, changes, arrived transfers.
    pub fronts: [u64; 5],
}

/// A frozen state: cheap to take (pages are shared with the writer until it changes them), ready to be written.
#[derive(Clone, Debug)]
pub struct Body {
    head: Head,
    catalogue: Arc<Catalogue>,
    extent: Extent,
    levels: LevelPages,
    reservations: Kept,
    ended: EndedQueue,
    keys: KeyQueue,
    journal: Journal,
    transfers: Transfers,
}

/// One item of a snapshot. A snapshot is its items in order; its hash is the state hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Item {
    /// Comes first.
    Head(Head),
    /// A location, in the order of their numbers.
    Location(CompactString),
    /// A SKU, in the order of their numbers.
    Sku(CompactString),
    /// A level and whose it is, in the order of their numbers.
    Level(LocationNo, SkuNo, Level),
    /// A reservation slot, in the order of their numbers: in snapshots of version 1 only.
    Reservation(Option<Reservation>),
    /// An ended reservation, in the order they ended.
    Ended(ReservationNo),
    /// A remembered key, oldest first.
    Key(Remembered),
    /// A change of on hand, oldest first.
    Change(Change),
    /// A transfer in the outbox.
    Outgoing(TransferNo, Outgoing),
    /// A transfer to here.
    Incoming(TransferId, Incoming),
    /// An arrived transfer, in the order they arrived.
    Arrived(TransferId),
    /// A source's transfers with a lower number are settled there.
    Settled(u16, TransferNo),
    /// Comes last.
    End,
    /// A reservation that is kept, in the order of their numbers.
    Kept(ReservationNo, Reservation),
}

impl State {
    /// Freezes the state as it is, in microseconds.
    pub fn freeze(&self) -> Body {
        let catalogue = Arc::clone(self.directory.catalogue());
        let (reservations, ended) = self.reservations.freeze();
        let keys = match Defect::KeysNotInSnapshot.is_on() {
            true => Queue::starting_at(self.keys.queue().back()),
            false => self.keys.queue().clone(),
        };
        let mut transfers = self.transfers.clone();
        if Defect::OutboxNotInSnapshot.is_on() {
            transfers.outbox = Sorted::default();
        }
        let mut last = self.last;
        if Defect::SnapshotMissesABatch.is_on() {
            last.seq = last.seq.next();
        }
        let fronts = [
            reservations.next(),
            ended.front(),
            keys.front(),
            self.journal.front(),
            self.transfers.arrived.front(),
        ];
        Body {
            head: Head {
                partition: self.partition,
                last,
                settings: self.settings,
                totals: self.totals,
                next_transfer: self.transfers.next,
                fronts,
            },
            extent: catalogue.extent(),
            catalogue,
            levels: self.directory.pages().clone(),
            reservations,
            ended,
            keys,
            journal: self.journal.clone(),
            transfers,
        }
    }
}

impl Body {
    /// What stands once: position, settings, sums.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The entry that answered the oldest key that is kept, past its retention or not.
    pub fn oldest_key(&self) -> Option<Seq> {
        let oldest = self.keys.get(self.keys.front())?;
        Some(Remembered::from(oldest).seq)
    }

    /// How many items [`Body::items`] gives, about: for a progress bar.
    pub fn len(&self) -> usize {
        let queued =
            (self.keys.back() - self.keys.front()) + (self.journal.back() - self.journal.front());
        self.levels.len() + self.extent.skus as usize + self.reservations.len() + queued as usize
    }

    /// Whether the ledger was empty.
    pub fn is_empty(&self) -> bool {
        self.head.last == Stamp::default()
    }

    /// Whether the levels still add up to the movements (INV-02); else the first bucket in which they do not.
    pub fn check_conservation(&self) -> Result<(), Violation> {
        let mut sums = Bucket::ALL.map(|_| 0);
        for level in self.levels.iter() {
            let units = Bucket::ALL.map(|bucket| level.units_in(bucket));
            sums.iter_mut()
                .zip(units)
                .for_each(|(sum, units)| *sum += units);
        }
        let sums = Bucket::ALL.into_iter().zip(sums);
        for (bucket, levels) in sums.filter(|(bucket, _)| *bucket != Bucket::Outside) {
            let moved = self.head.totals.units_in(bucket);
            if levels != moved {
                let what = format!(
                    "{bucket:?}: the levels hold {levels}, the movements add up to {moved}"
                );
                return Err(Violation::new(
                    Invariant::Conservation,
                    self.head.last,
                    what,
                ));
            }
        }
        Ok(())
    }

    fn locations(&self) -> impl Iterator<Item = CompactString> + '_ {
        let all = (0..self.extent.locations).map(LocationNo);
        all.map(|no| self.catalogue.location_name(no).into())
    }

    fn skus(&self) -> impl Iterator<Item = CompactString> + '_ {
        let all = (0..self.extent.skus).map(SkuNo);
        all.map(|no| self.catalogue.sku_name(no).into())
    }

    fn levels(&self) -> impl Iterator<Item = Item> + '_ {
        let all = (0..self.extent.levels).map(LevelNo).zip(self.levels.iter());
        all.map(|(no, level)| {
            let (location, sku) = self.catalogue.names(no).unwrap_or_default();
            Item::Level(location, sku, *level)
        })
    }

    /// The items in their one order.
    pub fn items(&self) -> impl Iterator<Item = Item> + '_ {
        let transfers = &self.transfers;
        std::iter::once(Item::Head(self.head))
            .chain(self.locations().map(Item::Location))
            .chain(self.skus().map(Item::Sku))
            .chain(self.levels())
            .chain(
                self.reservations
                    .iter()
                    .map(|(no, one)| Item::Kept(no, one.clone())),
            )
            .chain(self.ended.iter().map(|(_, no)| Item::Ended(*no)))
            .chain(self.keys.iter().map(|(_, key)| Item::Key(key.into())))
            .chain(self.journal.iter().map(|(_, change)| Item::Change(*change)))
            .chain(
                transfers
                    .outbox
                    .iter()
                    .map(|(no, one)| Item::Outgoing(no, one.clone())),
            )
            .chain(
                transfers
                    .incoming
                    .iter()
                    .map(|(id, one)| Item::Incoming(id, one.clone())),
            )
            .chain(transfers.arrived.iter().map(|(_, id)| Item::Arrived(*id)))
            .chain(
                transfers
                    .settled
                    .iter()
                    .map(|(source, below)| Item::Settled(*source, *below)),
            )
            .chain(std::iter::once(Item::End))
    }
}

/// Builds a state from the items of a snapshot.
#[derive(Debug, Default)]
pub struct Thaw {
    head: Head,
    catalogue: Catalogue,
    levels: LevelPages,
    reservations: Kept,
    ended: EndedQueue,
    keys: KeyQueue,
    journal: Journal,
    transfers: Transfers,
}

impl Thaw {
    /// Takes the next item. Gives the state when the last one came, and begins anew.
    pub fn take(&mut self, item: Item) -> Option<Box<State>> {
        match item {
            Item::Head(head) => self.start(head),
            Item::Location(name) => self.catalogue.push_location(&name),
            Item::Sku(name) => self.catalogue.push_sku(&name),
            Item::Level(location, sku, level) => {
                self.catalogue.push_level(location, sku);
                self.levels.push(level);
            }
            Item::Reservation(slot) => self.reservations.push_slot(slot),
            Item::Kept(no, one) => self.reservations.push(no, one),
            Item::Ended(no) => {
                self.ended.push(no);
            }
            Item::Key(key) => {
                self.keys.push(key.into());
            }
            Item::Change(change) => {
                self.journal.push(change);
            }
            Item::Outgoing(no, one) => {
                self.transfers.outbox.insert(no, one);
            }
            Item::Incoming(id, one) => {
                self.transfers.incoming.insert(id, one);
            }
            Item::Arrived(id) => {
                self.transfers.arrived.push(id);
            }
            Item::Settled(source, below) => {
                self.transfers.settled.insert(source, below);
            }
            Item::End => return Some(Box::new(std::mem::take(self).finish())),
        }
        None
    }

    fn start(&mut self, head: Head) {
        let [reservations, ended, keys, journal, arrived] = head.fronts;
        self.head = head;
        self.reservations = Kept::starting_at(reservations);
        self.ended = Queue::starting_at(ended);
        self.keys = Queue::starting_at(keys);
        self.journal = Queue::starting_at(journal);
        self.transfers.arrived = Queue::starting_at(arrived);
        self.transfers.next = head.next_transfer;
    }

    fn finish(mut self) -> State {
        self.catalogue.index_levels();
        self.reservations.close(self.head.fronts[0]);
        State {
            partition: self.head.partition,
            settings: self.head.settings,
            last: self.head.last,
            totals: self.head.totals,
            directory: Directory::new(self.catalogue, self.levels),
            reservations: Reservations::new(self.reservations, self.ended),
            keys: Keys::from_queue(self.keys),
            journal: self.journal,
            transfers: self.transfers,
        }
    }
}
