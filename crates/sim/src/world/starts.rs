//! Lives: starts, stops and crashes.

use super::World;
use super::readers::Asked;
use crate::audit::Book;
use crate::finding::{Check, Finding, Verdict, must};
use crate::life::{Current, Life};
use crate::scenario::Scenario;
use crate::translate::rules;
use onhand_core::{Command, Seq};
use onhand_engine::folder::FolderError;
use onhand_engine::recover::RecoverError;
use onhand_engine::verify::Reading;
use onhand_engine::{OpenError, Request, Step, Workers};
use onhand_log::ReadError;
use onhand_log::disk::{Happened, MemoryDisk};
use onhand_log::file::FileLog;
use std::io::ErrorKind;

/// What a crash of a start is counted as, if it was said where.
pub(super) const CRASH_OF_A_START: &str = "crash at a change of a start that was said";

/// How often a start is interrupted before it must come through.
const TRIES: usize = 8;

impl World {
    /// What an engine does first in each life.
    pub(super) fn begin_life(&mut self) {
        let durability = self.life.engine.durability();
        self.books
            .iter_mut()
            .for_each(|book| book.is_promised(durability));
        if self.scenario.lends {
            self.life.workers.iter_mut().for_each(Workers::lend);
        }
        self.born = self.disk.happened();
        (self.delivers_since, self.longest_delivery) = (None, 0);
        self.configure();
    }

    fn configure(&mut self) {
        self.life.begin("configure", |engine| async move {
            drop(engine.configure().await);
        });
    }

    /// The settings that an engine asks its partitions to keep are those that it was started with.
    pub(super) fn check_settings(&self, request: &Request) -> Verdict {
        let Request::Command {
            command: Command::Configure(settings),
            ..
        } = request
        else {
            return Ok(());
        };
        let (asked, said) = (rules(settings), self.scenario.rules);
        must(asked == said, Check::Settings, || {
            format!("the settings are to be {asked:?}; it was started with {said:?}")
        })
    }

    /// A start on a full disk leaves the settings as they were; they were asked for once more since.
    fn settings_are_in_force(&self) -> Verdict {
        let said = &self.scenario.rules;
        let mut found = self.books.iter().map(|book| book.twin().rules());
        let other = found.find(|rules| *rules != said);
        must(other.is_none(), Check::Settings, || {
            format!("the settings are {other:?}; it was started with {said:?}")
        })
    }

    /// Starts the machine again if it has stopped, and the process if a partition has.
    pub(super) fn restart_if_dead(&mut self) -> Verdict {
        if self.disk.has_crashed() {
            return self.crash();
        }
        self.check_outages()?;
        let partitions = 0..self.books.len() as u16;
        let stopped = partitions.filter(|one| self.life.is_stopped(*one)).count();
        // An operator takes a moment to notice.
        if stopped > 0 && self.dice.comes(1, 10) {
            return self.restart_process();
        }
        Ok(())
    }

    /// The machine loses power.
    pub(super) fn crash(&mut self) -> Verdict {
        if !self.disk.has_crashed() {
            self.counts.fault("crash between calls");
        }
        self.note(format_args!("the machine loses power"));
        self.lose_power();
        self.weather.clear(&self.disk);
        self.damage_copies()?;
        self.start_again(TRIES)
    }

    /// The process ends, and is started again; what the system knew of the disk it still knows. Maybe it ends because the
    /// disk is full, and starts on a full one.
    pub(super) fn restart_process(&mut self) -> Verdict {
        self.counts.fault("process restart");
        self.note(format_args!("the process ends"));
        self.maybe_make_room();
        self.start_again(TRIES)
    }

    /// A full disk may have room again. Or there is none now, more often after a failed sync of a folder: what lost its
    /// name then can be made anew only where there is room.
    fn maybe_make_room(&mut self) {
        let lost_names = self.disk.happened().failed_folder_syncs > self.born.failed_folder_syncs;
        if self.dice.comes(1, 2) {
            self.weather.clear(&self.disk);
        } else if lost_names {
            self.disk_is_full();
        }
    }

    /// The process is stopped in order. Then everything that was shown is durable, wherever answers do not wait for that;
    /// and some machines are switched off at once.
    pub(super) fn stop_in_order(&mut self) -> Verdict {
        self.counts.fault("stop in order");
        self.note(format_args!("stop"));
        self.maybe_make_room();
        self.life.begin("last snapshots", |engine| async move {
            engine.take_last_snapshots().await;
        });
        self.settle()?;
        // Some still come, and are answered.
        for _ in 0..self.dice.below(4) {
            self.client()?;
        }
        self.life.engine.close();
        self.settle()?;
        if self.disk.has_crashed() {
            return self.crash();
        }
        self.nobody_waits()?;
        self.all_have_ended()?;
        self.check_durable()?;
        self.let_go_of_the_folder()?;
        match self.dice.comes(1, 2) {
            true => self.crash(),
            false => self.start_again(TRIES),
        }
    }

    /// The engine stops, and others may have the folder from then on, though it is still in memory.
    fn let_go_of_the_folder(&self) -> Verdict {
        self.life.engine.stop();
        let reading = Reading::open_on(self.disk.fork(), &self.path).map(drop);
        must(
            !matches!(reading, Err(FolderError::Locked(_))),
            Check::SecondProcess,
            || "the engine was stopped, and keeps the folder".to_owned(),
        )
    }

    /// Every worker has ended; what the appender did last was to sync.
    fn all_have_ended(&mut self) -> Verdict {
        for which in 0..self.books.len() {
            must(self.life.has_ended(which), Check::Progress, || {
                format!("partition {which} was told to stop, and does not end")
            })?;
            // One that stopped because of a failed sync had no other.
            if !self.life.is_stopped(which as u16) {
                self.books[which].was_synced();
            }
        }
        Ok(())
    }

    /// Lets everything come to its end.
    pub(super) fn settle(&mut self) -> Verdict {
        let mut was_busy = true;
        for _ in 0..10_000 {
            let mut is_busy = false;
            for which in 0..self.books.len() {
                is_busy |= self.settle_partition(which)?;
            }
            for task in (0..self.life.tasks()).rev() {
                is_busy |= self.life.go_on(task).is_some();
            }
            self.look_at_answers()?;
            // What goes on in the background may have asked for something just now.
            if !is_busy && !was_busy {
                self.books.iter_mut().for_each(Book::rests);
                return Ok(());
            }
            was_busy = is_busy;
            if self.disk.has_crashed() {
                return Ok(());
            }
        }
        let what = "the workers go on and on with nothing to do";
        Err(Finding::new(Check::Progress, what))
    }

    fn settle_partition(&mut self, which: usize) -> Verdict<bool> {
        let stands = |world: &Self| {
            let book = &world.books[which];
            (book.twin().position(), book.waiting(), world.life.tasks())
        };
        let before = stands(self);
        let mut is_busy = self.turn(which)? == Step::Done;
        self.look_at_answers()?;
        loop {
            let step = self.life.append(which);
            self.look_at_answers()?;
            // On a full disk it tries again and again, until there is room.
            is_busy |= step == Step::Done || step == Step::Later && self.weather.full_disk == 0;
            if step != Step::Done {
                break;
            }
            self.read_ledger(which)?;
        }
        Ok(is_busy || before != stands(self))
    }

    /// Starts the engine on what is on the disk, through crashes and errors in the middle of the start.
    pub(super) fn start_again(&mut self, most_disturbed: usize) -> Verdict {
        self.life.end();
        self.lose_power_if_dead();
        self.disk.calm();
        let next = self.maybe_reconfigured();
        for attempt in 0.. {
            let is_said = self.crash_in_start();
            if !is_said && attempt < most_disturbed {
                self.disturb_start();
            }
            let before = self.disk.happened();
            match Life::start(&self.disk, &self.path, self.options.clone()) {
                Ok((life, reports)) => {
                    must(
                        self.failed_reads() == before.failed_reads,
                        Check::SilenceOnDamage,
                        || "a read of the disk failed, and the start goes on".to_owned(),
                    )?;
                    self.note(format_args!("started: {}", Tails(&reports)));
                    self.life = Current::of(life);
                    break;
                }
                Err(error) => {
                    self.counts.faults_of(CRASH_OF_A_START, is_said.into());
                    self.survive(&error, &before)?;
                }
            }
        }
        for which in 0..self.books.len() {
            self.began_again(which)?;
            // A trim of the life before may have come to its end. Other settings may have been asked for since, twice.
            self.look_at_beginning(which)?;
        }
        if next.rules != self.scenario.rules {
            self.rules_before = self.scenario.rules;
        }
        self.scenario = Scenario {
            crashes: self.scenario.crashes,
            ..next
        };
        self.check_parcels()?;
        self.lost_power = false;
        self.counts.starts += 1;
        self.read_old_entries()?;
        self.begin_life();
        Ok(())
    }

    /// An operator may start the engine with other settings: the world as it is from then on.
    fn maybe_reconfigured(&mut self) -> Scenario {
        if !self.dice.comes(1, 4) {
            return self.scenario.clone();
        }
        let next = self.scenario.reconfigured(self.dice.bits());
        self.counts.fault("other settings at a start");
        self.note(format_args!(
            "other settings: durable {}, {}",
            next.durability, next.rules
        ));
        self.options = super::options(&next, &self.clock);
        next
    }

    /// Compares what a partition starts with. What was answered and not durable is lost with the power, and with nothing
    /// else.
    fn began_again(&mut self, which: usize) -> Verdict {
        let state = self.life.workers[which].state();
        let (there, book) = (state.last().seq.0, &mut self.books[which]);
        if there < book.shown() && self.lost_power {
            self.counts.fault("answers that were not durable are lost");
            for reader in &mut self.readers {
                reader.entry(which as u16).or_default().forget(there);
            }
        }
        book.restarted(state, self.lost_power)
    }

    /// Lets the first start crash where the scenario says.
    fn crash_in_start(&mut self) -> bool {
        let change = self.scenario.crashes.starting.take();
        if let Some(change) = change {
            self.disk.crash_at(self.disk.changes() + change);
        }
        change.is_some()
    }

    /// Lets a start be interrupted, maybe.
    fn disturb_start(&mut self) {
        let soon = self.disk.changes() + 1 + self.dice.below(25) as u64;
        match self.dice.below(9) {
            0..2 => self.disk.crash_at(soon),
            2 => self.disk.fail_at(soon, ErrorKind::TimedOut),
            3 => {
                let soon = self.disk.reads() + 1 + self.dice.below(60) as u64;
                self.disk.fail_read_at(soon, ErrorKind::TimedOut);
            }
            4 => self.disk_is_full(),
            _ => {}
        }
    }

    /// A start was refused: the machine stopped or the disk failed since, and that is what it says. What cannot be read
    /// now is not taken for damaged, nor for gone.
    fn survive(&mut self, error: &OpenError, before: &Happened) -> Verdict {
        self.counts.fault("start interrupted");
        self.note(format_args!("not started: {error}"));
        let is_caused =
            self.disk.has_crashed() || self.disk.happened().failures() > before.failures();
        must(
            is_caused && is_of_the_system(error),
            Check::NeedlessRefusal,
            || format!("a start is refused, and the disk did as it was told: {is_caused}: {error}"),
        )?;
        self.lose_power_if_dead();
        self.weather.clear(&self.disk);
        self.disk.calm();
        Ok(())
    }

    fn lose_power_if_dead(&mut self) {
        if self.disk.has_crashed() {
            self.lose_power();
        }
    }

    /// What was not synced survives or not; the first life is over.
    fn lose_power(&mut self) {
        self.lost_power = true;
        self.scenario.crashes.running = None;
        if self.disk.has_crashed() {
            self.count_interrupted();
        }
        let (survives, dice) = (self.scenario.crashes.survives, &mut self.dice);
        self.disk
            .restart_with(survives, &mut |alternatives| dice.below(alternatives));
    }

    /// The entries that were read before are still the same, and those that were not are read now.
    fn read_old_entries(&mut self) -> Verdict {
        let all = self.dice.comes(1, 4);
        for which in 0..self.books.len() {
            let first = if all {
                1
            } else {
                self.books[which].next_entry()
            };
            for position in first..self.books[which].next_entry() {
                let failed = self.failed_reads();
                match self.life.engine.entry(which as u16, Seq(position)) {
                    Ok(Some(entry)) => self.books[which].read_again(position, &entry)?,
                    Ok(None) => {
                        let what = format!("entry {position} is gone");
                        return Err(Finding::new(Check::Recovery, what));
                    }
                    Err(error) => {
                        self.must_be_excused(which, failed, Asked::Entry(position), &error)?
                    }
                }
            }
            self.read_ledger(which)?;
        }
        Ok(())
    }

    /// Takes power from a copy of the disk, so that nothing is left but what is durable: it must hold all that may not be
    /// lost.
    pub(super) fn check_durable(&mut self) -> Verdict {
        self.look_at_files();
        if self.disk.has_crashed() {
            return Ok(());
        }
        self.start_second()?;
        let copy = self.without_power();
        for (which, book) in self.books.iter().enumerate() {
            let (kept, last) = (book.kept(), self.last_on(&copy, which)?);
            must(last >= kept, Check::Durability, || {
                format!("{kept} may not be lost, and only {last} is durable in partition {which}")
            })?;
        }
        Ok(())
    }

    /// A copy of the disk that holds nothing but what is durable.
    pub(super) fn without_power(&self) -> MemoryDisk {
        let copy = self.disk.fork();
        copy.restart(&mut |_| 0);
        copy
    }

    /// The last position of a partition's log on a disk.
    pub(super) fn last_on(&self, disk: &MemoryDisk, which: usize) -> Verdict<u64> {
        let dir = onhand_engine::folder::log_dir(&self.path, which as u16);
        let found = FileLog::inspect(disk, &dir, &mut |_| {});
        let summary = found.map_err(|error| {
            let what = format!("a copy without power is damaged: {error}");
            Finding::new(Check::Durability, what)
        })?;
        Ok(summary.next - 1)
    }

    /// A second process on the same folder is refused, whoever reads or writes.
    pub(super) fn start_second(&self) -> Verdict {
        let copy = self.disk.fork();
        copy.calm();
        copy.set_capacity(u64::MAX);
        let second = Life::start(&copy, &self.path, self.options.clone()).map(drop);
        let is_refused = matches!(&second, Err(OpenError::Folder(FolderError::Locked(_))));
        must(is_refused, Check::SecondProcess, || {
            format!("a second process is not told that the folder is in use: {second:?}")
        })?;
        let reading = Reading::open_on(copy, &self.path).map(drop);
        let is_refused = matches!(&reading, Err(FolderError::Locked(_)));
        must(is_refused, Check::SecondProcess, || {
            format!("a check is not told that the folder is in use: {reading:?}")
        })
    }

    /// Ends the run: all faults end, all is answered, all is verified once more.
    pub(super) fn finish(&mut self) -> Verdict {
        self.weather.clear(&self.disk);
        while !self.comes_to_rest()? {}
        self.look_at_files();
        self.nobody_waits()?;
        self.all_are_in_order()?;
        self.outboxes_are_empty()?;
        self.check_parcels()?;
        self.settings_are_in_force()?;
        self.all_tables_are_fresh()?;
        for which in 0..self.books.len() {
            let state = self.life.workers[which].state();
            self.books[which].check_state(state)?;
        }
        self.read_folder()?;
        self.nothing_is_hoarded()
    }

    /// Lets everything come to its end, the parcels in the outboxes, too. No new fault comes, but a crash that was said
    /// and did not come yet may come here: then it is to be tried again.
    fn comes_to_rest(&mut self) -> Verdict<bool> {
        if self.disk.has_crashed() {
            self.crash()?;
        }
        self.disk.calm();
        self.weather.clear(&self.disk);
        if let Some(change) = self.scenario.crashes.running {
            self.disk.crash_at(change);
        }
        let mut partitions = 0..self.books.len() as u16;
        if partitions.any(|one| self.life.is_stopped(one)) {
            self.start_again(0)?;
        }
        // What was begun on a full disk has left the settings as they were.
        self.settle()?;
        self.configure();
        self.settle()?;
        self.life.begin("courier", |engine| async move {
            engine.carry_transfers().await;
        });
        self.settle()?;
        Ok(!self.disk.has_crashed())
    }
}

/// Whether an error says that the system failed, and at which file or folder.
fn is_of_the_system(error: &OpenError) -> bool {
    match error {
        OpenError::Folder(FolderError::Io { .. }) => true,
        OpenError::Partition { source, .. } => {
            matches!(source, RecoverError::Log(ReadError::Io { .. }))
        }
        _ => false,
    }
}

/// Where each partition started.
struct Tails<'a>(&'a [onhand_engine::RecoveryReport]);

impl std::fmt::Display for Tails<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for report in self.0 {
            let (snapshot, replayed) = (report.snapshot, report.replayed);
            write!(f, "[{} snapshot {snapshot} + {replayed}]", report.partition)?;
        }
        Ok(())
    }
}
