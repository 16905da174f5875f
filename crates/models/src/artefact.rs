//! A model as bytes that describe themselves.
//!
//! What is needed to score, what is needed to know whether one may (the features, with the hash of their definitions),
//! and what whoever made it had to say: the range of the ledger it was trained on, settings, metrics. The last is free
//! text by name, because it is for people and for other crates, which know what it means.
//!
//! Two forms with the same content: JSON, for interchange and for reading, and a compact one of postcard behind a magic
//! word and before a checksum, for nearly every bit of it could be another and still be a model. Both begin with a
//! version. The same model gives the same bytes: maps are in the order of their keys, and there
//! is no time in it that the caller did not put there.

use crate::calibrate::Calibration;
use crate::dataset::BinMap;
use crate::recalibrate::Recalibration;
use crate::tree::{Broken, Forest};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64;

/// The format that this build writes.
pub const VERSION: u32 = 3;
/// The oldest that it reads. Version 1 had no recalibration, version 2 no checksum.
const OLDEST: u32 = 1;

/// How the compact form says that there is no recalibration.
const NO_RECALIBRATION: [u8; 1] = [0];
/// What the compact form begins with.
const MAGIC: &[u8; 8] = b"onhandML";
/// Bytes of the checksum that the compact form ends with: XXH3 of all before it, the lowest byte first.
const CHECK: usize = 8;

/// A model with all that is to be known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artefact {
    /// Version of the format.
    pub version: u32,
    /// What the model is called.
    pub name: String,
    /// The features, in the order of a row's values.
    pub features: Vec<Feature>,
    /// From features to a raw score.
    pub forest: Forest,
    /// From a raw score to a probability.
    pub calibration: Calibration,
    /// Free text by name: training range, seed, settings, metrics.
    pub facts: BTreeMap<String, String>,
    /// What its latest answers missed, if it was recalibrated. Last, because version 1 ends before it.
    #[serde(default)]
    pub recalibration: Option<Recalibration>,
}

/// A feature as the model knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The hash of its definition, as whoever defines features makes it.
    pub definition: String,
    /// Its name and bins.
    pub bins: BinMap,
}

/// Bytes that are not a model that this build can use.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Written by a later version.
    #[error("the model's format is version {found}; this build knows {VERSION}: use a newer one")]
    Version {
        /// What the bytes say.
        found: u32,
    },
    /// Not a compact model at all.
    #[error("this is not a model: the first bytes are not those of one")]
    NotAModel,
    /// Its checksum is that of other bytes.
    #[error("the model is damaged: its checksum is that of other bytes")]
    Damaged,
    /// Damaged, or JSON of another shape.
    #[error("cannot read the model: {0}")]
    Content(String),
    /// The numbers of features do not agree.
    #[error("the model describes {described} features, and its forest has {used}")]
    Features {
        /// Features described.
        described: usize,
        /// Features of the forest.
        used: usize,
    },
    /// Rows of it have no values: it says the same of everything, and how many rows there are cannot be told.
    #[error("the model has no features, so it says the same of everything: train it anew")]
    NoFeatures,
    /// A row has one value of a name.
    #[error("the model describes {feature} twice")]
    FeatureTwice {
        /// Its name.
        feature: String,
    },
    /// A number that is none, or infinite, or a calibration to what is no probability.
    #[error("a number of the model is not finite, or no probability where it should be one")]
    Numbers,
    /// A tree that cannot be followed.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// What a version is read from before the rest is tried.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Artefact {
    /// JSON, indented.
    ///
    /// # Errors
    /// If a number is not finite, which JSON cannot say.
    pub fn to_json(&self) -> Result<String, Unreadable> {
        match self.has_sound_numbers() {
            true => serde_json::to_string_pretty(self).map_err(content),
            false => Err(Unreadable::Numbers),
        }
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// If it is of a later version, of another shape, or a model that cannot score.
    pub fn from_json(text: &str) -> Result<Self, Unreadable> {
        let head: Versioned = serde_json::from_str(text).map_err(content)?;
        expect_version(head.version)?;
        serde_json::from_str::<Self>(text)
            .map_err(content)?
            .checked()
    }

    /// The compact form.
    ///
    /// # Errors
    /// None that is known; the encoder's are passed on.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Unreadable> {
        let bytes = postcard::to_extend(self, MAGIC.to_vec()).map_err(content)?;
        Ok(with_checksum(bytes))
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// If it is no model, of a later version, damaged, longer than a model, or a model that cannot score.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let body = bytes.strip_prefix(MAGIC).ok_or(Unreadable::NotAModel)?;
        let (head, _) = postcard::take_from_bytes::<Versioned>(body).map_err(content)?;
        expect_version(head.version)?;
        let body = match head.version {
            1 => &[body, &NO_RECALIBRATION].concat(),
            2 => body,
            _ => checked_body(bytes)?,
        };
        let (model, rest) = postcard::take_from_bytes::<Self>(body).map_err(content)?;
        match rest.len() {
            0 => model.checked(),
            more => Err(Unreadable::Content(format!("{more} bytes after its end"))),
        }
    }

    /// What was read, as this build would write it.
    fn checked(mut self) -> Result<Self, Unreadable> {
        self.version = VERSION;
        let (described, used) = (self.features.len(), self.forest.features as usize);
        if described != used {
            return Err(Unreadable::Features { described, used });
        }
        let names = self.features.iter().map(|feature| feature.bins.name());
        match first_again(names) {
            _ if described == 0 => return Err(Unreadable::NoFeatures),
            Some(feature) => {
                let feature = feature.to_owned();
                return Err(Unreadable::FeatureTwice { feature });
            }
            None => self.forest.check()?,
        }
        match self.has_sound_numbers() {
            true => Ok(self),
            false => Err(Unreadable::Numbers),
        }
    }

    /// JSON cannot say what is no number or infinite, and no score can be compared with it.
    fn has_sound_numbers(&self) -> bool {
        let mut cuts = self.features.iter().map(|feature| feature.bins.cuts());
        self.forest.is_finite()
            && self.calibration.is_sound()
            && self.recalibration.iter().all(Recalibration::is_sound)
            && cuts.all(|cuts| cuts.iter().all(|cut| cut.is_finite()))
    }
}

/// Bytes with their checksum behind them.
pub fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let check = xxh3_64(&bytes);
    bytes.extend(check.to_le_bytes());
    bytes
}

/// What lies between the magic word and the checksum, if that is right.
fn checked_body(bytes: &[u8]) -> Result<&[u8], Unreadable> {
    let (told, check) = bytes
        .split_last_chunk::<CHECK>()
        .ok_or(Unreadable::Damaged)?;
    let is_right = xxh3_64(told).to_le_bytes() == *check;
    told.strip_prefix(MAGIC)
        .filter(|_| is_right)
        .ok_or(Unreadable::Damaged)
}

fn first_again<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(*name))
}

fn content(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::Content(error.to_string())
}

fn expect_version(found: u32) -> Result<(), Unreadable> {
    match found {
        OLDEST..=VERSION => Ok(()),
        found => Err(Unreadable::Version { found }),
    }
}
