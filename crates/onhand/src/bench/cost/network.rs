//! What a request costs a server: `onhand serve` as a process of its own, asked by `onhand-load`.

use super::prices::{Ground, Prices};
use crate::bench::scratch::Scratch;
use crate::failure::Failure;
use crate::progress;
use serde_json::Value;
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Reservations of a batch, and levels of a read.
pub(super) const BATCH: &str = "100";
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures the prices that are not known yet.
pub(super) fn complete(ground: Ground, prices: &mut Prices) -> Result<(), Failure> {
    let spinner = progress::spinner("Asking a server");
    let ways: [(_, &mut Option<f64>, _, &[&str]); 4] = [
        (
            "HTTP",
            &mut prices.http_cpu_us,
            Way::Http,
            &["--protocol", "http"],
        ),
        (
            "batches",
            &mut prices.batch_cpu_us,
            Way::Http,
            &["--protocol", "http-batch", "--batch", BATCH],
        ),
        (
            "gRPC",
            &mut prices.grpc_cpu_us,
            Way::Grpc,
            &["--protocol", "grpc"],
        ),
        (
            "reads",
            &mut prices.read_cpu_us,
            Way::Http,
            &["--work", "availability", "--items", BATCH],
        ),
    ];
    let mut server = None;
    for (name, price, way, arguments) in ways {
        if price.is_some() {
            continue;
        }
        spinner.set_message(format!("Asking a server: {name}"));
        let server = match &mut server {
            Some(server) => server,
            none => none.insert(Server::start(ground)?),
        };
        *price = Some(server.cpu_us(ground, way, arguments)?);
    }
    spinner.finish_and_clear();
    Ok(())
}

#[derive(Clone, Copy)]
enum Way {
    Http,
    Grpc,
}

/// A server with full stock, on a folder that is removed again.
struct Server {
    child: Child,
    http: SocketAddr,
    grpc: SocketAddr,
    load: PathBuf,
    _folder: Scratch,
}

impl Server {
    fn start(ground: Ground) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(Failure::say)?;
        let load = program.with_file_name("onhand-load");
        if !load.exists() {
            return Err(Failure::say(format!(
                "{} is not there: build it (`cargo build --release`), or say what it measured with --http-cpu-us, \
                 --batch-cpu-us, --grpc-cpu-us and --read-cpu-us",
                load.display()
            )));
        }
        let folder = Scratch::new(None);
        let (http, grpc) = (free_address()?, free_address()?);
        let mut serve = Command::new(program);
        serve.arg("serve").arg("--data").arg(&folder.path);
        serve.args([
            "--listen",
            &http.to_string(),
            "--grpc-listen",
            &grpc.to_string(),
        ]);
        // A closed loop waits as long as it takes.
        serve.args(["--queue-ms", "0", "--log", "error"]);
        let child = serve.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut server = Self {
            child: child.map_err(Failure::say)?,
            http,
            grpc,
            load,
            _folder: folder,
        };
        server.wait_until_open()?;
        let (to, levels) = (http.to_string(), ground.levels.to_string());
        output(&server.load, &["fill", "--to", &to, "--levels", &levels])?;
        Ok(server)
    }

    fn wait_until_open(&mut self) -> Result<(), Failure> {
        let start = Instant::now();
        while TcpStream::connect(self.http).is_err() {
            let is_gone = self.child.try_wait().map_err(Failure::say)?.is_some();
            if is_gone || start.elapsed() > PATIENCE {
                return Err(Failure::say("the server to be measured did not start"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// CPU µs of the server for each reservation, or for each request to read.
    fn cpu_us(&self, ground: Ground, way: Way, arguments: &[&str]) -> Result<f64, Failure> {
        let to = match way {
            Way::Http => self.http,
            Way::Grpc => self.grpc,
        };
        let common = [
            ("--to", to.to_string()),
            ("--pid", self.child.id().to_string()),
            ("--levels", ground.levels.to_string()),
            ("--in-flight", ground.in_flight.to_string()),
            ("--seconds", ground.time.as_secs_f64().to_string()),
            ("--warmup", "1".to_owned()),
        ];
        let mut all = vec!["run", "--json"];
        common
            .iter()
            .for_each(|(flag, value)| all.extend([flag, value.as_str()]));
        all.extend(arguments);
        let printed = output(&self.load, &all)?;
        let summary: Value = serde_json::from_slice(&printed).map_err(Failure::say)?;
        let rate = match arguments.contains(&"availability") {
            true => &summary["total"]["requests_per_second"],
            false => &summary["total"]["accepted_units_per_second"],
        };
        let cpu = &summary["cpu"];
        let seconds = |name: &str| cpu[name].as_f64();
        let cost = |rate: f64| {
            Some(1e6 * seconds("server_seconds")? / (rate * seconds("measured_seconds")?))
        };
        rate.as_f64()
            .filter(|rate| *rate > 0.0)
            .and_then(cost)
            .ok_or_else(|| Failure::say("`onhand-load` did not say what the server used"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(Failure::say)?;
    listener.local_addr().map_err(Failure::say)
}

/// Runs a program to its end; gives what it printed.
fn output(program: &Path, arguments: &[impl AsRef<OsStr>]) -> Result<Vec<u8>, Failure> {
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let done =
        done.map_err(|error| Failure::say(format!("cannot run {}: {error}", program.display())))?;
    match done.status.success() {
        true => Ok(done.stdout),
        false => {
            let said = String::from_utf8_lossy(&done.stderr);
            Err(Failure::say(format!(
                "{} failed: {}",
                program.display(),
                said.trim()
            )))
        }
    }
}
