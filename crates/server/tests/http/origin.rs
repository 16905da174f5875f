//! Who asks, and how long he waits.

use crate::shop::Shop;
use crate::shop::stall::{CAPACITY, Stall, crowded, turned_away, wait_until, waiting};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const JSON: (&str, &str) = ("content-type", "application/json");

fn one_milk() -> Value {
    json!({"location": "store", "lines": [{"sku": "milk", "quantity": 1}], "ttl_seconds": 60})
}

/// Asks for milk while `then` happens between the head and the body.
fn reserve(shop: &Shop, header: &str, then: impl FnOnce()) -> String {
    let mut stream = TcpStream::connect(shop.address).unwrap();
    let timeout = Some(Duration::from_secs(20));
    stream.set_read_timeout(timeout).unwrap();
    let body = one_milk().to_string();
    let head = format!(
        "POST /v1/reservations HTTP/1.1\r\nhost: x\r\n{header}\r\nidempotency-key: {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        shop.new_key(),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut begun = [0; 25];
    stream.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
    then();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_cannot_be_begun_in_its_time_is_not_done() {
    let shop = Shop::open();
    shop.receive("store", "milk", 5);
    let within = "onhand-timeout-ms: 50";
    let answer = shop.unchanged(|shop| {
        let later = || shop.advance(Duration::from_millis(50));
        reserve(shop, within, later)
    });
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("urn:onhand:problem:late"), "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    let soon_enough = || shop.advance(Duration::from_millis(49));
    let answer = reserve(&shop, within, soon_enough);
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let patient = || shop.advance(Duration::from_secs(9));
    let answer = reserve(&shop, "x-nothing: said", patient);
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[test]
fn what_waits_for_its_turn_too_long_is_not_done() {
    let shop = crowded(false);
    let reply = shop.unchanged(|shop| {
        let stall = Stall::begin(shop);
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| post(shop, &[("onhand-timeout-ms", "50")]));
            // One waits in the open batch.
            wait_until("it is queued", || waiting(shop) > 1);
            shop.advance(Duration::from_millis(50));
            stall.end();
            asked.join().unwrap()
        })
    });
    reply.problem(503, "late");
}

fn post(shop: &Shop, headers: &[(&str, &str)]) -> crate::shop::Reply {
    let key = shop.new_key();
    let mut all = vec![("idempotency-key", key.as_str()), JSON];
    all.extend(headers);
    let body = one_milk().to_string();
    shop.post_bytes("/v1/reservations", &all, body.as_bytes())
}

/// More than there is room for, in one request.
fn flood(shop: &Shop) -> Value {
    let item = |number| {
        let mut item = one_milk();
        item["idempotency_key"] = format!("flood-{number}").into();
        item
    };
    let items: Vec<Value> = (0..CAPACITY + 50).map(item).collect();
    let body = json!({"reservations": items}).to_string();
    let headers = [JSON, ("onhand-tenant", "big")];
    let path = "/v1/reservations/batch";
    shop.post_bytes(path, &headers, body.as_bytes()).expect(200)
}

/// What a small tenant is told, so many times, while the flood of a big one waits; and how many of the flood were taken.
fn beside_a_flood(shop: &Shop, times: usize) -> (Vec<u16>, usize) {
    let stall = Stall::begin(shop);
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| flood(shop));
        // Of the stall itself two wait.
        let all = CAPACITY as u64 + 50 + 2;
        wait_until("the flood is there", || {
            turned_away(shop) + waiting(shop) >= all
        });
        let ask = |_| {
            let (waited, away) = (waiting(shop), turned_away(shop));
            let small = scope.spawn(|| post(shop, &[("onhand-tenant", "small")]).status);
            let came = || waiting(shop) > waited || turned_away(shop) > away;
            wait_until("the small one is there", came);
            small
        };
        let small: Vec<_> = (0..times).map(ask).collect();
        stall.end();
        let flood = flood.join().unwrap();
        let results = flood["results"].as_array().unwrap();
        let taken = results.iter().filter(|one| one["status"] == 201).count();
        let told = small.into_iter().map(|one| one.join().unwrap());
        (told.collect(), taken)
    })
}

#[test]
fn the_flood_of_one_tenant_leaves_room_for_another() {
    let (small, taken) = beside_a_flood(&crowded(true), 1);
    assert_eq!(small, [201]);
    assert!((100..CAPACITY).contains(&taken), "{taken}");
}

#[test]
fn who_asks_is_not_believed_unless_the_server_is_told_to() {
    let shop = crowded(false);
    // The stall's own request was ahead of the flood, and may have made room for one.
    let (small, _) = beside_a_flood(&shop, 2);
    assert!(small.contains(&429), "they are one tenant: {small:?}");
    post(&shop, &[("onhand-tenant", "no name")]).expect(201);
}

#[test]
fn what_is_no_time_and_no_tenant() {
    let shop = crowded(true);
    let bad_times = [
        "",
        "0",
        "600001",
        "-1",
        "+1",
        "1.5",
        "1s",
        "99999999999999999999999",
    ];
    let long = "x".repeat(129);
    let bad_tenants = ["", "no name", "\u{fc}", &long];
    let times = bad_times.map(|text| ("Onhand-Timeout-Ms", text));
    let tenants = bad_tenants.map(|text| ("Onhand-Tenant", text));
    for (name, text) in times.into_iter().chain(tenants) {
        let written = shop.unchanged(|shop| post(shop, &[(name, text)]));
        let problem = written.problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["parameter"], name, "{text}");
        assert!(problem["detail"].as_str().unwrap().contains(name));
    }
    let twice = [("Onhand-Tenant", "a"), ("Onhand-Tenant", "b")];
    post(&shop, &twice).problem(400, "malformed-request");
    for text in ["1", "600000", "0050"] {
        post(&shop, &[("onhand-timeout-ms", text)]).expect(201);
    }
}

/// Every call that a partition answers takes both.
#[test]
fn the_document_lists_both() {
    let document = Shop::open().get("/openapi.json").expect(200);
    for (path, item) in document["paths"].as_object().unwrap() {
        let call = item.get("get").or(item.get("post")).unwrap();
        let tag = call["tags"][0].as_str().unwrap();
        let is_read_from_disk = path.ends_with("/explain") || tag == "ledger";
        let parameters = call["parameters"].as_array();
        let lists = |name| parameters.is_some_and(|all| all.iter().any(|one| one["name"] == name));
        let both = ["Onhand-Timeout-Ms", "Onhand-Tenant"].map(lists);
        let expected = tag != "operations" && !is_read_from_disk;
        assert_eq!(both, [expected; 2], "{path}");
    }
}
