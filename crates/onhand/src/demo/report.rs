//! What the demo prints at its end.

use super::dataset::Dataset;
use super::shop::{COUNT_DAYS, COVER_DAYS, FACING, LOSS, LevelAt, Shop};
use super::year::Tally;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::{self, Write};

/// The figures of a demo.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) data_folder: String,
    pub(crate) lines_read: usize,
    pub(crate) left_out_fuel: usize,
    pub(crate) left_out_not_stock: usize,
    pub(crate) left_out_unknown_product: usize,
    pub(crate) left_out_no_units: usize,
    pub(crate) levels: usize,
    pub(crate) stores: usize,
    pub(crate) baskets: u64,
    pub(crate) baskets_refused: u64,
    pub(crate) baskets_partial: u64,
    pub(crate) lines: u64,
    pub(crate) lines_refused: u64,
    pub(crate) lines_short: u64,
    pub(crate) fill_rate: f64,
    pub(crate) found_rate: f64,
    pub(crate) units_picked: u64,
    pub(crate) units_not_found: u64,
    pub(crate) units_received: u64,
    pub(crate) receipts: u64,
    pub(crate) count_lines: u64,
    pub(crate) seconds: f64,
    pub(crate) baskets_per_second: f64,
    pub(crate) lines_per_second: f64,
    pub(crate) reserve_p50_micros: u64,
    pub(crate) reserve_p99_micros: u64,
    pub(crate) reserve_p999_micros: u64,
    pub(crate) durability: &'static str,
    pub(crate) top_stockouts: Vec<Stockout>,
    pub(crate) proof: Proof,
}

/// A level that ran empty.
#[derive(Serialize)]
pub(crate) struct Stockout {
    pub(crate) store: u32,
    pub(crate) product: u32,
    pub(crate) name: String,
    pub(crate) units_refused: u64,
}

/// What was proved.
#[derive(Serialize)]
pub(crate) struct Proof {
    pub(crate) ledger_entries: u64,
    pub(crate) ledger_bytes: u64,
    pub(crate) levels_checked: usize,
    pub(crate) violations: Vec<String>,
    pub(crate) oversold: usize,
    pub(crate) hash_before: String,
    pub(crate) hash_after_restart: String,
    pub(crate) hash_by_replay: String,
}

impl Proof {
    /// Whether everything holds.
    pub(crate) fn holds(&self) -> bool {
        let hashes_agree =
            self.hash_before == self.hash_after_restart && self.hash_before == self.hash_by_replay;
        self.violations.is_empty() && self.oversold == 0 && hashes_agree
    }
}

impl Report {
    /// Puts the figures together.
    pub(crate) fn new(
        data_folder: String,
        dataset: &Dataset,
        shop: &Shop,
        tally: &Tally,
        micros: &Histogram<u64>,
        proof: Proof,
    ) -> Self {
        let seconds = tally.took.as_secs_f64();
        let rate = |count: u64| count as f64 / seconds.max(1e-9);
        let mut stores: Vec<u32> = shop.levels.iter().map(|level| level.store).collect();
        stores.sort_unstable();
        stores.dedup();
        Self {
            data_folder,
            lines_read: dataset.lines_read,
            left_out_fuel: dataset.left_out.fuel,
            left_out_not_stock: dataset.left_out.not_stock,
            left_out_unknown_product: dataset.left_out.unknown_product,
            left_out_no_units: dataset.left_out.no_units,
            levels: shop.levels.len(),
            stores: stores.len(),
            baskets: tally.baskets,
            baskets_refused: tally.baskets_refused,
            baskets_partial: tally.baskets_partial,
            lines: tally.lines,
            lines_refused: tally.lines_refused,
            lines_short: tally.lines_short,
            fill_rate: tally.units_reserved as f64 / tally.units_requested.max(1) as f64,
            found_rate: found_rate(tally),
            units_picked: tally.units_picked,
            units_not_found: tally.units_not_found,
            units_received: tally.units_received,
            receipts: tally.receipts,
            count_lines: tally.count_lines,
            seconds,
            baskets_per_second: rate(tally.baskets),
            lines_per_second: rate(tally.lines),
            reserve_p50_micros: micros.value_at_quantile(0.5),
            reserve_p99_micros: micros.value_at_quantile(0.99),
            reserve_p999_micros: micros.value_at_quantile(0.999),
            durability: "every answer after fdatasync",
            top_stockouts: top(&tally.stockouts, shop, &dataset.names),
            proof,
        }
    }
}

fn found_rate(tally: &Tally) -> f64 {
    let looked_for = tally.units_picked + tally.units_not_found;
    tally.units_picked as f64 / looked_for.max(1) as f64
}

fn top(
    stockouts: &HashMap<LevelAt, u64>,
    shop: &Shop,
    names: &HashMap<u32, String>,
) -> Vec<Stockout> {
    let mut all: Vec<_> = stockouts.iter().map(|(at, units)| (*units, *at)).collect();
    all.sort_unstable_by_key(|(units, at)| (std::cmp::Reverse(*units), *at));
    let stockout = |(units, at): (u64, LevelAt)| {
        let level = &shop.levels[at.0 as usize];
        Stockout {
            store: level.store,
            product: level.product,
            name: names.get(&level.product).cloned().unwrap_or_default(),
            units_refused: units,
        }
    };
    all.into_iter().take(10).map(stockout).collect()
}

/// A count with separators, as people read it.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write_data(&mut out)?;
        self.write_year(&mut out)?;
        self.write_speed(&mut out)?;
        self.write_stockouts(&mut out)?;
        self.write_proof(&mut out)?;
        f.write_str(&out)
    }
}

impl Report {
    fn write_data(&self, out: &mut String) -> fmt::Result {
        let count = |count: usize| grouped(count as u64);
        writeln!(out, "The data")?;
        writeln!(out, "  sales lines read        {}", count(self.lines_read))?;
        writeln!(
            out,
            "  left out                fuel {}, no stock (coupons, meals, services) {}, unknown product {}, no units {}",
            count(self.left_out_fuel),
            count(self.left_out_not_stock),
            count(self.left_out_unknown_product),
            count(self.left_out_no_units)
        )?;
        writeln!(
            out,
            "  stores and stock levels {} and {}",
            self.stores,
            count(self.levels)
        )?;
        writeln!(
            out,
            "  the rule                a store lists what it sells in the year; nightly up to {COVER_DAYS} days of sales, at least {FACING};"
        )?;
        writeln!(
            out,
            "                          one unit in {LOSS} is lost unseen; each level is counted every {COUNT_DAYS} days"
        )
    }

    fn write_year(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\nThe year")?;
        writeln!(
            out,
            "  baskets                 {} ({} in part, {} refused whole)",
            grouped(self.baskets),
            grouped(self.baskets_partial),
            grouped(self.baskets_refused)
        )?;
        writeln!(
            out,
            "  lines                   {} ({} refused = {:.2} %, {} in part)",
            grouped(self.lines),
            grouped(self.lines_refused),
            percent(self.lines_refused, self.lines),
            grouped(self.lines_short)
        )?;
        writeln!(
            out,
            "  fill rate               {:.2} % of the units asked for were reserved",
            100.0 * self.fill_rate
        )?;
        writeln!(
            out,
            "  found rate              {:.3} % ({} picked, {} not found)",
            100.0 * self.found_rate,
            grouped(self.units_picked),
            grouped(self.units_not_found)
        )?;
        writeln!(
            out,
            "  supply                  {} units in {} receipts; {} levels counted",
            grouped(self.units_received),
            grouped(self.receipts),
            grouped(self.count_lines)
        )
    }

    fn write_speed(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "\nSpeed (one machine, in time order, {})",
            self.durability
        )?;
        writeln!(
            out,
            "  {:.1} s: {} baskets/s, {} lines/s, each reserved, confirmed and picked",
            self.seconds,
            grouped(self.baskets_per_second as u64),
            grouped(self.lines_per_second as u64)
        )?;
        writeln!(
            out,
            "  a reservation           p50 {} µs, p99 {} µs, p99.9 {} µs",
            self.reserve_p50_micros, self.reserve_p99_micros, self.reserve_p999_micros
        )
    }

    fn write_stockouts(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\nTop stockouts (units refused)")?;
        for stockout in &self.top_stockouts {
            let Stockout {
                store,
                product,
                name,
                units_refused,
            } = stockout;
            writeln!(out, "  {units_refused:>6}  store-{store}/{product}  {name}")?;
        }
        Ok(())
    }

    fn write_proof(&self, out: &mut String) -> fmt::Result {
        let proof = &self.proof;
        writeln!(out, "\nThe proof")?;
        writeln!(
            out,
            "  ledger                  {} entries, {} bytes",
            grouped(proof.ledger_entries),
            grouped(proof.ledger_bytes)
        )?;
        let levels = grouped(proof.levels_checked as u64);
        match &proof.violations[..] {
            [] => writeln!(
                out,
                "  invariants              all hold, over {levels} levels, replayed from the first entry"
            )?,
            broken => broken
                .iter()
                .try_for_each(|one| writeln!(out, "  BROKEN                  {one}"))?,
        }
        writeln!(out, "  oversold                {}", proof.oversold)?;
        writeln!(out, "  state hash, running     {}", proof.hash_before)?;
        writeln!(
            out,
            "  state hash, restarted   {}",
            proof.hash_after_restart
        )?;
        writeln!(out, "  state hash, by replay   {}", proof.hash_by_replay)?;
        let verdict = if proof.holds() {
            "conserved, not oversold, and the same after a restart"
        } else {
            "NOT PROVED"
        };
        writeln!(out, "  verdict                 {verdict}")
    }
}
