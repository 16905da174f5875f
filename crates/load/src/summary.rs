//! What a run came to: plain data that is printed, kept in a file, and compared.

use crate::book::{Book, Kind, Reason, Series};
use base64_histogram::encode;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

mod base64_histogram;

/// The version of the file's shape.
const FORMAT: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) format: u32,
    pub(crate) setting: Setting,
    /// What the answers said of their durability; empty if they said nothing.
    pub(crate) durability: Vec<String>,
    /// From the end of the warm-up to the last answer.
    pub(crate) took_seconds: f64,
    pub(crate) total: Row,
    /// The same apart by operation, tenant, and hot SKU or neighbour; empty if there is but one kind.
    pub(crate) rows: Vec<Row>,
    pub(crate) seconds: Vec<SecondRow>,
    pub(crate) cpu: Cpu,
    /// How late the generator sent requests by its own fault, in microseconds.
    pub(crate) late_p99_micros: u64,
    /// Requests that waited for a connection; the wait is part of their latency.
    pub(crate) waited_for_a_connection: u64,
    /// Requests of the warm-up that were answered after it; they are not counted.
    #[serde(default)]
    pub(crate) left_over: u64,
    pub(crate) sale: Option<Sale>,
    pub(crate) warnings: Vec<String>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) protocol: String,
    pub(crate) work: String,
    pub(crate) keys: String,
    pub(crate) levels: u64,
    pub(crate) skus: u64,
    /// Requests a second in an open loop; none in a closed one.
    pub(crate) open_rate: Option<f64>,
    pub(crate) arrivals: Option<String>,
    pub(crate) in_flight: usize,
    pub(crate) connections: usize,
    pub(crate) threads: usize,
    pub(crate) batch: Option<usize>,
    pub(crate) items: Option<usize>,
    pub(crate) tenants: String,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) warmup_seconds: f64,
    pub(crate) seconds: f64,
    pub(crate) seed: u64,
}

/// Requests of one kind. A unit is a reservation, or a level read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) accepted_units: u64,
    /// Goodput: accepted units a second.
    pub(crate) accepted_units_per_second: f64,
    pub(crate) accepted: Latency,
    pub(crate) refused: Latency,
    pub(crate) failed: Latency,
    pub(crate) denied: Vec<Denied>,
}

/// How long requests took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) requests: u64,
    pub(crate) mean_micros: f64,
    pub(crate) p50_micros: u64,
    pub(crate) p90_micros: u64,
    pub(crate) p99_micros: u64,
    pub(crate) p999_micros: u64,
    pub(crate) max_micros: u64,
    /// All of it: an HdrHistogram of microseconds, V2, compressed, in base64.
    pub(crate) histogram: String,
}

/// Units that were not done, by reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Denied {
    /// The HTTP status; 0 if there was no answer.
    pub(crate) status: u16,
    /// The problem's name, or what happened instead of an answer.
    pub(crate) name: String,
    pub(crate) units: u64,
    /// Whether it is an error: neither 409, 429 nor a 503 that says that nothing was done for lack of time or room.
    pub(crate) is_error: bool,
}

/// One second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SecondRow {
    pub(crate) accepted_units: u64,
    pub(crate) denied_units: u64,
    pub(crate) p50_micros: u64,
    pub(crate) p99_micros: u64,
}

/// CPU time within the measured seconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cpu {
    pub(crate) measured_seconds: f64,
    pub(crate) generator_seconds: f64,
    pub(crate) server_seconds: Option<f64>,
}

/// How a flash sale ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sale {
    pub(crate) buyers: u64,
    pub(crate) units: u64,
    pub(crate) sold: u64,
    /// What the server's stock says afterwards.
    pub(crate) reserved: i64,
    pub(crate) available: i64,
    /// What is wrong with that; nothing, most of the time.
    pub(crate) faults: Vec<String>,
}

impl Summary {
    /// Rates are of the time up to the last answer, or of `at_least` so many seconds.
    pub(crate) fn new(
        setting: Setting,
        book: &Book,
        tenants: &[Option<&str>],
        cpu: Cpu,
        at_least: f64,
    ) -> Self {
        let warmup = setting.warmup_seconds;
        let lasted = book.last as f64 / 1e9 - warmup;
        let took = lasted.max(at_least);
        let total = Row::new("all".into(), &book.total(), took);
        let mut rows: Vec<Row> = book
            .series()
            .map(|(kind, series)| Row::new(name(kind, tenants, &setting), series, took))
            .collect();
        if rows.len() == 1 {
            rows.clear();
        }
        Self {
            format: FORMAT,
            durability: book.durability.iter().cloned().collect(),
            took_seconds: took,
            total,
            rows,
            seconds: book.seconds.iter().map(SecondRow::new).collect(),
            cpu,
            late_p99_micros: book.lateness.value_at_quantile(0.99),
            waited_for_a_connection: book.waited,
            left_over: book.left_over,
            sale: None,
            warnings: Vec::new(),
            setting,
        }
    }

    /// Reads what `--out` wrote.
    ///
    /// # Errors
    /// It is no summary, or one of another version.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let summary: Self =
            serde_json::from_str(text).map_err(|error| format!("no summary of a run: {error}"))?;
        match summary.format {
            FORMAT => Ok(summary),
            other => Err(format!(
                "format {other}; this program reads format {FORMAT}"
            )),
        }
    }

    /// Units with a wrong answer or none.
    pub(crate) fn errors(&self) -> u64 {
        let errors = self.total.denied.iter().filter(|denied| denied.is_error);
        errors.map(|denied| denied.units).sum()
    }
}

fn name(
    (tenant, operation, is_neighbour): Kind,
    tenants: &[Option<&str>],
    setting: &Setting,
) -> String {
    let mut name = operation.name().to_owned();
    if setting.keys.starts_with("hot:") && operation == crate::work::Operation::Reserve {
        name += if is_neighbour {
            ", neighbours"
        } else {
            ", hot SKU"
        };
    }
    if let Some(Some(tenant)) = tenants.get(tenant) {
        name += &format!(", tenant {tenant}");
    }
    name
}

impl Row {
    fn new(name: String, series: &Series, took: f64) -> Self {
        let denied = series.denied.iter().map(Denied::new);
        Self {
            name,
            requests: series.requests(),
            requests_per_second: series.requests() as f64 / took,
            accepted_units: series.units,
            accepted_units_per_second: series.units as f64 / took,
            accepted: Latency::new(&series.accepted),
            refused: Latency::new(&series.refused),
            failed: Latency::new(&series.failed),
            denied: denied.collect(),
        }
    }
}

impl Denied {
    fn new((why, units): (&Reason, &u64)) -> Self {
        Self {
            status: why.status,
            name: why.name.clone(),
            units: *units,
            is_error: !why.is_refusal(),
        }
    }
}

impl Latency {
    fn new(histogram: &Histogram<u64>) -> Self {
        Self {
            requests: histogram.len(),
            mean_micros: histogram.mean(),
            p50_micros: histogram.value_at_quantile(0.5),
            p90_micros: histogram.value_at_quantile(0.9),
            p99_micros: histogram.value_at_quantile(0.99),
            p999_micros: histogram.value_at_quantile(0.999),
            max_micros: histogram.max(),
            histogram: encode(histogram),
        }
    }

    /// The whole distribution.
    ///
    /// # Errors
    /// The text is no histogram.
    pub(crate) fn distribution(&self) -> Result<Histogram<u64>, String> {
        base64_histogram::decode(&self.histogram)
    }
}

impl SecondRow {
    fn new(second: &crate::book::Second) -> Self {
        Self {
            accepted_units: second.units,
            denied_units: second.denied,
            p50_micros: second.accepted.value_at_quantile(0.5),
            p99_micros: second.accepted.value_at_quantile(0.99),
        }
    }
}
