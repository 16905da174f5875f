//! Codes of eight bits for the leaves of a tree.
//!
//! At a split each bit of the code is chosen between what its two sides have (`program`), and a bit that both have, or that
//! one of them does not care for, costs nothing. Numbering the leaves from left to right costs 367 choices for a tree
//! of 127 leaves, the codes made here 195: the larger side of a split keeps its codes, and the smaller side is put in
//! whole into codes that are not needed there, or, where all are or a bit is to spare, behind a bit of its own. Bits that
//! tell a side from codes that it does not need, it cares for only when another side is put there.

use crate::tree::{Kind, Tree};

/// Bits of a code.
pub(super) const BITS: u32 = 8;

/// All codes that agree with `bits` where `cared` is set are a leaf's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Code {
    pub(super) bits: u8,
    pub(super) cared: u8,
}

impl Code {
    /// Whether this is one of its codes.
    pub(super) fn holds(self, code: u8) -> bool {
        (code ^ self.bits) & self.cared == 0
    }
}

/// Codes that nobody needs: those that agree with `bits` from bit `free` on.
struct Gap {
    bits: u8,
    free: u32,
    /// Leaves that have these codes too as long as they do not care for bit `free`, which is not set in theirs.
    beside: Vec<usize>,
}

/// What is under a node: its leaves, in the codes of the lowest `used` bits.
struct Group {
    used: u32,
    leaves: Vec<usize>,
    gaps: Vec<Gap>,
}

/// By node, the codes of the leaves. `None` if there are more than 256.
pub(super) fn of(tree: &Tree) -> Option<Vec<Code>> {
    let mut codes = vec![Code::default(); tree.nodes().len()];
    for fit in [Fit::Loose, Fit::Tight] {
        codes.fill(Code::default());
        if group(tree, 0, fit, &mut codes).is_some() {
            return Some(codes);
        }
    }
    in_order(tree)
}

/// Into which gap a group is put: the largest, where it cares for the fewest bits, or the smallest that holds it.
#[derive(Clone, Copy)]
enum Fit {
    Loose,
    Tight,
}

/// Deals codes to what is under a node. `None` if the gaps are too small for eight bits to do.
fn group(tree: &Tree, node: usize, fit: Fit, codes: &mut [Code]) -> Option<Group> {
    let Kind::Split(question) = &tree.nodes()[node].kind else {
        let leaves = vec![node];
        return Some(Group {
            used: 0,
            leaves,
            gaps: Vec::new(),
        });
    };
    let left = group(tree, question.left as usize, fit, codes)?;
    let right = group(tree, question.right as usize, fit, codes)?;
    // Of two of one size the right one gets the bit: then the bit is the question's own answer, and costs nothing.
    let right_is_larger = right.used > left.used;
    let (mut larger, smaller) = if right_is_larger {
        (right, left)
    } else {
        (left, right)
    };
    let leaves = larger.leaves.len() + smaller.leaves.len();
    let needed = usize::BITS - (leaves - 1).leading_zeros();
    let gaps = larger.gaps.iter().enumerate();
    let gaps = gaps.filter(|(_, gap)| gap.free >= smaller.used);
    let gap = match fit {
        Fit::Loose => gaps.max_by_key(|(_, gap)| gap.free),
        Fit::Tight => gaps.min_by_key(|(_, gap)| gap.free),
    };
    match gap.map(|(place, _)| place) {
        Some(place) if larger.used >= needed => larger.put_in(place, smaller, codes),
        _ if larger.used < BITS => larger.put_beside(smaller, right_is_larger, codes),
        _ => return None,
    }
    Some(larger)
}

/// The bits from one up to another.
fn bits(from: u32, to: u32) -> u8 {
    ((1u16 << to) - (1u16 << from)) as u8
}

impl Group {
    /// Puts a group into codes that are free.
    fn put_in(&mut self, place: usize, other: Self, codes: &mut [Code]) {
        let gap = self.gaps.swap_remove(place);
        for leaf in gap.beside {
            codes[leaf].cared |= 1 << gap.free;
        }
        for leaf in &other.leaves {
            codes[*leaf].bits |= gap.bits;
            codes[*leaf].cared |= bits(gap.free, self.used);
        }
        self.take(other, gap.bits, gap.free);
    }

    /// Puts a group behind one more bit, which is set for whichever of the two is on the right.
    fn put_beside(&mut self, other: Self, is_right: bool, codes: &mut [Code]) {
        let bit = 1 << self.used;
        let (own, others) = if is_right { (bit, 0) } else { (0, bit) };
        for leaf in &self.leaves {
            codes[*leaf].bits |= own;
            codes[*leaf].cared |= bit;
        }
        for leaf in &other.leaves {
            codes[*leaf].bits |= others;
            codes[*leaf].cared |= bit;
        }
        self.gaps.iter_mut().for_each(|gap| gap.bits |= own);
        let free = self.used;
        self.used += 1;
        self.take(other, others, free);
    }

    /// Takes over the leaves of a group that was put at `bits`, its gaps, and what it leaves free of `free` bits.
    fn take(&mut self, other: Self, bits: u8, free: u32) {
        let rest = (other.used..free).map(|free| Gap {
            bits: bits | 1 << free,
            free,
            beside: other.leaves.clone(),
        });
        let own = other.gaps.into_iter().map(|gap| Gap {
            bits: bits | gap.bits,
            ..gap
        });
        self.gaps.extend(rest.chain(own));
        self.leaves.extend(other.leaves);
    }
}

/// Numbers the leaves as they come.
fn in_order(tree: &Tree) -> Option<Vec<Code>> {
    let mut codes = vec![Code::default(); tree.nodes().len()];
    let mut open = vec![0];
    let mut number = 0;
    while let Some(node) = open.pop() {
        match &tree.nodes()[node].kind {
            Kind::Leaf { .. } => {
                codes[node] = Code {
                    bits: u8::try_from(number).ok()?,
                    cared: u8::MAX,
                };
                number += 1;
            }
            Kind::Split(question) => open.extend([question.right as usize, question.left as usize]),
        }
    }
    Some(codes)
}
