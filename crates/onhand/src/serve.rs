//! `onhand serve`: the engine behind HTTP and gRPC.

mod features;
mod predictions;

use crate::failure::Failure;
use crate::progress;
use clap::{Args, ValueEnum};
use onhand_core::{Settings, Span};
use onhand_engine::{Durability, Engine, Options, Policy, RecoveryReport};
use onhand_server::{Learned, Limits};
use onhand_wire::json::levels::Consistency;
use prometheus_client::registry::Registry;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// Serves the API over HTTP and gRPC from a data folder.
#[derive(Args, Debug)]
#[command(after_help = "\
Every flag can also be set by its environment variable, or in a TOML file named by --config, whose keys are the
flags with `_` for `-`. Flags win over the environment, the environment over the file, the file over the defaults.

Example:
  onhand serve --data ./onhand-data --listen 127.0.0.1:7780
  curl -X POST localhost:7780/v1/stock/receipts -H 'Idempotency-Key: r1' -H 'Content-Type: application/json' \\
       -d '{\"location\":\"dublin-1\",\"lines\":[{\"sku\":\"milk-1l\",\"quantity\":12}]}'

Example of a file:
  data = \"/var/lib/onhand\"
  listen = \"127.0.0.1:7780\"
  key_retention_hours = 48

Stop it with Ctrl-C or SIGTERM: requests in flight are answered, a snapshot is written, then it ends with code 0.
The API is described at /docs and /openapi.json, metrics are at /metrics, health at /healthz and /readyz.
gRPC tells of itself by reflection: grpcurl -plaintext localhost:7781 list")]
pub(crate) struct Serve {
    /// A TOML file with settings; its keys are the flags below, with `_` for `-`.
    #[arg(long, value_name = "FILE", env = "ONHAND_CONFIG")]
    config: Option<PathBuf>,
    /// The data folder: the ledger and its snapshots. Made if it is not there.
    #[arg(
        long,
        value_name = "DIR",
        env = "ONHAND_DATA",
        default_value = "./onhand-data"
    )]
    data: PathBuf,
    /// Where to listen. There are no keys yet, so only addresses of this machine (loopback) are taken.
    #[arg(
        long,
        value_name = "ADDR",
        env = "ONHAND_LISTEN",
        default_value = "127.0.0.1:7780"
    )]
    listen: SocketAddr,
    /// Where to listen for gRPC (`onhand.v1`), or `off`. If not said, it is the port after that of --listen: 7781.
    #[arg(long, value_name = "ADDR", env = "ONHAND_GRPC_LISTEN")]
    grpc_listen: Option<GrpcListen>,
    /// Partitions of a new data folder. Each has one writer and one log; all stock of a location is in one of them.
    /// Fixed once the folder is made.
    #[arg(long, value_name = "N", env = "ONHAND_PARTITIONS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    partitions: Option<u16>,
    /// When an answer leaves: `before-answer`, once it is on disk; or `within:50ms`, once it is written, and on disk within
    /// so many milliseconds. Then a loss of power may take what was answered in that time; a crash of the process alone
    /// takes nothing. Every answer says which in `Onhand-Durability`.
    #[arg(long, value_name = "MODE", env = "ONHAND_DURABILITY", default_value_t = Durability::BeforeAnswer)]
    durability: Durability,
    /// How fresh a read of levels is that does not say. Without this a read of one level is strong and one of many is
    /// bounded.
    #[arg(long, value_enum, env = "ONHAND_READ_CONSISTENCY")]
    read_consistency: Option<ReadConsistency>,
    /// Requests that may wait for an answer in each partition; more are refused with 429 at once. One tenant's requests of
    /// one kind fill no more than half of it while they wait for their turn.
    #[arg(long, value_name = "N", env = "ONHAND_QUEUE", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    queue: u32,
    /// Milliseconds that a request may wait for its turn of which the same tenant has many waiting: more than 256 of its
    /// kind. One that would wait longer is refused with 429 at once; a new reservation that has waited twice as long when
    /// its turn comes, with 503. The time of the disk comes on top. 0 for as long as it takes.
    #[arg(long, value_name = "MS", env = "ONHAND_QUEUE_MS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    queue_ms: u32,
    /// Believe the header `Onhand-Tenant` (over gRPC the metadata `onhand-tenant`): under overload each tenant gets the
    /// same share. There are no keys yet, so switch it on only behind a proxy that sets the header itself: whoever may
    /// name himself may be many.
    #[arg(long, env = "ONHAND_TENANTS_FROM_HEADER")]
    tenants_from_header: bool,
    #[command(flatten)]
    features: features::Features,
    #[command(flatten)]
    predictions: predictions::Predictions,
    /// Hours that an idempotency key gives the same answer. The ledger is kept at least as long.
    #[arg(
        long,
        value_name = "HOURS",
        env = "ONHAND_KEY_RETENTION_HOURS",
        default_value_t = 24
    )]
    key_retention_hours: u64,
    /// Hours that an ended reservation or an arrived transfer can still be looked up by its id.
    #[arg(
        long,
        value_name = "HOURS",
        env = "ONHAND_ENDED_RETENTION_HOURS",
        default_value_t = 24
    )]
    ended_retention_hours: u64,
    /// Hours that a count may lie in the past.
    #[arg(
        long,
        value_name = "HOURS",
        env = "ONHAND_COUNT_WINDOW_HOURS",
        default_value_t = 48
    )]
    count_window_hours: u64,
    /// Open reservations that one partition may hold at most; more are refused with 503.
    #[arg(
        long,
        value_name = "N",
        env = "ONHAND_MOST_OPEN_RESERVATIONS",
        default_value_t = 20_000_000
    )]
    most_open_reservations: u64,
    /// Stock levels that one partition may hold at most.
    #[arg(
        long,
        value_name = "N",
        env = "ONHAND_MOST_LEVELS",
        default_value_t = 50_000_000, value_parser = clap::value_parser!(u64).range(1..=134_217_728)
    )]
    most_levels: u64,
    /// Days that the ledger is kept; without it for ever. Whole segments are removed behind two snapshots. Models are trained,
    /// and lost features made, from the first entry alone: a ledger that was trimmed is not enough for either.
    #[arg(long, value_name = "DAYS", env = "ONHAND_KEEP_LEDGER_DAYS")]
    keep_ledger_days: Option<u64>,
    /// MiB that the log grows by between two snapshots. Fewer make a restart faster, and write more.
    #[arg(
        long,
        value_name = "MIB",
        env = "ONHAND_SNAPSHOT_MIB",
        default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=1_048_576)
    )]
    snapshot_mib: u64,
    /// MiB of a log segment.
    #[arg(long, value_name = "MIB", env = "ONHAND_SEGMENT_MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    segment_mib: u64,
    /// The largest body of a request, in KiB; a larger one is refused with 413.
    #[arg(
        long,
        value_name = "KIB",
        env = "ONHAND_BODY_KIB",
        default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=262_144)
    )]
    body_kib: u32,
    /// Seconds that a client may take to send the head, and then the body, of a request.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "ONHAND_READ_TIMEOUT_SECONDS",
        default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    read_timeout_seconds: u64,
    /// Connections that may be open at once, of HTTP and of gRPC each; more wait in the system's queue.
    #[arg(
        long,
        value_name = "N",
        env = "ONHAND_CONNECTIONS",
        default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    connections: u32,
    /// Seconds that requests in flight get to end when the server stops.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "ONHAND_GRACE_SECONDS",
        default_value_t = 10
    )]
    grace_seconds: u64,
    /// Worker threads for connections; as many as there are cores if not said.
    #[arg(long, value_name = "N", env = "ONHAND_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// What is logged to standard error: error, warn, info, debug, trace, or a filter such as onhand_engine=debug.
    #[arg(
        long,
        value_name = "FILTER",
        env = "ONHAND_LOG",
        default_value = "info"
    )]
    log: String,
    /// How log lines are written.
    #[arg(long, value_enum, env = "ONHAND_LOG_FORMAT", default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReadConsistency {
    /// Includes every write that was answered before it was asked; goes through the writer.
    Strong,
    /// May be older, and says by how much; waits for nobody, and goes on where writes are refused.
    Bounded,
}

impl From<ReadConsistency> for Consistency {
    fn from(consistency: ReadConsistency) -> Self {
        match consistency {
            ReadConsistency::Strong => Self::Strong,
            ReadConsistency::Bounded => Self::Bounded,
        }
    }
}

/// Where to listen for gRPC.
#[derive(Clone, Copy, Debug)]
enum GrpcListen {
    Off,
    At(SocketAddr),
}

impl FromStr for GrpcListen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            address => address
                .parse()
                .map(Self::At)
                .map_err(|_| "say an address with a port, such as 127.0.0.1:7781, or off"),
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Serve {
    /// Serves until it is told to stop.
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.start_log()?;
        self.check_addresses()?;
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if let Some(threads) = self.threads {
            runtime.worker_threads(usize::from(threads));
        }
        let runtime = runtime.enable_all().build().map_err(Failure::say)?;
        let mut registry = Registry::default();
        let engine = self.open(&mut registry)?;
        let features = self.features.follow(&engine, &mut registry)?;
        let model = self.predictions.start(&engine, features.as_ref())?;
        let learned = Learned {
            features: features.clone(),
            availability: model.as_ref().map(|working| Arc::clone(&working.model)),
        };
        let listen = self.listen(Arc::clone(&engine), learned, registry);
        let done = runtime.block_on(listen);
        engine.stop();
        if let Some(model) = model {
            model.stop();
        }
        if let Some(features) = features {
            features.stop();
        }
        // A long reading of the ledger does not hold up the stop.
        runtime.shutdown_background();
        tracing::info!("stopped");
        done
    }

    fn start_log(&self) -> Result<(), Failure> {
        let filter = EnvFilter::try_new(&self.log)
            .map_err(|error| Failure::say(format!("--log {}: {error}", self.log)))?;
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        match self.log_format {
            LogFormat::Text => log.init(),
            LogFormat::Json => log.json().init(),
        }
        Ok(())
    }

    fn check_addresses(&self) -> Result<(), Failure> {
        let both = [
            ("--listen", Some(self.listen)),
            ("--grpc-listen", self.grpc_address()),
        ];
        for (flag, address) in both {
            if let Some(address) = address
                && !address.ip().is_loopback()
            {
                return Err(Failure::say(format!(
                    "{flag} {address}: without keys Onhand listens on loopback only (127.0.0.1 or [::1]); put a proxy that knows your clients in front of it"
                )));
            }
        }
        Ok(())
    }

    /// Where to listen for gRPC. Port 0 is any that is free, and stays so.
    fn grpc_address(&self) -> Option<SocketAddr> {
        match self.grpc_listen {
            Some(GrpcListen::Off) => None,
            Some(GrpcListen::At(address)) => Some(address),
            None => {
                let mut next = self.listen;
                next.set_port(match next.port() {
                    0 => 0,
                    port => port.saturating_add(1),
                });
                Some(next)
            }
        }
    }

    fn options(&self) -> Options {
        let hours = |hours: u64| Span::from_secs(hours.saturating_mul(3600));
        Options {
            partitions: self.partitions,
            admission: self.admission(),
            segment_bytes: self.segment_mib << 20,
            snapshot_bytes: self.snapshot_mib << 20,
            keep_ledger: self
                .keep_ledger_days
                .map(|days| hours(days.saturating_mul(24))),
            durability: self.durability,
            settings: Settings {
                key_retention: hours(self.key_retention_hours),
                ended_retention: hours(self.ended_retention_hours),
                count_window: hours(self.count_window_hours),
                most_open_reservations: self.most_open_reservations,
                most_levels: self.most_levels,
            },
            ..Options::default()
        }
    }

    fn admission(&self) -> Policy {
        let capacity = self.queue as usize;
        let usual = Policy::default();
        Policy {
            capacity,
            queue_time: (self.queue_ms > 0).then(|| Duration::from_millis(self.queue_ms.into())),
            // Two batches are under way at once; what lies in them must not fill the room.
            batch: usual.batch.min(capacity / 8).max(1),
            ..usual
        }
    }

    fn open(&self, registry: &mut Registry) -> Result<Arc<Engine>, Failure> {
        let bar = progress::bar("Replaying the log", 0);
        let mut show = |_, at, of| {
            bar.set_length(of);
            bar.set_position(at);
        };
        let opened = Engine::open(&self.data, self.options(), registry, &mut show);
        bar.finish_and_clear();
        let (engine, reports) = opened.map_err(Failure::say)?;
        reports.iter().for_each(tell);
        Ok(engine)
    }

    async fn listen(
        &self,
        engine: Arc<Engine>,
        learned: Learned,
        registry: Registry,
    ) -> Result<(), Failure> {
        let (listener, address) = bind("--listen", self.listen)?;
        let grpc = match self.grpc_address() {
            Some(address) => Some(bind("--grpc-listen", address)?),
            None => None,
        };
        let read_timeout = Duration::from_secs(self.read_timeout_seconds);
        let options = onhand_server::Options {
            body_limit: (self.body_kib as usize) << 10,
            body_timeout: read_timeout,
            consistency: self.read_consistency.map(Consistency::from),
            prediction_time: self.predictions.time(),
            tenants_from_header: self.tenants_from_header,
            ..onhand_server::Options::default()
        };
        let limits = Limits {
            header_timeout: read_timeout,
            connections: self.connections as usize,
            grace: Duration::from_secs(self.grace_seconds),
            ..Limits::default()
        };
        tracing::info!(
            %address,
            grpc = grpc.as_ref().map(|(_, address)| tracing::field::display(address)),
            data = %self.data.display(),
            partitions = engine.partitions(),
            durability = %engine.durability(),
            "listening, on loopback only: no keys are configured"
        );
        let app = onhand_server::app_with(engine, learned, registry, options);
        let (stop, stops) = watch::channel(());
        let told = async {
            told_to_stop().await;
            drop(stop);
        };
        let calls = async {
            if let Some((listener, _)) = grpc {
                let calls = onhand_server::grpc(Arc::clone(&app));
                onhand_server::serve_grpc(listener, calls, limits, dropped(stops.clone())).await;
            }
        };
        let routes = onhand_server::http(Arc::clone(&app));
        let routes = onhand_server::serve(listener, routes, limits, dropped(stops.clone()));
        tokio::join!(told, routes, calls);
        Ok(())
    }
}

/// Listens at an address that a flag named.
fn bind(flag: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = onhand_server::listen(address).map_err(|error| {
        Failure::say(format!(
            "cannot listen on {address}: {error}; {flag} names another"
        ))
    })?;
    let address = listener.local_addr().map_err(Failure::say)?;
    Ok((listener, address))
}

/// Waits until the sender is dropped.
async fn dropped(mut stops: watch::Receiver<()>) {
    while stops.changed().await.is_ok() {}
}

fn tell(report: &RecoveryReport) {
    for damaged in &report.damaged_snapshots {
        tracing::warn!(partition = report.partition, %damaged, "a snapshot is damaged; an older one and the log were used: move it away");
    }
    if let Some(cut) = &report.log.cut {
        tracing::warn!(
            partition = report.partition,
            segment = %cut.segment.display(),
            offset = cut.offset,
            bytes = cut.bytes,
            "cut back a torn tail: the last writes before the stop were not complete; nothing in them was durable"
        );
    }
    tracing::info!(
        partition = report.partition,
        snapshot = report.snapshot.0,
        replayed = report.replayed,
        "recovered"
    );
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(interrupt.await),
    }
    tracing::info!("stopping: requests in flight are answered first");
}
