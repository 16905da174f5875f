//! A client: asks for something random, and notes what it was told.
//!
//! When the connection breaks, it either gives up, and what it asked for was done or not; or it sends the same request
//! with the same key to the next server until it is answered, and all of that is one operation.

use crate::bounded::{Look, Looks};
use crate::level::{Answer, Numbers, Outcome, Request, Reservation};
use crate::shop::{Known, Object, Shop};
use crate::support::{self, Client, Dice};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub(crate) struct Desk<'a> {
    shop: &'a Shop,
    number: u64,
    dice: Dice,
    connection: Option<(u16, Client)>,
    /// The server that is known to be gone.
    gone: Option<u16>,
    writes: u64,
    /// The last write that was recorded, and its answer.
    recorded: Option<(Message, String)>,
    looks: Looks,
}

/// A request as it is sent.
#[derive(Clone)]
struct Message {
    path: String,
    /// Key and body of a write.
    write: Option<(String, String)>,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(shop: &'a Shop, number: u64, seed: u64) -> Self {
        Self {
            shop,
            number,
            dice: Dice(seed.wrapping_mul(number + 1)),
            connection: None,
            gone: None,
            writes: 0,
            recorded: None,
            looks: Looks::default(),
        }
    }

    /// Works until the end of the day, and tells what was seen by bounded reads.
    pub(crate) fn work(mut self) -> Result<Looks, String> {
        while let Some(place) = self.shop.next(&mut self.dice) {
            match self.dice.roll(12) {
                0 => self.look(place)?,
                1 => self.repeat()?,
                _ => self.operate(&self.shop.objects[place])?,
            }
        }
        Ok(self.looks)
    }

    fn operate(&mut self, object: &Object) -> Result<(), String> {
        let request = self.choose(object);
        let message = self.message(object, request);
        let number = object.history().call(request);
        let answer = self.send(&message)?;
        let outcome = match &answer {
            Some(answer) => Outcome::Answered(told(request, answer)?),
            None => Outcome::Unknown,
        };
        object.history().end(number, outcome);
        match answer {
            Some(answer) if answer.status < 300 => self.note(object, request, message, &answer),
            _ => Ok(()),
        }
    }

    fn choose(&mut self, object: &Object) -> Request {
        let dice = &mut self.dice;
        let (what, units) = (dice.roll(20), 1 + dice.roll(4) as i64);
        let Some(Known { name, .. }) = object.recent(dice).filter(|_| what < 9) else {
            return match what {
                9..12 => Request::Receive { units },
                12..14 => Request::Adjust { units: -units },
                14..16 => Request::Level,
                _ => Request::Reserve {
                    name: self.shop.name(),
                    units,
                    partial: units == 4,
                },
            };
        };
        match what {
            0..3 => Request::Confirm { name },
            3..5 => Request::Release { name },
            5..8 => Request::Fulfill {
                name,
                picked: units,
            },
            _ => Request::Reservation { name },
        }
    }

    fn message(&mut self, object: &Object, request: Request) -> Message {
        let Object { location, sku, .. } = object;
        let of = |name, action: &str| format!("/v1/reservations/{}{action}", object.id(name));
        let (path, body) = match request {
            Request::Receive { units } => {
                let lines = json!([{"sku": sku, "quantity": units}]);
                let body = json!({"location": location, "lines": lines});
                ("/v1/stock/receipts".into(), body)
            }
            Request::Adjust { units } => {
                let lines = json!([{"sku": sku, "quantity": units, "reason": "damaged"}]);
                let body = json!({"location": location, "lines": lines});
                ("/v1/stock/adjustments".into(), body)
            }
            Request::Reserve { units, partial, .. } => {
                let lines = json!([{"sku": sku, "quantity": units}]);
                let body = json!({"location": location, "lines": lines, "ttl_seconds": 3600, "allow_partial": partial});
                ("/v1/reservations".into(), body)
            }
            Request::Confirm { name } => (of(name, "/confirm"), json!({})),
            Request::Release { name } => (of(name, "/release"), json!({})),
            Request::Fulfill { name, picked } => {
                let lines = json!([{"sku": sku, "picked": picked}]);
                (of(name, "/fulfill"), json!({ "lines": lines }))
            }
            Request::Level => return Message::read(format!("/v1/stock/{location}/{sku}")),
            Request::Reservation { name } => return Message::read(of(name, "")),
        };
        self.writes += 1;
        let key = format!("desk-{}-{}", self.number, self.writes);
        Message {
            path,
            write: Some((key, body.to_string())),
        }
    }

    /// Notes what was recorded, for the requests to come.
    fn note(
        &mut self,
        object: &Object,
        request: Request,
        message: Message,
        answer: &support::Answer,
    ) -> Result<(), String> {
        if message.write.is_some() {
            self.recorded = Some((message, answer.body.clone()));
        }
        if let Request::Reserve { name, .. } = request {
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            if !self.shop.is_new(&id) {
                return Err(format!("the id {id} was given twice"));
            }
            object.remember(Known { name, id });
        }
        Ok(())
    }

    /// Sends the last recorded write once more: the same answer must come, and nothing may change by it, which the
    /// reads to come will tell.
    fn repeat(&mut self) -> Result<(), String> {
        let Some((message, first)) = self.recorded.clone() else {
            return Ok(());
        };
        let Some(again) = self.send(&message)? else {
            return Ok(());
        };
        let is_marked = again.header("idempotent-replayed") == Some("true");
        if again.body == first && is_marked {
            return Ok(());
        }
        let path = message.path;
        Err(format!(
            "asked again, {path} says {} and not {first}",
            again.body
        ))
    }

    fn look(&mut self, place: usize) -> Result<(), String> {
        let Object { location, sku, .. } = &self.shop.objects[place];
        let path = format!("/v1/stock/{location}/{sku}?consistency=bounded");
        let Some(answer) = self.send(&Message::read(path))? else {
            return Ok(());
        };
        let level = answer.json();
        self.looks.note(Look {
            place,
            location,
            sequence: level["sequence"].as_u64().unwrap(),
            numbers: numbers(&level),
        })
    }

    /// Sends a request until it is answered, or until this client gives up because its server is gone.
    fn send(&mut self, message: &Message) -> Result<Option<support::Answer>, String> {
        loop {
            let (port, client) = self.connection()?;
            let answer = match &message.write {
                Some((key, body)) => client.post(&message.path, key, body),
                None => client.get(&message.path),
            };
            match answer {
                Ok(answer) if answer.status < 500 => return Ok(Some(answer)),
                Ok(answer) => return Err(format!("{} got {answer:?}", message.path)),
                Err(_) => self.gone = Some(port),
            }
            if self.dice.roll(2) == 0 {
                return Ok(None);
            }
        }
    }

    fn connection(&mut self) -> Result<(u16, &mut Client), String> {
        let start = Instant::now();
        let port = loop {
            let port = self.shop.port.load(Ordering::Acquire);
            if self.gone != Some(port) {
                break port;
            }
            if start.elapsed() > Duration::from_secs(60) {
                return Err("the server is gone, and no other came for a minute".into());
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let kept = self.connection.take().filter(|(at, _)| *at == port);
        let client = kept.map(|(_, client)| client);
        let client = client.unwrap_or_else(|| Client::new(([127, 0, 0, 1], port).into()));
        let (_, client) = self.connection.insert((port, client));
        Ok((port, client))
    }
}

impl Message {
    fn read(path: String) -> Self {
        Self { path, write: None }
    }
}

/// An answer in the words of the specification.
fn told(request: Request, answer: &support::Answer) -> Result<Answer, String> {
    let body = answer.json();
    if answer.status >= 300 {
        return problem(&body).ok_or_else(|| format!("{request:?} got {}", answer.body));
    }
    let units = |field: &str| Answer::Units(number(&body["lines"][0][field]));
    Ok(match request {
        Request::Receive { .. } | Request::Adjust { .. } | Request::Fulfill { .. } => Answer::Done,
        Request::Reserve { .. } => units("reserved"),
        Request::Confirm { .. } => units("allocated"),
        Request::Release { .. } => units("released"),
        Request::Level => Answer::Level(numbers(&body)),
        Request::Reservation { .. } => Answer::Reservation(Reservation {
            state: body["state"].as_str().unwrap().into(),
            outstanding: number(&body["lines"][0]["outstanding"]),
            picked: number(&body["lines"][0]["picked"]),
        }),
    })
}

fn problem(body: &Value) -> Option<Answer> {
    let name = body["type"].as_str()?.strip_prefix("urn:onhand:problem:")?;
    Some(match name {
        "insufficient-stock" => Answer::Short(number(&body["lines"][0]["available"])),
        name => Answer::Refused(name.into()),
    })
}

fn numbers(level: &Value) -> Numbers {
    Numbers {
        on_hand: number(&level["on_hand"]),
        reserved: number(&level["reserved"]),
        allocated: number(&level["allocated"]),
        available: number(&level["available"]),
    }
}

fn number(value: &Value) -> i64 {
    value
        .as_i64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}
