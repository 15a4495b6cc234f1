"""What the events of a replay are worth, given the truth about the series."""
import json
import math
import os
import subprocess

from series import ALERTS, HOUR, generate, read_series

DAY = 24 * HOUR
EPISODE_GAP = 6 * HOUR   # alarms closer than this are one
FORECASTS_H = (24, 6, 1)  # hours before the kill at which the forecast is read
LOUD = ("likely", "confirmed")


def replay(leakwatch, path, history_bytes=None):
    """The events of one trace, in order of time."""
    bounds = ["--history-bytes", history_bytes] if history_bytes else []
    run = subprocess.run([leakwatch, "replay", *bounds, path], capture_output=True, text=True,
                         check=False)
    if run.returncode:
        raise RuntimeError(f"replay of {path}: exit {run.returncode}: {run.stderr.strip()}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def episodes(times):
    """First second of each run of alarms."""
    return [t for i, t in enumerate(times) if i == 0 or t - times[i - 1] > EPISODE_GAP]


def judge(times, series):
    """Alarms at these seconds: false ones before the onset, delay and lead after.
    An alarm that stands at the onset counts on both sides."""
    sound_until = series.end if series.onset is None else series.onset
    before = [t for t in times if t < sound_until or series.onset is None]
    hit = next((t for t in times if series.onset is not None and t >= series.onset), None)
    return {
        "false": episodes(before),
        "delay": None if hit is None else hit - series.onset,
        "lead": None if hit is None or series.killed is None else series.killed - hit,
    }


def forecast(events, series, hours):
    """Predicted over true time to the kill, so long before it; None: no verdict
    with a forecast stood then."""
    at = series.killed - hours * HOUR
    newest = None
    for event in events:
        if event["t"] > at:
            break
        if event["event"] == "clear":
            newest = None
        elif event.get("eta_s", 0) > 0 and event["kind"] != "blowup":
            newest = event  # an emergency's is of seconds, and no verdict's
    if newest is None or newest["t"] < series.onset:
        return None
    return (newest["t"] + newest["eta_s"] - at) / (hours * HOUR)


def named(events, series):
    """Whether the first loud verdict that names a stack names the leaking one."""
    for e in events:
        if e["event"] == "verdict" and e.get("grade") in LOUD and e["t"] >= series.onset \
                and e.get("stack"):
            return e["stack"].startswith(("s_leak", "leak"))
    return None


def judge_dumps(events, series):
    dumps = [e["t"] for e in events if e["event"] == "dump"]
    if series.onset is None:
        return {"sound": dumps, "lead": None}
    after = [t for t in dumps if t >= series.onset]
    lead = series.killed - after[0] if after and series.killed is not None else None
    return {"sound": [t for t in dumps if t < series.onset], "lead": lead}


def words(event):
    return " ".join(event[k] for k in ("kind", "stack", "detector") if event.get(k))


def measure(events, series):
    """Plain values about one trace: detectors by name, forecasts, dumps."""
    verdicts = [e for e in events if e["event"] == "verdict"]
    loud = [e["t"] for e in verdicts if e.get("grade") in LOUD]
    detectors = {"leakwatch": judge(loud, series),
                 "suspect": judge([e["t"] for e in verdicts], series)}
    for name, alert in ALERTS.items():
        detectors[name] = judge(alert(series), series)
    # Only what suspect says alone counts in its own column.
    quiet = [e["t"] for e in verdicts if e.get("grade") == "suspect"]
    return {
        "onset": series.onset, "killed": series.killed,
        "sound_days": (series.end if series.onset is None else series.onset) / DAY,
        "detectors": detectors,
        "suspects": judge(quiet, series)["false"],
        "words": {e["t"]: words(e) for e in verdicts},
        "triggers": {e["t"]: e["trigger"] for e in events if e["event"] == "dump"},
        "named": None if series.onset is None else named(events, series),
        "forecasts": {h: forecast(events, series, h) for h in FORECASTS_H
                      if series.killed is not None and series.killed - h * HOUR >= series.onset},
        "dumps": judge_dumps(events, series),
    }


def differences(few, many):
    """Lines that tell two lists of events apart, in order of time: - only with
    the default history, + only with the other."""
    def lines(events):
        return {json.dumps(e, sort_keys=True): e["t"] for e in events}
    a, b = lines(few), lines(many)
    changed = [(t, "- " + e) for e, t in a.items() if e not in b]
    changed += [(t, "+ " + e) for e, t in b.items() if e not in a]
    return [text for _, text in sorted(changed)]


def one_trace(job):
    """One task of the pool: (trace, programs, folder, stacks, history bytes or
    None) to the measured values, with the trace's own words beside them."""
    trace, programs, folder, stacks, history_bytes = job
    path = trace.path or f"{folder}/{trace.name}-{trace.seed}.csv"
    if trace.path is None:
        generate(programs["traces"], trace, stacks, path)
    try:
        series = read_series(path)
        if trace.path is not None:
            series = series._replace(onset=trace.onset, killed=trace.killed)
        events = replay(programs["leakwatch"], path)
        other = replay(programs["leakwatch"], path, history_bytes) if history_bytes else events
    finally:
        if trace.path is None:
            os.remove(path)
    return {"class": trace.name, "group": trace.group, "seed": trace.seed,
            "different": differences(events, other), **measure(events, series)}


def percentile(values, part):
    """By linear interpolation; infinity counts as a value, None is left out."""
    values = sorted(v for v in values if v is not None)
    if not values:
        return None
    place = part * (len(values) - 1)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    if low == high or math.isinf(high):
        return high
    return low + (high - low) * (place - math.floor(place))
