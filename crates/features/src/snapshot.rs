//! The store as bytes, so that a start goes on from a position instead of the first entry.
//!
//! A snapshot is of one set of definitions: the bytes of one are the arrays of another in name only. So it carries
//! their hash, and one of another set is refused: the store is then made anew, by replay. The last eight bytes are a
//! checksum. It says that nothing was changed, not that what was written was right: so the arrays are also held against
//! what the set asks for ([`Kept::fitted`]), and no row, group or level that is not there is ever looked up.

use crate::feature::FeatureSet;
use crate::plan::Plan;
use crate::series::Series;
use crate::store::{Kept, Store};
use onhand_planted::Defect;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// What the bytes begin with: what they are, and in which version.
const MAGIC: [u8; 8] = *b"ohfeat06";
const HEAD: usize = MAGIC.len() + 8;
const CHECK: usize = 8;

/// Why bytes are no snapshot of a set.
#[derive(Debug, thiserror::Error)]
pub enum BadSnapshot {
    /// They are something else, or of another version.
    #[error("these bytes are no feature snapshot of this version")]
    Format,
    /// They were changed, are not all, or contradict each other.
    #[error("the feature snapshot is damaged: make the store anew by replay")]
    Damaged,
    /// They are of other definitions.
    #[error("the feature snapshot is of other definitions: make the store anew by replay")]
    OtherSet,
    /// Their arrays are not those that the definitions ask for.
    #[error(
        "the feature snapshot does not have the shape of its definitions: make the store anew by replay"
    )]
    Shape,
}

impl Store {
    /// The store as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        // Room for the cells, which are most of it, from the start: to grow by doubling takes up to three times as much for a
        // moment. Most are nothing and take one byte; where there is no such room it may still do.
        let cells = self.kept.series.iter().map(Series::numbers).sum::<usize>();
        let _ = bytes.try_reserve_exact(2 * cells);
        bytes.extend(self.set.hash().to_le_bytes());
        let mut bytes = postcard::to_extend(&self.kept, bytes)
            .expect("arrays and maps can be written to memory");
        let check = xxh3_64(&bytes);
        bytes.extend(check.to_le_bytes());
        bytes
    }

    /// A store from its bytes.
    ///
    /// # Errors
    /// See [`BadSnapshot`].
    pub fn restore(set: Arc<FeatureSet>, bytes: &[u8]) -> Result<Self, BadSnapshot> {
        let head = bytes.get(..HEAD).ok_or(BadSnapshot::Format)?;
        if head[..MAGIC.len()] != MAGIC {
            return Err(BadSnapshot::Format);
        }
        let end = bytes.len() - CHECK.min(bytes.len() - HEAD);
        if xxh3_64(&bytes[..end]).to_le_bytes() != bytes[end..] {
            return Err(BadSnapshot::Damaged);
        }
        if head[MAGIC.len()..] != set.hash().to_le_bytes() {
            return Err(BadSnapshot::OtherSet);
        }
        let kept: Kept =
            postcard::from_bytes(&bytes[HEAD..end]).map_err(|_| BadSnapshot::Damaged)?;
        let kept = kept.fitted(set.plan()).ok_or(BadSnapshot::Shape)?;
        Ok(Self::of(set, kept))
    }
}

impl Kept {
    /// The arrays, ready for use, if they have the shape that a plan asks for.
    fn fitted(mut self, plan: &Plan) -> Option<Self> {
        if !self.fits(plan) && !Defect::FeatureShapeTrusted.is_on() {
            return None;
        }
        let each = self.series.iter_mut().zip(&plan.series);
        each.for_each(|(series, plan)| series.make_ready(plan));
        Some(self)
    }

    fn fits(&self, plan: &Plan) -> bool {
        let rows: Vec<usize> = self.begun.iter().map(Vec::len).collect();
        let levels = self.members.levels();
        self.members.fit(&plan.entities, &plan.listed, &rows)
            && self.looks.fit(rows[0])
            && [self.balances.len(), self.heard.len(), self.newest.len()] == [levels; 3]
            && all_fit(&self.series, &plan.series, |one, plan| {
                one.fits(plan, rows[plan.entity])
            })
            && all_fit(&self.pushed, &plan.pushed, |one, plan| {
                one.fit(rows[plan.entity])
            })
    }
}

/// Whether there is one for each plan, and each fits its own.
fn all_fit<T, P>(all: &[T], plans: &[P], fits: impl Fn(&T, &P) -> bool) -> bool {
    let mut each = all.iter().zip(plans);
    all.len() == plans.len() && each.all(|(one, plan)| fits(one, plan))
}
