//! CPU time of processes, as the system counts it.

use rustix::param::clock_ticks_per_second;
use std::fs;

/// CPU seconds that a process has used so far, all its threads together; `None` if it is not there.
pub(crate) fn seconds_of(process: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(ticks(&stat)? as f64 / clock_ticks_per_second() as f64)
}

/// User and system time: the 14th and 15th field, counted behind the name, which may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, behind_the_name) = stat.rsplit_once(')')?;
    let mut fields = behind_the_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_shift_its_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 1 0 100";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn this_process_uses_time() {
        assert!(seconds_of("self").is_some());
        assert!(seconds_of("no-such-process").is_none());
    }
}
