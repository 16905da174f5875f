//! What both sides are asked, in plain numbers, and how it is written as a golden script.

use std::fmt;

/// Milliseconds since 2026-03-02T00:00:00Z.
pub(crate) type Millis = i64;

pub(crate) const SHOPS: [&str; 2] = ["cork-1", "dublin-1"];
pub(crate) const ITEMS: [&str; 3] = ["bread", "eggs", "milk"];

/// An item, by its place in [`ITEMS`], and how many.
pub(crate) type Line = (usize, i64);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pick {
    pub(crate) item: usize,
    pub(crate) picked: i64,
    pub(crate) missing: i64,
    pub(crate) instead: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) item: usize,
    pub(crate) safety: Option<i64>,
    pub(crate) oversell: Option<i64>,
    pub(crate) correct: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    Settings {
        open: i64,
        levels: i64,
    },
    Receive {
        shop: usize,
        lines: Vec<Line>,
        happened: Option<Millis>,
    },
    /// The third of a line: whether unavailable is meant, not on hand.
    Adjust {
        shop: usize,
        lines: Vec<(usize, i64, bool)>,
        happened: Option<Millis>,
    },
    Count {
        shop: usize,
        as_of: Millis,
        complete: bool,
        lines: Vec<Line>,
    },
    Policy {
        shop: usize,
        rules: Vec<Rule>,
    },
    Hold {
        shop: usize,
        lines: Vec<Line>,
        ttl: i64,
        partial: bool,
    },
    Confirm(usize),
    Extend(usize, i64),
    Release(usize),
    Fulfill {
        no: usize,
        picks: Vec<Pick>,
        happened: Option<Millis>,
    },
    Dispatch {
        from: usize,
        to: usize,
        lines: Vec<Line>,
    },
    Announce(usize),
    HandOver(usize),
    Arrive(usize),
}

pub(crate) struct Time(pub(crate) Millis);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{hour:02}:{minute:02}:{second:02}.{millis:03}")
    }
}

fn lines(lines: &[Line]) -> String {
    let line = |(item, units): &Line| format!("{} {units}", ITEMS[*item]);
    lines.iter().map(line).collect::<Vec<_>>().join(", ")
}

fn happened(at: &Option<Millis>) -> String {
    at.map_or(String::new(), |at| format!(" happened {}", Time(at)))
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings { open, levels } => {
                write!(f, "settings reservations {open} levels {levels}")
            }
            Self::Receive {
                shop,
                lines: all,
                happened: at,
            } => {
                write!(f, "receive {} {}{}", SHOPS[*shop], lines(all), happened(at))
            }
            Self::Adjust {
                shop,
                lines,
                happened: at,
            } => {
                let line = |(item, by, of): &(usize, i64, bool)| {
                    let of = if *of { "unavailable " } else { "" };
                    format!("{of}{} {by:+} why", ITEMS[*item])
                };
                let lines = lines.iter().map(line).collect::<Vec<_>>().join(", ");
                write!(f, "adjust {} {lines}{}", SHOPS[*shop], happened(at))
            }
            Self::Count {
                shop,
                as_of,
                complete,
                lines: all,
            } => {
                let complete = if *complete { " complete" } else { "" };
                let (shop, as_of) = (SHOPS[*shop], Time(*as_of));
                write!(f, "count {shop} {}{complete} as-of {as_of}", lines(all))
            }
            Self::Policy { shop, rules } => {
                let rules = rules.iter().map(Rule::to_string).collect::<Vec<_>>();
                write!(f, "policy {} {}", SHOPS[*shop], rules.join(", "))
            }
            Self::Hold {
                shop,
                lines: all,
                ttl,
                partial,
            } => {
                let partial = if *partial { " partial" } else { "" };
                write!(
                    f,
                    "hold {} {} ttl {ttl}s{partial}",
                    SHOPS[*shop],
                    lines(all)
                )
            }
            Self::Confirm(no) => write!(f, "confirm r{no}"),
            Self::Extend(no, ttl) => write!(f, "extend r{no} ttl {ttl}s"),
            Self::Release(no) => write!(f, "release r{no}"),
            Self::Fulfill {
                no,
                picks,
                happened: at,
            } => {
                let picks = picks.iter().map(Pick::to_string).collect::<Vec<_>>();
                write!(f, "fulfill r{no} {}{}", picks.join(", "), happened(at))
            }
            Self::Dispatch {
                from,
                to,
                lines: all,
            } => {
                write!(
                    f,
                    "dispatch {} {} to {}",
                    SHOPS[*from],
                    lines(all),
                    SHOPS[*to]
                )
            }
            Self::Announce(no) => write!(f, "announce t1/{no}"),
            Self::HandOver(no) => write!(f, "hand-over t1/{no}"),
            Self::Arrive(no) => write!(f, "arrive t1/{no}"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ITEMS[self.item])?;
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

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            item,
            picked,
            missing,
            instead,
        } = self;
        write!(f, "{} picked {picked} missing {missing}", ITEMS[*item])?;
        instead
            .iter()
            .try_for_each(|(item, units)| write!(f, " instead {} {units}", ITEMS[*item]))
    }
}
