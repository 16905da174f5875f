"""Onhand: in process (`onhand bench reserve`), and `onhand serve` asked by `onhand-load`. And bare servers of the same
libraries, which do nothing: what the network costs by itself."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from statistics import median

from figure import Figure, Sample, Trouble, command

CLONE = pathlib.Path(__file__).resolve().parent.parent.parent
LEVELS = 1_000_000
DURABILITY = "log fdatasync before the answer"
NEXT_TO_NOTHING = 0.01  # seconds of load in a run that only shows what filling the stock costs
WARM_UP = 1
PEAK = 36_000  # reservations a second, of a national marketplace
WRITES_BESIDE_READS = 5_000  # reservations a second
WRITES_AT_LEAST = 0.98  # of them; fewer would be another measurement


@dataclass
class Programs:
    onhand: pathlib.Path
    load: pathlib.Path


def find(folder):
    """The programs to measure: in this folder, or a release build of this clone."""
    if not folder:
        print("Onhand: a release build", flush=True, file=sys.stderr)
        command(["cargo", "build", "--release", "--locked", "-p", "onhand", "-p", "onhand-load"], cwd=CLONE)
        folder = CLONE / os.environ.get("CARGO_TARGET_DIR", "target") / "release"
    return Programs(*((folder / name).resolve() for name in ("onhand", "onhand-load")))


def doctor(programs, scratch):
    """The line that `onhand doctor` has for the disk."""
    found = json.loads(command([programs.onhand, "doctor", "--data", scratch / "doctor", "--json"]))
    findings = found if isinstance(found, list) else next(v for v in found.values() if isinstance(v, list))
    for finding in findings:
        if "sync" in map(str, finding.values()):
            return "onhand doctor: " + next(str(v) for v in finding.values() if "fdatasync" in str(v))
    raise Trouble("`onhand doctor` says nothing of the disk's sync")


class InProcess(Figure):
    """The engine and the load generator in one process: no network."""

    filling = None  # CPU seconds to open, fill and close, measured once

    def __init__(self, programs, scratch, keys, in_flight):
        super().__init__("Onhand", "in process", keys, DURABILITY, in_flight)
        self.programs, self.scratch = programs, scratch

    def measure(self, seconds):
        if InProcess.filling is None:
            InProcess.filling = median(self.once(NEXT_TO_NOTHING)[1] for _ in range(3))
        run, cpu = self.once(seconds)
        tail = (run[name] / 1e6 for name in ("p50_micros", "p99_micros", "p999_micros"))
        return Sample(run["per_second"], *tail, max(cpu - InProcess.filling, 0) * 1000 / run["reserves"])

    def once(self, seconds):
        """One run of the bench: what it printed and the CPU seconds it took."""
        folder = self.scratch / "in-process"
        before = os.times()
        try:
            printed = command([self.programs.onhand, "bench", "reserve", "--levels", LEVELS, "--keys", self.keys,
                               "--in-flight", self.in_flight, "--seconds", seconds, "--runs", 1, "--json",
                               "--data", folder])
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        after = os.times()
        run = json.loads(printed)[0]
        if run["failed"]:
            raise Trouble(f"{run['failed']} of Onhand's reservations failed")
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return run, cpu


class Served(Figure):
    """`onhand serve` and the load generator, two processes over loopback."""

    def __init__(self, programs, scratch, keys, in_flight, protocol, how, batch=None, section="Over the network"):
        super().__init__("Onhand", how, keys, DURABILITY, in_flight, section)
        self.programs, self.scratch, self.protocol, self.batch = programs, scratch, protocol, batch

    def measure(self, seconds):
        with Server(self.programs, self.scratch / "served") as server:
            return self.load(server, seconds)

    def load(self, server, seconds):
        to = server.grpc if self.protocol.startswith("grpc") else server.http
        batch = ["--batch", self.batch] if self.batch else []
        return load(self.programs, to, server.process.pid, seconds, "--protocol", self.protocol, "--keys", self.keys,
                    "--in-flight", self.in_flight, *batch, tail_of=self.tail_of)

    def tail_of(self, run):
        return run["total"]["accepted"]


class Due(Served):
    """An open loop: so many reservations are due each second, and each is timed from when it was due."""

    def __init__(self, programs, scratch, in_flight, due):
        super().__init__(programs, scratch, "uniform", in_flight, "http", f"HTTP, one a request, {due:,} due a second")
        self.due = due

    def load(self, server, seconds):
        return load(self.programs, server.http, server.process.pid, seconds, "--open", self.due, "--in-flight", self.in_flight)


class Neighbours(Served):
    """The other SKUs, while one takes 90 % of the load: their latencies alone, and the rate of all."""

    def __init__(self, programs, scratch, in_flight):
        super().__init__(programs, scratch, "hot:0.9", in_flight, "http", "HTTP, one a request: the hot SKU's neighbours")

    def tail_of(self, run):
        return next(row["accepted"] for row in run["rows"] if "neighbours" in row["name"])


class Reads(Served):
    """Availability of 100 levels a request, while reservations go on."""

    def __init__(self, programs, scratch, keys, in_flight):
        how = f"HTTP, 100 levels a request, beside {WRITES_BESIDE_READS:,} reservations/s"
        super().__init__(programs, scratch, keys, in_flight, "http", how, section="Reads")

    def load(self, server, seconds):
        writes = start([self.programs.load, "run", "--to", server.http, "--levels", LEVELS, "--open",
                        WRITES_BESIDE_READS, "--seconds", seconds + 3 * WARM_UP, "--json"], stdout=subprocess.PIPE)
        try:
            read = load(self.programs, server.http, server.process.pid, seconds, "--work", "availability", "--keys",
                        self.keys, "--in-flight", self.in_flight, is_read=True)
        finally:
            printed, _ = writes.communicate()
        check_writes(writes.returncode, printed)
        return read


def check_writes(code, printed):
    """The reservations beside the reads must have been made at the rate that the row says."""
    if code:
        raise Trouble("the reservations beside the reads failed")
    total = json.loads(printed)["total"]
    rate, p99 = total["accepted_units_per_second"], total["accepted"]["p99_micros"] / 1e3
    print(f"  beside the reads: {rate:,.0f} reservations/s, p99 {p99:.1f} ms", file=sys.stderr, flush=True)
    if rate < WRITES_AT_LEAST * WRITES_BESIDE_READS:
        raise Trouble(f"beside the reads only {rate:,.0f} of {WRITES_BESIDE_READS:,} reservations/s were made")


class Bare(Figure):
    """A server of the same library that answers at once and does nothing."""

    def __init__(self, programs, keys, in_flight, protocol, how):
        super().__init__("Bare", how, keys, "nothing is done", in_flight, "Over the network")
        self.programs, self.protocol = programs, protocol

    def measure(self, seconds):
        address = free_address()
        flag = "--grpc" if self.protocol == "grpc" else "--http"
        server = start([self.programs.load, "echo", flag, address])
        try:
            wait_until_open(address, server)
            return load(self.programs, address, server.pid, seconds, "--protocol", self.protocol, "--in-flight",
                        self.in_flight)
        finally:
            server.kill()
            server.wait()


def load(programs, to, pid, seconds, *more, is_read=False, tail_of=lambda run: run["total"]["accepted"]):
    """One run of the load generator, the server's CPU time with it. `tail_of` says whose latencies are of interest."""
    run = json.loads(command([programs.load, "run", "--to", to, "--pid", pid, "--levels", LEVELS, "--seconds", seconds,
                              "--warmup", WARM_UP, "--json", *more]))
    total, cpu = run["total"], run["cpu"]
    latency = tail_of(run)
    if total["denied"]:
        raise Trouble(f"not all of Onhand's answers were good: {total['denied']}")
    rate = total["requests_per_second"] if is_read else total["accepted_units_per_second"]
    tail = (latency[name] / 1e6 for name in ("p50_micros", "p99_micros", "p999_micros"))
    # A run that is cut short by a slow answer goes on a little: the CPU times are of the measured seconds alone.
    per_thousand = lambda seconds: seconds * 1000 / (rate * cpu["measured_seconds"])
    return Sample(rate, *tail, per_thousand(cpu["server_seconds"]), generator=per_thousand(cpu["generator_seconds"]))


class Server:
    """A server with full stock."""

    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.http, self.grpc = free_address(), free_address()

    def __enter__(self):
        self.process = start([self.programs.onhand, "serve", "--data", self.folder, "--listen", self.http,
                              "--grpc-listen", self.grpc, "--queue-ms", 0, "--log", "error"])
        try:
            wait_until_ready(self.http, self.process)
            command([self.programs.load, "fill", "--to", self.http, "--levels", LEVELS])
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(arguments, stdout=subprocess.DEVNULL):
    return subprocess.Popen([str(part) for part in arguments], stdout=stdout, stderr=subprocess.DEVNULL)


def free_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def wait_until_ready(address, server):
    def is_ready():
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=1):
            return True

    wait_until(is_ready, server, "`onhand serve`")


def wait_until_open(address, server):
    host, port = address.split(":")

    def is_open():
        with socket.create_connection((host, int(port)), timeout=1):
            return True

    wait_until(is_open, server, "the bare server")


def wait_until(is_there, server, what):
    until = time.monotonic() + 30
    while time.monotonic() < until and server.poll() is None:
        try:
            if is_there():
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise Trouble(f"{what} did not become ready within 30 seconds")
