"""PostgreSQL 15: a cluster of its own in a temporary folder, driven by pgbench."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
from collections import Counter

import machine
from figure import Figure, Sample, Trouble, command

HERE = pathlib.Path(__file__).resolve().parent / "postgres"
PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
BATCH = 100
DURABILITY = "WAL fdatasync before the answer"
UNSYNCED = "with synchronous_commit = off, WAL synced within 0.6 s after the answer"


def install():
    """Debian's package, if it is not there."""
    if (PROGRAMS / "pgbench").exists():
        return
    if os.geteuid() != 0:
        raise Trouble("PostgreSQL 15 is not installed. Run this as root, or `apt-get install postgresql-15` first")
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command(["apt-get", "update"], env=quiet)
    command(["apt-get", "install", "-y", "--no-install-recommends", "postgresql-15"], env=quiet)


def version():
    return command([PROGRAMS / "postgres", "--version"]).strip()


class Cluster:
    """A temporary cluster. Root hands it to the system user postgres; anyone else runs it themselves."""

    def __init__(self, scratch):
        self.folder = scratch / "postgres"
        self.data = self.folder / "data"
        self.sessions = 0
        self.server = None
        self.who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

    def start(self):
        self.folder.mkdir(mode=0o700)
        if self.who:
            shutil.chown(self.folder, "postgres", "postgres")
        self.run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.write((HERE / "postgresql.conf.extra").read_text())
        self.start_server()
        self.sql((HERE / "schema.sql").read_text())
        self.sql("vacuum analyze level")
        self.sql("checkpoint")
        self.clear()

    def start_server(self):
        arguments = [PROGRAMS / "postgres", "-D", self.data, "-k", self.folder]
        with open(self.folder / "log", "w") as log:
            self.server = subprocess.Popen(arguments, cwd="/", stdout=log, stderr=log, **self.who)
        until = time.monotonic() + 60
        while not self.is_ready():
            if time.monotonic() > until or self.server.poll() is not None:
                raise Trouble(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def is_ready(self):
        return subprocess.run([PROGRAMS / "pg_isready", "-q", "-h", self.folder]).returncode == 0

    def stop(self):
        """At once: nobody needs the data again."""
        if self.server:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait()

    def run(self, program, *arguments, **more):
        return command([PROGRAMS / program, *arguments], cwd="/", **self.who, **more)

    def sql(self, text):
        flags = ["-qAtX", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres"]
        return self.run("psql", *flags, input=text).strip()

    def singles(self, keys, clients):
        return Load(self, keys, clients, keys, 1, "one call a reservation")

    def unsynced(self, keys, clients):
        load = Load(self, keys, clients, keys, 1, "one call a reservation, synchronous_commit = off", UNSYNCED)
        load.is_durable = False
        return load

    def batches(self, keys, clients):
        return Load(self, keys, clients, f"{keys}-batch", BATCH, f"one call a batch of {BATCH}")

    def reads(self, clients):
        return Reads(self, clients)

    def prove_function(self):
        """The function does what it is measured for."""
        self.expect("reserve('a', 'store-1', 'sku-1', 2, 600) = reserve('a', 'store-1', 'sku-1', 2, 600)")
        self.expect("(select reserved = 2 from level where location = 'store-1' and sku = 'sku-1')")
        self.expect_refusal("reserve('a', 'store-1', 'sku-1', 3, 600)", "another request")
        self.expect_refusal("reserve('b', 'store-1', 'sku-1', 1000000000000, 600)", "not enough")
        self.expect_refusal("reserve('c', 'nowhere', 'sku-1', 1, 600)", "not enough")
        pair = "array['store-1', 'store-1'], array['sku-1', 'sku-1']"
        self.expect(f"cardinality(reserve_many(array['d', 'e'], {pair}, array[1, 1], 600)) = 2")
        self.expect_refusal(f"reserve_many(array['d', 'f'], {pair}, array[1, 1], 600)", "used before")
        self.expect_refusal(f"reserve_many(array['g', 'h'], {pair}, array[1, 999999999999], 600)", "not enough")
        self.prove_rows(3)

    def expect(self, condition):
        if self.sql(f"select {condition}") != "t":
            raise Trouble(f"PostgreSQL's function is wrong: not {condition}")

    def expect_refusal(self, call, reason):
        try:
            self.sql(f"select {call}")
        except Trouble as refusal:
            if reason in str(refusal):
                return
        raise Trouble(f"PostgreSQL's function is wrong: {call} should be refused")

    def prove_rows(self, reserves):
        """Every reservation has left its key, its row and its ledger entry, and is in the levels."""
        for table in ("idempotency_key", "reservation", "ledger"):
            rows = int(self.sql(f"select count(*) from {table}"))
            if rows != reserves:
                raise Trouble(f"PostgreSQL answered {reserves} reservations, but {table} has {rows} rows")
        self.expect("(select sum(reserved) from level)"
                    " = (select reserved from before) + (select sum(quantity) from ledger)")

    def clear(self):
        """Empty tables for each run, as Onhand gets an empty folder; what is reserved stays."""
        self.sql("drop table if exists before;"
                 "create table before as select sum(reserved) as reserved from level;"
                 "truncate idempotency_key, reservation, ledger")

    def warm_up(self, seconds):
        """Touches every page, so that no run pays for whole pages in the log after the checkpoint."""
        self.batches("uniform", 4).measure(seconds)
        self.singles("uniform", 16).measure(seconds)

    def cpu(self):
        return machine.cpu_of(self.server.pid)


class Load(Figure):
    """One pgbench run."""

    def __init__(self, cluster, keys, clients, script, batch, how, durability=DURABILITY):
        super().__init__("PostgreSQL", how, keys, durability, clients)
        self.cluster, self.script, self.batch = cluster, script, batch

    def measure(self, seconds):
        cluster = self.cluster
        cluster.sessions += 1
        cluster.clear()
        commit = "on" if self.is_durable else "off"
        printed, transactions, sample = pgbench(cluster, self.in_flight, self.script, seconds, commit)
        if "failed transactions: 0 " not in printed or "aborted" in printed:
            raise Trouble(f"pgbench had failures:\n{printed}")
        cluster.prove_rows(transactions * self.batch)
        sample.rate, sample.cpu = sample.rate * self.batch, sample.cpu / self.batch
        return sample


class Reads(Figure):
    """Reads of 100 levels of a location. Nothing is written beside them: kind to PostgreSQL."""

    def __init__(self, cluster, clients):
        super().__init__("PostgreSQL", "one select of 100 levels, nothing beside", "uniform", "nothing is written", clients, "Reads")
        self.cluster = cluster

    def measure(self, seconds):
        return pgbench(self.cluster, self.in_flight, "read", seconds)[2]


def pgbench(cluster, clients, script, seconds, commit="on"):
    """One run: what was printed, how many transactions there were, and how it went by transaction."""
    logs = cluster.folder / "log-of-run"
    arguments = ["-h", cluster.folder, "-U", "postgres", "-n", "-M", "prepared", "-f", "-", "-c", clients,
                 "-j", min(clients, os.cpu_count()), "-T", max(1, round(seconds)), "-D", "n=0",
                 "-D", f"session={cluster.sessions}", "--log", "--log-prefix", logs, "postgres"]
    before = cluster.cpu()
    options = {**os.environ, "PGOPTIONS": f"-c synchronous_commit={commit}"}
    printed = cluster.run("pgbench", *arguments, input=(HERE / f"{script}.sql").read_text(), env=options)
    time.sleep(0.2)  # for the last backend to be buried
    cpu = cluster.cpu() - before
    took = latencies(logs)
    if not took:
        raise Trouble(f"pgbench did nothing in {seconds:g} s:\n{printed}")
    rate = float(re.search(r"tps = ([0-9.]+)", printed)[1])
    tail = (quantile(took, q) for q in (0.5, 0.99, 0.999))
    return printed, took.total(), Sample(rate, *tail, cpu * 1000 / took.total())


def latencies(prefix):
    """How many transactions took so many microseconds, from pgbench's logs, which are then removed."""
    took = Counter()
    for path in prefix.parent.glob(prefix.name + ".*"):
        with open(path) as lines:
            took.update(int(line.split(None, 3)[2]) for line in lines)
        path.unlink()
    return took


def quantile(took, share):
    """The smallest time, in seconds, that this share of all transactions did not exceed."""
    rank, seen = share * took.total(), 0
    for micros in sorted(took):
        seen += took[micros]
        if seen >= rank:
            return micros / 1e6
    raise Trouble("pgbench finished no transaction; try more --seconds")
