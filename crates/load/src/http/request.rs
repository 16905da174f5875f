//! Writes requests, byte by byte: a prepared head, and digits in the right places.

use crate::lane::Target;
use crate::levels::{Level, push_digits};
use crate::work::{Ask, Operation, Workload};

/// Digits of a body's length: it is known, and written, after the body.
const LENGTH_DIGITS: usize = 8;

/// What is written for every request of one tenant.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    /// By tenant: the headers that never change.
    headers: Vec<Vec<u8>>,
    /// Units of a level in a receipt.
    units: u32,
    /// How long units are held, in seconds.
    ttl_seconds: String,
}

impl Writer {
    pub(crate) fn new(target: &Target, tenants: &[Option<&str>]) -> Self {
        let host = &target.host;
        let headers = tenants.iter().map(|tenant| {
            let mut headers = format!("Host: {host}\r\nContent-Type: application/json\r\n");
            if let Some(tenant) = tenant {
                headers += &format!("Onhand-Tenant: {tenant}\r\n");
            }
            if let Some(timeout_ms) = target.timeout_ms {
                headers += &format!("Onhand-Timeout-Ms: {timeout_ms}\r\n");
            }
            headers.into_bytes()
        });
        Self {
            headers: headers.collect(),
            units: target.units,
            ttl_seconds: target.ttl_seconds.to_string(),
        }
    }

    /// Appends a request.
    pub(crate) fn write(&self, out: &mut Vec<u8>, ask: &Ask, workload: &mut Workload) {
        out.extend_from_slice(b"POST ");
        push_path(out, ask);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        out.extend_from_slice(&self.headers[ask.tenant]);
        if has_key(ask.operation) {
            out.extend_from_slice(b"Idempotency-Key: ");
            self.push_key(out, ask, workload);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"Content-Length: ");
        let length_at = out.len();
        out.extend_from_slice(b"00000000\r\n\r\n");
        let body_at = out.len();
        self.push_body(out, ask, workload);
        let mut length = Vec::with_capacity(LENGTH_DIGITS);
        push_digits::<LENGTH_DIGITS>(&mut length, (out.len() - body_at) as u64);
        out[length_at..length_at + LENGTH_DIGITS].copy_from_slice(&length);
    }

    /// A receipt's key is the same whenever it is asked for again, so that shelves are filled once.
    fn push_key(&self, out: &mut Vec<u8>, ask: &Ask, workload: &mut Workload) {
        match ask.operation {
            Operation::Receipt => {
                let levels = workload.recipe().levels;
                let skus = levels.skus_of(ask.level);
                let Level { location, sku } = levels.at(ask.level * levels.skus);
                let key = format!("fill-{location}-{sku}-{skus}-{}", self.units);
                out.extend_from_slice(key.as_bytes());
            }
            _ => workload.push_key(out),
        }
    }

    fn push_body(&self, out: &mut Vec<u8>, ask: &Ask, workload: &mut Workload) {
        match ask.operation {
            Operation::Receipt => self.push_receipt(out, ask.level, workload),
            Operation::Reserve => {
                out.push(b'{');
                self.push_reservation(out, workload.recipe().levels.at(ask.level));
            }
            Operation::Batch => self.push_batch(out, workload),
            Operation::Read => push_read(out, workload),
            Operation::Predict => push_page(out, workload.page(ask.level)),
            Operation::Confirm | Operation::Release => out.extend_from_slice(b"{}"),
        }
    }

    fn push_receipt(&self, out: &mut Vec<u8>, location: u64, workload: &Workload) {
        let levels = workload.recipe().levels;
        let level = |sku| levels.at(location * levels.skus + sku);
        out.extend_from_slice(b"{\"location\":\"");
        level(0).push_location(out);
        out.extend_from_slice(b"\",\"lines\":[");
        for sku in 0..levels.skus_of(location) {
            let begin: &[u8] = if sku == 0 {
                b"{\"sku\":\""
            } else {
                b",{\"sku\":\""
            };
            out.extend_from_slice(begin);
            level(sku).push_sku(out);
            out.extend_from_slice(b"\",\"quantity\":");
            out.extend_from_slice(self.units.to_string().as_bytes());
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }

    /// The fields of a reservation of one unit, behind an opening brace.
    fn push_reservation(&self, out: &mut Vec<u8>, level: Level) {
        out.extend_from_slice(b"\"location\":\"");
        level.push_location(out);
        out.extend_from_slice(b"\",\"lines\":[{\"sku\":\"");
        level.push_sku(out);
        out.extend_from_slice(b"\",\"quantity\":1}],\"ttl_seconds\":");
        out.extend_from_slice(self.ttl_seconds.as_bytes());
        out.push(b'}');
    }

    fn push_batch(&self, out: &mut Vec<u8>, workload: &mut Workload) {
        out.extend_from_slice(b"{\"reservations\":[");
        for at in 0..workload.recipe().batch.unwrap_or(1) {
            let begin: &[u8] = if at == 0 { b"{" } else { b",{" };
            out.extend_from_slice(begin);
            out.extend_from_slice(b"\"idempotency_key\":\"");
            workload.push_key(out);
            out.extend_from_slice(b"\",");
            let level = workload.level();
            self.push_reservation(out, level);
        }
        out.extend_from_slice(b"]}");
    }
}

/// Whether an operation changes something, and so carries a key.
fn has_key(operation: Operation) -> bool {
    match operation {
        Operation::Receipt | Operation::Reserve | Operation::Confirm | Operation::Release => true,
        // The reservations of a batch have their own.
        Operation::Batch | Operation::Read | Operation::Predict => false,
    }
}

fn push_path(out: &mut Vec<u8>, ask: &Ask) {
    let path: &[u8] = match ask.operation {
        Operation::Receipt => b"/v1/stock/receipts",
        Operation::Reserve => b"/v1/reservations",
        Operation::Batch => b"/v1/reservations/batch",
        Operation::Read => b"/v1/availability",
        Operation::Predict => b"/v1/predictions/availability",
        Operation::Confirm | Operation::Release => b"/v1/reservations/",
    };
    out.extend_from_slice(path);
    let reservation = ask.reservation.as_deref().unwrap_or_default();
    match ask.operation {
        Operation::Confirm => out.extend_from_slice(format!("{reservation}/confirm").as_bytes()),
        Operation::Release => out.extend_from_slice(format!("{reservation}/release").as_bytes()),
        _ => {}
    }
}

/// The SKUs of a location; there is at least one.
fn push_page(out: &mut Vec<u8>, page: impl Iterator<Item = Level>) {
    for (at, level) in page.enumerate() {
        if at == 0 {
            out.extend_from_slice(b"{\"location\":\"");
            level.push_location(out);
            out.extend_from_slice(b"\",\"skus\":[\"");
        } else {
            out.extend_from_slice(b",\"");
        }
        level.push_sku(out);
        out.push(b'"');
    }
    out.extend_from_slice(b"]}");
}

fn push_read(out: &mut Vec<u8>, workload: &mut Workload) {
    out.extend_from_slice(b"{\"items\":[");
    for at in 0..workload.recipe().items {
        let begin: &[u8] = if at == 0 {
            b"{\"location\":\""
        } else {
            b",{\"location\":\""
        };
        out.extend_from_slice(begin);
        let level = workload.level();
        level.push_location(out);
        out.extend_from_slice(b"\",\"sku\":\"");
        level.push_sku(out);
        out.extend_from_slice(b"\"}");
    }
    out.extend_from_slice(b"]}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;
    use crate::levels::Levels;
    use crate::tenants::Tenants;
    use crate::work::{Recipe, Work};
    use serde_json::Value;
    use std::net::SocketAddr;

    fn request(ask: &Ask) -> (String, Value) {
        let recipe = Recipe {
            work: Work::Reserve,
            keys: Keys::Uniform,
            levels: Levels::new(25, 10).unwrap(),
            batch: Some(3),
            items: 4,
            tenants: Tenants::default(),
            seed: 1,
        };
        let target = Target {
            timeout_ms: Some(250),
            units: 7,
            ..Target::new("shop:1", SocketAddr::from(([127, 0, 0, 1], 1)))
        };
        let writer = Writer::new(&target, &[None, Some("blue")]);
        let mut bytes = Vec::new();
        writer.write(&mut bytes, ask, &mut Workload::new(recipe, 1, 0));
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = format!("Content-Length: {:08}", body.len());
        assert!(head.contains(&length), "{head}");
        (head.into(), serde_json::from_str(body).unwrap())
    }

    fn ask(operation: Operation, level: u64) -> Ask {
        Ask {
            operation,
            tenant: 0,
            level,
            reservation: None,
        }
    }

    #[test]
    fn a_reservation_carries_its_key_deadline_and_tenant() {
        let of_blue = Ask {
            tenant: 1,
            ..ask(Operation::Reserve, 13)
        };
        let (head, body) = request(&of_blue);
        assert!(
            head.starts_with("POST /v1/reservations HTTP/1.1\r\nHost: shop:1\r\n"),
            "{head}"
        );
        for header in [
            "Onhand-Tenant: blue",
            "Onhand-Timeout-Ms: 250",
            "Idempotency-Key: load-00000001-000-00000000000",
        ] {
            assert!(head.lines().any(|line| line == header), "{head}");
        }
        assert_eq!(body["location"], "store-000001");
        assert_eq!(body["lines"][0]["sku"], "sku-000003");
    }

    #[test]
    fn a_batch_and_a_read_have_as_many_lines_as_asked_for() {
        let (head, batch) = request(&ask(Operation::Batch, 0));
        assert!(!head.contains("Idempotency-Key"), "{head}");
        let keys: Vec<&Value> = (0..3)
            .map(|at| &batch["reservations"][at]["idempotency_key"])
            .collect();
        assert!(keys[0].is_string() && keys[0] != keys[1] && keys[1] != keys[2]);
        let (_, read) = request(&ask(Operation::Read, 0));
        assert_eq!(read["items"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn a_page_is_of_one_location() {
        let (head, body) = request(&ask(Operation::Predict, 13));
        assert!(
            head.starts_with("POST /v1/predictions/availability "),
            "{head}"
        );
        assert_eq!(body["location"], "store-000001");
        let skus: Vec<_> = (0..4).map(|sku| format!("sku-{sku:06}")).collect();
        assert_eq!(body["skus"], serde_json::json!(skus));
    }

    #[test]
    fn the_last_receipt_holds_what_is_left() {
        let (head, body) = request(&ask(Operation::Receipt, 2));
        assert!(head.contains("Idempotency-Key: fill-2-0-5-7"), "{head}");
        let lines = body["lines"].as_array().unwrap();
        assert_eq!(
            (lines.len(), &lines[4]["sku"], &lines[4]["quantity"]),
            (5, &"sku-000004".into(), &7.into())
        );
    }

    #[test]
    fn a_confirmation_names_its_reservation() {
        let confirm = Ask {
            reservation: Some("r0-9".into()),
            ..ask(Operation::Confirm, 0)
        };
        let (head, _) = request(&confirm);
        assert!(
            head.starts_with("POST /v1/reservations/r0-9/confirm HTTP/1.1"),
            "{head}"
        );
    }
}
