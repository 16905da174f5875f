//! The scores of a partition that were asked for lately.
//!
//! A fixed number of places. A new score takes the place of one that nobody asked for since the hand last came by (the
//! clock algorithm; Corbató, *A paging experiment with the Multics system*, 1968), so what is asked for often stays,
//! and nothing is moved when it is read.
//!
//! Levels are numbered as they come, those of a location mostly one after the other. So a score is found by an array
//! of places by level, four bytes for each up to the last one asked for: a page finds its own side by side.

use onhand_core::{LevelNo, Timestamp};

/// No place.
const NONE: u32 = u32::MAX;

/// A score, and what it was made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The probability that the item is found.
    pub found: f64,
    /// Whether that is a prior.
    pub is_prior: bool,
    /// When it was made.
    pub made_at: Timestamp,
    /// What was known then reaches up to here.
    pub as_of: Timestamp,
    /// When the newest thing happened that was told of the item; `None` if nothing was.
    pub newest_fact: Option<Timestamp>,
    /// The version of what was told of the item.
    pub version: u64,
}

/// The scores of a partition.
#[derive(Debug)]
pub struct Scores {
    most: usize,
    by_level: Vec<u32>,
    places: Vec<Place>,
    hand: usize,
}

#[derive(Debug)]
struct Place {
    level: LevelNo,
    score: Score,
    is_wanted: bool,
    asked_at: Timestamp,
}

impl Scores {
    /// Room for so many, at least one. Memory is taken as it fills: 80 bytes a score, and four a level.
    pub fn with_room(most: usize) -> Self {
        Self {
            most: most.clamp(1, NONE as usize),
            by_level: Vec::new(),
            places: Vec::new(),
            hand: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The score of a level, which somebody asks for now.
    pub fn ask(&mut self, level: LevelNo, now: Timestamp) -> Option<Score> {
        let place = self.place(level)?;
        let place = &mut self.places[place];
        place.is_wanted = true;
        place.asked_at = now;
        Some(place.score)
    }

    /// The score of a level, if somebody asked for it since a time.
    pub fn wanted(&self, level: LevelNo, since: Timestamp) -> Option<Score> {
        let place = &self.places[self.place(level)?];
        (place.asked_at >= since).then_some(place.score)
    }

    /// Keeps a score that was made because somebody asks now.
    pub fn put(&mut self, level: LevelNo, score: Score, now: Timestamp) {
        let new = Place {
            level,
            score,
            is_wanted: true,
            asked_at: now,
        };
        if let Some(place) = self.place(level) {
            self.places[place] = new;
        } else if self.places.len() < self.most {
            self.found_at(level, self.places.len() as u32);
            self.places.push(new);
        } else {
            let place = self.free();
            self.found_at(self.places[place].level, NONE);
            self.found_at(level, place as u32);
            self.places[place] = new;
        }
    }

    /// Puts a score in the place of an older one of the same level, if that is still there.
    pub fn renew(&mut self, level: LevelNo, score: Score) {
        if let Some(place) = self.place(level) {
            self.places[place].score = score;
        }
    }

    /// The scores from a place on, at most so many, that were asked for since a time.
    pub fn asked_since(
        &self,
        since: Timestamp,
        from: usize,
        most: usize,
    ) -> impl Iterator<Item = (LevelNo, Score)> {
        let places = self.places.iter().skip(from).take(most);
        places
            .filter(move |place| place.asked_at >= since)
            .map(|place| (place.level, place.score))
    }

    fn place(&self, level: LevelNo) -> Option<usize> {
        let place = *self.by_level.get(level.0 as usize)?;
        (place != NONE).then_some(place as usize)
    }

    fn found_at(&mut self, level: LevelNo, place: u32) {
        let level = level.0 as usize;
        if self.by_level.len() <= level {
            self.by_level.resize(level + 1, NONE);
        }
        self.by_level[level] = place;
    }

    /// A place whose score nobody asked for since the hand last came by. At the latest it is the first one again.
    fn free(&mut self) -> usize {
        loop {
            let at = self.hand;
            self.hand = (at + 1) % self.places.len();
            if !std::mem::take(&mut self.places[at].is_wanted) {
                return at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(found: f64) -> Score {
        Score {
            found,
            is_prior: false,
            made_at: Timestamp::default(),
            as_of: Timestamp::default(),
            newest_fact: None,
            version: 0,
        }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_is_asked_for_stays_and_there_are_never_more_than_there_is_room_for() {
        let mut scores = Scores::with_room(10);
        for level in 0..1_000 {
            scores.put(LevelNo(level), score(f64::from(level)), at(0));
            let favourite = scores.ask(LevelNo(0), at(1));
            // Once every place was asked for since, the hand may take any; then it is there again at once.
            if favourite.is_none() {
                scores.put(LevelNo(0), score(0.0), at(1));
            }
            let found = scores.by_level.iter().filter(|place| **place != NONE);
            assert!(scores.len() <= 10 && found.count() == scores.len());
        }
        assert_eq!(scores.ask(LevelNo(999), at(2)), Some(score(999.0)));
        assert_eq!(scores.ask(LevelNo(500), at(2)), None);
    }

    #[test]
    fn a_score_nobody_waits_for_is_renewed_only_where_it_is() {
        let mut scores = Scores::with_room(2);
        scores.put(LevelNo(1), score(0.1), at(5));
        scores.renew(LevelNo(1), score(0.2));
        scores.renew(LevelNo(2), score(0.3));
        assert_eq!(scores.len(), 1);
        let asked: Vec<_> = scores.asked_since(at(5), 0, 9).collect();
        assert_eq!(asked, [(LevelNo(1), score(0.2))]);
        assert_eq!(scores.asked_since(at(6), 0, 9).count(), 0);
    }
}
