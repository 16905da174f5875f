"""What the machine is, what it is doing, and CPU time from /proc."""

import os
import pathlib
import platform
import statistics
import time

TICK = 1 / os.sysconf("SC_CLK_TCK")
SLOW_SYNC = 0.001  # seconds; a disk that has used up its burst takes several milliseconds
BUSY = 0.25  # of all cores, taken by others


def facts(folder):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        f"{os.cpu_count()} cores, {cpu_model()}, {memory:.0f} GiB of memory",
        f"{platform.system()} {platform.release()}, {file_system(folder)} (both sides on the same one)",
    ]


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def file_system(folder):
    """The type of the file system that holds the folder: the longest mount point above it."""
    mounts = [line.split()[1:3] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    above = [(len(point), kind) for point, kind in mounts if is_above(point, folder)]
    return max(above)[1]


def is_above(point, folder):
    folder = pathlib.Path(folder).resolve()
    return pathlib.Path(point) in [folder, *folder.parents]


def wait_until_calm(folder, patience):
    """Waits for a fast disk and idle cores; gives what syncs took and whether it became calm in time."""
    until = time.monotonic() + patience
    while True:
        busy, syncs = busy_share(0.5), sync_times(folder, 15)
        is_calm = busy < BUSY and statistics.median(syncs) < SLOW_SYNC
        if is_calm or time.monotonic() > until:
            return syncs, is_calm
        time.sleep(1)


def sync_times(folder, times):
    """Seconds that appends of 4 KiB and fdatasync took, one after the other, to a file that has its blocks."""
    path = pathlib.Path(folder) / "sync-probe"
    took = []
    with open(path, "wb", buffering=0) as file:
        file.write(bytes(4096 * times))
        os.fdatasync(file.fileno())
        file.seek(0)
        for _ in range(times):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - start)
    path.unlink()
    return took


def busy_share(seconds):
    before = cpu_times()
    time.sleep(seconds)
    total, idle = (after - earlier for after, earlier in zip(cpu_times(), before))
    return 1 - idle / max(total, 1)


def cpu_times():
    """All ticks and idle ticks (waiting for a disk is idle) since the start of the machine."""
    ticks = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def cpu_of(process):
    """CPU seconds of a process, of its children that are alive, and of those that it has buried."""
    own = stat(process)
    if own is None:
        return 0.0
    children = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()
    living = [stat(child) for child in children]
    ticks = sum(own[:4]) + sum(sum(child[:2]) for child in living if child)
    return ticks * TICK


def stat(process):
    """User, system, and the buried children's user and system ticks."""
    try:
        text = pathlib.Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return [int(field) for field in text.rsplit(")", 1)[1].split()[11:15]]
