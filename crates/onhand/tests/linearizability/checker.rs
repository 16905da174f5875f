//! The checker on histories whose verdict is known: it accepts what it must, and refuses what it must.

use crate::history::History;
use crate::level::{Answer, Numbers, OPENING, Outcome, Request};

const TAKE: Request = Request::Adjust { units: -2 };

fn shown(on_hand: i64) -> Outcome {
    Outcome::Answered(Answer::Level(Numbers {
        on_hand,
        available: on_hand,
        ..Numbers::default()
    }))
}

fn done() -> Outcome {
    Outcome::Answered(Answer::Done)
}

/// A call and its end, with nothing between.
fn at_once(history: &mut History, request: Request, outcome: Outcome) {
    let number = history.call(request);
    history.end(number, outcome);
}

#[test]
fn a_read_that_misses_a_write_before_it_is_refused() {
    let mut history = History::default();
    at_once(&mut history, TAKE, done());
    at_once(&mut history, Request::Level, shown(OPENING));
    let why = history.check().unwrap_err();
    assert!(why.contains("the answer to operation 2"), "{why}");
}

#[test]
fn a_read_beside_a_write_may_see_it_or_not_but_not_lose_it_again() {
    for (first, second, is_fine) in [(2, 2, true), (0, 2, true), (0, 0, true), (2, 0, false)] {
        let mut history = History::default();
        let write = history.call(TAKE);
        at_once(&mut history, Request::Level, shown(OPENING - first));
        at_once(&mut history, Request::Level, shown(OPENING - second));
        history.end(write, done());
        assert_eq!(history.check().is_ok(), is_fine, "{first}, then {second}");
    }
}

#[test]
fn an_unanswered_write_was_done_or_not_and_is_not_done_later() {
    for (first, second, is_fine) in [(2, 2, true), (0, 0, true), (0, 2, false), (2, 0, false)] {
        let mut history = History::default();
        at_once(&mut history, TAKE, Outcome::Unknown);
        at_once(&mut history, Request::Level, shown(OPENING - first));
        at_once(&mut history, Request::Level, shown(OPENING - second));
        assert_eq!(history.check().is_ok(), is_fine, "{first}, then {second}");
    }
}

#[test]
fn the_last_units_are_promised_once() {
    let mut history = History::default();
    let reserve = |name| Request::Reserve {
        name,
        units: OPENING,
        partial: false,
    };
    let (one, other) = (history.call(reserve(1)), history.call(reserve(2)));
    let got = || Outcome::Answered(Answer::Units(OPENING));
    history.end(one, got());
    history.end(other, got());
    assert!(history.check().is_err());
}
