//! What both sides are asked, in plain numbers, and how it is written as a line of a golden script.
//!
//! Shops and items are numbers; [`shop_name`] and [`item_name`] give the names behind them. An [`Ask`] is not checked:
//! what the core has no words for (no lines, a quantity of less than one) `translate::command` does not translate, and
//! the twin is not to be asked.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};
use xxhash_rust::xxh3::xxh3_64;

/// Milliseconds since 2026-03-02T00:00:00Z. Only times from 0 on can be written in a script.
pub type Millis = i64;

/// An item, and how many units.
pub type Line = (usize, i64);

const SHOPS: [&str; 2] = ["cork-1", "dublin-1"];
const ITEMS: [&str; 3] = ["bread", "eggs", "milk"];
const FACTS: [&str; 2] = ["price", "rain"];

/// The name of a shop.
pub fn shop_name(shop: usize) -> Cow<'static, str> {
    name(&SHOPS, "shop", shop)
}

/// The name of an item.
pub fn item_name(item: usize) -> Cow<'static, str> {
    name(&ITEMS, "item", item)
}

/// The name of a fact.
pub fn fact_name(fact: usize) -> Cow<'static, str> {
    name(&FACTS, "fact", fact)
}

/// The shop of a name that [`shop_name`] gave.
pub fn shop_of(name: &str) -> Option<usize> {
    number(&SHOPS, "shop-", name)
}

/// The item of a name that [`item_name`] gave.
pub fn item_of(name: &str) -> Option<usize> {
    number(&ITEMS, "item-", name)
}

/// The fact of a name that [`fact_name`] gave.
pub fn fact_of(name: &str) -> Option<usize> {
    number(&FACTS, "fact-", name)
}

/// The first few have names that read well; all others have a number.
fn name(first: &[&'static str], kind: &str, number: usize) -> Cow<'static, str> {
    match first.get(number) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("{kind}-{number}")),
    }
}

fn number(first: &[&str], prefix: &str, name: &str) -> Option<usize> {
    let place = first.iter().position(|one| *one == name);
    place.or_else(|| name.strip_prefix(prefix)?.parse().ok())
}

/// The settings of a partition. The default is what a partition begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a key gives the same answer.
    pub key_retention: Millis,
    /// How long an ended reservation or an arrived transfer can still be looked up, at least.
    pub ended_retention: Millis,
    /// How far back a count may speak.
    pub count_window: Millis,
    /// The most reservations that may be open at once.
    pub most_open: u64,
    /// The most shelves.
    pub most_levels: u64,
}

impl Default for Rules {
    fn default() -> Self {
        let day = 86_400_000;
        Self {
            key_retention: day,
            ended_retention: day,
            count_window: 2 * day,
            most_open: 20_000_000,
            most_levels: 50_000_000,
        }
    }
}

/// A transfer: the partition that dispatched it, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransferName {
    /// The partition.
    pub source: u16,
    /// The number, from 0.
    pub no: u64,
}

/// A transfer as its source tells the destination of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Which.
    pub name: TransferName,
    /// From which shop.
    pub from: usize,
    /// To which shop.
    pub to: usize,
    /// What is in it.
    pub lines: Vec<Line>,
    /// Every transfer of its source with a lower number had been handed over when it was dispatched.
    pub settled: u64,
}

/// One line of an adjustment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustLine {
    /// What.
    pub item: usize,
    /// By how many units, up or down; not 0.
    pub by: i64,
    /// Whether unavailable is meant, not on hand.
    pub unavailable: bool,
}

/// What happened to one item of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// What.
    pub item: usize,
    /// Units picked.
    pub picked: i64,
    /// Units not found.
    pub missing: i64,
    /// What was picked in their place.
    pub instead: Vec<Line>,
}

/// New rules of one shelf; what is not said stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What.
    pub item: usize,
    /// Safety stock.
    pub safety: Option<i64>,
    /// Oversell limit.
    pub oversell: Option<i64>,
    /// Whether a not-found corrects on hand; else it is a label only.
    pub correct: Option<bool>,
}

/// Somebody looked for an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What.
    pub item: usize,
    /// Whether it was there.
    pub found: bool,
    /// When.
    pub at: Millis,
}

/// A value that others know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Of what; of the shop itself if there is none.
    pub item: Option<usize>,
    /// What it is called.
    pub fact: usize,
    /// From when it holds.
    pub at: Millis,
    /// What it is, in millionths; of a fact that is a text, its text is this number.
    pub millionths: i64,
}

impl Value {
    /// Whether the fact is a text: the fourth is, of which no script tells.
    pub fn is_text(&self) -> bool {
        self.fact == 3
    }
}

/// What a request says and nobody reckons with: it must be found in its entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// The number of an order, a delivery, a receipt.
    pub reference: Option<String>,
    /// Who says so, or why.
    pub by: Option<String>,
    /// Of a receipt, line by line.
    pub lines: Vec<Batch>,
}

/// Which goods came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The lot.
    pub lot: Option<String>,
    /// The day on which they expire.
    pub expires_on: Option<u32>,
}

/// A request to one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the line in a script")]
pub enum Ask {
    /// Set all settings.
    Settings(Rules),
    /// Goods came in.
    Receive {
        shop: usize,
        lines: Vec<Line>,
        happened: Option<Millis>,
    },
    /// On hand or unavailable changes by so much.
    Adjust {
        shop: usize,
        lines: Vec<AdjustLine>,
        happened: Option<Millis>,
    },
    /// Stock was counted.
    Count {
        shop: usize,
        as_of: Millis,
        complete: bool,
        lines: Vec<Line>,
    },
    /// Goods left through the till.
    Sell {
        shop: usize,
        lines: Vec<Line>,
        happened: Option<Millis>,
    },
    /// Somebody looked.
    Observe { shop: usize, looks: Vec<Look> },
    /// Others know.
    Push { shop: usize, values: Vec<Value> },
    /// Set rules of shelves.
    Policy { shop: usize, rules: Vec<Rule> },
    /// Reserve for `ttl` milliseconds.
    Hold {
        shop: usize,
        lines: Vec<Line>,
        ttl: Millis,
        partial: bool,
    },
    /// Confirm a reservation.
    Confirm(u64),
    /// Let a reservation expire so many milliseconds from now.
    Extend(u64, Millis),
    /// Give a reservation back.
    Release(u64),
    /// The pick of a reservation.
    Fulfill {
        no: u64,
        picks: Vec<Pick>,
        happened: Option<Millis>,
    },
    /// Send units to a shop, maybe of another partition. Asked of the source's partition.
    Dispatch {
        from: usize,
        to: usize,
        lines: Vec<Line>,
    },
    /// A transfer is on its way. Asked of the destination's partition.
    Announce(Parcel),
    /// The destination knows of a transfer. Asked of the source's partition, which looks at the number only.
    HandOver(TransferName),
    /// A transfer arrived. Asked of the destination's partition.
    Arrive(TransferName),
}

impl Ask {
    /// Its labels, there or not: they follow from the rest of it, so that the same request has the same ones.
    pub fn labels(&self) -> Labels {
        let hash = xxh3_64(self.to_string().as_bytes());
        let some = |what: &str| (!hash.is_multiple_of(3)).then(|| format!("{what}-{}", hash % 999));
        let always = |what: &str| Some(format!("{what}-{}", hash % 99));
        let batch = |at: u64| Batch {
            lot: (hash + at)
                .is_multiple_of(2)
                .then(|| format!("lot-{}", (hash + at) % 99)),
            expires_on: ((hash + at) % 5 < 2).then_some(20_500 + (hash % 99) as u32),
        };
        let (reference, by) = match self {
            Self::Receive { .. } | Self::Sell { .. } | Self::Hold { .. } => (some("ref"), None),
            Self::Dispatch { .. } => (some("ref"), None),
            Self::Adjust { .. } => (some("ref"), always("why")),
            Self::Count { .. } | Self::Observe { .. } | Self::Push { .. } => (None, always("ann")),
            Self::Policy { .. } => (None, some("why")),
            _ => (None, None),
        };
        let lines = match self {
            Self::Receive { lines, .. } => (0..lines.len() as u64).map(batch).collect(),
            _ => Vec::new(),
        };
        Labels {
            reference,
            by,
            lines,
        }
    }
}

impl Ask {
    /// The labels of its line in a script.
    pub fn labels_in_a_script(&self) -> Labels {
        let by = match self {
            Self::Adjust { .. } => Some("why"),
            Self::Count { .. } | Self::Observe { .. } => Some("ann"),
            Self::Push { .. } => Some("office"),
            _ => None,
        };
        let lines = match self {
            Self::Receive { lines, .. } => vec![Batch::default(); lines.len()],
            _ => Vec::new(),
        };
        Labels {
            reference: None,
            by: by.map(str::to_owned),
            lines,
        }
    }
}

/// A moment as a script has it: `10:00:00.000`, or `day2 10:00:00.000`.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub Millis);

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (day, millis) = (self.0 / 86_400_000 + 1, self.0 % 86_400_000);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if day > 1 {
            write!(f, "day{day} ")?;
        }
        write!(f, "{hour:02}:{minute:02}:{second:02}.{millis:03}")
    }
}

/// A length of time as a script has it: `90s`, or `1500ms`.
struct Length(Millis);

impl Display for Length {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 % 1000 {
            0 => write!(f, "{}s", self.0 / 1000),
            _ => write!(f, "{}ms", self.0),
        }
    }
}

struct Happened(Option<Millis>);

impl Display for Happened {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, " happened {}", Time(at)),
            None => Ok(()),
        }
    }
}

fn listed<T>(all: &[T], one: impl Fn(&T) -> String) -> String {
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn units(lines: &[Line]) -> String {
    listed(lines, |(item, units)| {
        format!("{} {units}", item_name(*item))
    })
}

impl Display for Ask {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(rules) => write!(f, "settings {rules}"),
            Self::Receive {
                shop,
                lines,
                happened,
            } => {
                let (shop, happened) = (shop_name(*shop), Happened(*happened));
                write!(f, "receive {shop} {}{happened}", units(lines))
            }
            Self::Adjust {
                shop,
                lines,
                happened,
            } => {
                let (shop, happened) = (shop_name(*shop), Happened(*happened));
                write!(
                    f,
                    "adjust {shop} {}{happened}",
                    listed(lines, AdjustLine::to_string)
                )
            }
            Self::Count {
                shop,
                as_of,
                complete,
                lines,
            } => {
                let complete = if *complete { " complete" } else { "" };
                let (shop, as_of) = (shop_name(*shop), Time(*as_of));
                write!(f, "count {shop} {}{complete} as-of {as_of}", units(lines))
            }
            Self::Sell {
                shop,
                lines,
                happened,
            } => {
                let (shop, happened) = (shop_name(*shop), Happened(*happened));
                write!(f, "sell {shop} {}{happened}", units(lines))
            }
            Self::Observe { shop, looks } => {
                let shop = shop_name(*shop);
                write!(f, "observe {shop} {}", listed(looks, Look::to_string))
            }
            Self::Push { shop, values } => {
                let shop = shop_name(*shop);
                write!(f, "push {shop} {}", listed(values, Value::to_string))
            }
            Self::Policy { shop, rules } => {
                write!(
                    f,
                    "policy {} {}",
                    shop_name(*shop),
                    listed(rules, Rule::to_string)
                )
            }
            Self::Hold {
                shop,
                lines,
                ttl,
                partial,
            } => {
                let partial = if *partial { " partial" } else { "" };
                let (shop, ttl) = (shop_name(*shop), Length(*ttl));
                write!(f, "hold {shop} {} ttl {ttl}{partial}", units(lines))
            }
            Self::Confirm(no) => write!(f, "confirm r{no}"),
            Self::Extend(no, ttl) => write!(f, "extend r{no} ttl {}", Length(*ttl)),
            Self::Release(no) => write!(f, "release r{no}"),
            Self::Fulfill {
                no,
                picks,
                happened,
            } => {
                let happened = Happened(*happened);
                write!(
                    f,
                    "fulfill r{no} {}{happened}",
                    listed(picks, Pick::to_string)
                )
            }
            Self::Dispatch { from, to, lines } => {
                let (from, to) = (shop_name(*from), shop_name(*to));
                write!(f, "dispatch {from} {} to {to}", units(lines))
            }
            Self::Announce(parcel) => write!(f, "announce {parcel}"),
            Self::HandOver(name) => write!(f, "hand-over {name}"),
            Self::Arrive(name) => write!(f, "arrive {name}"),
        }
    }
}

impl Display for Rules {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            most_open,
            most_levels,
            ..
        } = self;
        let (keys, ended) = (Length(self.key_retention), Length(self.ended_retention));
        let counts = Length(self.count_window);
        write!(f, "keys {keys} ended {ended} counts {counts} ")?;
        write!(f, "reservations {most_open} levels {most_levels}")
    }
}

impl Display for TransferName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "t{}/{}", self.source, self.no)
    }
}

impl Display for Parcel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, settled, .. } = self;
        let (from, to) = (shop_name(self.from), shop_name(self.to));
        write!(
            f,
            "{name} {from} to {to} {} settled {settled}",
            units(&self.lines)
        )
    }
}

impl Display for AdjustLine {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let of = if self.unavailable { "unavailable " } else { "" };
        write!(f, "{of}{} {:+} why", item_name(self.item), self.by)
    }
}

impl Display for Look {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = if self.found { "found" } else { "missing" };
        write!(f, "{} {found} {}", item_name(self.item), Time(self.at))
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = if self.millionths < 0 { "-" } else { "" };
        let (whole, decimals) = {
            let millionths = self.millionths.unsigned_abs();
            (millionths / 1_000_000, millionths % 1_000_000)
        };
        let fact = fact_name(self.fact);
        write!(f, "{fact} {sign}{whole}.{decimals:06}")?;
        if let Some(item) = self.item {
            write!(f, " of {}", item_name(item))?;
        }
        write!(f, " from {}", Time(self.at))
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&item_name(self.item))?;
        if let Some(units) = self.safety {
            write!(f, " safety {units}")?;
        }
        if let Some(units) = self.oversell {
            write!(f, " oversell {units}")?;
        }
        match self.correct {
            Some(true) => f.write_str(" not-found correct"),
            Some(false) => f.write_str(" not-found label"),
            None => Ok(()),
        }
    }
}

impl Display for Pick {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            picked, missing, ..
        } = self;
        write!(
            f,
            "{} picked {picked} missing {missing}",
            item_name(self.item)
        )?;
        let mut instead = self.instead.iter();
        instead.try_for_each(|(item, units)| write!(f, " instead {} {units}", item_name(*item)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_number() {
        for number in 0..30 {
            assert_eq!(shop_of(&shop_name(number)), Some(number));
            assert_eq!(item_of(&item_name(number)), Some(number));
            assert_eq!(fact_of(&fact_name(number)), Some(number));
        }
        assert_eq!(
            (shop_name(1), item_name(3)),
            ("dublin-1".into(), "item-3".into())
        );
        assert_eq!((shop_of("paris-1"), item_of("shop-7")), (None, None));
    }

    #[test]
    fn a_request_is_a_line_of_a_script() {
        let parcel = Parcel {
            name: TransferName { source: 2, no: 7 },
            from: 4,
            to: 0,
            lines: vec![(2, 4), (9, 1)],
            settled: 3,
        };
        let said = "announce t2/7 shop-4 to cork-1 milk 4, item-9 1 settled 3";
        assert_eq!(Ask::Announce(parcel).to_string(), said);
        assert_eq!(Ask::Extend(3, 1500).to_string(), "extend r3 ttl 1500ms");
        assert_eq!(
            Time(86_400_000 + 3_600_001).to_string(),
            "day2 01:00:00.001"
        );
    }
}
