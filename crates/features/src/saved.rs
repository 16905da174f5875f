//! The saved form of a series: flat arrays, a number for each cell, as they lay in memory when the form was made. Cells are
//! unpacked as they are written; they are packed series by series as they are read, so never more than one of them lies
//! there flat.
//!
//! What is the same for all half-lives of a series (the day they are at, and its sums) is saved with each of them, and must
//! be the same there. So is the newest bucket, with the hours and with the days.

use crate::calendar::HOURS_A_DAY;
use crate::decay::{CELLS, Usual};
use crate::fading::Fading;
use crate::packed::Field;
use crate::ring::Ring;
use crate::series::{Row, Series, Shape, next_day};
use onhand_core::Timestamp;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The parts of a series: sequences to write, arrays that were read.
#[derive(Serialize, Deserialize)]
struct Saved<H, D, U, L> {
    hours: Option<H>,
    days: Option<D>,
    usual: Vec<U>,
    last: L,
}

/// The newest bucket of each row, plus one, 0 if the row is empty; and the cells of all rows.
#[derive(Serialize, Deserialize)]
struct SavedRing<H, N, W> {
    length: u32,
    heads: H,
    cells: SavedCells<N, W>,
}

#[derive(Serialize, Deserialize)]
enum SavedCells<N, W> {
    Narrow(N),
    Wide(W),
}

/// The day of each row, plus one, 0 if the row is empty; sums over full days and of that day.
#[derive(Serialize, Deserialize)]
struct SavedDecay<D, P, T> {
    fading: Fading,
    days: D,
    past: P,
    today: T,
}

/// A sequence of so many.
pub(crate) struct Column<I>(pub(crate) usize, pub(crate) I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Column<I> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut sequence = to.serialize_seq(Some(self.0))?;
        for one in self.1.clone() {
            sequence.serialize_element(&one)?;
        }
        sequence.end()
    }
}

impl Serialize for Series {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let many = self.fadings.len();
        let saved = Saved {
            hours: self.hours.as_ref().map(|ring| self.ring(ring, |next| next)),
            days: self.days.as_ref().map(|ring| self.ring(ring, next_day)),
            usual: self
                .fadings
                .iter()
                .enumerate()
                .map(|(place, fading)| SavedDecay {
                    fading: fading.clone(),
                    days: self.column(|row| row.day),
                    past: self.sums(move |usual, hour| usual.past((place, many), hour)),
                    today: self.sums(Usual::today),
                })
                .collect(),
            last: self.column(|row| row.last),
        };
        saved.serialize(to)
    }
}

impl Series {
    fn ring<'a>(
        &'a self,
        ring: &Ring,
        head: impl Fn(u32) -> u32 + Clone + 'a,
    ) -> impl Serialize + 'a {
        let (field, many) = (ring.field, ring.len());
        SavedRing {
            length: many as u32,
            heads: self.column(move |row| head(row.next)),
            cells: match ring.is_narrow() {
                true => SavedCells::Narrow(self.cells(field, many, |cell| cell as u16)),
                false => SavedCells::Wide(self.cells(field, many, |cell| cell as u32)),
            },
        }
    }

    fn sums<'a, T: Serialize + 'a>(
        &'a self,
        of: impl Fn(&Usual, usize) -> T + Copy + 'a,
    ) -> impl Serialize + 'a {
        let sums = move |usual: &'a Usual| (0..CELLS).map(move |hour| of(usual, hour));
        Column(self.usual.len() * CELLS, self.usual.iter().flat_map(sums))
    }

    fn column<'a, T: Serialize + 'a>(
        &'a self,
        of: impl Fn(&Row) -> T + Clone + 'a,
    ) -> impl Serialize + 'a {
        Column(self.rows.len(), self.rows.iter().map(of))
    }

    fn cells<'a, T: Serialize + 'a>(
        &'a self,
        field: Field,
        many: usize,
        narrow: impl Fn(u64) -> T + Clone + 'a,
    ) -> impl Serialize + 'a {
        let cells = move |row: &'a Row| row.cells.cells(field).all();
        Column(
            self.rows.len() * many,
            self.rows.iter().flat_map(cells).map(narrow),
        )
    }
}

type Ringed = SavedRing<Vec<u32>, Vec<u16>, Vec<u32>>;
type Decayed = SavedDecay<Vec<u32>, Vec<u64>, Vec<u32>>;
type Flat = Saved<Ringed, Ringed, Decayed, Vec<Timestamp>>;

impl<'d> Deserialize<'d> for Series {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        let contradiction =
            || serde::de::Error::custom("the arrays of a series contradict each other");
        Flat::deserialize(from)?.packed().ok_or_else(contradiction)
    }
}

impl Flat {
    /// The series; `None` if its arrays contradict each other.
    fn packed(self) -> Option<Series> {
        let length = |ring: &Option<Ringed>| ring.as_ref().map_or(Some(0), Ringed::length);
        let shape = Shape {
            hours: length(&self.hours)?,
            is_narrow: self.hours.as_ref().is_some_and(Ringed::is_narrow),
            days: length(&self.days)?,
            usual: self
                .usual
                .iter()
                .map(|usual| usual.fading.clone())
                .collect(),
        };
        let mut series = Series::of(shape, self.last.len())?;
        let rows = &mut series.rows;
        for (row, last) in rows.iter_mut().zip(self.last) {
            row.last = last;
        }
        if let Some((ring, saved)) = series.hours.zip(self.hours) {
            each(rows, &saved.heads, |row, next| {
                row.next = next;
                Some(())
            })?;
            saved.cells.pack(rows, &ring)?;
        }
        if let Some((ring, saved)) = series.days.zip(self.days) {
            let has_hours = series.hours.is_some();
            each(rows, &saved.heads, |row, next| {
                if !has_hours {
                    row.next = next.checked_mul(HOURS_A_DAY)?;
                }
                (next_day(row.next) == next).then_some(())
            })?;
            saved.cells.pack(rows, &ring)?;
        }
        series.usual = usual(rows, &self.usual)?;
        Some(series)
    }
}

/// The usual amounts of each row; `None` if half-lives contradict each other.
fn usual(rows: &mut [Row], saved: &[Decayed]) -> Option<Vec<Usual>> {
    let Some(first) = saved.first() else {
        return Some(Vec::new());
    };
    let cells = rows.len().checked_mul(CELLS)?;
    let is_like_the_first = |one: &Decayed| {
        (one.past.len(), one.today.len()) == (cells, cells)
            && (&one.days, &one.today) == (&first.days, &first.today)
    };
    if !saved.iter().all(is_like_the_first) {
        return None;
    }
    each(rows, &first.days, |row, day| {
        row.day = day;
        Some(())
    })?;
    let usual = (0..rows.len()).map(|row| {
        let cells = row * CELLS..(row + 1) * CELLS;
        let pasts: Vec<&[u64]> = saved.iter().map(|one| &one.past[cells.clone()]).collect();
        Usual::of(&first.today[cells], &pasts)
    });
    Some(usual.collect())
}

impl Ringed {
    /// Its length; `None` if it has none.
    fn length(&self) -> Option<usize> {
        (self.length > 0).then_some(self.length as usize)
    }

    fn is_narrow(&self) -> bool {
        matches!(self.cells, SavedCells::Narrow(_))
    }
}

impl SavedCells<Vec<u16>, Vec<u32>> {
    fn pack(self, rows: &mut [Row], ring: &Ring) -> Option<()> {
        match self {
            Self::Narrow(cells) => pack(rows, ring.field, ring.len(), &cells),
            Self::Wide(cells) => pack(rows, ring.field, ring.len(), &cells),
        }
    }
}

/// Gives each row its own; `None` if there are more or less.
fn each<T: Copy>(
    rows: &mut [Row],
    of: &[T],
    mut give: impl FnMut(&mut Row, T) -> Option<()>,
) -> Option<()> {
    (rows.len() == of.len()).then_some(())?;
    let mut each = rows.iter_mut().zip(of);
    each.try_for_each(|(row, one)| give(row, *one))
}

/// Packs the cells of a field of all rows.
fn pack<T: Copy + Into<u64>>(
    rows: &mut [Row],
    field: Field,
    many: usize,
    cells: &[T],
) -> Option<()> {
    (rows.len().checked_mul(many)? == cells.len()).then_some(())?;
    for (row, cells) in rows.iter_mut().zip(cells.chunks_exact(many)) {
        row.cells
            .each_mut(field, |cell, value| *value = cells[cell].into());
    }
    Some(())
}
