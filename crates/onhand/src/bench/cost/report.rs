//! Prices and plan, as text, as JSON, and as a page's tables.

use super::plan::{Assumed, DEMANDS, Day, Need, SNAPSHOT_EVERY};
use super::prices::{Ground, Prices};
use crate::bench::page;
use crate::document::{Table, grouped, write_between};
use crate::failure::Failure;
use serde::Serialize;
use std::path::Path;

/// What the marks in a page are called.
const MARKS: &str = "cost";

/// What was measured, and what comes of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    seconds: f64,
    levels: u64,
    in_flight: usize,
    durability: &'static str,
    prices: Prices,
    assumed: Assumed,
    ways: Vec<Way>,
    day: Day,
}

/// One way to reserve: what each rate needs with it.
#[derive(Debug, Serialize)]
struct Way {
    name: &'static str,
    cpu_us: f64,
    needs: [Need; 3],
}

impl Report {
    pub(super) fn new(ground: Ground, prices: Prices, assumed: Assumed) -> Result<Self, Failure> {
        let known = |price: Option<f64>| price.ok_or_else(|| Failure::say("a price is missing"));
        let read = known(prices.read_cpu_us)?;
        let way = |name, price| {
            let cpu_us = known(price)?;
            let needs = DEMANDS.map(|demand| Need::of(demand, assumed, &prices, cpu_us, read));
            Ok(Way {
                name,
                cpu_us,
                needs,
            })
        };
        let ways: Vec<Way> = [
            way("HTTP, one a request", prices.http_cpu_us),
            way("gRPC, one a call", prices.grpc_cpu_us),
            way("HTTP, 100 a request", prices.batch_cpu_us),
        ]
        .into_iter()
        .collect::<Result<_, Failure>>()?;
        let machines = ways[0].needs[1].machines_at_50;
        Ok(Self {
            seconds: ground.time.as_secs_f64(),
            levels: ground.levels,
            in_flight: ground.in_flight,
            durability: crate::bench::DURABILITY,
            day: Day::of(assumed, &prices, machines),
            prices,
            assumed,
            ways,
        })
    }

    /// Whether it can be written into this page later.
    pub(super) fn check_page(page: &Path) -> Result<(), Failure> {
        page::check(page, MARKS)
    }

    pub(super) fn write_into(&self, page: &Path) -> Result<(), Failure> {
        let tables: Vec<String> = self.tables().iter().map(Table::markdown).collect();
        let text = format!(
            "{}\n\n{}\n{}",
            self.made_by(),
            tables.join("\n"),
            self.assumptions()
        );
        write_between(page, MARKS, &text)
    }

    pub(super) fn text(&self) -> String {
        let tables: Vec<String> = self.tables().iter().map(Table::text).collect();
        format!(
            "{}\n\n{}\n{}",
            self.made_by(),
            tables.join("\n"),
            self.assumptions()
        )
    }

    fn made_by(&self) -> String {
        format!(
            "Made by `onhand bench cost --seconds {} --levels {} --in-flight {}`; {}.",
            self.seconds, self.levels, self.in_flight, self.durability
        )
    }

    fn tables(&self) -> [Table; 3] {
        [self.of_prices(), self.of_needs(), self.of_a_day()]
    }

    fn of_prices(&self) -> Table {
        let prices = &self.prices;
        let mut rows = vec![row(
            "a reservation in process, engine and load together: CPU µs",
            one(prices.in_process_cpu_us),
        )];
        for way in &self.ways {
            rows.push(row(
                &format!("a reservation, {}: the server's CPU µs", way.name),
                one(way.cpu_us),
            ));
        }
        let read = prices.read_cpu_us.unwrap_or_default();
        rows.extend([
            row("a read of 100 levels, HTTP: the server's CPU µs", one(read)),
            row("a reservation in the log: bytes", one(prices.log_bytes)),
            row(
                "a level in a snapshot: bytes",
                one(prices.snapshot_level_bytes),
            ),
            row(
                "a reservation and its key in a snapshot: bytes",
                one(prices.snapshot_reservation_bytes),
            ),
            row("a level in memory: bytes", one(prices.level_bytes)),
            row(
                "an open reservation in memory: bytes",
                one(prices.reservation_bytes),
            ),
            row("an idempotency key in memory: bytes", one(prices.key_bytes)),
        ]);
        table("What one costs", &["what", "measured"], rows)
    }

    fn of_needs(&self) -> Table {
        let names = DEMANDS.map(|demand| {
            format!(
                "{}, {}/s",
                demand.name,
                grouped(demand.requests_per_second as u64)
            )
        });
        let mut columns = vec!["a billion requests a day"];
        columns.extend(names.iter().map(String::as_str));
        let mut rows = Vec::new();
        let mut add = |what: String, needs: &[Need; 3], cell: fn(&Need) -> String| {
            let mut cells = vec![what];
            cells.extend(needs.iter().map(cell));
            rows.push(cells);
        };
        let first = &self.ways[0].needs;
        add("reads of 100 levels a second".into(), first, |need| {
            grouped(need.reads_per_second as u64)
        });
        add("reservations a second".into(), first, |need| {
            grouped(need.reservations_per_second as u64)
        });
        for way in &self.ways {
            let name = way.name;
            add(format!("cores busy, {name}"), &way.needs, |need| {
                one(need.cores)
            });
            add(
                format!("machines at 50 % CPU, {name}"),
                &way.needs,
                |need| grouped(need.machines_at_50),
            );
            add(
                format!("machines at 70 % CPU, {name}"),
                &way.needs,
                |need| grouped(need.machines_at_70),
            );
        }
        add("log, to all disks".into(), first, |need| {
            format!("{}/s", bytes(need.log_bytes_per_second))
        });
        let cores = self.assumed.cores;
        table(&format!("Machines of {cores} cores"), &columns, rows)
    }

    fn of_a_day(&self) -> Table {
        let (day, assumed) = (&self.day, &self.assumed);
        let rows = vec![
            row("reservations", grouped(day.reservations as u64)),
            row("written to the log", bytes(day.log_bytes)),
            row("written by snapshots", bytes(day.snapshot_bytes)),
            row(
                &format!(
                    "on disk: {} days of ledger, two snapshots",
                    assumed.keep_days
                ),
                bytes(day.disk_bytes),
            ),
            row(
                &format!(
                    "in memory: {} levels, {} hours of reservations and keys",
                    grouped(assumed.plan_levels),
                    assumed.keep_hours
                ),
                bytes(day.memory_bytes),
            ),
        ];
        table(
            "A day at the average rate, all machines together",
            &["what", "each day"],
            rows,
        )
    }

    fn assumptions(&self) -> String {
        let assumed = &self.assumed;
        format!(
            "Assumed: {} % of the requests read 100 levels each, the others are reservations, and a confirm or a release \
             costs what a reservation costs; one partition a machine, as many machines as the peak needs at 50 % over \
             HTTP; a snapshot each {} of a partition's log; every reservation of the last {} hours takes what an open one \
             takes. Disks are written in pages: each sync adds up to 4 KiB to the \
             bytes of the log. One copy of everything: a second copy of the log doubles the disks. The spike is of CPU alone: \
             nobody keeps machines for it who can refuse (`docs/overload.md`).\n",
            assumed.reads,
            bytes(SNAPSHOT_EVERY),
            assumed.keep_hours
        )
    }
}

fn table(title: &str, columns: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table {
        title: title.into(),
        columns: columns.iter().map(|name| (*name).into()).collect(),
        rows,
    }
}

fn row(what: &str, cell: String) -> Vec<String> {
    vec![what.into(), cell]
}

fn one(number: f64) -> String {
    format!("{number:.1}")
}

/// As people say it: in thousands, decimal.
fn bytes(count: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match units.iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", count / size),
        None => format!("{count:.0} bytes"),
    }
}
