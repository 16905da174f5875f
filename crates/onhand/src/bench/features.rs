//! `onhand bench features`: what features cost on a ledger: an entry to follow, a row to read, an entity to keep.
//!
//! Rows are read for a page of a location, as a prediction reads them: by a reader that remembers nothing; by one that
//! read the page a moment ago; and by one that read it in the hour before, so that the filters go on by an hour and the
//! means are made anew.

use crate::failure::Failure;
use crate::features::ledger::{LedgerFile, in_order, set, store};
use crate::folder::DataFolder;
use crate::output;
use clap::Args;
use onhand_core::{LocationId, Sku, Span, Timestamp};
use onhand_features::{Footprint, Moment, Store, Subject};
use serde::Serialize;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// The most rows of a page.
const PAGE: usize = 1_000;
const HOUR: Span = Span::from_secs(3600);

/// Follows a ledger, reads rows of its largest location, and tells what each costs. The server must be stopped.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench features --data ./shops
  onhand bench features --data ./shops --measures
  onhand bench features --data ./shops --seconds 5 --json")]
pub(crate) struct Features {
    #[command(flatten)]
    folder: DataFolder,
    /// Seconds of each measurement of rows.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,
    /// Print the bytes of each measure, too.
    #[arg(long)]
    measures: bool,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Figures {
    features: usize,
    entries: u64,
    /// Of the reading of the ledger and of applying it.
    entry_micros: f64,
    /// Rows of the page that was read.
    page: usize,
    /// Of a row, by a reader that remembers nothing.
    first_row_micros: f64,
    /// Of a row, by one that has read the page in the hour before.
    next_hour_row_micros: f64,
    /// Of a row, by one that has read the page in this hour.
    again_row_micros: f64,
    /// By kind of entity.
    entities: Vec<Entities>,
}

#[derive(Debug, Serialize)]
struct Entities {
    entity: String,
    entities: usize,
    bytes_each: f64,
    /// Bytes each, by measure.
    measures: BTreeMap<&'static str, f64>,
}

type Page = (LocationId, Vec<Sku>);

impl Features {
    /// Measures.
    pub(crate) fn run(self) -> Result<(), Failure> {
        if !(0.01..=600.0).contains(&self.seconds) {
            return Err(Failure::say("--seconds must be from 0.01 to 600"));
        }
        let (store, page, entry_micros) = self.follow()?;
        let now = store.last().at;
        let figures = Figures {
            features: store.set().len(),
            entries: store.last().seq.0,
            entry_micros,
            page: page.1.len(),
            first_row_micros: self.micros(&store, &page, &mut |subject, _| {
                *subject = Subject::default();
                now
            }),
            next_hour_row_micros: self.next_hours(&store, &page, now),
            again_row_micros: self.micros(&store, &page, &mut |_, _| now),
            entities: entities(&store),
        };
        match self.json {
            true => output::json(&figures),
            false => figures.print(self.measures),
        }
        Ok(())
    }

    /// Follows the ledger to its end; gives the largest location's page with it, and what an entry took.
    fn follow(&self) -> Result<(Store, Page, f64), Failure> {
        let ledger = LedgerFile::open(&self.folder.data)?;
        let mut store = store(&set());
        let mut pages: BTreeMap<LocationId, Vec<Sku>> = BTreeMap::new();
        let start = Instant::now();
        ledger.each("Following", &mut |entry| {
            for opening in &entry.openings {
                let page = pages.entry(opening.location.clone()).or_default();
                page.push(opening.sku.clone());
            }
            in_order(store.apply(entry));
            ControlFlow::Continue(())
        })?;
        let micros = start.elapsed().as_secs_f64() * 1e6 / store.last().seq.0.max(1) as f64;
        let largest = pages.into_iter().max_by_key(|page| page.1.len());
        let Some((location, mut skus)) = largest else {
            return Err(Failure::say(
                "the ledger knows no item: there is no row to read",
            ));
        };
        skus.truncate(PAGE);
        Ok((store, (location, skus), micros))
    }

    /// Mean time of a row of the page. Before each page `begin` may change what is remembered, and says the time.
    fn micros(
        &self,
        store: &Store,
        page: &Page,
        begin: &mut dyn FnMut(&mut Subject, u64) -> Timestamp,
    ) -> f64 {
        let (mut subject, mut row) = (Subject::default(), vec![0.0; store.set().len()]);
        let mut read = |subject: &mut Subject, now| {
            let start = Instant::now();
            for sku in &page.1 {
                store.find(page.0.as_str(), sku.as_str(), subject);
                store.read(subject, Moment::of(now), &mut row);
                black_box(&row);
            }
            start.elapsed()
        };
        let now = begin(&mut subject, 0);
        read(&mut subject, now);
        let (mut took, mut pages) = (Duration::ZERO, 0);
        while took < Duration::from_secs_f64(self.seconds) {
            let now = begin(&mut subject, pages + 1);
            took += read(&mut subject, now);
            pages += 1;
        }
        took.as_secs_f64() * 1e6 / (pages * page.1.len() as u64) as f64
    }

    /// The hours of the newest entry's day in turn: only going on to the next is a step of one hour.
    fn next_hours(&self, store: &Store, page: &Page, now: Timestamp) -> f64 {
        let noon = Timestamp::from_millis(now.millis() / DAY * DAY + 12 * HOUR.millis());
        self.micros(store, page, &mut |_, pages| {
            noon.plus(Span::from_millis(pages % 8 * HOUR.millis()))
        })
    }
}

const DAY: u64 = 24 * HOUR.millis();

fn entities(store: &Store) -> Vec<Entities> {
    let entities = |one: Footprint| {
        let each = |bytes: usize| bytes as f64 / one.entities.max(1) as f64;
        let measures = one.measures.iter();
        Entities {
            entity: one.entity.to_string(),
            entities: one.entities,
            bytes_each: each(one.bytes),
            measures: measures
                .map(|(measure, bytes)| (measure.name(), each(*bytes)))
                .collect(),
        }
    };
    store.footprints().into_iter().map(entities).collect()
}

impl Figures {
    fn print(&self, measures: bool) {
        output::text(format!(
            "{} entries, {} features, a page of {} rows",
            self.entries, self.features, self.page
        ));
        let lines = [
            ("an entry, read and followed", self.entry_micros),
            ("a row, nothing remembered", self.first_row_micros),
            ("a row, read in the hour before", self.next_hour_row_micros),
            ("a row, read in this hour", self.again_row_micros),
        ];
        for (what, micros) in lines {
            output::text(format!("{what:<40} {micros:>10.2} µs"));
        }
        for one in &self.entities {
            let what = format!("{} of {}", one.entity, one.entities);
            output::text(format!("{what:<40} {:>10.0} bytes", one.bytes_each));
            for (measure, bytes) in one.measures.iter().filter(|_| measures) {
                output::text(format!("  {measure:<38} {bytes:>10.0} bytes"));
            }
        }
    }
}
