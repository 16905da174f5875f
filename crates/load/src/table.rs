//! A summary for people: short, and the same words as in the file.

use crate::summary::{Cpu, Latency, Row, Sale, Setting, Summary};
use indicatif::HumanCount;
use std::fmt::{self, Display};
use std::time::Duration;

impl Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.setting)?;
        match self.durability.is_empty() {
            true => writeln!(f, "Durability: the answers say nothing of it.")?,
            false => writeln!(
                f,
                "Durability, as the answers say: {}.",
                self.durability.join(", ")
            )?,
        }
        writeln!(
            f,
            "\n{:<34} {:>12} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "", "a second", "p50", "p90", "p99", "p99.9", "max"
        )?;
        write_row(f, &self.total, self.took_seconds)?;
        for row in &self.rows {
            writeln!(f, "{}", row.name)?;
            write_row(f, row, self.took_seconds)?;
        }
        writeln!(f, "\n{}", CpuLine(self.cpu, self.total.accepted_units))?;
        if let Some(sale) = &self.sale {
            writeln!(f, "{sale}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "! {warning}")?;
        }
        Ok(())
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {}", self.work, self.protocol)?;
        if let Some(batch) = self.batch {
            write!(f, ", {batch} in a batch")?;
        }
        if let Some(items) = self.items {
            write!(f, ", {items} levels in a read")?;
        }
        writeln!(
            f,
            "; {} keys, {} levels",
            self.keys,
            HumanCount(self.levels)
        )?;
        match (self.open_rate, &self.arrivals) {
            (Some(rate), Some(arrivals)) => {
                write!(
                    f,
                    "Open loop, {} requests a second ({arrivals}), ",
                    HumanCount(rate as u64)
                )?;
            }
            _ => f.write_str("Closed loop, ")?,
        }
        write!(
            f,
            "up to {} in flight on {} connections; ",
            self.in_flight, self.connections
        )?;
        write!(
            f,
            "{} s after {} s of warm-up; seed {}",
            self.seconds, self.warmup_seconds, self.seed
        )
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row, took: f64) -> fmt::Result {
    let units = row.accepted_units_per_second;
    write_latency(f, "  accepted", units, &row.accepted)?;
    if row.accepted_units != row.accepted.requests {
        writeln!(
            f,
            "  {:<32} {:>12}",
            "  in requests",
            count(row.accepted.requests as f64 / took)
        )?;
    }
    if row.refused.requests > 0 {
        write_latency(
            f,
            "  refused",
            row.refused.requests as f64 / took,
            &row.refused,
        )?;
    }
    if row.failed.requests > 0 {
        write_latency(
            f,
            "  failed",
            row.failed.requests as f64 / took,
            &row.failed,
        )?;
    }
    for denied in &row.denied {
        let status = match denied.status {
            0 => String::new(),
            status => format!("{status} "),
        };
        let name = format!("    {status}{}", denied.name);
        writeln!(f, "{name:<34} {:>12}", count(denied.units as f64 / took))?;
    }
    Ok(())
}

fn write_latency(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    rate: f64,
    latency: &Latency,
) -> fmt::Result {
    write!(f, "{name:<34} {:>12}", count(rate))?;
    if latency.requests > 0 {
        for micros in [
            latency.p50_micros,
            latency.p90_micros,
            latency.p99_micros,
            latency.p999_micros,
            latency.max_micros,
        ] {
            write!(f, " {:>9}", time(micros))?;
        }
    }
    writeln!(f)
}

/// A number with separators; a small one with its fraction.
pub(crate) fn count(number: f64) -> String {
    match number < 10.0 {
        true => format!("{number:.1}"),
        false => HumanCount(number.round() as u64).to_string(),
    }
}

/// A time to three digits.
pub(crate) fn time(micros: u64) -> String {
    let digits = match micros {
        0..1_000 => 0,
        1_000..10_000 | 1_000_000..10_000_000 => 2,
        10_000..100_000 | 10_000_000..100_000_000 => 1,
        _ => 0,
    };
    format!("{:.digits$?}", Duration::from_micros(micros))
}

/// The line on CPU time.
struct CpuLine(Cpu, u64);

impl Display for CpuLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(cpu, units) = self;
        let cores = |seconds: f64| seconds / cpu.measured_seconds.max(1e-9);
        write!(
            f,
            "CPU: generator {:.2} cores",
            cores(cpu.generator_seconds)
        )?;
        let Some(server) = cpu.server_seconds else {
            return f.write_str("; the server's with --pid.");
        };
        write!(f, ", server {:.2} cores", cores(server))?;
        match units {
            0 => f.write_str("."),
            units => write!(
                f,
                ", {:.1} µs of the server for each accepted.",
                server * 1e6 / *units as f64
            ),
        }
    }
}

impl Display for Sale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Flash sale: {} buyers, {} units, {} sold; the stock says {} reserved, {} available: ",
            HumanCount(self.buyers),
            HumanCount(self.units),
            HumanCount(self.sold),
            self.reserved,
            self.available
        )?;
        match self.faults.is_empty() {
            true => f.write_str("right."),
            false => write!(f, "WRONG: {}.", self.faults.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let told: Vec<String> = [7, 171, 1_714, 17_140, 171_400, 1_714_000].map(time).into();
        assert_eq!(told, ["7µs", "171µs", "1.71ms", "17.1ms", "171ms", "1.71s"]);
    }
}
