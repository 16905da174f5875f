"""The tables, and what the figures say of the bars."""

from statistics import median

HEAD = ("figure", "keys", "in flight", "runs", "a second", "lowest to highest", "p50 ms", "p99 ms", "p99.9 ms", "CPU s per 1,000",
        "and the generator's", "ratio")
SECTIONS = {
    "Durable reservations": "Reservations a second. Ratio: to PostgreSQL's and to Redis' best, each reservation on its own, on the "
                            "same keys.",
    "Over the network": "Reservations a second, or answers of the bare server. Ratio: to the bare server with as many in flight. The server runs "
                        "with `--queue-ms 0`: it refuses nothing for how long it would wait, so that all that is asked is done.",
    "Reads": "Requests a second, each for 100 levels. Ratio: to Redis and to PostgreSQL.",
}


def markdown(figures, facts, given):
    parts = [*(f"- {fact}" for fact in facts), ""]
    for section, says in SECTIONS.items():
        mine = [figure for figure in figures if figure.section == section]
        if mine:
            parts += [f"### {section}", "", says, "", *table(HEAD, [row(figure, figures) for figure in mine]), ""]
    return "\n".join([*parts, "### The bars", "", *table(("bar", "measured", "asked for", ""), bars(figures)), "", *notes(figures, given)])


def row(figure, figures):
    return (
        f"{figure.peer}, {figure.how}", figure.keys, f"{figure.in_flight:,}", f"{len(figure.samples)}",
        f"{figure.median('rate'):,.0f}", f"{figure.extreme(min):,.0f} to {figure.extreme(max):,.0f}",
        *(f"{figure.median(name) * 1e3:.2f}" for name in ("p50", "p99", "p999")),
        f"{figure.median('cpu'):.4f}", "" if figure.generator() is None else f"{figure.generator():.4f}",
        ratios(figure, figures),
    )


def ratios(figure, figures):
    if figure.section == "Over the network":
        bare = bare_of(figure, figures)
        return f"{figure.median('rate') / bare.median('rate'):.0%} of bare" if bare and bare is not figure else ""
    peers = {peer: best(figures, peer, figure.keys, figure.section) for peer in ("PostgreSQL", "Redis")}
    return ", ".join(f"{figure.median('rate') / rate:.1f} × {peer}" for peer, rate in peers.items() if rate)


def bare_of(figure, figures):
    """The bare server of the same protocol, with as many in flight."""
    kin = lambda one: (one.protocol, one.in_flight)
    return next((one for one in figures if one.peer == "Bare" and kin(one) == kin(figure)), None)


def best(figures, peer, keys, section):
    """A peer's best rate on these keys, whatever it has in flight, each request on its own."""
    theirs = [f for f in figures if (f.peer, f.keys, f.section) == (peer, keys, section) and getattr(f, "batch", 1) == 1 and f.is_durable]
    return max((figure.median("rate") for figure in theirs), default=None)


def bars(figures):
    """What was asked for, what came out of it: only of what was measured in this run."""
    ours = lambda **having: [f for f in figures if f.peer == "Onhand" and all(getattr(f, k, None) == v for k, v in having.items())]
    rows = []

    def bar(what, measured, asked, is_met):
        rows.append((what, measured, asked, "met" if is_met else "**not met**"))

    def at_least(what, value, least, unit="/s"):
        bar(what, f"{value:,.1f}{unit}" if value < 1000 else f"{value:,.0f}{unit}", f"≥ {least:,}{unit}", value >= least)

    def at_most(what, seconds, most):
        bar(what, f"{seconds * 1e3:.2f} ms", f"≤ {most * 1e3:g} ms", seconds <= most)

    for keys, times in (("uniform", {"PostgreSQL": 50, "Redis": 10}), ("hot", {"PostgreSQL": 150, "Redis": 10})):
        mine = max((f.median("rate") for f in ours(how="in process", keys=keys)), default=None)
        for peer, least in times.items():
            theirs = best(figures, peer, keys, "Durable reservations")
            if mine and theirs:
                at_least(f"in process, {keys} keys, against {peer}'s best", mine / theirs, least, " times")
    for figure in ours(how="HTTP, one a request"):
        what = f"HTTP, one a request, {figure.keys}, {figure.in_flight} connections"
        at_least(what, figure.median("rate"), 36_000)
        at_most(f"{what}: p99", figure.median("p99"), 0.010)
        if bare := bare_of(figure, figures):
            at_least(f"{what}, against bare axum", 100 * figure.median("rate") / bare.median("rate"), 45, " %")
    for figure in figures:
        if due := getattr(figure, "due", None):
            what = f"{figure.how}, {figure.in_flight} connections"
            at_least(f"{what}: done of them", 100 * figure.median("rate") / due, 99, " %")
            at_most(f"{what}: p99 from when it was due", figure.median("p99"), 0.010)
    for figure in ours(protocol="grpc"):
        if bare := bare_of(figure, figures):
            what = f"gRPC, unary, {figure.keys}, {figure.in_flight} in flight, against bare tonic"
            at_least(what, 100 * figure.median("rate") / bare.median("rate"), 60, " %")
    for figure in ours(protocol="grpc-stream"):
        at_least(f"gRPC, streaming, {figure.keys}, {figure.in_flight} in flight", figure.median("rate"), 150_000)
    for figure in figures:
        if figure.peer == "Onhand" and figure.section == "Over the network" and figure.batch:  # of HTTP and of gRPC
            what = f"{figure.how}, {figure.keys}, {figure.in_flight} batches in flight"
            at_least(what, figure.median("rate"), 300_000)
            at_most(f"{what}: p99", figure.median("p99"), 0.050)
    for figure in ours(keys="hot:0.9"):
        alone = next((f for f in ours(how="HTTP, one a request", keys="uniform") if f.in_flight == figure.in_flight), None)
        if alone:
            rows.append(("p99 of the other SKUs while one takes 90 %", f"{figure.median('p99') * 1e3:.2f} ms",
                         f"no slower than without: {alone.median('p99') * 1e3:.2f} ms", "see both"))
    for figure in ours(section="Reads"):
        at_least(f"reads, {figure.in_flight} connections", figure.median("rate"), 16_000)
        at_most(f"reads, {figure.in_flight} connections: p99", figure.median("p99"), 0.005)
    for figure in ours(in_flight=1):
        alone = [against_sync(sample) for sample in figure.samples]
        at = f"one in flight, {figure.how}, {figure.keys}"
        for what, most, values in zip(("p50", "p99.9"), (1.5, 3), zip(*alone)):
            bar(f"{at}: {what} against append and fdatasync alone", f"{median(values):.2f} times", f"≤ {most} times",
                median(values) <= most)
    return rows


def against_sync(sample):
    """The sample's p50 and p99.9, each divided by that of the syncs just before."""
    syncs = sorted(sample.sync_before)
    at = lambda share: syncs[min(len(syncs) - 1, int(share * len(syncs)))]
    return sample.p50 / at(0.5), sample.p999 / at(0.999)


def table(head, rows):
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]


def notes(figures, given):
    samples = [sample for figure in figures for sample in figure.samples]
    syncs = sorted(median(sample.sync_before) for sample in samples)
    restless = sum(not sample.is_calm for sample in samples)
    durability = sorted({f"{figure.peer}: {figure.durability}" for figure in figures})
    return [
        f"Durability: {'; '.join(durability)}. 1,000,000 levels. Every figure is the median of its runs, of {given.seconds:g} s "
        "each: one a round.",
        "Latency is of one answer; for a batch, of the whole batch. In flight: clients, connections, requests, or batches.",
        f"Sync of 4 KiB just before each measurement: median {median(syncs) * 1e6:.0f} µs, longest {syncs[-1] * 1e6:.0f} µs. "
        f"{restless} of {len(samples)} measurements began on a machine that was not calm (a sync of 1 ms or more, or a quarter of "
        "the cores busy).",
    ]
