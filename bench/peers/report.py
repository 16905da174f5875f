"""The table."""

from statistics import median

HEAD = ("figure", "keys", "in flight", "reserves/s", "lowest to highest", "p50 ms", "p99 ms", "p99.9 ms",
        "CPU s per 1,000", "times PostgreSQL")


def markdown(figures, facts, given):
    rows = [row(figure, best(figures, figure.keys)) for figure in figures]
    return "\n".join([*(f"- {fact}" for fact in facts), "", *table(rows), "", *notes(figures, given)])


def row(figure, peer):
    value = lambda name: median(getattr(sample, name) for sample in figure.samples)
    return (
        f"{figure.peer}, {figure.how}", figure.keys, f"{figure.in_flight:,}",
        f"{value('rate'):,.0f}", f"{extreme(figure, min):,.0f} to {extreme(figure, max):,.0f}",
        *(f"{value(name) * 1e3:.2f}" for name in ("p50", "p99", "p999")),
        f"{value('cpu'):.4f}", f"{value('rate') / peer:.2f}",
    )


def rate(figure):
    return median(sample.rate for sample in figure.samples)


def extreme(figure, which):
    return which(sample.rate for sample in figure.samples)


def best(figures, keys, is_batch=False):
    """PostgreSQL's best rate on these keys over all numbers of clients; of one call a reservation if not said."""
    theirs = [f for f in figures if f.peer == "PostgreSQL" and f.keys == keys]
    return max(rate(figure) for figure in theirs if (figure.batch > 1) == is_batch)


def against_batches(figures, keys):
    ours = max(rate(figure) for figure in figures if figure.peer == "Onhand" and figure.keys == keys)
    return f"{ours / best(figures, keys, is_batch=True):.1f} times on {keys} keys"


def at_worst(figures, keys):
    """Our lowest run with most in flight, against the highest that PostgreSQL ever gave one call a reservation."""
    ours = max((f for f in figures if f.peer == "Onhand" and f.keys == keys), key=lambda figure: figure.in_flight)
    theirs = [f for f in figures if f.peer == "PostgreSQL" and f.keys == keys and f.batch == 1]
    ratio = extreme(ours, min) / max(extreme(figure, max) for figure in theirs)
    return f"{ratio:.1f} times on {keys} keys"


def table(rows):
    rule = ["---"] * 2 + ["---:"] * (len(HEAD) - 2)
    return ["| " + " | ".join(cells) + " |" for cells in (HEAD, rule, *rows)]


def notes(figures, given):
    samples = [sample for figure in figures for sample in figure.samples]
    syncs = sorted(sample.sync_before for sample in samples)
    restless = sum(not sample.is_calm for sample in samples)
    durability = sorted({f"{figure.peer}: {figure.durability}" for figure in figures})
    return [
        f"Durability in every row: {'; '.join(durability)}. 1,000,000 levels. Medians of {given.rounds} round(s) of "
        f"{given.seconds:g} s. The last column is against PostgreSQL's best single-call rate on the same keys.",
        "Onhand's lowest run in process with most in flight, against PostgreSQL's highest of all runs and clients: "
        f"{'; '.join(at_worst(figures, keys) for keys in ('uniform', 'hot'))}.",
        "Onhand's best, each request on its own, against PostgreSQL's best in batches: "
        f"{'; '.join(against_batches(figures, keys) for keys in ('uniform', 'hot'))}.",
        "Latency is of one answer; for a batch, of the whole batch. In flight: clients, connections, or requests.",
        f"Sync of 4 KiB just before each measurement: median {median(syncs) * 1e6:.0f} µs, "
        f"longest {syncs[-1] * 1e6:.0f} µs. {restless} of {len(samples)} measurements began on a machine that was "
        "not calm (a sync of 1 ms or more, or a quarter of the cores busy).",
    ]
