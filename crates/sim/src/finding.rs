//! What a run may find: that the product did not do what it should, and which check noticed.

use std::fmt;

/// The checks, by what they look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Every answer against the twin's.
    Answer,
    /// Every durable entry of the ledger against the twin's.
    Entry,
    /// Every strong read against the twin.
    StrongRead,
    /// Every bounded read against what the twin had at its position.
    BoundedRead,
    /// Every read of the past against what the twin had then.
    PastRead,
    /// A read is no older than it says.
    Age,
    /// What is past its retention is forgotten, trimmed, removed.
    Hoard,
    /// For one reader, what it sees never goes back.
    ReadGoesBack,
    /// What was shown to anybody outlives a loss of power, now.
    Durability,
    /// What was shown to anybody is there after a start, and nothing that was never decided.
    Recovery,
    /// Every level, reservation and transfer after a start, against the twin's.
    State,
    /// What one partition sends to another is lost nowhere and doubled nowhere.
    Transfer,
    /// Of the ledger only what is older than its retention is trimmed.
    Trim,
    /// The settings in force are those that the engine was started with.
    Settings,
    /// Damage is named, or has changed nothing.
    SilenceOnDamage,
    /// A request is turned away, and a partition out of order, only for a cause, and no longer than that.
    NeedlessOutage,
    /// A start is refused only when something is damaged.
    NeedlessRefusal,
    /// No hold is open past its expiry once the writer had a turn.
    LateExpiry,
    /// Requests are taken in their order, in time, and turned away for a cause.
    Turn,
    /// A numbered invariant stopped the partition, or does not hold.
    Invariant,
    /// An assertion in the product failed.
    Assertion,
    /// A folder is for one process at a time.
    SecondProcess,
    /// What is under way comes to an end.
    Progress,
}

impl Check {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Entry => "ledger entry",
            Self::StrongRead => "strong read",
            Self::BoundedRead => "bounded read",
            Self::PastRead => "read of the past",
            Self::Age => "age of a read",
            Self::Hoard => "hoard",
            Self::ReadGoesBack => "read goes back",
            Self::Durability => "durability",
            Self::Recovery => "recovery",
            Self::State => "state after a start",
            Self::Transfer => "transfer",
            Self::Trim => "trim",
            Self::Settings => "settings",
            Self::SilenceOnDamage => "silence on damage",
            Self::NeedlessOutage => "needless outage",
            Self::NeedlessRefusal => "needless refusal",
            Self::LateExpiry => "late expiry",
            Self::Turn => "turn",
            Self::Invariant => "invariant",
            Self::Assertion => "assertion",
            Self::SecondProcess => "second process",
            Self::Progress => "progress",
        }
    }
}

/// The product did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check noticed.
    pub check: Check,
    /// What was expected and what was there.
    pub what: String,
}

impl Finding {
    /// A finding.
    pub fn new(check: Check, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { check, what }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check.name(), self.what)
    }
}

/// Nothing, or the first finding.
pub type Verdict<T = ()> = Result<T, Finding>;

/// That something holds, or a finding.
pub(crate) fn must(holds: bool, check: Check, what: impl FnOnce() -> String) -> Verdict {
    match holds {
        true => Ok(()),
        false => Err(Finding::new(check, what())),
    }
}
