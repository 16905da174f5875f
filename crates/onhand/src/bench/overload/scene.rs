//! The scenes, one after another on the same engine.

use super::super::stage::Keys;
use super::Setting;
use super::report::{Memory, Report, Row, Spike};
use super::tally::Tally;
use super::traffic::{Flow, Generator, Lasts, Played, Stream, What};
use crate::bench::resident;
use onhand_engine::Tenant;
use std::time::Duration;

/// Requests in flight while the capacity is measured.
const IN_FLIGHT: u64 = 4096;
/// Runs of the capacity before the scenes, and after them.
const RUNS: usize = 3;
/// The share of the capacity that is offered when nothing is wrong.
const CALM: f64 = 0.5;
/// After the overload that is offered until nothing was wrong for so long, …
const QUIET: Duration = Duration::from_secs(1);
/// … and at most for so long.
const RECOVERY: Duration = Duration::from_secs(30);

/// Plays all.
pub(super) fn all(setting: &Setting<'_>, mut tell: impl FnMut(&'static str)) -> Report {
    let mut generator = Generator::new(setting.engine, setting.stock);
    tell("Measuring the capacity");
    // Until as many holds expire as are made.
    capacity(&mut generator, setting.short.min(Duration::from_secs(3)));
    let before: Vec<Played> = (0..RUNS)
        .map(|_| capacity(&mut generator, setting.short))
        .collect();
    let mut capacities: Vec<f64> = before.iter().map(rate).collect();
    let at_capacity_mib = before.iter().map(|run| run.most_mib).max();
    let before = median(&mut capacities);
    tell("Overload");
    let at_capacity_mib = at_capacity_mib.unwrap_or_default();
    let mut spike = overload(setting, &mut generator, before, at_capacity_mib);
    tell("One tenant's spike");
    let tenants = tenants(setting, &mut generator, before);
    tell("A flood of holds");
    let classes = classes(setting, &mut generator, before);
    tell("One hot SKU");
    let neighbours = neighbours(setting, &mut generator, before);
    tell("Measuring the capacity again");
    capacities.extend((0..RUNS).map(|_| rate(&capacity(&mut generator, setting.short))));
    let capacity = median(&mut capacities);
    spike.goodput_of_capacity = spike.goodput_per_second / capacity;
    Report {
        capacity_per_second: capacity,
        capacities_per_second: capacities,
        overload: spike,
        tenants,
        classes,
        neighbours,
        ..Report::default()
    }
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn holds(name: &'static str, keys: Keys, per_second: f64) -> Stream {
    Stream {
        name,
        tenant: Tenant::DEFAULT,
        what: What::Holds(keys),
        per_second,
    }
}

/// The engine with as many requests waiting as it likes.
fn capacity(generator: &mut Generator<'_>, time: Duration) -> Played {
    let streams = [holds("holds", Keys::Uniform, 0.0)];
    generator.play(&streams, Flow::Closed(IN_FLIGHT), time)
}

/// Answers a second.
fn rate(played: &Played) -> f64 {
    played.tallies[0].answered() as f64 / played.took.as_secs_f64()
}

fn overload(
    setting: &Setting<'_>,
    generator: &mut Generator<'_>,
    capacity: f64,
    at_capacity_mib: u64,
) -> Spike {
    let streams = [holds("holds", Keys::Uniform, capacity * setting.times)];
    let spike = generator.begin(&streams, Flow::Open, Lasts::For(setting.long));
    let calm = [holds("holds", Keys::Uniform, capacity * CALM)];
    let until_calm = Lasts::UntilCalm {
        quiet: QUIET,
        at_most: RECOVERY,
    };
    // At once: what the spike left behind is part of the recovery.
    let after = generator.begin(&calm, Flow::Open, until_calm).end();
    let played = spike.end();
    let tally = &played.tallies[0];
    let seconds = played.took.as_secs_f64();
    Spike {
        seconds,
        times: tally.offered as f64 / seconds / capacity,
        all: Row::of(tally, seconds),
        goodput_per_second: tally.answered() as f64 / seconds,
        goodput_of_capacity: 0.0,
        refused_busy: tally.busy,
        refused_late: tally.late,
        failed: tally.failed(),
        longest_retry_after_seconds: tally.longest_retry,
        recovered_after_ms: recovered_after(&played, &after).map(|time| time.as_millis() as u64),
        recovery_seconds: RECOVERY.as_secs(),
        memory: Memory {
            at_capacity_mib,
            most_mib: played.most_mib,
            after_mib: resident::mib(),
        },
        generator_cores: played.generator.as_secs_f64() / seconds,
    }
}

/// How long after the spike the last of it, or of what came after it, was refused or slow; `None` if there was no quiet
/// after that, or anything was never answered.
fn recovered_after(spike: &Played, after: &Played) -> Option<Duration> {
    let (last, calm) = (&spike.tallies[0], &after.tallies[0]);
    let left_behind = last.last_trouble.saturating_sub(spike.took);
    let trouble = calm.last_trouble.max(left_behind);
    let is_quiet = trouble + QUIET <= after.took;
    let is_answered = |tally: &Tally| tally.failed() == 0;
    (is_quiet && is_answered(calm) && is_answered(last)).then_some(trouble)
}

fn rows(played: &Played) -> Vec<Row> {
    let seconds = played.took.as_secs_f64();
    let row = |tally| Row::of(tally, seconds);
    played.tallies.iter().map(row).collect()
}

/// One asks for many times what there is, four for a twentieth of it each.
fn tenants(setting: &Setting<'_>, generator: &mut Generator<'_>, capacity: f64) -> Vec<Row> {
    let others = ["tenant b", "tenant c", "tenant d", "tenant e"];
    let spike = Stream {
        tenant: Tenant::named("a"),
        ..holds(
            "tenant a, the spike",
            Keys::Uniform,
            capacity * setting.times,
        )
    };
    let others = others.map(|name| Stream {
        tenant: Tenant::named(name),
        ..holds(name, Keys::Uniform, capacity / 20.0)
    });
    let streams: Vec<Stream> = std::iter::once(spike).chain(others).collect();
    rows(&generator.play(&streams, Flow::Open, setting.short))
}

/// A flood of holds, and a few confirms and strong reads.
fn classes(setting: &Setting<'_>, generator: &mut Generator<'_>, capacity: f64) -> Vec<Row> {
    let few = |name, what| Stream {
        what,
        ..holds(name, Keys::Uniform, capacity / 100.0)
    };
    let streams = [
        holds("holds, the flood", Keys::Uniform, capacity * setting.times),
        few("confirms", What::Confirms),
        few("strong reads", What::Reads),
    ];
    rows(&generator.play(&streams, Flow::Open, setting.short))
}

/// A tenth of a calm load beside nine tenths that are spread, and then beside nine tenths on one SKU.
fn neighbours(setting: &Setting<'_>, generator: &mut Generator<'_>, capacity: f64) -> Vec<Row> {
    let calm = capacity * CALM;
    let mut both = Vec::new();
    let scenes = [
        (Keys::Uniform, "nine tenths, spread", "beside them"),
        (Keys::Hot, "nine tenths, one SKU", "its neighbours"),
    ];
    for (keys, most, few) in scenes {
        let streams = [
            holds(most, keys, calm * 0.9),
            holds(few, Keys::Uniform, calm * 0.1),
        ];
        both.extend(rows(&generator.play(&streams, Flow::Open, setting.short)));
    }
    both
}
