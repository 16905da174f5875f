//! Receipts, adjustments, counts and policies.

use super::shelf::{MOST, Shelf, Tray, items, too_much, twice};
use super::{Limits, Plan, Remark, Said, Twin};
use crate::ask::{AdjustLine, Line, Millis, Rule, item_name};

impl Twin {
    pub(super) fn receive(
        &self,
        now: Millis,
        shop: usize,
        lines: &[Line],
        happened: Option<Millis>,
    ) -> Result<Plan, String> {
        let at = Self::when(now, happened)?;
        let (mut tray, mut remarks) = (Tray::default(), Vec::new());
        for (line, (item, units)) in lines.iter().enumerate() {
            tray.goods(&self.shelves, shop, (*item, *units), at);
            if !tray.touch(&self.shelves, shop, *item).is_sound() {
                return Err(too_much(*item, line));
            }
            remarks.push(Remark::of(shop, *item, at, Said::Came(*units)));
        }
        self.has_room(&tray)?;
        Ok(Plan::saying("received", tray, remarks).of(at))
    }

    pub(super) fn adjust(
        &self,
        now: Millis,
        shop: usize,
        lines: &[AdjustLine],
        happened: Option<Millis>,
    ) -> Result<Plan, String> {
        let named: Vec<usize> = lines.iter().map(|line| line.item).collect();
        self.shelves.know(shop, &named)?;
        let at = Self::when(now, happened)?;
        let (mut tray, mut remarks) = (Tray::default(), Vec::new());
        for (
            line,
            AdjustLine {
                item,
                by,
                unavailable,
            },
        ) in lines.iter().enumerate()
        {
            let before = tray.touch(&self.shelves, shop, *item).on_hand;
            match unavailable {
                true => tray.touch(&self.shelves, shop, *item).unavailable += by,
                false => tray.goods(&self.shelves, shop, (*item, *by), at),
            }
            let shelf = tray.touch(&self.shelves, shop, *item);
            let blocks_too_much = *unavailable && *by > 0 && shelf.unavailable > shelf.on_hand;
            if !shelf.is_sound() || blocks_too_much {
                return Err(match !unavailable && *by > 0 {
                    true => too_much(*item, line),
                    false => format!("below zero {} {line} {before}", item_name(*item)),
                });
            }
            let (by, unavailable) = (*by, *unavailable);
            let said = Said::Adjusted { by, unavailable };
            remarks.push(Remark::of(shop, *item, at, said));
        }
        Ok(Plan::saying("adjusted", tray, remarks).of(at))
    }

    pub(super) fn count(
        &self,
        now: Millis,
        shop: usize,
        as_of: Millis,
        complete: bool,
        lines: &[Line],
    ) -> Result<Plan, String> {
        if as_of > now {
            return Err("in future".to_owned());
        }
        if as_of < now - self.rules.count_window {
            return Err("too old".to_owned());
        }
        let (mut tray, mut remarks) = (Tray::default(), Vec::new());
        let named = items(lines);
        for (line, (item, units)) in lines.iter().enumerate() {
            if named[..line].contains(item) {
                return Err(twice(*item, line));
            }
            let (said, _) = self.count_shelf(&mut tray, shop, (*item, *units), as_of, line)?;
            remarks.push(Remark::of(shop, *item, as_of, said));
        }
        let others = self.shelves.of(shop).into_iter().map(|shelf| shelf.item);
        for item in others.filter(|item| complete && !named.contains(item)) {
            let (said, change) =
                self.count_shelf(&mut tray, shop, (item, 0), as_of, lines.len())?;
            if change != 0 {
                remarks.push(Remark::of(shop, item, as_of, said));
            }
        }
        self.has_room(&tray)?;
        Ok(Plan::saying("counted", tray, remarks)
            .of(as_of)
            .answering(complete))
    }

    /// Counts a shelf; gives what is said of it, and by how much on hand changes.
    fn count_shelf(
        &self,
        tray: &mut Tray,
        shop: usize,
        (item, units): Line,
        as_of: Millis,
        line: usize,
    ) -> Result<(Said, i64), String> {
        let since = self.shelves.since(shop, item, as_of);
        let shelf = tray.touch(&self.shelves, shop, item);
        let (before, second) = (shelf.on_hand, as_of.div_euclid(1000));
        let superseded = shelf.counted.is_some_and(|newest| second < newest);
        if !superseded {
            shelf.on_hand = (units + since).max(0);
            shelf.counted = Some(second);
        }
        let said = Said::Counted {
            units,
            since: since.clamp(i32::MIN.into(), i32::MAX.into()),
            superseded,
        };
        match shelf.is_sound() && units <= MOST {
            true => Ok((said, shelf.on_hand - before)),
            false => Err(too_much(item, line)),
        }
    }

    pub(super) fn policy(&self, now: Millis, shop: usize, rules: &[Rule]) -> Result<Plan, String> {
        let named: Vec<usize> = rules.iter().map(|rule| rule.item).collect();
        self.shelves.know(shop, &named)?;
        let (mut tray, mut remarks) = (Tray::default(), Vec::new());
        for (line, rule) in rules.iter().enumerate() {
            if named[..line].contains(&rule.item) {
                return Err(twice(rule.item, line));
            }
            if [rule.safety, rule.oversell]
                .iter()
                .flatten()
                .any(|units| *units > MOST)
            {
                return Err(too_much(rule.item, line));
            }
            let shelf: &mut Shelf = tray.touch(&self.shelves, shop, rule.item);
            let before = limits(shelf);
            shelf.safety = rule.safety.unwrap_or(shelf.safety);
            shelf.oversell = rule.oversell.unwrap_or(shelf.oversell);
            shelf.corrects = rule.correct.unwrap_or(shelf.corrects);
            let after = limits(shelf);
            let said = Said::Ruled { before, after };
            remarks.push(Remark::of(shop, rule.item, now, said));
        }
        Ok(Plan::saying("policy_set", tray, remarks))
    }
}

fn limits(shelf: &Shelf) -> Limits {
    Limits {
        safety: shelf.safety,
        oversell: shelf.oversell,
        corrects: shelf.corrects,
    }
}
