//! What goes from one partition to another: nothing is lost on the way, and nothing is there twice.

use super::World;
use crate::ask::{Parcel, TransferName};
use crate::audit::{Beside, Book};
use crate::finding::{Check, Finding, Verdict, must};
use crate::translate::{location, parcel, transfer_id};
use onhand_core::transfer::{Outgoing, announce::Announce, hand_over::HandOver};
use onhand_core::{Command, Entry, Event, TransferId};
use onhand_engine::{Answer, Origin, Request};

/// The task that delivers for a client what it sent.
const DELIVERY: &str = "deliver";

impl World {
    /// A writer takes a request of the courier: it must be about what was sent, and come in its turn.
    pub(super) fn check_parcel(&self, which: usize, request: &Request) -> Verdict {
        match request {
            Request::Command {
                command: Command::Announce(announce),
                ..
            } => self.check_announced(announce),
            Request::Command {
                command: Command::HandOver(hand_over),
                ..
            } => self.check_handed_over(which, hand_over),
            _ => Ok(()),
        }
    }

    /// What a destination is told of is what its source sent, and cannot be lost there any more.
    fn check_announced(&self, announce: &Announce) -> Verdict {
        let Announce { transfer, outgoing } = announce;
        let source = usize::from(transfer.source);
        let found = parcel(*transfer, outgoing);
        match self.books[source].dispatched(transfer.no.0) {
            Some((at, sent)) if found.as_ref() == Some(sent) => {
                self.must_be_durable(source, at, sent)
            }
            sent => {
                let what = format!("{found:?} is announced; dispatched was {sent:?}");
                Err(Finding::new(Check::Transfer, what))
            }
        }
    }

    /// A source lets go of a parcel only when its destination knows of it for good.
    fn check_handed_over(&self, which: usize, hand_over: &HandOver) -> Verdict {
        // What was never dispatched is refused as unknown.
        let Some((_, sent)) = self.books[which].dispatched(hand_over.transfer.0) else {
            return Ok(());
        };
        let to = self.destination(sent);
        match self.books[to].announced_at(sent.name) {
            Some(at) => self.must_be_durable(to, at, sent),
            None => {
                let what = format!("{sent:?} is handed over, and was not announced");
                Err(Finding::new(Check::Transfer, what))
            }
        }
    }

    /// What one partition does because of another's entry is done when that is durable; else it may stay, and its cause be
    /// lost.
    fn must_be_durable(&self, which: usize, position: u64, parcel: &Parcel) -> Verdict {
        if self.disk.has_crashed() {
            return Ok(());
        }
        let last = self.last_on(&self.without_power(), which)?;
        must(position <= last, Check::Transfer, || {
            format!("{parcel:?} goes on, and entry {position} of partition {which} may be lost")
        })
    }

    /// Whatever was sent lies in its outbox or is known where it goes, and nothing is known that was not sent.
    pub(super) fn check_parcels(&self) -> Verdict {
        for book in &self.books {
            book.all_dispatched()
                .try_for_each(|sent| self.check_sent(book, sent))?;
            for known in book.twin().all_incoming().map(|one| &one.parcel) {
                let TransferName { source, no } = known.name;
                let sent = self.books[usize::from(source)].dispatched(no);
                let sent = sent.map(|(_, sent)| sent);
                must(sent == Some(known), Check::Transfer, || {
                    format!("{known:?} is known at its destination; dispatched was {sent:?}")
                })?;
            }
        }
        Ok(())
    }

    fn check_sent(&self, book: &Book, sent: &Parcel) -> Verdict {
        let known = self.books[self.destination(sent)]
            .twin()
            .incoming(sent.name);
        let waits = book.twin().parcel(sent.name.no);
        let is_somewhere = waits.is_some() || known.is_some();
        let is_it = waits.is_none_or(|parcel| parcel == sent)
            && known.is_none_or(|incoming| incoming.parcel == *sent);
        must(is_somewhere && is_it, Check::Transfer, || {
            format!("{sent:?} waits as {waits:?}, and is known as {known:?}")
        })
    }

    fn destination(&self, parcel: &Parcel) -> usize {
        self.life.engine.partition_of(&location(parcel.to)).into()
    }

    /// A client hears that something was sent: as in a server, it is delivered at once, or the courier does it.
    pub(super) fn deliver(&mut self, answer: &Answer) {
        let Answer::Recorded(entry) = answer else {
            return;
        };
        if let Some((id, outgoing)) = self.sent(entry)
            && self.dice.comes(3, 4)
        {
            self.delivers_since.get_or_insert(self.clock.passed());
            self.life.begin(DELIVERY, move |engine| async move {
                drop(engine.deliver_from(Origin::default(), id, outgoing).await);
            });
        }
    }

    /// A task of the background has ended.
    pub(super) fn has_ended(&mut self, task: &str) {
        if task == DELIVERY {
            self.longest_delivery = self.deliveries().waited;
            self.delivers_since = None;
        }
    }

    /// What is delivered now, and how long a delivery of this life can have waited for its turn.
    pub(super) fn deliveries(&self) -> Beside {
        let lasts = self.delivers_since.map(|since| self.clock.passed() - since);
        Beside {
            places: self.delivers_since.iter().count(),
            waited: self.longest_delivery.max(lasts.unwrap_or(0)),
        }
    }

    fn sent(&self, entry: &Entry) -> Option<(TransferId, Outgoing)> {
        let Event::Dispatched(event) = &entry.event else {
            return None;
        };
        let book = &self.books[usize::from(event.transfer.source)];
        let (_, parcel) = book.dispatched(event.transfer.no.0)?;
        Some((
            transfer_id(parcel.name),
            crate::translate::outgoing(parcel)?,
        ))
    }
}
