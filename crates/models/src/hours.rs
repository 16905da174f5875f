//! Hours of the day, of which a model may say that it learned from them.

use crate::Artefact;
use std::fmt;
use std::str::FromStr;

/// Hours of the day (UTC), from 0 to 23. As text their numbers, ascending, with a space between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hours(u32);

/// Text that is no hours of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hours of the day are numbers from 0 to 23 with a space between two")]
pub struct NoHours;

impl Hours {
    /// The name of the fact of a model that says about which hours of the day it was asked when it was trained.
    pub const FACT: &str = "hours.learned";

    /// What a model says of itself; `None` if it says nothing of it, as those of older builds.
    pub fn of(model: &Artefact) -> Option<Self> {
        model.facts.get(Self::FACT)?.parse().ok()
    }

    /// Whether an hour is among them.
    pub fn has(self, hour: u32) -> bool {
        self.0.checked_shr(hour).is_some_and(|bits| bits & 1 == 1)
    }
}

impl FromIterator<u32> for Hours {
    /// Hours from 0 to 23; others are none of a day.
    fn from_iter<I: IntoIterator<Item = u32>>(hours: I) -> Self {
        let hours = hours.into_iter().filter(|hour| *hour < 24);
        Self(hours.fold(0, |all, hour| all | 1 << hour))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = (0..24).filter(|hour| self.has(*hour));
        let texts: Vec<String> = hours.map(|hour| hour.to_string()).collect();
        f.write_str(&texts.join(" "))
    }
}

impl FromStr for Hours {
    type Err = NoHours;

    fn from_str(text: &str) -> Result<Self, NoHours> {
        let hour = |text: &str| text.parse().ok().filter(|hour| *hour < 24).ok_or(NoHours);
        text.split_ascii_whitespace().map(hour).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_they_are_written() {
        let hours: Hours = (9..=22).chain([0]).collect();
        let text = "0 9 10 11 12 13 14 15 16 17 18 19 20 21 22";
        assert_eq!(hours.to_string(), text);
        assert_eq!(text.parse(), Ok(hours));
        assert!(hours.has(0) && hours.has(22) && !hours.has(23) && !hours.has(99));
        for wrong in ["24", "9..22", "-1", "nine"] {
            assert_eq!(wrong.parse::<Hours>(), Err(NoHours), "{wrong}");
        }
    }
}
