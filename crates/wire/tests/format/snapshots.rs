//! States as snapshots, and what is no snapshot.

use crate::day::{day, recorded, transfers};
use crate::{fixture, hold_against};
use onhand_core::body::Head;
use onhand_core::reservation::Reservation;
use onhand_core::{Item, Level, LocationNo, ReservationNo, SkuNo, State};
use onhand_wire::snapshot::SnapshotError;
use onhand_wire::{snapshot, state_hash};

#[test]
fn snapshots_of_version_2() {
    hold_snapshot_against("snapshot.v2.bin", &day().1);
    hold_snapshot_against("transfers-snapshot.v2.bin", &recorded(transfers()).1);
}

/// What an older version wrote is the same state, by its hash too: a check compares it with a replay of today.
#[test]
fn snapshots_of_version_1_are_still_read() {
    for (name, state) in [
        ("snapshot.v1.bin", &day().1),
        ("transfers-snapshot.v1.bin", &recorded(transfers()).1),
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let read = snapshot::read(&mut &bytes[..]).unwrap();
        assert_eq!(state_hash(&read.freeze()), state_hash(&state.freeze()));
        assert_eq!(
            read.reservations().next_no(),
            state.reservations().next_no()
        );
    }
}

fn hold_snapshot_against(name: &str, state: &State) {
    let mut bytes = Vec::new();
    snapshot::write(&state.freeze(), &mut bytes, |_| {}).unwrap();
    hold_against(name, &bytes);
    let read = snapshot::read(&mut &bytes[..]).unwrap();
    assert_eq!(state_hash(&read.freeze()), state_hash(&state.freeze()));
}

#[test]
fn a_later_version_of_a_snapshot_is_refused() {
    assert!(snapshot::read(&mut &[200u8, 0][..]).is_err());
}

/// A snapshot of these items, in one chunk.
fn snapshot_of(items: &[Item]) -> Vec<u8> {
    let items: Vec<u8> = items
        .iter()
        .flat_map(|item| postcard::to_stdvec(item).unwrap())
        .collect();
    let mut bytes = vec![2];
    bytes.extend_from_slice(&(items.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&items);
    bytes
}

/// Found by fuzzing: a level of a location that was never named reserved room for four billion of them.
#[test]
fn a_snapshot_is_believed_only_as_far_as_it_adds_up() {
    let head = || Item::Head(Head::default());
    let at_the_end = Item::Head(Head {
        fronts: [u64::MAX; 5],
        ..Head::default()
    });
    let level = |no| Item::Level(LocationNo(no), SkuNo(0), Level::default());
    let read = |items: &[Item]| snapshot::read(&mut &snapshot_of(items)[..]);
    let kept = |no| Item::Kept(ReservationNo(no), Reservation::default());
    let ten_made = || {
        Item::Head(Head {
            fronts: [10, 0, 0, 0, 0],
            ..Head::default()
        })
    };
    assert!(read(&[ten_made(), kept(3), kept(9), Item::End]).is_ok());
    let named = || [head(), Item::Location("a".into()), Item::Sku("b".into())];
    assert!(read(&[named().as_slice(), &[level(0), Item::End]].concat()).is_ok());
    for wrong in [
        [named().as_slice(), &[level(u32::MAX)]].concat(),
        vec![Item::End],
        vec![head(), head()],
        vec![head(), Item::Sku("two words".into())],
        vec![at_the_end, Item::Ended(ReservationNo(0))],
        vec![head(), kept(0)],
        vec![ten_made(), kept(10)],
        vec![ten_made(), kept(3), kept(3)],
    ] {
        let told = read(&wrong).unwrap_err();
        assert!(
            matches!(told, SnapshotError::Malformed(_)),
            "{wrong:?}: {told}"
        );
    }
}
