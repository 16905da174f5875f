//! The pure machine: what goes in, which effects come out, in which batch.

use crate::requests::{confirm, hold, key, receive};
use onhand_core::{Refusal, Seq, State, Timestamp};
use onhand_engine::machine::{Effects, Machine, replay};
use onhand_engine::{Answer, Query, Request};
use onhand_log::Tail;
use onhand_wire::state_hash;

fn machine() -> Machine<&'static str> {
    Machine::new(State::new(0), Tail::EMPTY, 0, 1 << 20)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn submit(
    machine: &mut Machine<&'static str>,
    millis: u64,
    command: onhand_core::Command,
    token: &'static str,
) {
    assert!(machine.advance(at(millis)));
    let (key, at_time) = (None, None);
    let request = Request::Command {
        key,
        command,
        at: at_time,
    };
    machine.submit(at(millis), request, token);
}

/// Effects as a script: what is appended, then what is shown, then who hears what.
fn script(effects: Effects<&'static str>) -> String {
    let mut lines = Vec::new();
    if let Some(batch) = &effects.append {
        lines.push(format!(
            "append {}..{} at {}",
            batch.first,
            batch.next(),
            batch.at_millis
        ));
    }
    if !effects.publish.levels.is_empty() {
        lines.push(format!(
            "as far as {} levels",
            effects.publish.extent.levels
        ));
    }
    for (no, level, seq) in &effects.publish.levels {
        let (free, reserved) = (level.free(), level.reserved());
        lines.push(format!(
            "show {no}: {free} free, {reserved} reserved, by {seq}"
        ));
    }
    for (token, answer) in &effects.replies {
        lines.push(format!("tell {token}: {}", said(answer)));
    }
    lines.join("\n")
}

fn said(answer: &Answer) -> String {
    match answer {
        Answer::Recorded(entry) => format!("{} by {}", entry.event.name(), entry.stamp.seq),
        Answer::Repeated(seq) => format!("repeat of {seq}"),
        Answer::Nothing => "nothing".into(),
        Answer::Refused(Refusal::InsufficientStock(_)) => "insufficient stock".into(),
        Answer::Refused(refusal) => format!("{refusal:?}"),
        Answer::Found(found) => format!("found as of {}", found.seq),
        Answer::Unavailable(why) => why.to_string(),
    }
}

#[test]
fn effects_are_append_then_publish_then_replies_in_the_order_of_the_requests() {
    let mut machine = machine();
    submit(&mut machine, 10, receive("s", "apple", 5), "ann");
    submit(&mut machine, 20, hold("s", "apple", 3, 1_000), "bob");
    let effects = script(machine.close());
    let expected = "append 1..3 at 20\n\
        as far as 1 levels\n\
        show 0: 5 free, 0 reserved, by 1\n\
        show 0: 2 free, 3 reserved, by 2\n\
        tell ann: received by 1\n\
        tell bob: held by 2";
    assert_eq!(effects, expected);
    assert!(!machine.has_work());
    assert_eq!(script(machine.close()), "", "a batch is handed out once");
}

#[test]
fn refusals_and_queries_wait_in_the_open_batch_with_what_they_were_decided_on() {
    let mut machine = machine();
    submit(&mut machine, 10, receive("s", "apple", 5), "ann");
    submit(&mut machine, 10, hold("s", "apple", 6, 1_000), "bob");
    machine.submit(at(10), Request::Query(Query::Outbox), "cem");
    assert!(machine.has_work());
    let effects = script(machine.close());
    let expected = "append 1..2 at 10\n\
        as far as 1 levels\n\
        show 0: 5 free, 0 reserved, by 1\n\
        tell ann: received by 1\n\
        tell bob: insufficient stock\n\
        tell cem: found as of 1";
    assert_eq!(effects, expected);
}

#[test]
fn a_batch_of_refusals_alone_appends_nothing() {
    let mut machine = machine();
    submit(&mut machine, 10, confirm(7), "ann");
    assert!(machine.has_work());
    assert_eq!(script(machine.close()), "tell ann: UnknownReservation");
}

#[test]
fn expiries_are_entries_before_the_command_that_finds_them_due() {
    let mut machine = machine();
    submit(&mut machine, 0, receive("s", "apple", 5), "ann");
    submit(&mut machine, 0, hold("s", "apple", 5, 100), "bob");
    submit(&mut machine, 99, hold("s", "apple", 5, 100), "cem");
    submit(&mut machine, 100, hold("s", "apple", 5, 100), "dan");
    let effects = machine.close();
    let replies: Vec<_> = effects
        .replies
        .iter()
        .map(|(_, answer)| said(answer))
        .collect();
    assert_eq!(
        replies,
        [
            "received by 1",
            "held by 2",
            "insufficient stock",
            "held by 4"
        ]
    );
}

#[test]
fn the_answers_of_an_open_batch_can_be_taken_out_and_what_was_decided_stays() {
    let mut machine = machine();
    submit(&mut machine, 10, receive("s", "apple", 5), "ann");
    let taken: Vec<_> = machine
        .take_replies()
        .into_iter()
        .map(|(token, _)| token)
        .collect();
    assert_eq!(taken, ["ann"]);
    assert!(machine.has_work(), "the entry is still to be appended");
    let command = hold("s", "apple", 3, 1_000);
    let request = |key| Request::Command {
        key,
        command: command.clone(),
        at: None,
    };
    machine.submit(at(10), request(key("k", &command)), "bob");
    machine.submit(at(10), request(key("k", &command)), "bob again");
    let effects = machine.close();
    assert_eq!(effects.append.as_ref().map(|batch| batch.next()), Some(3));
    assert!(script(effects).ends_with("tell bob: held by 2\ntell bob again: repeat of 2"));
}

#[test]
fn batches_chain_and_replay_to_the_same_state_also_from_their_middle() {
    let mut machine = machine();
    let mut tail = Tail::EMPTY;
    let mut batches = Vec::new();
    for round in 0..3 {
        submit(&mut machine, 10 * round, receive("s", "apple", 5), "ann");
        submit(&mut machine, 10 * round, hold("s", "apple", 3, 15), "bob");
        let batch = machine.close().append.unwrap();
        assert!(batch.follows(&tail));
        tail = batch.tail();
        batches.push(batch);
    }
    let mut state = State::new(0);
    batches
        .iter()
        .for_each(|batch| replay(&mut state, batch).unwrap());
    // The same once more changes nothing: what the state has seen is passed over.
    batches
        .iter()
        .for_each(|batch| replay(&mut state, batch).unwrap());
    assert_eq!(state.last().seq, Seq(tail.next - 1));
    assert_eq!(
        state_hash(&state.freeze()),
        state_hash(&machine.state().freeze())
    );
}

#[test]
fn a_full_batch_is_closed_before_more_is_taken() {
    let mut machine = machine();
    let mut submitted = 0;
    while !machine.is_full() {
        submit(&mut machine, 0, receive("s", "apple", 1), "ann");
        submit(&mut machine, 0, hold("s", "apple", 1, 100), "bob");
        submitted += 2;
        assert!(submitted < 1_000_000);
    }
    assert!(
        !machine.advance(at(200)),
        "more is due than the batch takes"
    );
    let batch = machine.close().append.unwrap();
    assert_eq!(
        u64::from(batch.records),
        submitted,
        "none of the expiries is in it"
    );
    assert!(machine.advance(at(200)));
    assert_eq!(
        machine.close().append.unwrap().records as usize,
        submitted as usize / 2
    );
}
