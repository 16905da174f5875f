"""Redis 7: a server of its own in a temporary folder, driven by redis-benchmark."""

import os
import pathlib
import re
import shutil
import subprocess
import time

import machine
from figure import Figure, Sample, Trouble, command

HERE = pathlib.Path(__file__).resolve().parent / "redis"
DURABILITY = "append-only file fsync before the answer (appendfsync always)"
LEVELS = 1_000_000
ON_HAND = 1_000_000_000_000
LEVELS_A_READ = 100
# redis-benchmark writes a random number of twelve digits, below its -r, over each of these.
ANY = "__rand_int__"


def install():
    """Debian's package, if it is not there."""
    if shutil.which("redis-server") and shutil.which("redis-benchmark"):
        return
    if os.geteuid() != 0:
        raise Trouble("Redis is not installed. Run this as root, or `apt-get install redis-server` first")
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command(["apt-get", "update"], env=quiet)
    command(["apt-get", "install", "-y", "--no-install-recommends", "redis-server"], env=quiet)


def version():
    return command(["redis-server", "--version"]).strip()


class Server:
    """A server with full stock and nothing else; a new one for each measurement, as Onhand gets an empty folder."""

    def __init__(self, scratch):
        self.folder = scratch / "redis"
        self.socket = self.folder / "socket"

    def __enter__(self):
        self.folder.mkdir()
        arguments = ["redis-server", HERE / "redis.conf", "--dir", self.folder, "--unixsocket", self.socket]
        self.process = subprocess.Popen(list(map(str, arguments)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.wait_until_ready()
            self.fill()
            self.script = self.ask("script", "load", (HERE / "reserve.lua").read_text())
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        """At once: nobody needs the data again."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_until_ready(self):
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            if self.socket.exists() and self.ask("ping") == "PONG":
                return
            time.sleep(0.05)
        raise Trouble("redis-server did not start within 30 seconds")

    def fill(self):
        self.ask("config", "set", "appendfsync", "no")
        levels = "".join(f"HSET level:{level:012} on_hand {ON_HAND} reserved 0\r\n" for level in range(LEVELS))
        command(["redis-cli", "-s", self.socket, "--pipe"], input=levels)
        self.ask("config", "set", "appendfsync", "always")

    def ask(self, *words):
        return command(["redis-cli", "-s", self.socket, *words]).strip()

    def prove_script(self):
        """The script does what it is measured for."""
        ask = lambda *words: self.ask("evalsha", self.script, "2", *words)
        level = f"level:{1:012}"
        first = ask(level, "a", "2", "600")
        answers = {
            "the same again": (ask(level, "a", "2", "600"), first),
            "another body": (ask(level, "a", "3", "600").split()[0], "USED"),
            "too much": (ask(level, "b", str(ON_HAND), "600").split()[0], "SHORT"),
            "an unknown level": (ask("level:nowhere", "c", "1", "600").split()[0], "SHORT"),
            "the level": (self.ask("hget", level, "reserved"), "2"),
        }
        for what, (got, wanted) in answers.items():
            if got != wanted:
                raise Trouble(f"Redis' script is wrong: {what} gives {got}, not {wanted}")
        self.prove_rows(1)

    def prove_rows(self, answered, spare=0):
        """Every reservation has left its ledger entry, its key, its record, and is in the levels. redis-benchmark sends
        up to `spare` more than it waits for."""
        made = int(self.ask("xlen", "ledger"))
        if not answered <= made <= answered + spare:
            raise Trouble(f"Redis answered {answered} reservations, but has {made} ledger entries")
        # Besides levels, keys and records: the counter, the ledger, the index of expiries.
        has = {
            "keys": (int(self.ask("dbsize")), LEVELS + 2 * made + 3),
            "units more reserved than reservations": (int(self.ask("eval", SUM, "0", str(LEVELS))) - made, 1),
        }
        for what, (got, wanted) in has.items():
            if got != wanted:
                raise Trouble(f"Redis made {made} reservations, but has {got} {what} and not {wanted}")


SUM = """
local sum = 0
for level = 0, ARGV[1] - 1 do sum = sum + redis.call('HGET', string.format('level:%012d', level), 'reserved') end
return sum
"""


def benchmark(server, clients, pipeline, requests, *words):
    """One redis-benchmark run: commands a second, and the p50, p99 and p99.9 of one."""
    printed = command(["redis-benchmark", "-s", server.socket, "-c", clients, "-P", pipeline, "-n", requests,
                       "-r", LEVELS, "--precision", "3", *words])
    if "Error" in printed:
        raise Trouble(f"redis-benchmark had failures:\n{printed[-2000:]}")
    rate = float(re.search(r"throughput summary: ([0-9.]+)", printed)[1])
    return rate, *(quantile(printed, share) for share in (50, 99, 99.9))


def measured(server, in_flight, seconds, run):
    """A short run tells how many requests the seconds hold. Gives how many were tried, how many measured, and how it went."""
    tried = max(2_000, 4 * in_flight)
    requests = max(tried, round(run(tried, "tried")[0] * seconds))
    before = machine.cpu_of(server.process.pid)
    rate, *tail = run(requests, "measured")
    cpu = machine.cpu_of(server.process.pid) - before
    return tried, requests, Sample(rate, *tail, cpu * 1000 / requests)


class Load(Figure):
    """Reservations by so many clients, each with so many in flight."""

    def __init__(self, scratch, keys, clients, pipeline):
        how = "one script call a reservation" + (", pipelined" if pipeline > 1 else "")
        super().__init__("Redis", how, keys, DURABILITY, clients * pipeline)
        self.scratch, self.clients, self.pipeline = scratch, clients, pipeline

    def measure(self, seconds):
        level = f"level:{ANY}" if self.keys == "uniform" else f"level:{0:012}"
        with Server(self.scratch) as server:
            server.prove_script()
            # A name for each run: redis-benchmark's random numbers come of the second and the process, and may be the same.
            run = lambda requests, name: benchmark(server, self.clients, self.pipeline, requests, "evalsha", server.script,
                                                   "2", level, f"key:{name}:{ANY}{ANY}{ANY}", "1", "600")
            tried, requests, sample = measured(server, self.in_flight, seconds, run)
            server.prove_rows(1 + tried + requests, spare=2 * self.in_flight)
        return sample


class Reads(Figure):
    """Reads of 100 levels, pipelined. Nothing is written beside them: kind to Redis."""

    def __init__(self, scratch, clients):
        super().__init__("Redis", f"{LEVELS_A_READ} levels a pipeline, nothing beside", "uniform", "nothing is written", clients, "Reads")
        self.scratch = scratch

    def measure(self, seconds):
        with Server(self.scratch) as server:
            run = lambda requests, _: benchmark(server, self.in_flight, LEVELS_A_READ, requests, "hmget", f"level:{ANY}",
                                                "on_hand", "reserved")
            _, _, sample = measured(server, self.in_flight * LEVELS_A_READ, seconds, run)
        sample.rate, sample.cpu = sample.rate / LEVELS_A_READ, sample.cpu * LEVELS_A_READ
        return sample


def quantile(printed, share):
    """Seconds that this percentage of all requests did not exceed, from redis-benchmark's cumulative list."""
    rows = re.findall(r"([0-9.]+)% <= ([0-9.]+) milliseconds", printed)
    return next(float(millis) / 1e3 for percent, millis in rows if float(percent) >= share)
