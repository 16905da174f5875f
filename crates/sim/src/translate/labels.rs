//! What an entry carries from its request and nobody reckons with, in the twin's words.

use crate::ask::{Batch, Labels};
use onhand_core::{Event, Label};

/// The labels of an entry.
pub(super) fn labels(event: &Event) -> Labels {
    let text = |label: &Label| label.as_str().to_owned();
    let of = |reference: &Option<Label>, by: Option<&Label>| Labels {
        reference: reference.as_ref().map(text),
        by: by.map(text),
        lines: Vec::new(),
    };
    match event {
        Event::Received(event) => {
            let lines = event.lines.iter().map(|line| Batch {
                lot: line.lot.as_ref().map(text),
                expires_on: line.expires_on,
            });
            Labels {
                lines: lines.collect(),
                ..of(&event.reference, None)
            }
        }
        Event::Adjusted(event) => of(
            &event.reference,
            event.lines.first().map(|line| &line.reason),
        ),
        Event::Sold(event) => of(&event.reference, None),
        Event::Held(event) => of(&event.reference, None),
        Event::Dispatched(event) => of(&event.reference, None),
        Event::Counted(event) => of(&None, Some(&event.source)),
        Event::Observed(event) => of(&None, Some(&event.source)),
        Event::Pushed(event) => of(&None, Some(&event.source)),
        Event::PolicySet(event) => of(&None, event.reason.as_ref()),
        _ => Labels::default(),
    }
}
