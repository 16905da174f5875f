//! The naive twin: the rules of the ledger once more, written as plainly as they can be said.
//!
//! It shares nothing with the core: numbers are `i64`, shelves and promises lie in a `Vec` and are searched from the
//! front, on hand is a number of its own and not a sum of buckets, and every change ever made is kept. Where twin and
//! core differ, one of them does not do what `docs/semantics.md` says.

pub(crate) mod ask;

use ask::{Ask, ITEMS, Line, Millis, Pick, Rule, SHOPS};

/// How long a key is kept, in milliseconds.
pub(crate) const KEY_RETENTION: i64 = 60_000;
/// How far back a count may speak, in milliseconds.
pub(crate) const COUNT_WINDOW: i64 = 90_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) shop: usize,
    pub(crate) item: usize,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) allocated: i64,
    pub(crate) unavailable: i64,
    pub(crate) in_transit: i64,
    pub(crate) safety: i64,
    oversell: i64,
    correct: bool,
    /// The second of the newest count.
    counted: i64,
    /// When goods came or went, and how many.
    history: Vec<(Millis, i64)>,
}

impl Shelf {
    pub(crate) fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.allocated - self.unavailable - self.safety
    }

    fn goods(&mut self, at: Millis, units: i64) {
        self.on_hand += units;
        self.history.push((at, units));
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) shop: usize,
    pub(crate) state: &'static str,
    pub(crate) expires: Millis,
    pub(crate) lines: Vec<PromiseLine>,
}

#[derive(Clone, Debug)]
pub(crate) struct PromiseLine {
    pub(crate) item: usize,
    pub(crate) asked: i64,
    pub(crate) got: i64,
    pub(crate) left: i64,
    pub(crate) picked: i64,
    pub(crate) missing: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) lines: Vec<Line>,
    waits: bool,
    known: bool,
    arrived: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Twin {
    now: Millis,
    most_open: i64,
    most_levels: i64,
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) promises: Vec<Promise>,
    pub(crate) parcels: Vec<Parcel>,
    keys: Vec<(u8, Ask, Millis)>,
}

/// What came of a request: the name of the event, or why it was refused.
type Outcome = Result<&'static str, String>;

impl Twin {
    pub(crate) fn new(now: Millis, most_open: i64, most_levels: i64) -> Self {
        Self {
            now,
            most_open,
            most_levels,
            shelves: Vec::new(),
            promises: Vec::new(),
            parcels: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// The promises that expired by `clock`, in order, and what came of the request.
    pub(crate) fn ask(
        &mut self,
        clock: Millis,
        key: Option<u8>,
        ask: &Ask,
    ) -> (Vec<usize>, String) {
        let last = self.now;
        self.now = last.max(clock);
        let expired = self.expire();
        let outcome = self.answer(key, ask);
        // Only what is recorded moves the ledger's time: a refusal leaves it where it was.
        if expired.is_empty() && !matches!(outcome, Ok(event) if event != "nothing") {
            self.now = last;
        }
        let said = outcome.map_or_else(|why| why, str::to_owned);
        (expired, said)
    }

    fn answer(&mut self, key: Option<u8>, ask: &Ask) -> Outcome {
        let now = self.now;
        let is_it = |name: u8, at: Millis| Some(name) == key && now - at <= KEY_RETENTION;
        let mut keys = self.keys.iter().rev();
        if let Some((_, before, _)) = keys.find(|(name, _, at)| is_it(*name, *at)) {
            return Err(if before == ask {
                "repeated"
            } else {
                "key reused"
            }
            .to_owned());
        }
        // Whatever is refused leaves no trace: it is tried on a copy.
        let mut tried = self.clone();
        let event = tried.carry_out(ask)?;
        *self = tried;
        if let Some(key) = key.filter(|_| event != "nothing") {
            self.keys.push((key, ask.clone(), now));
        }
        Ok(event)
    }

    fn expire(&mut self) -> Vec<usize> {
        let mut expired = Vec::new();
        loop {
            let held = self.promises.iter().enumerate();
            let due = held.filter(|(_, one)| one.state == "held" && one.expires <= self.now);
            let Some((no, _)) = due.min_by_key(|(no, one)| (one.expires, *no)) else {
                return expired;
            };
            self.give_back(no, "expired");
            expired.push(no);
        }
    }

    fn carry_out(&mut self, ask: &Ask) -> Outcome {
        match ask {
            Ask::Settings { open, levels } => self.settings(*open, *levels),
            Ask::Receive {
                shop,
                lines,
                happened,
            } => self.receive(*shop, lines, *happened),
            Ask::Adjust {
                shop,
                lines,
                happened,
            } => self.adjust(*shop, lines, *happened),
            Ask::Count {
                shop,
                as_of,
                complete,
                lines,
            } => self.count(*shop, *as_of, *complete, lines),
            Ask::Policy { shop, rules } => self.policy(*shop, rules),
            Ask::Hold {
                shop,
                lines,
                ttl,
                partial,
            } => self.hold(*shop, lines, *ttl, *partial),
            Ask::Confirm(no) => self.confirm(*no),
            Ask::Extend(no, ttl) => self.extend(*no, *ttl),
            Ask::Release(no) => self.release(*no),
            Ask::Fulfill {
                no,
                picks,
                happened,
            } => self.fulfill(*no, picks, *happened),
            Ask::Dispatch { from, to, lines } => self.dispatch(*from, *to, lines),
            Ask::Announce(no) => self.announce(*no),
            Ask::HandOver(no) => self.hand_over(*no),
            Ask::Arrive(no) => self.arrive(*no),
        }
    }

    fn shelf(&mut self, shop: usize, item: usize) -> Option<&mut Shelf> {
        self.shelves
            .iter_mut()
            .find(|one| one.shop == shop && one.item == item)
    }

    fn must(&mut self, shop: usize, item: usize) -> &mut Shelf {
        self.shelf(shop, item).expect("it was looked for before")
    }

    fn known(&mut self, shop: usize, items: &[usize]) -> Result<(), String> {
        if !self.shelves.iter().any(|one| one.shop == shop) {
            return Err(format!("unknown location {}", SHOPS[shop]));
        }
        for (line, item) in items.iter().enumerate() {
            if self.shelf(shop, *item).is_none() {
                return Err(format!("unknown SKU {} {line}", ITEMS[*item]));
            }
        }
        Ok(())
    }

    fn opened(&mut self, shop: usize, items: &[usize]) -> Result<(), String> {
        let before = self.shelves.len();
        for item in items {
            if self.shelf(shop, *item).is_none() {
                self.shelves.push(Shelf {
                    shop,
                    item: *item,
                    ..Shelf::default()
                });
            }
        }
        let (now, grew) = (self.shelves.len() as i64, self.shelves.len() > before);
        if grew && now > self.most_levels {
            return Err("full".to_owned());
        }
        Ok(())
    }

    fn when(&self, happened: Option<Millis>) -> Result<Millis, String> {
        match happened {
            Some(at) if at > self.now => Err("in future".to_owned()),
            Some(at) => Ok(at),
            None => Ok(self.now),
        }
    }

    fn settings(&mut self, open: i64, levels: i64) -> Outcome {
        if (open, levels) == (self.most_open, self.most_levels) {
            return Ok("nothing");
        }
        (self.most_open, self.most_levels) = (open, levels);
        Ok("configured")
    }

    fn receive(&mut self, shop: usize, lines: &[Line], happened: Option<Millis>) -> Outcome {
        let at = self.when(happened)?;
        self.opened(shop, &items(lines))?;
        for (item, units) in lines {
            self.must(shop, *item).goods(at, *units);
        }
        Ok("received")
    }

    fn adjust(
        &mut self,
        shop: usize,
        lines: &[(usize, i64, bool)],
        happened: Option<Millis>,
    ) -> Outcome {
        self.known(shop, &lines.iter().map(|line| line.0).collect::<Vec<_>>())?;
        let at = self.when(happened)?;
        for (line, (item, by, unavailable)) in lines.iter().enumerate() {
            let shelf = self.must(shop, *item);
            let before = shelf.on_hand;
            if *unavailable {
                shelf.unavailable += by;
            } else {
                shelf.goods(at, *by);
            }
            let blocks_too_much = *unavailable && *by > 0 && shelf.unavailable > shelf.on_hand;
            if shelf.on_hand < 0 || shelf.unavailable < 0 || blocks_too_much {
                return Err(format!("below zero {} {line} {before}", ITEMS[*item]));
            }
        }
        Ok("adjusted")
    }

    fn count(&mut self, shop: usize, as_of: Millis, complete: bool, lines: &[Line]) -> Outcome {
        if as_of > self.now {
            return Err("in future".to_owned());
        }
        if as_of < self.now - COUNT_WINDOW {
            return Err("too old".to_owned());
        }
        let named = items(lines);
        if let Some((line, item)) = twice(&named) {
            return Err(format!("twice {} {line}", ITEMS[item]));
        }
        self.opened(shop, &named)?;
        for shelf in self.shelves.iter_mut().filter(|one| one.shop == shop) {
            let told = lines.iter().find(|(item, _)| *item == shelf.item);
            let Some(units) = told.map(|line| line.1).or(complete.then_some(0)) else {
                continue;
            };
            if as_of / 1000 >= shelf.counted {
                let since = shelf.history.iter().filter(|(at, _)| *at > as_of);
                shelf.on_hand = (units + since.map(|(_, units)| units).sum::<i64>()).max(0);
                shelf.counted = as_of / 1000;
            }
        }
        Ok("counted")
    }

    fn policy(&mut self, shop: usize, rules: &[Rule]) -> Outcome {
        let named: Vec<usize> = rules.iter().map(|rule| rule.item).collect();
        self.known(shop, &named)?;
        if let Some((line, item)) = twice(&named) {
            return Err(format!("twice {} {line}", ITEMS[item]));
        }
        for rule in rules {
            let shelf = self.must(shop, rule.item);
            shelf.safety = rule.safety.unwrap_or(shelf.safety);
            shelf.oversell = rule.oversell.unwrap_or(shelf.oversell);
            shelf.correct = rule.correct.unwrap_or(shelf.correct);
        }
        Ok("policy_set")
    }

    fn hold(&mut self, shop: usize, lines: &[Line], ttl: i64, partial: bool) -> Outcome {
        self.known(shop, &items(lines))?;
        let open = self
            .promises
            .iter()
            .filter(|one| ["held", "confirmed"].contains(&one.state));
        if open.count() as i64 >= self.most_open {
            return Err("full".to_owned());
        }
        let mut got = Vec::new();
        for (item, asked) in summed(lines) {
            let shelf = self.must(shop, item);
            let can = (shelf.available() + shelf.oversell).max(0);
            got.push((item, asked, asked.min(can)));
        }
        let short = got.iter().filter(|(_, asked, got)| got < asked);
        let short: Vec<_> = short
            .map(|(item, asked, got)| shortage(*item, *asked, *got))
            .collect();
        let nothing = got.iter().all(|(_, _, got)| *got == 0);
        if nothing || (!partial && !short.is_empty()) {
            return Err(format!("insufficient {}", short.join(" ")));
        }
        for (item, _, units) in &got {
            self.must(shop, *item).reserved += units;
        }
        let line = |(item, asked, got): (usize, i64, i64)| PromiseLine {
            item,
            asked,
            got,
            left: got,
            picked: 0,
            missing: 0,
        };
        self.promises.push(Promise {
            shop,
            state: "held",
            expires: self.now + ttl * 1000,
            lines: got.into_iter().map(line).collect(),
        });
        Ok("held")
    }

    fn promise(&self, no: usize, states: &[&str]) -> Result<&Promise, String> {
        let promise = self.promises.get(no).ok_or("unknown reservation")?;
        match states.contains(&promise.state) {
            true => Ok(promise),
            false => Err(format!("wrong state {}", promise.state)),
        }
    }

    fn confirm(&mut self, no: usize) -> Outcome {
        let promise = self.promise(no, &["held"])?.clone();
        for line in &promise.lines {
            let shelf = self.must(promise.shop, line.item);
            shelf.reserved -= line.left;
            shelf.allocated += line.left;
        }
        self.promises[no].state = "confirmed";
        Ok("confirmed")
    }

    fn extend(&mut self, no: usize, ttl: i64) -> Outcome {
        self.promise(no, &["held"])?;
        self.promises[no].expires = self.now + ttl * 1000;
        Ok("extended")
    }

    fn release(&mut self, no: usize) -> Outcome {
        self.promise(no, &["held", "confirmed"])?;
        self.give_back(no, "released");
        Ok("released")
    }

    fn give_back(&mut self, no: usize, state: &'static str) {
        let promise = self.promises[no].clone();
        for (at, line) in promise.lines.iter().enumerate() {
            let shelf = self.must(promise.shop, line.item);
            match promise.state {
                "held" => shelf.reserved -= line.left,
                _ => shelf.allocated -= line.left,
            }
            self.promises[no].lines[at].left = 0;
        }
        self.promises[no].state = state;
    }

    fn fulfill(&mut self, no: usize, picks: &[Pick], happened: Option<Millis>) -> Outcome {
        let promise = self.promises.get(no).ok_or("unknown reservation")?.clone();
        self.check_names(&promise, picks)?;
        self.promise(no, &["confirmed"])?;
        let at = self.when(happened)?;
        let named: Vec<usize> = picks.iter().map(|pick| pick.item).collect();
        for (line, pick) in picks.iter().enumerate() {
            if named[..line].contains(&pick.item) {
                return Err(format!("twice {} {line}", ITEMS[pick.item]));
            }
            let lines = &mut self.promises[no].lines;
            let promised = lines
                .iter_mut()
                .find(|one| one.item == pick.item)
                .expect("it is in it");
            if pick.picked + pick.missing > promised.left {
                return Err(format!(
                    "more than promised {} {line} {}",
                    ITEMS[pick.item], promised.left
                ));
            }
            promised.left -= pick.picked + pick.missing;
            promised.picked += pick.picked;
            promised.missing += pick.missing;
        }
        self.take_from_shelves(promise.shop, picks, at);
        if self.promises[no].lines.iter().all(|line| line.left == 0) {
            self.promises[no].state = "fulfilled";
        }
        Ok("fulfilled")
    }

    fn check_names(&mut self, promise: &Promise, picks: &[Pick]) -> Result<(), String> {
        for (line, pick) in picks.iter().enumerate() {
            if !promise.lines.iter().any(|one| one.item == pick.item) {
                return Err(format!("not in reservation {} {line}", ITEMS[pick.item]));
            }
        }
        for (line, pick) in picks.iter().enumerate() {
            for (item, _) in &pick.instead {
                if self.shelf(promise.shop, *item).is_none() {
                    return Err(format!("unknown SKU {} {line}", ITEMS[*item]));
                }
            }
        }
        Ok(())
    }

    fn take_from_shelves(&mut self, shop: usize, picks: &[Pick], at: Millis) {
        let own = picks.iter().map(|pick| (pick.item, pick.picked));
        let instead = picks.iter().flat_map(|pick| pick.instead.iter().copied());
        let taken: Vec<Line> = own.chain(instead).collect();
        for (item, units) in summed(&taken) {
            let shelf = self.must(shop, item);
            // The goods are in the picker's hand, so they were there.
            shelf.on_hand = shelf.on_hand.max(units);
            shelf.goods(at, -units);
        }
        for pick in picks {
            let shelf = self.must(shop, pick.item);
            shelf.allocated -= pick.picked + pick.missing;
            if shelf.correct {
                let lost = pick.missing.min(shelf.on_hand);
                shelf.goods(at, -lost);
            }
        }
    }

    fn dispatch(&mut self, from: usize, to: usize, lines: &[Line]) -> Outcome {
        self.known(from, &items(lines))?;
        if from == to {
            return Err("same location".to_owned());
        }
        let mut short = Vec::new();
        for (item, units) in summed(lines) {
            let shelf = self.must(from, item);
            let free = (shelf.available() + shelf.safety).max(0);
            if free < units {
                short.push(shortage(item, units, free));
            }
        }
        if !short.is_empty() {
            return Err(format!("insufficient {}", short.join(" ")));
        }
        let now = self.now;
        for (item, units) in lines {
            self.must(from, *item).goods(now, -units);
        }
        self.parcels.push(Parcel {
            from,
            to,
            lines: lines.to_vec(),
            waits: true,
            known: false,
            arrived: false,
        });
        Ok("dispatched")
    }

    fn announce(&mut self, no: usize) -> Outcome {
        let parcel = self.parcels[no].clone();
        if parcel.known {
            return Ok("nothing");
        }
        self.opened(parcel.to, &items(&parcel.lines))?;
        for (item, units) in &parcel.lines {
            self.must(parcel.to, *item).in_transit += units;
        }
        self.parcels[no].known = true;
        Ok("announced")
    }

    fn hand_over(&mut self, no: usize) -> Outcome {
        match self.parcels.get_mut(no).filter(|one| one.waits) {
            Some(parcel) => parcel.waits = false,
            None => return Err("unknown transfer".to_owned()),
        }
        Ok("handed_over")
    }

    fn arrive(&mut self, no: usize) -> Outcome {
        let parcel = self
            .parcels
            .get(no)
            .filter(|one| one.known)
            .ok_or("unknown transfer")?
            .clone();
        if parcel.arrived {
            return Err("already received".to_owned());
        }
        let now = self.now;
        for (item, units) in &parcel.lines {
            let shelf = self.must(parcel.to, *item);
            shelf.in_transit -= units;
            shelf.goods(now, *units);
        }
        self.parcels[no].arrived = true;
        Ok("arrived")
    }
}

fn items(lines: &[Line]) -> Vec<usize> {
    lines.iter().map(|line| line.0).collect()
}

/// The first item that stands there a second time, and where.
fn twice(items: &[usize]) -> Option<(usize, usize)> {
    let mut all = items.iter().copied().enumerate();
    all.find(|(at, item)| items[..*at].contains(item))
}

fn summed(lines: &[Line]) -> Vec<Line> {
    let mut sums: Vec<Line> = Vec::new();
    for (item, units) in lines {
        match sums.iter_mut().find(|(same, _)| same == item) {
            Some((_, sum)) => *sum += units,
            None => sums.push((*item, *units)),
        }
    }
    sums
}

pub(crate) fn shortage(item: usize, asked: i64, available: i64) -> String {
    format!("{} {asked}/{available}", ITEMS[item])
}
