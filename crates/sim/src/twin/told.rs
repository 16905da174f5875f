//! What the twin foretells of a request.

use crate::ask::{Labels, Millis, Parcel, TransferName};

/// All that is recorded at a request, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The expiries that were due, in order, then at most one entry for the request itself.
    pub entries: Vec<Record>,
    /// What came of the request.
    pub outcome: Outcome,
}

impl Told {
    /// Whether what the other side did is as foretold.
    pub fn allows(&self, found: &Self) -> bool {
        self.entries == found.entries && self.outcome.allows(&found.outcome)
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This one of the entries answers it, counted from 0.
    Recorded(usize),
    /// It was answered before, by the entry at this position of the partition.
    Repeated(u64),
    /// It is done already.
    Nothing,
    /// It is refused, in these words.
    Refused(String),
    /// It is refused in one of these words: what it names ended so long ago that it may be forgotten, or not yet.
    Either(String, String),
}

impl Outcome {
    /// Whether it is refused.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Either(..))
    }

    /// Whether what was found is as foretold.
    pub fn allows(&self, found: &Self) -> bool {
        match (self, found) {
            (Self::Either(one, other), Self::Refused(why)) => why == one || why == other,
            _ => self == found,
        }
    }
}

/// An entry of the ledger, in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its position: the first entry of a partition has 1.
    pub position: u64,
    /// When it was recorded.
    pub at: Millis,
    /// The name of the event, such as `held`.
    pub event: &'static str,
    /// The reservation it is about.
    pub reservation: Option<u64>,
    /// The transfer it is about.
    pub transfer: Option<TransferName>,
    /// The moment that it tells of: when it happened, of a count what it speaks of, of a hold when it ends.
    pub when: Option<Millis>,
    /// Of a hold whether less would have done, of a count whether it is complete, of a pick whether nothing is left.
    pub yes: Option<bool>,
    /// The parcel that it sends, or that is on its way.
    pub parcel: Option<Parcel>,
    /// What changed on which shelf, by shop and item; shelves whose numbers stay are left out.
    pub changes: Vec<Change>,
    /// What it tells beside, line by line.
    pub remarks: Vec<Remark>,
    /// What it carries from its request and nobody reckons with.
    pub labels: Labels,
}

/// What one line of an entry tells of an item, or of a shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where.
    pub shop: usize,
    /// Of what; of the shop itself if there is none.
    pub item: Option<usize>,
    /// When it happened, was seen, ends, or holds from; when it was recorded if nothing is said.
    pub at: Millis,
    /// What.
    pub said: Said,
}

impl Remark {
    /// What is told of an item.
    pub fn of(shop: usize, item: usize, at: Millis, said: Said) -> Self {
        Self {
            shop,
            item: Some(item),
            at,
            said,
        }
    }
}

/// The rules of a shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Units kept back from sale.
    pub safety: i64,
    /// Units that may be promised beyond what is there.
    pub oversell: i64,
    /// Whether a not-found corrects on hand.
    pub corrects: bool,
}

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the entry")]
pub enum Said {
    /// So many were sold, of which the record did not know of some.
    Sold { units: i64, surplus: i64 },
    /// So many came in.
    Came(i64),
    /// On hand, or what of it is unavailable, changed by so many.
    Adjusted { by: i64, unavailable: bool },
    /// So many were counted, and so many more are known to have come since than went; or a newer count was there.
    Counted {
        units: i64,
        since: i64,
        superseded: bool,
    },
    /// Its rules were these, and are those.
    Ruled { before: Limits, after: Limits },
    /// So many were asked for, and so many promised.
    Held { asked: i64, got: i64 },
    /// So many were picked, so many not found, and of these so many taken off on hand.
    Picked {
        units: i64,
        missing: i64,
        corrected: i64,
    },
    /// So many were picked in place of another item.
    Instead { of: usize, units: i64 },
    /// So many were there though the record did not know of them.
    Surplus(i64),
    /// It was there, or it was not.
    Seen(bool),
    /// A fact is so many millionths.
    Is { fact: usize, millionths: i64 },
}

/// By how much the numbers of a shelf changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Where.
    pub shop: usize,
    /// What.
    pub item: usize,
    /// Units there.
    pub on_hand: i64,
    /// Units held by reservations that can expire.
    pub reserved: i64,
    /// Units promised for good.
    pub allocated: i64,
    /// Units there that cannot be sold.
    pub unavailable: i64,
    /// Units on their way here.
    pub in_transit: i64,
}

impl Change {
    /// Whether nothing changed.
    pub fn is_none(&self) -> bool {
        let Self { shop, item, .. } = *self;
        *self
            == Self {
                shop,
                item,
                ..Self::default()
            }
    }
}
