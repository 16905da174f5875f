//! A tree as choices between answers.

use super::bits::{self, Bits, Bytes};
use super::codes::{self, BITS, Code};
use crate::tree::{Kind, Question, Tree};

/// Masks that are always there: of no row, and of all.
pub(super) const CONSTANTS: [Bits; 2] = [Bits::NONE, Bits::ALL];

/// What a bit of the code is under a node: a mask, or nothing that anybody asks for.
type Plane = Option<u16>;

/// A new mask: where the answer is yes the right one's bit, else the left one's.
#[derive(Debug)]
struct Choice {
    answer: u16,
    right: u16,
    left: u16,
}

/// Makes masks into the codes of the leaves that the rows come to.
#[derive(Debug)]
pub(super) struct Program {
    choices: Vec<Choice>,
    planes: [u16; BITS as usize],
    /// By code.
    values: [f32; 1 << BITS],
}

impl Program {
    /// Writes a tree down. `answer` tells the mask of a question, `first` is the first mask that a choice may make. `None`
    /// if it has too many leaves, or more masks than can be numbered.
    pub(super) fn new(
        tree: &Tree,
        first: usize,
        answer: impl Fn(&Question) -> u16,
    ) -> Option<Self> {
        let codes = codes::of(tree)?;
        let mut choices = Vec::new();
        let planes = write(tree, 0, &codes, &answer, first, &mut choices)?;
        let planes = planes.map(|plane| plane.unwrap_or(0));
        let (choices, planes) = in_levels(&choices, planes, first);
        let value = |code: u8| {
            let held = tree
                .nodes()
                .iter()
                .zip(&codes)
                .find_map(|(node, one)| match node.kind {
                    Kind::Leaf { value } if one.holds(code) => Some(value),
                    _ => None,
                });
            held.unwrap_or(f32::NAN)
        };
        Some(Self {
            choices,
            planes,
            values: std::array::from_fn(|code| value(code as u8)),
        })
    }

    /// Masks that it makes.
    pub(super) fn masks(&self) -> usize {
        self.choices.len()
    }

    /// By code, what the leaf gives.
    #[inline(always)]
    pub(super) fn values(&self) -> &[f32; 1 << BITS] {
        &self.values
    }

    /// The codes of the leaves that the rows come to. What it makes goes into `masks` from the `first` on.
    #[inline(always)]
    pub(super) fn run(&self, masks: &mut [Bits], first: usize, codes: &mut Bytes) {
        for (made, choice) in self.choices.iter().enumerate() {
            let [answer, right, left] =
                [choice.answer, choice.right, choice.left].map(|mask| &masks[usize::from(mask)]);
            masks[first + made] = answer.choose(right, left);
        }
        bits::bytes(self.planes.map(|plane| masks[usize::from(plane)]), codes);
    }
}

/// The same choices, those first that need no other, then those that need only these, and so on: neighbours do not
/// wait for each other.
fn in_levels(
    choices: &[Choice],
    planes: [u16; BITS as usize],
    first: usize,
) -> (Vec<Choice>, [u16; BITS as usize]) {
    let mut levels: Vec<usize> = Vec::with_capacity(choices.len());
    for choice in choices {
        let made = [choice.right, choice.left].map(|mask| usize::from(mask).checked_sub(first));
        let below = made.into_iter().flatten().map(|made| levels[made] + 1);
        levels.push(below.max().unwrap_or(0));
    }
    let mut order: Vec<usize> = (0..choices.len()).collect();
    order.sort_by_key(|choice| levels[*choice]);
    let mut places = vec![0; choices.len()];
    for (place, choice) in order.iter().enumerate() {
        places[*choice] = (first + place) as u16;
    }
    let moved = |mask: u16| match usize::from(mask).checked_sub(first) {
        Some(made) => places[made],
        None => mask,
    };
    let choice = |choice: &usize| Choice {
        answer: choices[*choice].answer,
        right: moved(choices[*choice].right),
        left: moved(choices[*choice].left),
    };
    (order.iter().map(choice).collect(), planes.map(moved))
}

/// Writes what is under a node; gives the masks of its code's bits.
fn write(
    tree: &Tree,
    node: usize,
    codes: &[Code],
    answer: &impl Fn(&Question) -> u16,
    first: usize,
    choices: &mut Vec<Choice>,
) -> Option<[Plane; BITS as usize]> {
    let mut planes = [None; BITS as usize];
    match &tree.nodes()[node].kind {
        Kind::Leaf { .. } => {
            let Code { bits, cared } = codes[node];
            for (bit, plane) in planes.iter_mut().enumerate() {
                *plane = (cared >> bit & 1 == 1).then_some(u16::from(bits >> bit & 1));
            }
        }
        Kind::Split(question) => {
            let left = write(tree, question.left as usize, codes, answer, first, choices)?;
            let right = write(tree, question.right as usize, codes, answer, first, choices)?;
            let answer = answer(question);
            for ((plane, left), right) in planes.iter_mut().zip(left).zip(right) {
                *plane = match (left, right) {
                    (None, one) | (one, None) => one,
                    (Some(left), Some(right)) if left == right => Some(left),
                    (Some(0), Some(1)) => Some(answer),
                    (Some(left), Some(right)) => {
                        choices.push(Choice {
                            answer,
                            right,
                            left,
                        });
                        Some(u16::try_from(first + choices.len() - 1).ok()?)
                    }
                };
            }
        }
    }
    Some(planes)
}
