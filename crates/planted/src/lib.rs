//! # onhand-planted: defects on purpose
//!
//! A check that never failed proves nothing. So the product's own code carries realistic defects, each behind a flag
//! of this crate, and `onhand sim --planted all` shows that each is found. Without a flag [`Defect::is_on`] is a
//! constant `false`, and the compiler leaves nothing of the defect in the program.
//!
//! Below floor 0: every crate may ask it, it imports nothing, and it does nothing else. A build with a flag must have
//! debug assertions, which a release has not, so that no defect is ever shipped.
//!
//! - A feature named like the defect switches that one on for the whole build.
//! - The feature `choose` compiles all of them in, and [`plant`] says at run time which one is on.

#[cfg(feature = "choose")]
use std::sync::atomic::{AtomicU8, Ordering};

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!(
    "planted defects never go into a release: build with debug assertions (`--profile sim`)"
);

macro_rules! defects {
    ($($name:ident $feature:tt $what:literal)*; $($parsed:ident $parsed_feature:tt $parsed_what:literal)*) => {
        /// A defect that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Defect { $(#[doc = $what] $name,)* $(#[doc = $parsed_what] $parsed),* }

        impl Defect {
            /// All that the simulator can look for.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Those in the parsers, which only bytes that nobody meant can find: for `fuzz/run --planted`.
            pub const FOR_FUZZING: &[Self] = &[$(Self::$parsed),*];

            /// Its name: that of the feature which switches it on.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $feature,)* $(Self::$parsed => $parsed_feature),* }
            }

            /// What goes wrong.
            pub const fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* $(Self::$parsed => $parsed_what),* }
            }

            /// Whether the build has it for good.
            const fn is_built_in(self) -> bool {
                match self {
                    $(Self::$name => cfg!(feature = $feature),)*
                    $(Self::$parsed => cfg!(feature = $parsed_feature)),*
                }
            }
        }
    };
}

defects! {
    AnswerBeforeSync "answer-before-sync" "An answer leaves before its entry is durable"
    SyncSkipped "sync-skipped" "One sync in a thousand is skipped"
    SyncTriedAgain "sync-tried-again" "A failed sync is tried again, and its success is believed"
    ExpiryOffByOne "expiry-off-by-one" "A hold lives on in the millisecond of its expiry"
    ConfirmAfterExpiry "confirm-after-expiry" "A confirm is decided before the expiries of its time"
    ReleaseTwice "release-twice" "A second release gives the units back once more"
    SameSkuLineByLine "same-sku-line-by-line" "The same SKU twice in a hold is checked line by line"
    PartialLeaksALine "partial-leaks-a-line" "A partial reservation that ends keeps the units of its last line"
    AvailableOverflows "available-overflows" "Available is computed in 32 bits and wraps around"
    SafetyStockSold "safety-stock-sold" "A hold does not see the safety stock"
    CountForgetsSales "count-forgets-sales" "A count as of the past forgets what was sold since"
    SurplusTakenForGoods "surplus-taken-for-goods" "A count as of the past takes a surplus for goods that came since"
    ShortPickKeepsThePromise "short-pick-keeps-the-promise" "What a pick did not find stays allocated"
    AnnouncedTwice "announced-twice" "A transfer announced again is in transit twice"
    KeysNotInSnapshot "keys-not-in-snapshot" "The idempotency keys are not in the snapshot"
    KeyUnseenInFlight "key-unseen-in-flight" "A key is seen only once its entry is durable"
    KeyForgottenEarly "key-forgotten-early" "A key is forgotten a millisecond before its retention ends"
    KeyBodyIgnored "key-body-ignored" "A key reused with another body repeats the first answer"
    OutboxNotInSnapshot "outbox-not-in-snapshot" "The transfers that wait to be announced are not in the snapshot"
    SnapshotMissesABatch "snapshot-misses-a-batch" "A snapshot says that it holds a batch which it misses"
    SnapshotBeforeSync "snapshot-before-sync" "A snapshot gets its name before its bytes are durable"
    SnapshotUnchecked "snapshot-unchecked" "A snapshot is read without its checksums"
    TrimBeforeSnapshot "trim-before-snapshot" "The log is trimmed up to a snapshot that is not durable yet"
    TrimForgetsKeys "trim-forgets-keys" "The log is trimmed without regard to the keys that are answered from it"
    NothingForgotten "nothing-forgotten" "What is past its retention stays in memory"
    NeverTrimmed "never-trimmed" "The log is never trimmed"
    SnapshotsPileUp "snapshots-pile-up" "Old snapshots are never removed"
    LabelDropped "label-dropped" "A receipt is recorded without its lot"
    TornTailTaken "torn-tail-taken" "A torn tail is taken as good"
    DamagedMiddleSkipped "damaged-middle-skipped" "Damage before the end of the log is cut away like a torn tail"
    MissingSegmentSkipped "missing-segment-skipped" "A missing segment is passed over"
    FolderNotSynced "folder-not-synced" "The name of a new segment is not made durable"
    UnnamedSegmentTaken "unnamed-segment-taken" "A start on a full disk appends to a segment whose name may not be on the disk"
    FullDiskDropsTheBatch "full-disk-drops-the-batch" "A batch that found no room is dropped"
    ReadTableEarly "read-table-early" "The read table shows entries that are not durable"
    ReadTableGoesBack "read-table-goes-back" "The read table shows the entries of a batch in reverse"
    StaleRead "stale-read" "A strong read is answered without the requests before it"
    DeadlineIgnored "deadline-ignored" "A request is done after its deadline"
    LateIsDone "late-is-done" "A request that came too late is refused, and done all the same"
    LastComesFirst "last-comes-first" "Of the requests that wait behind each other the last is served first"
    LazyExpiry "lazy-expiry" "Expiries are recorded only when the next command comes"
    ReplayDecidesAnew "replay-decides-anew" "A replay sets expiries by its own time"
    TimerNeverSyncs "timer-never-syncs" "Within N ms: the sync that answers rely on never comes"
    DurabilityOverclaimed "durability-overclaimed" "Within N ms: clients are told that answers are on disk"
    DoubtNotSaid "doubt-not-said" "Within N ms: a frame says that all before it is durable"
    HoleTaken "hole-taken" "Within N ms: what follows a lost batch is taken as good"
    OwnRequestsNotSynced "own-requests-not-synced" "Within N ms: snapshots and transfers do not wait for the sync"
    ClockTakenAsItIs "clock-taken-as-it-is" "The ledger's time follows a clock that goes back"
    AnswerNotAsRecorded "answer-not-as-recorded" "The answer to a hold names another expiry than the ledger does"
    LevelsCutShort "levels-cut-short" "A strong read of levels stops at the first that is not there"
    ReadNamesAnOlderPosition "read-names-an-older-position" "A strong read of a reservation says that it reflects one entry less"
    TransferShownAsArrived "transfer-shown-as-arrived" "A strong read of a transfer says that it arrived when it was announced"
    TableNotPublished "table-not-published" "The read table stays as it was at the start"
    AnswerBeforePublish "answer-before-publish" "An answer leaves before the read table shows its entry"
    AgeStaysZero "age-stays-zero" "A read table at rest says that it is fresh until the next batch is published"
    PageSkipsAnEntry "page-skips-an-entry" "A page of the ledger goes on after the entry that had no more room"
    ExplainMissesTheNewest "explain-misses-the-newest" "The explanation of a level leaves out the newest entry"
    PastNeverTold "past-never-told" "Every question about the past is answered as trimmed"
    BusyWithRoom "busy-with-room" "The last half of the places in the queue is never given out"
    GoneKeepTheirPlace "gone-keep-their-place" "The place in the queue of a client that has gone is never given back"
    LeftStillCounted "left-still-counted" "Who is turned away when his turn comes is still counted among those who wait"
    OutageStays "outage-stays" "An outage is not taken back when the disk has room again"
    FullDiskStops "full-disk-stops" "A full disk stops the partition for good"
    StopDropsTheQueue "stop-drops-the-queue" "Who waits in the queue at a stop in order is never answered"
    StopWithoutSync "stop-without-sync" "Within N ms: a stop in order does not sync what was answered last"
    CourierAsleep "courier-asleep" "Transfers are never delivered"
    HandOverUnannounced "hand-over-unannounced" "A transfer whose announcement failed is handed over all the same"
    DispatchNotDurable "dispatch-not-durable" "Within N ms: a transfer is delivered before its dispatch is durable"
    DamagedSnapshotUntold "damaged-snapshot-untold" "The report of a start does not name damaged snapshots"
    DamagedSnapshotRefused "damaged-snapshot-refused" "A damaged snapshot stops the start, although the log reaches back far enough"
    DamageNamesNoFile "damage-names-no-file" "The refusal of a damaged segment does not name it"
    FolderSyncTriedAgain "folder-sync-tried-again" "A failed sync of the log's folder is tried again, and its success is believed"
    FolderShared "folder-shared" "A second process may use a data folder that is in use"
    CheckSkipsSnapshots "check-skips-snapshots" "The check of a data folder does not say that a snapshot is damaged"
    FoundForItsNeighbour "found-for-its-neighbour" "The levels found ahead for a hold are those of the request behind it"
    OwnBatchBelieved "own-batch-believed" "A small batch that the writer takes to the log itself is answered though its append failed"
    ChangesPileUp "changes-pile-up" "Changes of on hand older than the count window stay in memory"
    ReplayGoesBeyond "replay-goes-beyond" "A replay to a position takes the whole of the batch that it ends in"
    ;
    // For fuzzing: in the parsers.
    FrameLengthTrusted "fuzz-frame-length-trusted" "The length of a frame is trusted, though it runs past its segment"
    BlockLengthTrusted "fuzz-block-length-trusted" "The length of a block of a snapshot is trusted"
    BatchEndDropped "fuzz-batch-end-dropped" "What cannot be read at the end of a batch is dropped"
    KeyUnchecked "fuzz-key-unchecked" "The bytes of an idempotency key are not looked at"
    ExcerptCutsACharacter "fuzz-excerpt-cuts-a-character" "What is told back of a wrong text ends within a character"
    IdSpelledFreely "fuzz-id-spelled-freely" "The numbers in an identifier may have a sign and leading zeros"
    VariantBelieved "fuzz-variant-believed" "The number of a message's enumeration is believed to be one that there is"
    FeatureShapeTrusted "fuzz-feature-shape-trusted" "The arrays of a saved feature store are not held against what its definitions ask for"
    SplitFeatureUnchecked "fuzz-split-feature-unchecked" "A split of a model may ask about a feature that no row has"
}

#[cfg(feature = "choose")]
static PLANTED: AtomicU8 = AtomicU8::new(u8::MAX);

/// Switches one defect on, and every other off, for the whole process; `None` switches all off.
#[cfg(feature = "choose")]
pub fn plant(defect: Option<Defect>) {
    PLANTED.store(
        defect.map_or(u8::MAX, |defect| defect as u8),
        Ordering::SeqCst,
    );
}

impl Defect {
    /// The defect of a name.
    pub fn named(name: &str) -> Option<Self> {
        let all = Self::ALL.iter().chain(Self::FOR_FUZZING);
        all.copied().find(|defect| defect.name() == name)
    }

    /// Whether it is on.
    #[cfg(feature = "choose")]
    #[inline]
    pub fn is_on(self) -> bool {
        self.is_built_in() || PLANTED.load(Ordering::Relaxed) == self as u8
    }

    /// Whether it is on.
    #[cfg(not(feature = "choose"))]
    #[inline(always)]
    pub const fn is_on(self) -> bool {
        self.is_built_in()
    }
}
