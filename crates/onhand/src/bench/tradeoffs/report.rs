//! The prices, as text, as JSON, and as a page's tables.

use super::durability::{self, IN_FLIGHT};
use super::overload::{self, IN_FLIGHT as CAPACITY_IN_FLIGHT};
use super::oversell::{self, IN_FLIGHT as BUYERS_IN_FLIGHT};
use super::plot;
use super::reads::{self, Reading, WRITES_IN_FLIGHT};
use crate::bench::page;
use crate::document::{Table, grouped, write_between};
use crate::failure::Failure;
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What the marks in a page are called.
const MARKS: &str = "tradeoffs";

/// How much one figure says.
const ONE_RUN: &str = "Each figure is of one run, of its machine and its hour: neighbours may change places the next \
                       time, as `within-50ms` and `within-500ms` do.";

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) seconds: f64,
    pub(super) levels: u64,
    pub(super) durability: Vec<durability::Row>,
    pub(super) reads: Vec<reads::Row>,
    pub(super) oversell: Vec<oversell::Row>,
    pub(super) overload: Vec<overload::Row>,
}

impl Report {
    /// Whether it can be written into this page, and the plot beside it, later.
    pub(super) fn check_page(page: &Path) -> Result<(), Failure> {
        page::check(page, MARKS)?;
        page::check_writable(&image(page))
    }

    /// Writes the tables between the marks of a page, and the plot beside it.
    pub(super) fn write_into(&self, page: &Path) -> Result<(), Failure> {
        let image = image(page);
        let plot = plot::draw(&self.durability).map_err(Failure::say)?;
        std::fs::write(&image, plot)
            .map_err(|error| Failure::say(format!("cannot write {}: {error}", image.display())))?;
        let name = image.file_name().unwrap_or_default().to_string_lossy();
        let mut text = self.markdown();
        let _ = write!(
            text,
            "\n![Rate and p99 of reservations by durability]({name})\n"
        );
        write_between(page, MARKS, &text)
    }

    pub(super) fn text(&self) -> String {
        let sections = self.sections();
        let texts = sections
            .iter()
            .map(|(table, load)| format!("{}  {load}\n", table.text()));
        texts.collect::<Vec<_>>().join("\n")
    }

    fn markdown(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut text = format!(
            "Made by `onhand bench tradeoffs --seconds {} --levels {}` on {cores} cores, in process. {ONE_RUN}\n",
            self.seconds, self.levels
        );
        for (table, load) in self.sections() {
            let _ = write!(text, "\n{}\n{load}\n", table.markdown());
        }
        text
    }

    /// Each table, and what was asked while it was measured.
    fn sections(&self) -> [(Table, String); 4] {
        let levels = grouped(self.levels);
        let uniform = format!("any of {levels} levels alike");
        [
            (
                self.of_durability(),
                format!(
                    "Closed loop: so many reservations wait for an answer at once, and the next is asked when one is answered; \
                     {uniform}. One mode after another, each on a store of its own and with few in flight first. CPU is that \
                     of engine and load together, for each answer."
                ),
            ),
            (
                self.of_reads(),
                format!(
                    "Writes: closed loop, {uniform}. Beside them one reader asks for one level after another, any alike. \
                     The rows were measured one after another on the same store."
                ),
            ),
            (
                self.of_oversell(),
                format!(
                    "Closed loop, {BUYERS_IN_FLIGHT} in flight; each buyer asks once for one unit of the one item. It lasts \
                     until all are answered, not for a time."
                ),
            ),
            (
                self.of_overload(),
                format!(
                    "Open loop: requests are offered at a rate, whether answers come or not, {uniform}; times count from when \
                     each was to be asked. What can be done is found before: a closed loop with {} in flight, nobody refused. \
                     It is the load of `before-answer` in the first table in another run, so the two rates differ as \
                     runs do.",
                    grouped(CAPACITY_IN_FLIGHT as u64)
                ),
            ),
        ]
    }

    fn of_durability(&self) -> Table {
        let mut columns = vec!["durability".to_owned()];
        for in_flight in IN_FLIGHT.map(|count| grouped(count as u64)) {
            columns.push(format!("reserves/s, {in_flight} in flight"));
            columns.push("p50 / p99 ms".to_owned());
            columns.push("CPU µs".to_owned());
        }
        columns.push("a loss of power may take".to_owned());
        let rows = self.durability.iter().map(|row| {
            let mut cells = vec![row.mode.clone()];
            for run in &row.runs {
                cells.push(grouped(run.per_second as u64));
                let (p50, p99) = (millis(run.p50_micros), millis(run.p99_micros));
                cells.push(format!("{p50} / {p99}"));
                cells.push(format!("{:.1}", run.cpu_micros));
            }
            cells.push(match row.lost_millis {
                0 => "nothing".to_owned(),
                millis => format!("{millis} ms of answers"),
            });
            cells
        });
        Table {
            title: "Durability of a write".into(),
            rows: rows.collect(),
            columns,
        }
    }

    fn of_reads(&self) -> Table {
        let columns = [
            "one reader",
            "reads/s",
            "p50 / p99 µs",
            "age p99 / most ms",
            "writes/s meanwhile",
            "writes' p99 ms",
        ];
        let rows = self.reads.iter().map(|row| {
            let micros = |nanos: u64| format!("{:.1}", nanos as f64 / 1e3);
            let (p50, p99) = (micros(row.p50_nanos), micros(row.p99_nanos));
            let (name, reads) = match row.reading {
                Reading::None => ("none, for comparison", Default::default()),
                Reading::Strong => ("strong", [format!("{p50} / {p99}"), "0".to_owned()]),
                Reading::Bounded => {
                    let (p99_age, most) = (row.age_p99_millis, row.age_most_millis);
                    (
                        "bounded",
                        [format!("{p50} / {p99}"), format!("{p99_age} / {most}")],
                    )
                }
            };
            let [latency, age] = reads;
            let rate = match row.reading {
                Reading::None => String::new(),
                _ => grouped(row.reads_per_second as u64),
            };
            let writes = grouped(row.writes_per_second as u64);
            let p99 = millis(row.writes_p99_micros);
            vec![name.to_owned(), rate, latency, age, writes, p99]
        });
        Table {
            title: format!(
                "Consistency of a read, beside {WRITES_IN_FLIGHT} reservations in flight"
            ),
            columns: columns.map(String::from).to_vec(),
            rows: rows.collect(),
        }
    }

    fn of_oversell(&self) -> Table {
        let columns = [
            "oversell policy",
            "units there",
            "buyers",
            "sold",
            "refused",
            "promised beyond what is there",
            "answers/s",
            "p99 ms",
        ];
        let rows = self.oversell.iter().map(|row| {
            let policy = match row.limit {
                0 => "deny".to_owned(),
                limit => format!("up to {}", grouped(limit.into())),
            };
            let (sold, refused) = (row.run.recorded, row.run.refused);
            let counts = [
                row.units.into(),
                sold + refused,
                sold,
                refused,
                row.oversold,
            ];
            let mut cells = vec![policy];
            cells.extend(counts.map(grouped));
            cells.push(grouped(row.run.per_second as u64));
            cells.push(millis(row.run.p99_micros));
            cells
        });
        Table {
            title: "Overselling, one item".into(),
            columns: columns.map(String::from).to_vec(),
            rows: rows.collect(),
        }
    }

    fn of_overload(&self) -> Table {
        let columns = [
            "queue bounded by",
            "can do/s",
            "offered/s",
            "done/s",
            "p50 / p99 ms of those",
            "refused",
        ];
        let rows = self.overload.iter().map(|row| {
            let bound = match row.queue_millis {
                None => "length alone".to_owned(),
                Some(millis) => format!("length, and {millis} ms"),
            };
            let rates = [
                row.capacity_per_second,
                row.offered_per_second,
                row.good_per_second,
            ];
            let mut cells = vec![bound];
            cells.extend(rates.map(|rate| grouped(rate as u64)));
            let (p50, p99) = (millis(row.p50_micros), millis(row.p99_micros));
            cells.push(format!("{p50} / {p99}"));
            cells.push(grouped(row.refused));
            cells
        });
        Table {
            title: "Overload: twice as much offered as can be done".into(),
            columns: columns.map(String::from).to_vec(),
            rows: rows.collect(),
        }
    }
}

/// Where the plot of a page lies.
fn image(page: &Path) -> PathBuf {
    page.with_extension("svg")
}

fn millis(micros: u64) -> String {
    format!("{:.2}", micros as f64 / 1e3)
}
