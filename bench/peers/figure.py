"""A figure: something measured once a round. A sample: what one round gave."""

import subprocess
from dataclasses import dataclass, field
from statistics import median


class Trouble(Exception):
    """Ends the run with one sentence for the user."""


@dataclass
class Sample:
    rate: float  # reservations a second; for reads, requests a second
    p50: float  # seconds, of one answer (of a whole batch, for batches)
    p99: float
    p999: float
    cpu: float  # seconds of user and system time for 1,000 reservations, or 1,000 reads
    generator: float = None  # the same of the load generator, where it is a process of its own that was measured
    sync_before: list = field(default_factory=list)  # seconds, of appends of 4 KiB just before
    is_calm: bool = True


@dataclass
class Figure:
    peer: str
    how: str
    keys: str
    durability: str
    in_flight: int
    section: str = "Durable reservations"
    is_durable: bool = True  # answered after the sync; what is not is shown, and compared with nothing
    samples: list = field(default_factory=list)

    def name(self):
        return f"{self.peer}, {self.how}, {self.keys}, {self.in_flight} in flight"

    def median(self, field):
        return median(getattr(sample, field) for sample in self.samples)

    def generator(self):
        """The median of what the load generator took, if that is known."""
        known = [sample.generator for sample in self.samples if sample.generator is not None]
        return median(known) if known else None

    def extreme(self, which):
        return which(sample.rate for sample in self.samples)


def command(arguments, **more):
    """Runs a program to its end and gives what it printed."""
    try:
        done = subprocess.run([str(part) for part in arguments], capture_output=True, text=True, **more)
    except FileNotFoundError as error:
        raise Trouble(f"{arguments[0]} is not there: {error}") from None
    if done.returncode != 0:
        raise Trouble(f"`{' '.join(map(str, arguments))}` failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout
