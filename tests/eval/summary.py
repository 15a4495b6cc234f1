"""Figures over many traces: by class, forecasts, dumps, and the targets."""
import math
from typing import NamedTuple

from measure import FORECASTS_H, percentile
from series import HOUR

SLOW = ("steady", "slow", "heap")
UNDONE = ("undone",)  # a life too short to be judged in, and to be killed in
SOUND = ("sound", "quiet")
DETECTORS = ("leakwatch", "ratio", "predict_linear")


class Table(NamedTuple):
    title: str
    head: list
    rows: list
    note: str = ""


def share(flags):
    flags = list(flags)
    return sum(flags) / len(flags) if flags else None


def number(value, digits=2, unit=""):
    if value is None:
        return ""
    return "never" if math.isinf(value) else f"{value:.{digits}f}{unit}"


def pair(values):
    return "" if None in values else "/".join(number(v, 1) for v in values)


def hours(seconds):
    return None if seconds is None else seconds / HOUR


def recall(results, detector):
    return share(r["detectors"][detector]["delay"] is not None for r in results
                 if r["onset"] is not None)


def false_a_day(results, detector):
    days = sum(r["sound_days"] for r in results)
    return sum(len(r["detectors"][detector]["false"]) for r in results) / days if days else None


def delays(results, detector="leakwatch"):
    """A leak that is not found is found never: it must not make the median better."""
    found = [r["detectors"][detector]["delay"] for r in results if r["onset"] is not None]
    return [math.inf if d is None else d for d in found]


def leads(results, detector="leakwatch"):
    kills = [r["detectors"][detector]["lead"] for r in results if r["killed"] is not None]
    return [0 if lead is None else lead for lead in kills]


def figures(results):
    """Everything about some traces of one kind, as plain numbers."""
    days = sum(r["sound_days"] for r in results)
    late, lead = delays(results), leads(results)
    names = [r["named"] for r in results if r["named"] is not None]
    out = {
        "traces": len(results),
        "recall": recall(results, "leakwatch"),
        "recall_suspect": recall(results, "suspect"),
        "delay_h": [hours(percentile(late, p)) for p in (0.5, 0.9)],
        "lead_h": [hours(percentile(lead, p)) for p in (0.5, 0.1)],
        "flagged": share(bool(r["detectors"]["leakwatch"]["false"]) for r in results),
        "suspect_a_day": sum(len(r["suspects"]) for r in results) / days,
        "dumps_a_day": sum(len(r["dumps"]["sound"]) for r in results) / days,
        "named": share(names),
    }
    for d in DETECTORS:
        out[f"recall_{d}"] = recall(results, d)
        out[f"false_a_day_{d}"] = false_a_day(results, d)
    return out


def by_class(results):
    classes = {}
    for r in results:
        classes.setdefault(r["class"], []).append(r)
    return classes


def pick(results, groups):
    return [r for r in results if r["group"] in groups]


def leak_table(results):
    rows, slow = [], pick(results, SLOW)
    shown = slow + pick(results, UNDONE)
    for name, some in [*by_class(shown).items(), ("all but undone", slow)]:
        f = figures(some)
        rows.append([name, str(f["traces"]), number(f["recall"]), number(f["recall_suspect"]),
                     pair(f["delay_h"]), pair(f["lead_h"]), number(f["named"]),
                     number(f["false_a_day_leakwatch"], 3), number(f["suspect_a_day"], 3),
                     number(f["recall_ratio"]), number(f["false_a_day_ratio"], 3),
                     number(f["recall_predict_linear"]),
                     number(f["false_a_day_predict_linear"], 3)])
    return Table("Slow leaks", ["class", "traces", "recall", "with suspects", "delay h p50/p90",
                                "lead h p50/p10", "named", "false/day", "suspect/day",
                                "ratio: recall", "ratio: false/day", "predict: recall",
                                "predict: false/day"],
                 rows, "false/day: per pod-day before the leak begins. named: the first verdict "
                       "that names a stack names the leaking one.")


def sound_table(results):
    rows, sound = [], pick(results, SOUND)
    for name, some in [*by_class(sound).items(), ("all", sound)]:
        f = figures(some)
        rows.append([name, str(f["traces"]), number(sum(r["sound_days"] for r in some), 0),
                     number(f["false_a_day_leakwatch"], 3), number(f["flagged"]),
                     number(f["suspect_a_day"], 3), number(f["dumps_a_day"], 3),
                     number(f["false_a_day_ratio"], 3),
                     number(f["false_a_day_predict_linear"], 3)])
    return Table("Sound services", ["class", "traces", "pod-days", "false/day", "flagged",
                                    "suspect/day", "dumps/day", "ratio: false/day",
                                    "predict: false/day"], rows)


def forecast_figures(results, ahead_h):
    """Of the kills that a verdict with a forecast preceded by so long."""
    asked = [r["forecasts"][ahead_h] for r in pick(results, SLOW) if ahead_h in r["forecasts"]]
    given = [x for x in asked if x is not None]
    return {"kills": len(asked), "given": len(given),
            "within": share(0.5 <= x <= 1.5 for x in given), "late": share(x > 2 for x in given)}


def forecast_table(results):
    rows = []
    for ahead_h in FORECASTS_H:
        f = forecast_figures(results, ahead_h)
        rows.append([f"{ahead_h} h", str(f["kills"]), str(f["given"]), number(f["within"]),
                     number(f["late"])])
    return Table("Forecast of the kill", ["before", "kills", "forecast stood", "within ±50 %",
                                          "more than twice late"], rows)


def dump_leads(results):
    """Seconds from the first dump to the kill; no dump is none."""
    return [0 if r["dumps"]["lead"] is None else r["dumps"]["lead"] for r in results
            if r["killed"] is not None]


def dump_table(results):
    rows = []
    for name, some in by_class(pick(results, ("fast",))).items():
        lead = dump_leads(some)
        rows.append([name, str(len(lead)), number(min(lead, default=None), 0),
                     number(share(s >= 5 for s in lead)), number(share(s >= 10 for s in lead)),
                     number(figures(some)["dumps_a_day"], 3)])
    return Table("Dump before the kill", ["class", "kills", "worst lead s", "≥ 5 s", "≥ 10 s",
                                          "dumps/day before"], rows)


def tables(results):
    wanted = [(leak_table, SLOW + UNDONE), (sound_table, SOUND), (forecast_table, SLOW),
              (dump_table, ("fast",))]
    return [make(results) for make, groups in wanted if pick(results, groups)]


class Target(NamedTuple):
    name: str
    figure: float  # None: nothing measured
    wanted: str
    holds: bool


def at_least(name, figure, bound, unit=""):
    return Target(name, figure, f"≥ {bound}{unit}", figure is not None and figure >= bound)


def at_most(name, figure, bound, unit=""):
    return Target(name, figure, f"≤ {bound}{unit}", figure is not None and figure <= bound)


def targets(results):
    """What the project promises; those of which nothing was measured are left out."""
    slow, sound, quiet = pick(results, SLOW), pick(results, SOUND), pick(results, ("quiet",))
    worst = min((recall(some, "leakwatch") for some in by_class(slow).values()), default=None)
    day = forecast_figures(results, 24)
    fast = dump_leads(pick(results, ("fast",)))
    alarms = sum(len(r["detectors"]["leakwatch"]["false"]) for r in quiet) if quiet else None
    all_targets = [
        at_least("recall of slow leaks", recall(slow, "leakwatch"), 0.98),
        at_least("recall of the worst class", worst, 0.9),
        at_most("false alarms per pod-day", false_a_day(sound, "leakwatch"), 0.03),
        at_most("false alarms of quiet classes", alarms, 0),
        at_most("median delay of steady goroutine leaks",
                hours(percentile(delays(pick(results, ("steady",))), 0.5)), 2, " h"),
        at_most("median delay of heap leaks",
                hours(percentile(delays(pick(results, ("heap",))), 0.5)), 30, " h"),
        at_least("lead before a kill, p10", hours(percentile(leads(slow), 0.1)), 12, " h"),
        at_least("forecasts within ±50 %, a day ahead", day["within"], 0.8),
        at_most("forecasts more than twice late, a day ahead", day["late"], 0.05),
        at_least("worst lead of a dump before a fast kill", min(fast, default=None), 5, " s"),
        at_most("dumps per sound pod-day",
                figures(sound)["dumps_a_day"] if sound else None, 0.1),
    ]
    return [t for t in all_targets if t.figure is not None]


def mistakes(results):
    """One line for each trace that went wrong, so that it can be looked at."""
    out = []
    for r in results:
        own, trace = r["detectors"]["leakwatch"], f"{r['class']} {r['seed']}"
        for t in own["false"]:
            out.append(f"false    {trace}: {r['words'][t]} at {t / HOUR:.1f} h")
        for t in r["dumps"]["sound"]:
            if r["triggers"][t] != "verdict":
                out.append(f"dumped   {trace}: {r['triggers'][t]} at {t / HOUR:.1f} h")
        if r["onset"] is None:
            continue
        if r["group"] == "fast":
            lead = r["dumps"]["lead"]
            if r["killed"] is not None and (lead is None or lead < 5):
                out.append(f"late     {trace}: " + ("no dump" if lead is None else f"dump {lead} s before the kill"))
        elif own["delay"] is None:
            out.append(f"missed   {trace}: leaks from {r['onset'] / HOUR:.1f} h")
        if r["named"] is False:
            out.append(f"misnamed {trace}")
        ratio = r["forecasts"].get(24)
        if ratio is not None and not 0.5 <= ratio <= 1.5:
            out.append(f"forecast {trace}: {ratio:.2f} times the 24 h left")
    return out
