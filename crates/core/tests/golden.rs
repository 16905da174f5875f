//! Golden scripts: commands in, effects out, one behaviour a file, in `tests/golden/`.
//!
//! A line that starts with `>` is a command, one that starts with `#` a comment; what stands below a command is what
//! came of it. `UPDATE_GOLDENFILES=1 cargo test -p onhand-core --test golden` writes it anew: read the difference
//! before you commit it. After each script the invariants, a replay and a snapshot are proven.

#![allow(clippy::disallowed_methods, reason = "the scripts are files")]

mod ledger;
#[path = "golden/parse.rs"]
mod parse;
#[path = "golden/print.rs"]
mod print;

use ledger::Ledger;
use onhand_core::{Decision, Timestamp};
use parse::{Request, Words};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Runs a script and gives it back with its effects.
fn play(script: &str) -> String {
    let mut ledger = Ledger::new();
    let mut clock = parse::moment("00:00:00");
    let mut out = String::new();
    for line in script.lines() {
        if let Some(command) = line.strip_prefix("> ") {
            writeln!(out, "{line}").expect("a string takes all");
            run(&mut ledger, &mut clock, command, &mut out);
        } else if line.starts_with('#') || line.is_empty() {
            writeln!(out, "{line}").expect("a string takes all");
        }
    }
    ledger.prove();
    out
}

fn run(ledger: &mut Ledger, clock: &mut Timestamp, line: &str, out: &mut String) {
    let mut words = Words::of(line);
    if let Some(at) = words.moment() {
        *clock = at;
    }
    let effects = match parse::request(&mut words, ledger) {
        Request::Pass => {
            let expired = ledger.expire(*clock);
            print::entries(&ledger.state, &expired, *clock)
        }
        Request::Show(what) => print::show(ledger, &what),
        Request::Command(key, command) => {
            let key = key.map(|key| ledger::key(&key, &command));
            let (mut entries, decision) = ledger.submit(*clock, key, &command);
            if let Decision::Record(entry) = &decision {
                entries.push((**entry).clone());
            }
            print::entries(&ledger.state, &entries, *clock) + &print::answer(&decision)
        }
    };
    out.push_str(&effects);
}

#[test]
fn scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = std::fs::read_dir(&folder).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|end| end == "txt"));
    names.sort();
    assert!(
        names.len() >= 20,
        "the scripts are not where they should be"
    );
    for name in names {
        eprintln!("{}", name.display());
        let script = std::fs::read_to_string(folder.join(&name)).unwrap();
        let mut mint = goldenfile::Mint::new(&folder);
        let mut golden = mint.new_goldenfile(&name).unwrap();
        golden.write_all(play(&script).as_bytes()).unwrap();
    }
}
