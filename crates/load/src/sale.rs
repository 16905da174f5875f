//! A flash sale: many buyers, few units. Exactly those that there were are sold, and never one more.

use crate::failure::Failure;
use crate::fill::fill;
use crate::http::get;
use crate::lane::Target;
use crate::levels::Levels;
use crate::summary::{Row, Sale};
use crate::tenants::Tenants;
use serde::Deserialize;

/// Puts the units on the shelf of an item that nobody has sold before.
pub(crate) fn open(target: &Target, levels: Levels, tenants: Tenants) -> Result<(), Failure> {
    fill(target, levels, tenants, 1)?;
    let stock = Stock::read(target, levels)?;
    match stock.available == i64::from(target.units) {
        true => Ok(()),
        false => Err(Failure::say(
            "the item of this flash sale was sold before; try again, the next one has another name",
        )),
    }
}

/// What the server's stock says.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Stock {
    reserved: i64,
    available: i64,
}

impl Stock {
    fn read(target: &Target, levels: Levels) -> Result<Self, Failure> {
        let mut path = b"/v1/stock/".to_vec();
        let level = levels.at(0);
        level.push_location(&mut path);
        path.push(b'/');
        level.push_sku(&mut path);
        path.extend_from_slice(b"?consistency=strong");
        let path = String::from_utf8_lossy(&path);
        let (status, body) = get(target.address, &target.host, &path)
            .map_err(|error| Failure::say(format!("GET {path}: {error}")))?;
        if status != 200 {
            return Err(Failure::say(format!("GET {path}: status {status}")));
        }
        serde_json::from_slice(&body).map_err(|error| Failure::say(format!("GET {path}: {error}")))
    }
}

/// Looks at the stock after the sale, and whether it fits what the buyers were told.
pub(crate) fn close(
    target: &Target,
    levels: Levels,
    buyers: u64,
    told: &Row,
) -> Result<Sale, Failure> {
    let stock = Stock::read(target, levels)?;
    let mut sale = Sale {
        buyers,
        units: u64::from(target.units),
        sold: told.accepted_units,
        reserved: stock.reserved,
        available: stock.available,
        faults: Vec::new(),
    };
    sale.faults = faults(&sale, &Told::of(told));
    Ok(sale)
}

/// What the buyers who got nothing were told.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// That there is nothing left.
    sold_out: u64,
    /// Another refusal: nothing was done, come back later.
    later: u64,
    /// Nothing, or that it may have been done, or something wrong: whether they hold a unit is not known.
    unknown: u64,
}

impl Told {
    fn of(row: &Row) -> Self {
        let mut told = Self::default();
        for denied in &row.denied {
            match (denied.status, denied.is_error) {
                (409, _) => told.sold_out += denied.units,
                (_, false) => told.later += denied.units,
                (_, true) => told.unknown += denied.units,
            }
        }
        told
    }
}

fn faults(sale: &Sale, told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let held = sale.reserved.max(0).unsigned_abs();
    if sale.sold > sale.units {
        faults.push(format!(
            "{} units were sold more than once",
            sale.sold - sale.units
        ));
    }
    if !(sale.sold..=sale.sold + told.unknown).contains(&held) {
        faults.push("the stock's reservations are not those that the buyers were told of".into());
    }
    if sale.units as i64 - sale.reserved != sale.available {
        faults.push("what is available is not what is left".into());
    }
    if told.sold_out > 0 && held < sale.units {
        faults.push("buyers were told that it is sold out, and it is not".into());
    }
    let is_whole = told.later == 0 && told.unknown == 0;
    if is_whole
        && sale.sold + told.sold_out == sale.buyers
        && sale.sold < sale.units.min(sale.buyers)
    {
        faults.push("units are left, and buyers who wanted one".into());
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale(sold: u64, reserved: i64, available: i64) -> Sale {
        Sale {
            buyers: 100,
            units: 10,
            sold,
            reserved,
            available,
            faults: Vec::new(),
        }
    }

    fn told(sold_out: u64, later: u64, unknown: u64) -> Told {
        Told {
            sold_out,
            later,
            unknown,
        }
    }

    #[test]
    fn a_sale_that_sold_what_there_was_is_right() {
        assert!(faults(&sale(10, 10, 0), &told(90, 0, 0)).is_empty());
        // Refused for load alone: units may be left.
        assert!(faults(&sale(4, 4, 6), &told(0, 96, 0)).is_empty());
        // One answer did not come, and its buyer holds a unit, or not.
        assert!(faults(&sale(9, 10, 0), &told(90, 0, 1)).is_empty());
        assert!(faults(&sale(9, 9, 1), &told(0, 90, 1)).is_empty());
    }

    #[test]
    fn every_wrong_sale_is_noticed() {
        for (sale, told) in [
            (sale(11, 11, -1), told(89, 0, 0)),
            (sale(10, 9, 1), told(90, 0, 0)),
            (sale(10, 10, 1), told(90, 0, 0)),
            (sale(9, 9, 1), told(91, 0, 0)),
            (sale(9, 10, 0), told(91, 0, 0)),
        ] {
            assert!(!faults(&sale, &told).is_empty(), "{sale:?} {told:?}");
        }
    }
}
