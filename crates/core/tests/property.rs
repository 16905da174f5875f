//! Random requests through the core and through its naive twin: the same outcomes, balances and reservations.
//!
//! A failure is shrunk and printed as a script that can be put into `tests/golden/` as it is.

mod ledger;
mod translate;
mod twin;

use ledger::Ledger;
use onhand_core::{Command, Decision, Refusal, Settings, Span};
use proptest::prelude::*;
use translate::{moment, outcome};
use twin::ask::{Ask, ITEMS, Line, Millis, Pick, Rule, SHOPS, Time};
use twin::{COUNT_WINDOW, KEY_RETENTION, Twin};

/// One step: how far the clock moves, the key, and the request, or an earlier one again.
#[derive(Clone, Debug)]
enum Step {
    New(Millis, Option<u8>, Ask),
    Again(Millis, prop::sample::Index),
}

const START: Millis = 10 * 3_600_000;
const OPEN: i64 = 8;
const LEVELS: i64 = 5;

/// From here on the number of a reservation or transfer is meant as it is, and mostly unknown.
const FAR: usize = 3;
/// From here on a pick is of any item, not of one in the reservation.
const ANY_ITEM: usize = 12;
/// A pick of all that is left.
const ALL: i64 = 4;

/// Both sides, and the script of what they were asked.
struct Pair {
    ledger: Ledger,
    twin: Twin,
    clock: Millis,
    asked: Vec<(Option<u8>, Ask)>,
    script: String,
}

impl Pair {
    fn new(is_stocked: bool) -> Self {
        let mut ledger = Ledger::new();
        let settings = Settings {
            key_retention: Span::from_millis(KEY_RETENTION as u64),
            count_window: Span::from_millis(COUNT_WINDOW as u64),
            most_open_reservations: OPEN as u64,
            most_levels: LEVELS as u64,
            ..Settings::default()
        };
        ledger.submit(moment(START), None, &Command::Configure(settings));
        let (keys, counts) = (KEY_RETENTION / 1000, COUNT_WINDOW / 1000);
        let (time, limits) = (Time(START), format!("reservations {OPEN} levels {LEVELS}"));
        let mut pair = Self {
            ledger,
            twin: Twin::new(START, OPEN, LEVELS),
            clock: START,
            asked: Vec::new(),
            script: format!("> {time} settings keys {keys}s counts {counts}s {limits}\n"),
        };
        for shop in 0..SHOPS.len() * usize::from(is_stocked) {
            let (lines, happened) = (vec![(0, 9), (1 + shop, 5)], None);
            let receive = Ask::Receive {
                shop,
                lines,
                happened,
            };
            let stocked = pair.step(&Step::New(0, None, receive));
            stocked.expect("a receipt is the same on both sides");
        }
        pair
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let (wait, key, ask) = match step {
            Step::New(wait, key, ask) => (*wait, *key, self.meant(ask, *wait)),
            Step::Again(_, _) if self.asked.is_empty() => return Ok(()),
            Step::Again(wait, which) => {
                let (key, ask) = which.get(&self.asked).clone();
                (*wait, key, ask)
            }
        };
        let is_of_no_parcel = matches!(ask, Ask::Announce(no) if no >= self.twin.parcels.len());
        if is_of_no_parcel {
            return Ok(());
        }
        self.clock += wait;
        let spelled_key = key.map_or(String::new(), |key| format!(" key k{key}"));
        let line = format!("> {} {ask}{spelled_key}\n", Time(self.clock));
        self.script.push_str(&line);
        self.compare(key, &ask)?;
        self.asked.push((key, ask));
        Ok(())
    }

    /// The request that a made-up one stands for: times count back from the clock, reservations and transfers from the
    /// newest one, and most picks are of what the reservation has. Both sides get it as it is.
    fn meant(&self, ask: &Ask, wait: Millis) -> Ask {
        let mut ask = ask.clone();
        let clock = self.clock + wait;
        let newest = |count: usize, back: usize| match back {
            FAR.. => back,
            _ => count.saturating_sub(1 + back),
        };
        let promise = |no: usize| newest(self.twin.promises.len(), no);
        let parcel = |no: usize| newest(self.twin.parcels.len(), no);
        match &mut ask {
            Ask::Count { as_of, .. } => *as_of = clock - *as_of,
            Ask::Receive { happened, .. } | Ask::Adjust { happened, .. } => {
                *happened = happened.map(|ago| clock - ago);
            }
            Ask::Confirm(no) | Ask::Release(no) | Ask::Extend(no, _) => *no = promise(*no),
            Ask::Announce(no) | Ask::HandOver(no) | Ask::Arrive(no) => *no = parcel(*no),
            Ask::Fulfill {
                no,
                picks,
                happened,
            } => {
                *no = promise(*no);
                *happened = happened.map(|ago| clock - ago);
                picks.iter_mut().for_each(|pick| self.aim(*no, pick));
            }
            _ => {}
        }
        ask
    }

    /// Aims a pick at a line of the reservation, and makes a large one all that is left of it.
    fn aim(&self, no: usize, pick: &mut Pick) {
        let promise = self.twin.promises.get(no);
        let lines = promise.map_or(&[][..], |promise| &promise.lines);
        let aimed = lines.get(pick.item % 4 % lines.len().max(1));
        match aimed.filter(|_| pick.item < ANY_ITEM) {
            Some(line) => {
                pick.item = line.item;
                pick.picked = match pick.picked {
                    ALL => (line.left - pick.missing).max(0),
                    units => units,
                };
            }
            None => (pick.item, pick.picked) = (pick.item % ITEMS.len(), pick.picked % ALL),
        }
    }

    fn compare(&mut self, key: Option<u8>, ask: &Ask) -> Result<(), TestCaseError> {
        let command = translate::command(ask, &self.twin, self.ledger.state.settings());
        let full_key = key.map(|key| ledger::key(&format!("k{key}"), &command));
        let (expired, decision) = self.ledger.submit(moment(self.clock), full_key, &command);
        let expected = self.twin.ask(self.clock, key, ask);
        let expired: Vec<usize> = expired.iter().map(translate::expired).collect();
        let found = (expired, outcome(&decision));
        prop_assert_eq!(found, expected, "of\n{}", self.script);
        self.compare_shelves()?;
        self.compare_promises()
    }

    fn compare_shelves(&self) -> Result<(), TestCaseError> {
        let directory = self.ledger.state.directory();
        prop_assert_eq!(
            directory.len(),
            self.twin.shelves.len(),
            "of\n{}",
            self.script
        );
        for shelf in &self.twin.shelves {
            let (shop, item) = (SHOPS[shelf.shop], ITEMS[shelf.item]);
            let level = directory.find(
                &translate::location(shelf.shop),
                &translate::sku(shelf.item),
            );
            let level = level.expect("the core has every level of the twin").1;
            let found = [
                level.on_hand(),
                i64::from(level.reserved()),
                i64::from(level.allocated()),
                i64::from(level.unavailable()),
                i64::from(level.in_transit()),
                level.available(),
            ];
            let expected = [
                shelf.on_hand,
                shelf.reserved,
                shelf.allocated,
                shelf.unavailable,
                shelf.in_transit,
                shelf.available(),
            ];
            prop_assert_eq!(found, expected, "{}/{} of\n{}", shop, item, self.script);
        }
        Ok(())
    }

    fn compare_promises(&self) -> Result<(), TestCaseError> {
        let found: Vec<String> = translate::reservations(&self.ledger.state);
        let expected: Vec<String> = self.twin.promises.iter().map(translate::promise).collect();
        prop_assert_eq!(found, expected, "of\n{}", self.script);
        Ok(())
    }
}

fn units() -> impl Strategy<Value = i64> {
    1..7_i64
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec((0..ITEMS.len(), units()), 1..4)
}

fn ago() -> impl Strategy<Value = Millis> {
    prop_oneof![8 => 0..40_000_i64, 1 => -500..0_i64, 1 => 85_000..95_000_i64]
}

fn happened() -> impl Strategy<Value = Option<Millis>> {
    prop_oneof![3 => Just(None), 1 => ago().prop_map(Some)]
}

fn shop() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(1_usize), 1 => Just(0_usize)]
}

fn reservation() -> impl Strategy<Value = usize> {
    prop_oneof![9 => 0..FAR, 1 => FAR..12_usize]
}

fn pick() -> impl Strategy<Value = Pick> {
    let instead = prop::collection::vec((0..ITEMS.len(), units()), 0..2);
    let missing = prop_oneof![3 => Just(0_i64), 1 => 1..3_i64];
    (0..ANY_ITEM + 1, 0..ALL + 3, missing, instead).prop_map(|(item, picked, missing, instead)| {
        Pick {
            item,
            picked: picked.min(ALL),
            missing,
            instead,
        }
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let limit = || prop::option::of(0..4_i64);
    (0..ITEMS.len(), limit(), limit(), any::<Option<bool>>()).prop_map(
        |(item, safety, oversell, correct)| Rule {
            item,
            safety,
            oversell,
            correct,
        },
    )
}

fn stock() -> impl Strategy<Value = Ask> {
    let change = (
        0..ITEMS.len(),
        prop_oneof![-5..0_i64, 1..5_i64],
        prop::bool::weighted(0.3),
    );
    let counted = prop::collection::vec((0..ITEMS.len(), 0..9_i64), 1..3);
    prop_oneof![
        4 => (shop(), lines(), happened())
            .prop_map(|(shop, lines, happened)| Ask::Receive { shop, lines, happened }),
        2 => (shop(), prop::collection::vec(change, 1..3), happened())
            .prop_map(|(shop, lines, happened)| Ask::Adjust { shop, lines, happened }),
        3 => (shop(), ago(), prop::bool::weighted(0.3), counted)
            .prop_map(|(shop, as_of, complete, lines)| Ask::Count { shop, as_of, complete, lines }),
        2 => (shop(), prop::collection::vec(rule(), 1..3))
            .prop_map(|(shop, rules)| Ask::Policy { shop, rules }),
        1 => (2..9_i64, 3..7_i64).prop_map(|(open, levels)| Ask::Settings { open, levels }),
    ]
}

fn promises() -> impl Strategy<Value = Ask> {
    prop_oneof![
        6 => (shop(), lines(), 0..40_i64, prop::bool::weighted(0.3))
            .prop_map(|(shop, lines, ttl, partial)| Ask::Hold { shop, lines, ttl, partial }),
        6 => reservation().prop_map(Ask::Confirm),
        1 => (reservation(), 0..40_i64).prop_map(|(no, ttl)| Ask::Extend(no, ttl)),
        1 => reservation().prop_map(Ask::Release),
        7 => (reservation(), prop::collection::vec(pick(), 1..3), happened())
            .prop_map(|(no, picks, happened)| Ask::Fulfill { no, picks, happened }),
    ]
}

fn transfers() -> impl Strategy<Value = Ask> {
    prop_oneof![
        (shop(), shop(), lines()).prop_map(|(from, to, lines)| Ask::Dispatch { from, to, lines }),
        (0..FAR + 1).prop_map(Ask::Announce),
        (0..FAR + 1).prop_map(Ask::HandOver),
        (0..FAR + 1).prop_map(Ask::Arrive),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // Expiries and retentions are whole seconds, so whole seconds make the races that matter.
    let wait = || prop_oneof![3 => Just(0_i64), 4 => (0..8_i64).prop_map(|s| s * 1000), 1 => -3_000..20_000_i64];
    let ask = prop_oneof![4 => stock(), 6 => promises(), 3 => transfers()];
    prop_oneof![
        9 => (wait(), prop::option::weighted(0.3, 0..6_u8), ask)
            .prop_map(|(wait, key, ask)| Step::New(wait, key, ask)),
        1 => (wait(), any::<prop::sample::Index>()).prop_map(|(wait, which)| Step::Again(wait, which)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_core_does_what_its_twin_does(
        is_stocked in prop::bool::weighted(0.8),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut pair = Pair::new(is_stocked);
        for step in &steps {
            pair.step(step)?;
        }
        pair.ledger.prove();
    }

    /// With quantities around every bound, a request is refused or recorded, and never breaks an invariant.
    #[test]
    fn huge_quantities_are_refused_or_recorded(
        steps in prop::collection::vec((step(), 0..4_usize), 1..60)
    ) {
        let mut pair = Pair::new(true);
        for (step, size) in &steps {
            let Step::New(wait, _, ask) = step else { continue };
            pair.clock += wait;
            let ask = translate::grown(ask, *size);
            if matches!(ask, Ask::Announce(_)) {
                continue;
            }
            let ask = pair.meant(&ask, 0);
            let settings = *pair.ledger.state.settings();
            let command = translate::command(&ask, &pair.twin, &settings);
            let (_, decision) = pair.ledger.submit(moment(pair.clock), None, &command);
            let is_sound = !matches!(decision, Decision::Refuse(Refusal::KeyReused));
            prop_assert!(is_sound);
        }
        pair.ledger.prove();
    }
}
