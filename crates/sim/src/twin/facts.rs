//! Sales, looks, and what others know.

use super::shelf::{Tray, too_much};
use super::{Plan, Remark, Said, Twin};
use crate::ask::{Line, Look, Millis, Value, fact_name};

impl Twin {
    pub(super) fn sell(
        &self,
        now: Millis,
        shop: usize,
        lines: &[Line],
        happened: Option<Millis>,
    ) -> Result<Plan, String> {
        let at = Self::when(now, happened)?;
        if at < now - self.rules.count_window {
            return Err("too old".to_owned());
        }
        let (mut tray, mut remarks) = (Tray::default(), Vec::new());
        for (line, (item, units)) in lines.iter().enumerate() {
            let shelf = tray.touch(&self.shelves, shop, *item);
            let surplus = (units - shelf.on_hand).max(0);
            // It was there all the time: no goods came.
            shelf.on_hand += surplus;
            tray.goods(&self.shelves, shop, (*item, -units), at);
            if !tray.touch(&self.shelves, shop, *item).is_sound() {
                return Err(too_much(*item, line));
            }
            let said = Said::Sold {
                units: *units,
                surplus,
            };
            remarks.push(Remark::of(shop, *item, at, said));
        }
        self.has_room(&tray)?;
        Ok(Plan::saying("sold", tray, remarks).of(at))
    }

    pub(super) fn observe(&self, now: Millis, shop: usize, looks: &[Look]) -> Result<Plan, String> {
        if let Some(line) = looks.iter().position(|look| look.at > now) {
            return Err(format!("in future {line}"));
        }
        let mut tray = Tray::default();
        for look in looks {
            tray.touch(&self.shelves, shop, look.item);
        }
        self.has_room(&tray)?;
        let remark = |look: &Look| Remark::of(shop, look.item, look.at, Said::Seen(look.found));
        let mut remarks: Vec<Remark> = looks.iter().map(remark).collect();
        remarks.sort_by_key(|remark| remark.at);
        Ok(Plan::saying("observed", tray, remarks))
    }

    pub(super) fn push(&self, shop: usize, values: &[Value]) -> Result<Plan, String> {
        let mut tray = Tray::default();
        for item in values.iter().filter_map(|value| value.item) {
            tray.touch(&self.shelves, shop, item);
        }
        if values.iter().all(|value| value.item.is_none()) {
            self.shelves.know(shop, &[])?;
        }
        self.has_room(&tray)?;
        let mut values: Vec<&Value> = values.iter().collect();
        values.sort_by_key(|value| (value.at, fact_name(value.fact)));
        let remark = |value: &Value| Remark {
            shop,
            item: value.item,
            at: value.at,
            said: Said::Is {
                fact: value.fact,
                millionths: value.millionths,
            },
        };
        let remarks = values.into_iter().map(remark).collect();
        Ok(Plan::saying("pushed", tray, remarks))
    }
}
