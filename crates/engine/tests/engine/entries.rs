//! The entries of a folder that nobody has open.

use crate::requests::receive;
use crate::running::{ManualClock, open, options, record};
use onhand_core::Seq;
use onhand_engine::verify::Reading;
use std::ops::ControlFlow;

#[test]
fn entries_come_in_order_from_a_position_on_until_it_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path(), options(&ManualClock::new()));
    for _ in 0..9 {
        record(&engine, 0, receive("s", "apple", 5));
    }
    engine.stop();
    drop(engine);
    let reading = Reading::open(dir.path()).unwrap();
    let positions = |from, most: usize| {
        let mut all = Vec::new();
        let taken = reading.entries(0, Seq(from), &mut |entry, last| {
            assert!(entry.stamp.seq <= last);
            all.push(entry.stamp.seq.0);
            match all.len() == most {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        taken.unwrap();
        all
    };
    assert_eq!(positions(0, 99), (1..=9).collect::<Vec<_>>());
    assert_eq!(positions(4, 3), [4, 5, 6]);
}
