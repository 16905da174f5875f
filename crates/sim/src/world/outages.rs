//! What is refused and what is out of order: only for a cause, and no longer than it lasts.
//!
//! A door that is always shut loses nothing and sells nothing twice; so that has to be looked at by itself.

use super::World;
use crate::ask::Ask;
use crate::audit::{Book, Caller, Question, Token};
use crate::finding::{Check, Finding, Verdict, must};
use crate::translate::location;
use onhand_engine::Unavailable;
use onhand_log::disk::Happened;

impl World {
    /// A request was refused before it was queued: too many must wait, or the partition be out of order.
    pub(super) fn check_turned_away(
        &self,
        partition: u16,
        token: Token,
        caller: &Caller,
        question: &Question,
        why: &Unavailable,
    ) -> Verdict {
        let book = &self.books[usize::from(partition)];
        let waiting = book.places() + self.life.tasks();
        let outage = self.life.engine.outage(partition);
        let policy = &self.options.admission;
        let beside = self.deliveries();
        let is_caused = match why {
            Unavailable::Busy { .. } => {
                waiting >= book.room_for(caller, question, policy)
                    || book.may_be_busy(caller, question, policy, beside)
            }
            Unavailable::Late { .. } => {
                book.may_be_late(caller, question, policy, beside, self.clock.passed())
            }
            _ => outage.as_ref() == Some(why),
        };
        must(is_caused, Check::NeedlessOutage, || {
            format!(
                "request {token} is turned away ({why}), {waiting} wait, out of order: {outage:?}"
            )
        })
    }

    /// Whoever is out of order has a cause, in this life.
    pub(super) fn check_outages(&self) -> Verdict {
        let now = self.disk.happened();
        for partition in 0..self.books.len() as u16 {
            let Some(outage) = self.life.engine.outage(partition) else {
                continue;
            };
            let why = outage.to_string();
            if why.contains("INV-") {
                return Err(Finding::new(Check::Invariant, why));
            }
            must(
                is_caused(&outage, &self.born, &now),
                Check::NeedlessOutage,
                || format!("partition {partition} is out of order without a cause: {why}"),
            )?;
        }
        Ok(())
    }

    /// All faults are over, and every log was written to since: nothing is out of order any more.
    pub(super) fn all_are_in_order(&self) -> Verdict {
        let mut partitions = 0..self.books.len() as u16;
        match partitions.find_map(|one| self.life.engine.outage(one)) {
            None => Ok(()),
            Some(outage) => {
                let what =
                    format!("all faults are over, and a partition is out of order: {outage}");
                Err(Finding::new(Check::NeedlessOutage, what))
            }
        }
    }

    /// Everybody has an answer.
    pub(super) fn nobody_waits(&self) -> Verdict {
        let waiting: usize = self.books.iter().map(Book::waiting).sum();
        must(waiting == 0, Check::Progress, || {
            format!("{waiting} requests are never answered")
        })
    }

    /// The courier went once more: nothing lies in an outbox but what its destination refuses.
    pub(super) fn outboxes_are_empty(&self) -> Verdict {
        let now = self.now();
        for parcel in self.books.iter().flat_map(|book| book.twin().outbox()) {
            let to = self.life.engine.partition_of(&location(parcel.to));
            let mut twin = self.books[usize::from(to)].twin().clone();
            let told = twin.ask(now, None, &Ask::Announce(parcel.clone()));
            must(told.outcome.is_refused(), Check::Progress, || {
                format!("{parcel:?} is never delivered")
            })?;
        }
        Ok(())
    }
}

/// Whether what happened to the disk between two moments is a cause. Only a failed sync stops a partition for good, or a
/// write that failed and could not be taken back.
fn is_caused(outage: &Unavailable, born: &Happened, now: &Happened) -> bool {
    let failed_writes = now.failed_writes - born.failed_writes;
    let failed_changes = now.failed_changes - born.failed_changes;
    let failed_reads = now.failed_reads - born.failed_reads;
    let syncs = |then: &Happened| then.failed_syncs + then.failed_folder_syncs;
    let failed_syncs = syncs(now) - syncs(born);
    match outage {
        // A segment that could not be created is undone, and is created again; also if it was its sync that failed,
        // which may be for want of room, too.
        Unavailable::StorageFull => {
            now.no_room > born.no_room || failed_writes + failed_changes + failed_syncs > 0
        }
        Unavailable::LogUnavailable(_) => {
            failed_writes + failed_changes + failed_reads + failed_syncs > 0
        }
        Unavailable::Stopped(_) => failed_syncs > 0 || failed_writes > 1,
        Unavailable::Busy { .. } | Unavailable::Late { .. } => false,
    }
}
