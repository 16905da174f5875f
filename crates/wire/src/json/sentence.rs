//! An entry in words, for a support person who asks why a level is what it is.

use super::Names;
use super::ledger::{LedgerChange, reservation, transfer};
use super::time::Time;
use onhand_core::Event;

/// So many lines of one entry are told; the others are counted.
const TOLD: usize = 5;

/// What an entry did to the level of these lines.
pub(super) fn sentence(event: &Event, changes: &[LedgerChange<'_>], names: &dyn Names) -> String {
    let told = changes
        .iter()
        .take(TOLD)
        .map(|change| line(event, change, names));
    let mut parts: Vec<String> = told.collect();
    if changes.len() > TOLD {
        parts.push(format!("and {} lines more", changes.len() - TOLD));
    }
    parts.join("; ")
}

fn line(event: &Event, change: &LedgerChange<'_>, names: &dyn Names) -> String {
    let reservation = reservation(event, names)
        .map(|id| id.to_string())
        .unwrap_or_default();
    let transfer = transfer(event, names)
        .map(|id| id.to_string())
        .unwrap_or_default();
    match event {
        Event::Received(event) => received(change, event.reference.as_ref().map(AsRef::as_ref)),
        Event::Adjusted(_) => adjusted(change),
        Event::Counted(event) => counted(change, Time(event.as_of), event.source.as_str()),
        Event::PolicySet(event) => ruled(change, event.reason.as_ref().map(AsRef::as_ref)),
        Event::Held(event) => format!(
            "{} of {} reserved for {reservation} until {}",
            change.reserved,
            units(change.requested.unwrap_or_default().into()),
            Time(event.expires_at)
        ),
        Event::Confirmed(_) => format!(
            "{} of {reservation} allocated to its order",
            units(change.allocated)
        ),
        Event::Released(_) => format!(
            "{} of {reservation} given back on request",
            units(change.available)
        ),
        Event::Expired(event) => format!(
            "{} of {reservation} given back: it expired at {}",
            units(change.available),
            Time(event.expired_at)
        ),
        Event::Fulfilled(_) => picked(change, &reservation),
        Event::Dispatched(event) => format!(
            "{} sent to {} as {transfer}",
            units(-change.on_hand),
            event.to
        ),
        Event::Announced(event) => {
            format!(
                "{} under way from {} as {transfer}",
                units(change.in_transit),
                event.from
            )
        }
        Event::Arrived(_) => format!("{} of {transfer} received", units(change.on_hand)),
        Event::Sold(event) => sold(
            change,
            Time(event.sold_at),
            event.reference.as_ref().map(AsRef::as_ref),
        ),
        Event::Observed(event) => looked(change, event.source.as_str()),
        Event::Pushed(event) => told(change, event.source.as_str()),
        other => other.name().into(),
    }
}

fn units(number: i64) -> String {
    if number == 1 {
        "1 unit".into()
    } else {
        format!("{number} units")
    }
}

fn received(change: &LedgerChange<'_>, reference: Option<&str>) -> String {
    let lot = change
        .lot
        .as_ref()
        .map(|lot| format!(" of lot {lot}"))
        .unwrap_or_default();
    let reference = reference
        .map(|text| format!(" ({text})"))
        .unwrap_or_default();
    format!("{} received{lot}{reference}", units(change.on_hand))
}

fn adjusted(change: &LedgerChange<'_>) -> String {
    let (number, by) = match change.unavailable {
        0 => ("on hand", change.on_hand),
        by => ("unavailable", by),
    };
    format!(
        "{number} adjusted by {by:+}: {}",
        change.reason.as_deref().unwrap_or_default()
    )
}

fn counted(change: &LedgerChange<'_>, as_of: Time, source: &str) -> String {
    let counted = units(change.counted.unwrap_or_default().into());
    let begin = format!("{counted} counted by {source} as of {as_of}");
    if change.superseded == Some(true) {
        return format!("{begin}, but a newer count was there: nothing changed");
    }
    let since = change.since.unwrap_or_default();
    format!(
        "{begin}, {since:+} known since: on hand changed by {:+}",
        change.on_hand
    )
}

fn ruled(change: &LedgerChange<'_>, reason: Option<&str>) -> String {
    let (before, after) = (
        change.policy_before.unwrap_or_default(),
        change.policy_after.unwrap_or_default(),
    );
    let mut parts = Vec::new();
    if before.safety_stock != after.safety_stock {
        parts.push(format!(
            "safety stock from {} to {}",
            before.safety_stock, after.safety_stock
        ));
    }
    if before.oversell_limit != after.oversell_limit {
        parts.push(format!(
            "oversell limit from {} to {}",
            before.oversell_limit, after.oversell_limit
        ));
    }
    if before.on_not_found != after.on_not_found {
        parts.push(
            format!(
                "not-found from {:?} to {:?}",
                before.on_not_found, after.on_not_found
            )
            .to_lowercase(),
        );
    }
    let what = if parts.is_empty() {
        "as before".into()
    } else {
        parts.join(", ")
    };
    let reason = reason.map(|text| format!(" ({text})")).unwrap_or_default();
    format!("rules set: {what}{reason}")
}

fn sold(change: &LedgerChange<'_>, at: Time, reference: Option<&str>) -> String {
    let sold = units(change.sold.unwrap_or_default().into());
    let reference = reference
        .map(|text| format!(" ({text})"))
        .unwrap_or_default();
    let surplus = change
        .surplus
        .map(|surplus| format!(", {surplus} of them unknown to the record"))
        .unwrap_or_default();
    format!("{sold} sold at {at}{reference}{surplus}")
}

fn looked(change: &LedgerChange<'_>, source: &str) -> String {
    let found = match change.found {
        Some(true) => "found",
        _ => "not found",
    };
    let at = change.at.unwrap_or_default();
    format!("{found} on the shelf by {source} at {at}")
}

fn told(change: &LedgerChange<'_>, source: &str) -> String {
    let value = change.value.as_ref();
    let value = value.map(ToString::to_string).unwrap_or_default();
    let name = change.name.as_deref().unwrap_or_default();
    let at = change.at.unwrap_or_default();
    format!("{name} is {value} from {at}, says {source}")
}

fn picked(change: &LedgerChange<'_>, reservation: &str) -> String {
    if let Some(surplus) = change.surplus {
        return format!(
            "{} found that the record did not know of",
            units(surplus.into())
        );
    }
    if let Some(instead_of) = &change.instead_of {
        return format!(
            "{} picked for {reservation} in place of {instead_of}",
            units(-change.on_hand)
        );
    }
    let picked = units(change.picked.unwrap_or_default().into());
    let mut text = format!("{picked} picked for {reservation}");
    match change.not_found.unwrap_or_default() {
        0 => {}
        not_found => text.push_str(&format!(", {not_found} not found")),
    }
    if let Some(corrected) = change.corrected {
        text.push_str(&format!(" (on hand corrected by -{corrected})"));
    }
    text
}
