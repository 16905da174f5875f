//! From a line of a script to a request.

use crate::ledger::Ledger;
use onhand_core::facts::push::{Push, PushLine};
use onhand_core::level::OnNotFound;
use onhand_core::reservation::{
    confirm::Confirm,
    extend::Extend,
    fulfill::{Fulfill, PickLine, Substitution},
    hold::{Hold, HoldLine},
    release::Release,
};
use onhand_core::stock::{
    adjust::{Adjust, AdjustLine, Adjusts, Direction},
    count::{Count, CountLine},
    observe::{Observe, ObserveLine},
    receive::{Receive, ReceiveLine},
    sell::{Sell, SellLine},
    set_policy::{PolicyLine, SetPolicy},
};
use onhand_core::transfer::{
    Outgoing, TransferId, TransferLine,
    announce::Announce,
    arrive::Arrive,
    dispatch::{Dispatch, DispatchLine},
    hand_over::HandOver,
};
use onhand_core::{
    Command, FactName, Label, Lines, LocationId, Millionths, Quantity, Settings, Sku, Span,
    Timestamp, TransferNo, Value, numbers::ReservationNo,
};
use std::collections::VecDeque;

/// Midnight before the first day of a script: 2026-03-02.
pub(crate) const MIDNIGHT: u64 = 1_772_409_600_000;
pub(crate) const DAY: u64 = 86_400_000;

pub(crate) enum Request {
    Command(Option<String>, Command),
    Show(String),
    /// Only let time pass.
    Pass,
}

/// The words of a line; a comma is a word of its own.
pub(crate) struct Words(VecDeque<String>);

impl Words {
    pub(crate) fn of(line: &str) -> Self {
        let spaced = line.replace(',', " , ");
        Self(spaced.split_whitespace().map(str::to_owned).collect())
    }

    fn next(&mut self) -> String {
        self.0.pop_front().expect("a line has all its words")
    }

    fn number(&mut self) -> u32 {
        let word = self.next();
        word.parse()
            .unwrap_or_else(|_| panic!("{word:?} is no number"))
    }

    /// Takes the next word if it is this one.
    fn has(&mut self, word: &str) -> bool {
        let found = self.0.front().is_some_and(|next| next == word);
        if found {
            self.0.pop_front();
        }
        found
    }

    /// Takes the word after this one, wherever it stands.
    fn option(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|word| word == name)?;
        self.0.remove(at);
        self.0.remove(at)
    }

    /// Takes this word, wherever it stands.
    fn flag(&mut self, name: &str) -> bool {
        let at = self.0.iter().position(|word| word == name);
        at.and_then(|at| self.0.remove(at)).is_some()
    }

    /// A time of day, maybe after `day2` or the like.
    pub(crate) fn moment(&mut self) -> Option<Timestamp> {
        let first = self.0.front()?;
        let day = first.strip_prefix("day").and_then(|day| day.parse().ok());
        let day: u64 = match day {
            Some(day) => {
                self.0.pop_front();
                day
            }
            None => 1,
        };
        self.0.front().filter(|word| word.contains(':'))?;
        let time = moment(&self.next());
        Some(time.plus(Span::from_millis((day - 1) * DAY)))
    }

    fn moment_after(&mut self, name: &str) -> Option<Timestamp> {
        let at = self.0.iter().position(|word| word == name)?;
        let mut tail = Self(self.0.split_off(at));
        tail.next();
        let moment = tail.moment();
        self.0.append(&mut tail.0);
        moment
    }

    fn lines<T>(&mut self, mut line: impl FnMut(&mut Self) -> T) -> Lines<T> {
        let mut lines = vec![line(self)];
        while self.has(",") {
            lines.push(line(self));
        }
        assert!(self.0.is_empty(), "left over: {:?}", self.0);
        Lines::new(lines).unwrap_or_else(|bad| panic!("{bad:?}"))
    }

    fn location(&mut self) -> LocationId {
        LocationId::new(&self.next()).expect("a name")
    }

    fn sku(&mut self) -> Sku {
        Sku::new(&self.next()).expect("a name")
    }

    fn quantity(&mut self) -> Quantity {
        Quantity::new(self.number()).expect("a quantity")
    }

    fn reservation(&mut self) -> ReservationNo {
        let word = self.next();
        let no = word.strip_prefix('r').and_then(|no| no.parse().ok());
        ReservationNo(no.unwrap_or_else(|| panic!("{word:?} is no reservation")))
    }

    fn transfer(&mut self) -> TransferId {
        let word = self.next();
        let parts = word.strip_prefix('t').and_then(|no| no.split_once('/'));
        let (source, no) = parts.unwrap_or_else(|| panic!("{word:?} is no transfer"));
        TransferId {
            source: source.parse().expect("a partition"),
            no: TransferNo(no.parse().expect("a number")),
        }
    }
}

/// A time of day on the first day.
pub(crate) fn moment(text: &str) -> Timestamp {
    let (time, millis) = text.split_once('.').unwrap_or((text, "0"));
    let seconds = time.split(':').fold(0, |sum, part| {
        sum * 60 + part.parse::<u64>().expect("a time is HH:MM:SS")
    });
    let millis: u64 = millis.parse().expect("milliseconds have three digits");
    Timestamp::from_millis(MIDNIGHT + seconds * 1000 + millis)
}

fn label(word: String) -> Label {
    Label::new(&word).expect("a word")
}

fn span(word: &str) -> Span {
    let (number, unit) = word.split_at(word.trim_end_matches(char::is_alphabetic).len());
    let unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY,
        _ => panic!("{word:?} is no span: it ends with ms, s, m, h or d"),
    };
    Span::from_millis(number.parse::<u64>().expect("a number and a unit") * unit)
}

pub(crate) fn request(words: &mut Words, ledger: &Ledger) -> Request {
    let key = words.option("key");
    let verb = words.next();
    match verb.as_str() {
        "pass" => Request::Pass,
        "show" => Request::Show(words.next()),
        _ => Request::Command(key, command(&verb, words, ledger)),
    }
}

fn command(verb: &str, words: &mut Words, ledger: &Ledger) -> Command {
    match verb {
        "settings" => Command::Configure(settings(words, *ledger.state.settings())),
        "receive" => Command::Receive(receive(words)),
        "adjust" => Command::Adjust(adjust(words)),
        "count" => Command::Count(count(words)),
        "sell" => Command::Sell(sell(words)),
        "observe" => Command::Observe(observe(words)),
        "push" => Command::Push(push(words)),
        "policy" => Command::SetPolicy(policy(words)),
        "hold" => Command::Hold(hold(words)),
        "confirm" => Command::Confirm(Confirm {
            reservation: words.reservation(),
        }),
        "extend" => Command::Extend(Extend {
            ttl: ttl(words),
            reservation: words.reservation(),
        }),
        "release" => Command::Release(Release {
            reservation: words.reservation(),
        }),
        "fulfill" => Command::Fulfill(fulfill(words)),
        "dispatch" => Command::Dispatch(dispatch(words)),
        "announce" => Command::Announce(announce(words, ledger)),
        "hand-over" => Command::HandOver(HandOver {
            transfer: words.transfer().no,
        }),
        "arrive" => Command::Arrive(Arrive {
            transfer: words.transfer(),
        }),
        _ => panic!("{verb:?} is no command"),
    }
}

fn ttl(words: &mut Words) -> Span {
    span(&words.option("ttl").expect("a ttl"))
}

fn settings(words: &mut Words, now: Settings) -> Settings {
    let number = |word: Option<String>| word.map(|word| word.parse().expect("a number"));
    let mut length = |name: &str| words.option(name).map(|word| span(&word));
    Settings {
        key_retention: length("keys").unwrap_or(now.key_retention),
        ended_retention: length("ended").unwrap_or(now.ended_retention),
        count_window: length("counts").unwrap_or(now.count_window),
        most_open_reservations: number(words.option("reservations"))
            .unwrap_or(now.most_open_reservations),
        most_levels: number(words.option("levels")).unwrap_or(now.most_levels),
    }
}

fn receive(words: &mut Words) -> Receive {
    Receive {
        occurred_at: words.moment_after("happened"),
        reference: words.option("ref").map(label),
        location: words.location(),
        lines: words.lines(|words| ReceiveLine {
            sku: words.sku(),
            quantity: words.quantity(),
            lot: words.has("lot").then(|| label(words.next())),
            expires_on: words.has("until").then(|| words.number()),
        }),
    }
}

fn adjust(words: &mut Words) -> Adjust {
    Adjust {
        occurred_at: words.moment_after("happened"),
        reference: words.option("ref").map(label),
        location: words.location(),
        lines: words.lines(adjust_line),
    }
}

fn adjust_line(words: &mut Words) -> AdjustLine {
    let of = match words.has("unavailable") {
        true => Adjusts::Unavailable,
        false => Adjusts::OnHand,
    };
    let sku = words.sku();
    let by = words.next();
    let (sign, units) = by.split_at(1);
    AdjustLine {
        sku,
        direction: match sign {
            "+" => Direction::Up,
            "-" => Direction::Down,
            _ => panic!("{by:?} needs a sign"),
        },
        quantity: Quantity::new(units.parse().expect("a number")).expect("a quantity"),
        reason: label(words.next()),
        of,
    }
}

fn count(words: &mut Words) -> Count {
    Count {
        as_of: words.moment_after("as-of").expect("a count has an as-of"),
        source: label(words.option("by").unwrap_or_else(|| "ann".to_owned())),
        complete: words.flag("complete"),
        location: words.location(),
        lines: words.lines(|words| CountLine {
            sku: words.sku(),
            on_hand: words.number(),
        }),
    }
}

fn sell(words: &mut Words) -> Sell {
    Sell {
        sold_at: words.moment_after("happened"),
        reference: words.option("ref").map(label),
        location: words.location(),
        lines: words.lines(|words| SellLine {
            sku: words.sku(),
            quantity: words.quantity(),
        }),
    }
}

fn observe(words: &mut Words) -> Observe {
    Observe {
        source: label(words.option("by").unwrap_or_else(|| "ann".to_owned())),
        location: words.location(),
        lines: words.lines(|words| ObserveLine {
            sku: words.sku(),
            found: match words.next().as_str() {
                "found" => true,
                "missing" => false,
                word => panic!("{word:?} is neither found nor missing"),
            },
            at: words.moment().expect("a look has a time"),
        }),
    }
}

fn push(words: &mut Words) -> Push {
    Push {
        source: label(words.option("by").unwrap_or_else(|| "office".to_owned())),
        location: words.location(),
        values: words.lines(|words| PushLine {
            name: FactName::new(&words.next()).expect("a name"),
            value: value(&words.next()),
            sku: words.has("of").then(|| words.sku()),
            at: {
                assert!(words.has("from"), "a value holds from a time on");
                words.moment().expect("a time")
            },
        }),
    }
}

/// A number with up to six decimals, or a text.
fn value(word: &str) -> Value {
    let (whole, decimals) = word.split_once('.').unwrap_or((word, ""));
    match format!("{whole}{decimals:0<6}").parse() {
        Ok(number) => Value::Number(Millionths::new(number).expect("a number within bounds")),
        Err(_) => Value::Text(label(word.to_owned())),
    }
}

fn policy(words: &mut Words) -> SetPolicy {
    SetPolicy {
        reason: words.option("because").map(label),
        location: words.location(),
        lines: words.lines(|words| PolicyLine {
            sku: words.sku(),
            safety_stock: words.has("safety").then(|| words.number()),
            oversell_limit: words.has("oversell").then(|| words.number()),
            on_not_found: words.has("not-found").then(|| match words.next().as_str() {
                "label" => OnNotFound::Label,
                "correct" => OnNotFound::Correct,
                word => panic!("{word:?} is neither label nor correct"),
            }),
        }),
    }
}

fn hold(words: &mut Words) -> Hold {
    Hold {
        ttl: ttl(words),
        allow_partial: words.flag("partial"),
        reference: words.option("ref").map(label),
        location: words.location(),
        lines: words.lines(|words| HoldLine {
            sku: words.sku(),
            quantity: words.quantity(),
        }),
    }
}

fn fulfill(words: &mut Words) -> Fulfill {
    Fulfill {
        occurred_at: words.moment_after("happened"),
        reservation: words.reservation(),
        lines: words.lines(pick_line),
    }
}

fn pick_line(words: &mut Words) -> PickLine {
    let sku = words.sku();
    let number = |words: &mut Words, name| if words.has(name) { words.number() } else { 0 };
    let picked = number(words, "picked");
    let not_found = number(words, "missing");
    let mut substitutions = Vec::new();
    while words.has("instead") {
        substitutions.push(Substitution {
            sku: words.sku(),
            quantity: words.quantity(),
        });
    }
    PickLine {
        sku,
        picked,
        not_found,
        substitutions,
    }
}

fn dispatch(words: &mut Words) -> Dispatch {
    Dispatch {
        to: LocationId::new(&words.option("to").expect("a destination")).expect("a name"),
        reference: words.option("ref").map(label),
        from: words.location(),
        lines: words.lines(|words| DispatchLine {
            sku: words.sku(),
            quantity: words.quantity(),
        }),
    }
}

/// Announces a transfer of this partition, as its outbox has it, or any one, as the words say.
fn announce(words: &mut Words, ledger: &Ledger) -> Announce {
    let transfer = words.transfer();
    let outgoing = match words.0.is_empty() {
        true => waiting(transfer, ledger),
        false => outgoing(words, transfer.no),
    };
    Announce { transfer, outgoing }
}

fn waiting(transfer: TransferId, ledger: &Ledger) -> Outgoing {
    assert_eq!(
        transfer.source,
        Ledger::PARTITION,
        "it is of another partition"
    );
    let mut outbox = ledger.state.transfers().outbox();
    let waiting = outbox.find(|(no, _)| *no == transfer.no);
    waiting.expect("it waits in the outbox").1.clone()
}

fn outgoing(words: &mut Words, no: TransferNo) -> Outgoing {
    let to = LocationId::new(&words.option("to").expect("a destination")).expect("a name");
    let settled = words.option("settled");
    // The source has handed over all before it, unless a script says otherwise.
    let settled = settled.map_or(no.0, |no| no.parse().expect("a number"));
    let from = words.location();
    let lines = words.lines(|words| TransferLine {
        sku: words.sku(),
        units: words.number(),
    });
    Outgoing {
        from,
        to,
        settled: TransferNo(settled),
        lines: lines.iter().cloned().collect(),
    }
}
