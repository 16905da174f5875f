//! What a server wrote down while it served, as questions with their answers.

use super::check::Served;
use crate::failure::Failure;
use onhand_core::{LocationId, Seq, Sku, Timestamp};
use onhand_features::{FeatureSet, Known, Moment, Question};
use onhand_follow::Sample;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Reads the samples of a file. A last line that is not whole was being written when the server ended.
pub(super) fn read(path: &Path, set: &FeatureSet) -> Result<Served, Failure> {
    let say = |error: &dyn std::fmt::Display| {
        Failure::say(format!("cannot read {}: {error}", path.display()))
    };
    let mut lines = BufReader::new(File::open(path).map_err(|error| say(&error))?);
    let (mut served, mut numbers, mut line) = (Served::default(), BTreeMap::new(), Vec::new());
    for number in 1.. {
        line.clear();
        let read = lines.read_until(b'\n', &mut line);
        read.map_err(|error| say(&error))?;
        if !line.ends_with(b"\n") {
            break;
        }
        let sample = serde_json::from_slice(&line)
            .map_err(|error| error.to_string())
            .and_then(|sample| add(&mut served, &mut numbers, set, sample));
        sample.map_err(|error| say(&format!("line {number}: {error}")))?;
    }
    Ok(served)
}

type Numbers = BTreeMap<(LocationId, Sku), u32>;

fn add(
    served: &mut Served,
    numbers: &mut Numbers,
    set: &FeatureSet,
    sample: Sample,
) -> Result<(), String> {
    if sample.set != set.hash() || sample.bits.len() != set.len() {
        return Err("it is of other definitions than this version has".into());
    }
    let location = LocationId::new(&sample.location).map_err(|error| error.to_string())?;
    let sku = Sku::new(&sample.sku).map_err(|error| error.to_string())?;
    let next = served.questions.pairs.len() as u32;
    let pair = *numbers
        .entry((location.clone(), sku.clone()))
        .or_insert(next);
    if pair == next {
        served.questions.pairs.push((location, sku));
    }
    served.questions.rows.push(Question {
        pair,
        known: Known::To(Seq(sample.sequence)),
        moment: Moment {
            now: Timestamp::from_millis(sample.now),
            target: Timestamp::from_millis(sample.target),
        },
    });
    served.bits.extend(sample.bits);
    Ok(())
}
