"""Traces on disk, and what two common alerts say of them.

A trace is a CSV as `leakwatch replay` reads it. The alerts are evaluated once a
minute, as Prometheus would with a scrape interval of a minute: on the newest
sample, which is stale after five minutes.
"""
import csv
import os
import subprocess
from typing import NamedTuple, Optional

MINUTE = 60
HOUR = 3600
STALE_MINUTES = 5
ALERT_FOR_MINUTES = 15


class Trace(NamedTuple):
    name: str                # of the class
    kind: str                # leak or ok
    group: str               # steady slow heap undone fast sound quiet
    seed: int
    path: Optional[str]      # None: to be generated
    onset: Optional[int]     # s; where known before the series is read
    killed: Optional[int]


class Series(NamedTuple):
    onset: Optional[int]     # s at which the leak begins
    killed: Optional[int]    # s at which the kernel kills
    end: int                 # s of the last sample
    limit: int               # bytes
    goroutines: list         # by minute; None where nothing was scraped
    resident: list


def by_minute(times, values):
    minutes = [None] * (times[-1] // MINUTE + 1)
    for t, value in zip(times, values):
        minutes[t // MINUTE] = value
    return minutes


def read_series(path):
    """Raises ValueError on a file that is not a trace."""
    wanted = ("t", "goroutines", "rss_bytes", "limit", "label")
    with open(path, encoding="ascii") as f:
        head = f.readline().rstrip("\n").split(",")
        places = [head.index(name) for name in wanted]
        cut = max(places) + 1
        columns = [[int(fields[i]) for i in places]
                   for fields in (line.split(",", cut) for line in f)]
    if not columns:
        raise ValueError(f"{path}: no samples")
    times, goroutines, resident, limits, labels = zip(*columns)
    onset = next((t for t, label in zip(times, labels) if label), None)
    killed = times[-1] if onset is not None and resident[-1] >= limits[-1] else None
    return Series(onset, killed, times[-1], limits[-1],
                  by_minute(times, goroutines), by_minute(times, resident))


def freshest(minutes):
    """Each minute's value, or the newest that is not stale yet."""
    out, age, last = [], STALE_MINUTES, None
    for value in minutes:
        last, age = (value, 0) if value is not None else (last, age + 1)
        out.append(last if age < STALE_MINUTES else None)
    return out


def firing(pending):
    """Seconds of the minutes at which an alert with `for: 15m` fires."""
    out, since = [], None
    for minute, is_pending in enumerate(pending):
        since = (minute if since is None else since) if is_pending else None
        if since is not None and minute - since >= ALERT_FOR_MINUTES:
            out.append(minute * MINUTE)
    return out


def ratio_alert(series):
    """go_goroutines > 1.2 * (go_goroutines offset 1h) and go_goroutines > 100"""
    now = freshest(series.goroutines)
    return firing([i >= 60 and n is not None and now[i - 60] is not None
                   and n > 1.2 * now[i - 60] and n > 100 for i, n in enumerate(now)])


def predict_alert(series):
    """predict_linear(process_resident_memory_bytes[1h], 4h) > limit"""
    window, ahead = 60, 240
    line, pending = Line(), []
    for minute, value in enumerate(series.resident):
        if value is not None:
            line.add(minute, value)
        gone = minute - window
        if gone >= 0 and series.resident[gone] is not None:
            line.add(gone, series.resident[gone], -1)
        pending.append(line.n >= 2 and line.at(minute + ahead) > series.limit)
    return firing(pending)


class Line:
    """Least squares over a moving set of points of integers: sums stay exact."""

    def __init__(self):
        self.n = self.x = self.y = self.xx = self.xy = 0

    def add(self, x, y, times=1):
        self.n += times
        self.x += times * x
        self.y += times * y
        self.xx += times * x * x
        self.xy += times * x * y

    def at(self, x):
        slope = (self.n * self.xy - self.x * self.y) / (self.n * self.xx - self.x * self.x)
        return self.y / self.n + slope * (x - self.x / self.n)


ALERTS = {"ratio": ratio_alert, "predict_linear": predict_alert}


def generate(generator, trace, stacks, path):
    with open(path, "wb") as f:
        subprocess.run([generator, "--class", trace.name, "--seed", str(trace.seed),
                        "--stacks", str(stacks)], stdout=f, check=True)


def list_classes(generator):
    """name -> (kind, group, what), in the generator's order."""
    out = subprocess.run([generator, "--list"], capture_output=True, text=True, check=True).stdout
    rows = (line.split("\t") for line in out.splitlines())
    return {name: (kind, group, what) for name, kind, group, _, _, what in rows}


def read_manifest(folder, classes):
    """Traces of a folder: its manifest.csv with or without a heading and with or
    without a file column: [file,]class,kind,seed,dt,limit,onset,killed,end."""
    traces = []
    with open(os.path.join(folder, "manifest.csv"), newline="", encoding="ascii") as f:
        for row in csv.reader(f):
            if "class" in row[:2] or not row:
                continue
            name, kind, seed, dt, _, onset, killed, _ = row[-8:]
            file = row[0] if len(row) == 9 else f"{name}-{seed}.csv"
            fast = "fast" if float(dt) <= 1 else "slow"
            group = classes[name][1] if name in classes else fast if kind == "leak" else "sound"
            traces.append(Trace(name, kind, group, int(seed), os.path.join(folder, file),
                                int(onset) if onset else None, int(killed) if killed else None))
    return traces
