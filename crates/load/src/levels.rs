//! The stock that load runs on: levels by number, and what their locations and SKUs are called.
//!
//! Every name has the same length. So a request of a kind always has the same length too, and a prepared one becomes
//! the next by writing digits into it.

/// Digits of a location's and of a SKU's number.
const DIGITS: usize = 6;
/// The most SKUs of a location.
pub(crate) const MOST_SKUS: u64 = 10u64.pow(DIGITS as u32);
/// The most locations; one more is kept for flash sales.
pub(crate) const MOST_LOCATIONS: u64 = 10u64.pow(DIGITS as u32) - 1;

/// Stock levels: `skus` SKUs at each location, and fewer at the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    pub(crate) count: u64,
    pub(crate) skus: u64,
    first: Level,
}

/// One level, by the numbers of its location and its SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) location: u64,
    pub(crate) sku: u64,
}

impl Levels {
    /// So many levels.
    ///
    /// # Errors
    /// There are not so many names.
    pub(crate) fn new(count: u64, skus: u64) -> Result<Self, String> {
        if !(1..=MOST_SKUS).contains(&skus) {
            return Err(format!("--skus is 1 to {MOST_SKUS}, not {skus}"));
        }
        if count == 0 || count.div_ceil(skus) > MOST_LOCATIONS {
            let most = MOST_LOCATIONS * skus;
            return Err(format!(
                "--levels is 1 to {most} with {skus} SKUs at each location, not {count}"
            ));
        }
        let first = Level {
            location: 0,
            sku: 0,
        };
        Ok(Self { count, skus, first })
    }

    /// The one level of a flash sale, which no other run sells from.
    pub(crate) fn of_a_sale(run: u32) -> Self {
        Self {
            count: 1,
            skus: 1,
            first: Level {
                location: MOST_LOCATIONS,
                sku: u64::from(run) % MOST_SKUS,
            },
        }
    }

    /// The level with this number, which lies below `count`.
    pub(crate) fn at(self, number: u64) -> Level {
        Level {
            location: self.first.location + number / self.skus,
            sku: self.first.sku + number % self.skus,
        }
    }

    pub(crate) fn locations(self) -> u64 {
        self.count.div_ceil(self.skus)
    }

    /// How many SKUs a location has.
    pub(crate) fn skus_of(self, location: u64) -> u64 {
        (self.count - location * self.skus).min(self.skus)
    }
}

impl Level {
    /// `store-000017`
    pub(crate) fn push_location(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"store-");
        push_digits::<DIGITS>(out, self.location);
    }

    /// `sku-000250`
    pub(crate) fn push_sku(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"sku-");
        push_digits::<DIGITS>(out, self.sku);
    }
}

/// Writes a number with leading zeros; what does not fit into `N` digits is cut off at the front.
pub(crate) fn push_digits<const N: usize>(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_a_name_of_its_own() {
        let levels = Levels::new(7, 3).unwrap();
        let names: Vec<String> = (0..7)
            .map(|number| {
                let mut name = Vec::new();
                levels.at(number).push_location(&mut name);
                name.push(b'/');
                levels.at(number).push_sku(&mut name);
                String::from_utf8(name).unwrap()
            })
            .collect();
        assert_eq!(names[0], "store-000000/sku-000000");
        assert_eq!(names[5], "store-000001/sku-000002");
        assert_eq!(names[6], "store-000002/sku-000000");
        assert_eq!(levels.locations(), 3);
        assert_eq!((levels.skus_of(1), levels.skus_of(2)), (3, 1));
    }

    #[test]
    fn there_are_only_so_many_names() {
        assert!(Levels::new(0, 1).is_err());
        assert!(Levels::new(1, 0).is_err());
        assert!(Levels::new(MOST_LOCATIONS, 1).is_ok());
        assert!(Levels::new(MOST_LOCATIONS + 1, 1).is_err());
        let sale = Levels::of_a_sale(u32::MAX);
        assert_eq!(sale.at(0).location, MOST_LOCATIONS);
    }
}
