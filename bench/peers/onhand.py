"""Onhand: `onhand bench reserve`, in process and against `onhand serve`."""

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
from statistics import median

import machine
from figure import Figure, Sample, Trouble, command

CLONE = pathlib.Path(__file__).resolve().parent.parent.parent
LEVELS = 1_000_000
NEXT_TO_NOTHING = 0.01  # seconds of load in a run that only shows what filling the stock costs


def find(given):
    """The binary to measure: a release build of this clone, if none is given."""
    if given:
        return given.resolve()
    print("Onhand: a release build", flush=True, file=sys.stderr)
    command(["cargo", "build", "--release", "--locked", "-p", "onhand"], cwd=CLONE)
    return (CLONE / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "onhand").resolve()


def doctor(binary, scratch):
    """The line that `onhand doctor` has for the disk."""
    found = json.loads(command([binary, "doctor", "--data", scratch / "doctor", "--json"]))
    return sync_line(found)


def sync_line(found):
    findings = found if isinstance(found, list) else next(v for v in found.values() if isinstance(v, list))
    for finding in findings:
        if "sync" in map(str, finding.values()):
            return "onhand doctor: " + next(str(v) for v in finding.values() if "fdatasync" in str(v))
    raise Trouble("`onhand doctor` says nothing of the disk's sync")


def bench(binary, keys, in_flight, seconds, *more):
    """One run of the bench: what it printed and the CPU seconds it took."""
    before = os.times()
    printed = command([binary, "bench", "reserve", "--levels", LEVELS, "--keys", keys, "--in-flight", in_flight,
                       "--seconds", seconds, "--runs", 1, "--json", *more])
    after = os.times()
    run = json.loads(printed)[0]
    if run["failed"]:
        raise Trouble(f"{run['failed']} of Onhand's reservations failed")
    return run, after.children_user + after.children_system - before.children_user - before.children_system


def sample(run, cpu):
    tail = (run[name] / 1e6 for name in ("p50_micros", "p99_micros", "p999_micros"))
    return Sample(run["per_second"], *tail, max(cpu, 0) * 1000 / run["reserves"])


class InProcess(Figure):
    """The engine and the load generator in one process: no network."""

    filling = None  # CPU seconds to open, fill and close, measured once

    def __init__(self, binary, scratch, keys, in_flight):
        super().__init__("Onhand", "in process", keys, "log fdatasync before the answer", in_flight)
        self.binary, self.scratch = binary, scratch

    def measure(self, seconds):
        if InProcess.filling is None:
            InProcess.filling = median(self.once(NEXT_TO_NOTHING)[1] for _ in range(3))
        run, cpu = self.once(seconds)
        return sample(run, cpu - InProcess.filling)

    def once(self, seconds):
        folder = self.scratch / "in-process"
        try:
            return bench(self.binary, self.keys, self.in_flight, seconds, "--data", folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class OverHttp(Figure):
    """`onhand serve` and the load generator in two processes, over loopback."""

    def __init__(self, binary, scratch, keys, connections):
        super().__init__("Onhand", "HTTP, one a request", keys, "log fdatasync before the answer", connections)
        self.binary, self.scratch = binary, scratch

    def measure(self, seconds):
        address = free_address()
        folder = self.scratch / "http"
        arguments = [self.binary, "serve", "--data", folder, "--listen", address, "--log", "error"]
        server = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            wait_until_ready(address, server)
            self.load(server, address, NEXT_TO_NOTHING)
            _, repeating = self.load(server, address, NEXT_TO_NOTHING)
            run, cpu = self.load(server, address, seconds)
            return sample(run, cpu - repeating)
        finally:
            server.kill()
            server.wait()
            shutil.rmtree(folder, ignore_errors=True)

    def load(self, server, address, seconds):
        """A run, and the server's CPU seconds. Each asks for the receipts again, with the same keys."""
        before = machine.cpu_of(server.pid)
        run, _ = bench(self.binary, self.keys, self.in_flight, seconds, "--http", address)
        return run, machine.cpu_of(server.pid) - before


def free_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def wait_until_ready(address, server):
    until = time.monotonic() + 30
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{address}/readyz", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise Trouble("`onhand serve` did not become ready within 30 seconds")
