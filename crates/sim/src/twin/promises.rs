//! Reservations: made, confirmed, extended, released, picked, expired.

use super::shelf::{MOST, Tray, insufficient, items, summed, too_much, twice, unknown_item};
use super::{END, Plan, Remark, Said, Then, Twin};
use crate::ask::{Line, Millis, Pick, item_name};

/// Units promised to one buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Where.
    pub shop: usize,
    /// `held`, `confirmed`, `fulfilled`, `released` or `expired`.
    pub state: &'static str,
    /// When it expires, while it is held.
    pub expires: Millis,
    /// When it ended, if it did.
    pub ended: Option<Millis>,
    /// What, one line an item.
    pub lines: Vec<PromiseLine>,
}

/// One item of a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromiseLine {
    /// What.
    pub item: usize,
    /// Units asked for.
    pub asked: i64,
    /// Units promised at first.
    pub got: i64,
    /// Units promised and neither picked, not found nor given back yet.
    pub left: i64,
    /// Units picked.
    pub picked: i64,
    /// Units not found.
    pub missing: i64,
}

impl Promise {
    /// Whether it still holds units.
    pub fn is_open(&self) -> bool {
        ["held", "confirmed"].contains(&self.state)
    }
}

impl Twin {
    /// A reservation, whether it may be forgotten or not.
    pub fn promise(&self, no: u64) -> Option<&Promise> {
        self.promises.get(usize::try_from(no).ok()?)
    }

    /// All reservations ever made, with their numbers.
    pub fn promises(&self) -> impl Iterator<Item = (u64, &Promise)> {
        (0..).zip(&self.promises)
    }

    /// How many reservations were ever made: the number of the next one.
    pub fn promised(&self) -> u64 {
        self.promises.len() as u64
    }

    /// The reservations that are held or confirmed.
    pub fn open(&self) -> impl Iterator<Item = (u64, &Promise)> {
        self.open
            .iter()
            .filter_map(|no| Some((*no, self.promise(*no)?)))
    }

    /// Whether the ledger surely knows of it, if it was ever made.
    pub fn is_promise_kept(&self, no: u64) -> bool {
        let ended = self.promise(no).and_then(|promise| promise.ended);
        ended.is_none_or(|ended| ended >= self.gone.ended)
    }

    pub(super) fn put_promise(&mut self, no: u64, promise: Promise) {
        match promise.is_open() {
            true => self.open.insert(no),
            false => self.open.remove(&no),
        };
        match self.promises.get_mut(no as usize) {
            Some(old) => *old = promise,
            None => self.promises.push(promise),
        }
    }

    pub(super) fn hold(
        &self,
        now: Millis,
        shop: usize,
        lines: &[Line],
        ttl: Millis,
        partial: bool,
    ) -> Result<Plan, String> {
        self.shelves.know(shop, &items(lines))?;
        let asked = summed(lines)?;
        if self.open.len() as u64 >= self.rules.most_open {
            return Err("full".to_owned());
        }
        let mut tray = Tray::default();
        let mut lines = Vec::new();
        for (item, asked) in asked {
            let shelf = tray.touch(&self.shelves, shop, item);
            let got = asked.min(shelf.promisable());
            shelf.reserved += got;
            lines.push(PromiseLine {
                item,
                asked,
                got,
                left: got,
                picked: 0,
                missing: 0,
            });
        }
        let short = lines.iter().filter(|line| line.got < line.asked);
        let short: Vec<_> = short
            .map(|line| (line.item, line.asked, line.got))
            .collect();
        let got_none = lines.iter().all(|line| line.got == 0);
        if got_none || (!partial && !short.is_empty()) {
            return Err(insufficient(&short));
        }
        let expires = now.saturating_add(ttl).min(END);
        let said = |line: &PromiseLine| {
            let (asked, got) = (line.asked, line.got);
            Remark::of(shop, line.item, expires, Said::Held { asked, got })
        };
        let remarks = lines.iter().map(said).collect();
        let promise = Promise {
            shop,
            state: "held",
            expires,
            ended: None,
            lines,
        };
        let then = Then::Promise(self.promised(), promise);
        Ok(Plan::then("held", tray, then)
            .of(expires)
            .answering(partial)
            .remarking(remarks))
    }

    /// A copy of the promise, if it is in one of the states.
    fn promise_in(&self, no: u64, states: &[&str]) -> Result<Promise, String> {
        let promise = self.promise(no).ok_or("unknown reservation")?;
        match states.contains(&promise.state) {
            true => Ok(promise.clone()),
            false => Err(format!("wrong state {}", promise.state)),
        }
    }

    pub(super) fn confirm(&self, no: u64) -> Result<Plan, String> {
        let mut promise = self.promise_in(no, &["held"])?;
        let mut tray = Tray::default();
        for line in &promise.lines {
            let shelf = tray.touch(&self.shelves, promise.shop, line.item);
            shelf.reserved -= line.left;
            shelf.allocated += line.left;
        }
        promise.state = "confirmed";
        Ok(Plan::then("confirmed", tray, Then::Promise(no, promise)))
    }

    pub(super) fn extend(&self, now: Millis, no: u64, ttl: Millis) -> Result<Plan, String> {
        let mut promise = self.promise_in(no, &["held"])?;
        let expires = now.saturating_add(ttl).min(END);
        promise.expires = expires;
        let then = Then::Promise(no, promise);
        Ok(Plan::then("extended", Tray::default(), then).of(expires))
    }

    pub(super) fn release(&self, now: Millis, no: u64) -> Result<Plan, String> {
        let promise = self.promise_in(no, &["held", "confirmed"])?;
        Ok(self.give_back(now, no, promise, "released"))
    }

    /// The first of those that are due: the one that expires first, and of two the one made first.
    pub(super) fn expiry(&self, now: Millis) -> Option<Plan> {
        let held = self.open().filter(|(_, promise)| promise.state == "held");
        let due = held.filter(|(_, promise)| promise.expires <= now);
        let (no, promise) = due.min_by_key(|(no, promise)| (promise.expires, *no))?;
        Some(self.give_back(now, no, promise.clone(), "expired"))
    }

    fn give_back(&self, now: Millis, no: u64, promise: Promise, end: &'static str) -> Plan {
        let mut promise = promise;
        let mut tray = Tray::default();
        for line in &mut promise.lines {
            let shelf = tray.touch(&self.shelves, promise.shop, line.item);
            match promise.state {
                "held" => shelf.reserved -= line.left,
                _ => shelf.allocated -= line.left,
            }
            line.left = 0;
        }
        (promise.state, promise.ended) = (end, Some(now));
        Plan::then(end, tray, Then::Promise(no, promise))
    }

    pub(super) fn fulfill(
        &self,
        now: Millis,
        no: u64,
        picks: &[Pick],
        happened: Option<Millis>,
    ) -> Result<Plan, String> {
        let promise = self.promise(no).ok_or("unknown reservation")?;
        self.check_names(promise, picks)?;
        let mut promise = self.promise_in(no, &["confirmed"])?;
        let at = Self::when(now, happened)?;
        for (line, pick) in picks.iter().enumerate() {
            if picks[..line].iter().any(|one| one.item == pick.item) {
                return Err(twice(pick.item, line));
            }
            let mut lines = promise.lines.iter_mut();
            if let Some(promised) = lines.find(|one| one.item == pick.item) {
                promised.take(pick, line)?;
            }
        }
        let (tray, remarks) = self.take_from_shelves(promise.shop, picks, at)?;
        let is_complete = promise.lines.iter().all(|line| line.left == 0);
        if is_complete {
            (promise.state, promise.ended) = ("fulfilled", Some(now));
        }
        Ok(Plan::then("fulfilled", tray, Then::Promise(no, promise))
            .of(at)
            .answering(is_complete)
            .remarking(remarks))
    }

    fn check_names(&self, promise: &Promise, picks: &[Pick]) -> Result<(), String> {
        for (line, pick) in picks.iter().enumerate() {
            if !promise.lines.iter().any(|one| one.item == pick.item) {
                return Err(format!(
                    "not in reservation {} {line}",
                    item_name(pick.item)
                ));
            }
        }
        for (line, pick) in picks.iter().enumerate() {
            let mut instead = pick.instead.iter();
            if let Some((item, _)) =
                instead.find(|(item, _)| self.shelf(promise.shop, *item).is_none())
            {
                return Err(unknown_item(*item, line));
            }
        }
        Ok(())
    }

    /// Takes what was picked; gives what is said of the picks, of what was picked instead, and of what was not known to be
    /// there, the shelf that was opened first before the others.
    fn take_from_shelves(
        &self,
        shop: usize,
        picks: &[Pick],
        at: Millis,
    ) -> Result<(Tray, Vec<Remark>), String> {
        let mut tray = Tray::default();
        let mut surplus = Vec::new();
        for (item, units) in taken(picks) {
            // The goods are in the picker's hand, so they were there.
            let shelf = tray.touch(&self.shelves, shop, item);
            if units > shelf.on_hand {
                surplus.push((shelf.no, item, units - shelf.on_hand));
            }
            shelf.on_hand = shelf.on_hand.max(units);
            // But no shelf holds that many.
            if units > MOST {
                return Err(largest(picks));
            }
            tray.goods(&self.shelves, shop, (item, -units), at);
        }
        // What was picked leaves the promise; what was not found stays promised until all substitutes are taken.
        for pick in picks {
            tray.touch(&self.shelves, shop, pick.item).allocated -= pick.picked;
        }
        for (item, _) in taken(picks) {
            if !tray.touch(&self.shelves, shop, item).is_sound() {
                return Err(largest(picks));
            }
        }
        let mut remarks = Vec::new();
        for pick in picks {
            let shelf = tray.touch(&self.shelves, shop, pick.item);
            shelf.allocated -= pick.missing;
            let lost = if shelf.corrects {
                pick.missing.min(shelf.on_hand)
            } else {
                0
            };
            tray.goods(&self.shelves, shop, (pick.item, -lost), at);
            let said = Said::Picked {
                units: pick.picked,
                missing: pick.missing,
                corrected: lost,
            };
            remarks.push(Remark::of(shop, pick.item, at, said));
        }
        for pick in picks {
            let of = pick.item;
            let said = |(item, units): &Line| {
                let units = *units;
                Remark::of(shop, *item, at, Said::Instead { of, units })
            };
            remarks.extend(pick.instead.iter().map(said));
        }
        surplus.sort_unstable();
        let said = |(_, item, units)| Remark::of(shop, item, at, Said::Surplus(units));
        remarks.extend(surplus.into_iter().map(said));
        Ok((tray, remarks))
    }
}

impl PromiseLine {
    fn take(&mut self, pick: &Pick, line: usize) -> Result<(), String> {
        if pick.picked + pick.missing > self.left {
            let item = item_name(pick.item);
            return Err(format!("more than promised {item} {line} {}", self.left));
        }
        self.left -= pick.picked + pick.missing;
        self.picked += pick.picked;
        self.missing += pick.missing;
        Ok(())
    }
}

/// What leaves each shelf, picked or in place of something else.
fn taken(picks: &[Pick]) -> Vec<Line> {
    let own = picks.iter().map(|pick| (pick.item, pick.picked));
    let instead = picks.iter().flat_map(|pick| pick.instead.iter().copied());
    let mut sums: Vec<Line> = Vec::new();
    for (item, units) in own.chain(instead) {
        match sums.iter_mut().find(|(same, _)| *same == item) {
            Some((_, sum)) => *sum += units,
            None => sums.push((item, units)),
        }
    }
    sums
}

/// A pick of too much names the line that takes the most units, the last one of several.
fn largest(picks: &[Pick]) -> String {
    let units = |pick: &Pick| pick.picked + pick.instead.iter().map(|line| line.1).sum::<i64>();
    let largest = picks.iter().enumerate().max_by_key(|(_, pick)| units(pick));
    largest.map_or_else(String::new, |(line, pick)| too_much(pick.item, line))
}
