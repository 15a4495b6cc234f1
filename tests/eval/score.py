#!/usr/bin/env python3
"""Scores `leakwatch replay` on series whose truth is known, beside two alerts that
people use: goroutines over 1.2 times those of an hour ago, and predict_linear.

    tests/eval/score.py [--seeds A-B] [--classes NAME,…]

generates the traces (build/release/eval/traces), replays each, and prints recall,
false alarms per pod-day, delay, lead and forecast error by class, then each target
with its figure. Only `likely` and `confirmed` are alarms; `suspect` has columns of
its own. Alarms within six hours are one; time before a leak begins is sound time.
Exit 1 when a target is missed.
"""
import argparse
import concurrent.futures
import json
import math
import os
import sys
import tempfile

import summary
from measure import one_trace
from series import Trace, list_classes, read_manifest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
WORKERS = 2
SEEDS = "100-107"
MARKERS = ("<!-- eval: begin -->", "<!-- eval: end -->")


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seeds", metavar="A-B", help="seeds of every class, 100-107 when generated, "
                   "else all that are there (0-99 are for tuning)")
    p.add_argument("--classes", metavar="NAME,…", help="only these")
    p.add_argument("--source", metavar="DIR",
                   help="score the CSVs of DIR/manifest.csv instead of generating: columns "
                        "[file,]class,kind,seed,dt,limit,onset,killed,end")
    p.add_argument("--history-bytes", metavar="BYTES",
                   help="replay each trace also with so large a history, and print each event "
                        "that differs from the default's")
    p.add_argument("--stacks", type=int, default=0, metavar="N",
                   help="spread the handlers over N stacks more")
    p.add_argument("--markdown", metavar="FILE", help="also write the tables into FILE, "
                   f"between {MARKERS[0]} and {MARKERS[1]}")
    p.add_argument("-o", "--output", choices=("text", "json"), default="text")
    p.add_argument("--build", default=os.path.join(ROOT, "build/release"), metavar="DIR")
    return p.parse_args()


def traces_of(options, classes):
    wanted = options.classes.split(",") if options.classes else None
    if options.source:
        found = read_manifest(options.source, classes)
        first, last = seeds_of(options.seeds or "0-999999999")
        return [t for t in found if first <= t.seed <= last
                and (not wanted or t.name in wanted)]
    for name in wanted or []:
        if name not in classes:
            sys.exit(f"score.py: there is no class {name}; there are: {' '.join(classes)}")
    first, last = seeds_of(options.seeds or SEEDS)
    return [Trace(name, *classes[name][:2], seed, None, None, None)
            for name in classes if not wanted or name in wanted
            for seed in range(first, last + 1)]


def seeds_of(text):
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def run_all(options, traces):
    programs = {name: os.path.join(options.build, path)
                for name, path in (("leakwatch", "leakwatch"), ("traces", "eval/traces"))}
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ProcessPoolExecutor(WORKERS) as pool:
        jobs = [(t, programs, folder, options.stacks, options.history_bytes) for t in traces]
        return list(pool.map(one_trace, jobs))


def text_table(table):
    widths = [max(len(row[i]) for row in [table.head, *table.rows])
              for i in range(len(table.head))]

    def line(row):
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        return "  ".join(cells).rstrip()
    return "\n".join(["", table.title, line(table.head), *map(line, table.rows)])


def markdown_table(table):
    rows = ["| " + " | ".join(row) + " |" for row in [table.head, *table.rows]]
    rows.insert(1, "|---" + "|--:" * (len(table.head) - 1) + "|")
    note = [table.note, ""] if table.note else []
    return "\n".join([f"### {table.title}", "", *note, *rows, ""])


def target_lines(results):
    for t in summary.targets(results):
        yield t.holds, f"{t.name}: {summary.number(t.figure, 3)} (wanted {t.wanted})"


def write_markdown(path, results):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    before, begin, rest = text.partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    if not begin or not end:
        sys.exit(f"score.py: {path} has no lines {MARKERS[0]} and {MARKERS[1]}")
    held = [f"- {'holds' if ok else '**missed**'}: {line}" for ok, line in target_lines(results)]
    seeds = [r["seed"] for r in results]
    parts = [f"{len(results)} traces, seeds {min(seeds)} to {max(seeds)}.", "", *held, "",
             *map(markdown_table, summary.tables(results))]
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join([before + begin, *parts]) + end + after)


def print_text(results):
    for table in summary.tables(results):
        print(text_table(table))
    print("\nWhat went wrong")
    print("\n".join(summary.mistakes(results)) or "nothing")
    print()
    for ok, line in target_lines(results):
        print(f"target {'ok  ' if ok else 'FAIL'} {line}")


def print_differences(results):
    changed = [r for r in results if r["different"]]
    for r in changed:
        print(f"{r['class']} {r['seed']}:", *r["different"], sep="\n  ")
    print(f"another size of history: {len(changed)} of {len(results)} traces differ")


def finite(value):
    """The same, for JSON: what never happens is null."""
    if isinstance(value, dict):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(v) for v in value]
    return None if isinstance(value, float) and math.isinf(value) else value


def print_json(results):
    print(json.dumps(finite({
        "classes": {name: summary.figures(some)
                    for name, some in summary.by_class(results).items()},
        "forecast": {h: summary.forecast_figures(results, h) for h in summary.FORECASTS_H},
        "targets": [t._asdict() for t in summary.targets(results)],
        "traces": results,
    })))


def main():
    options = arguments()
    classes = list_classes(os.path.join(options.build, "eval/traces"))
    traces = traces_of(options, classes)
    if not traces:
        sys.exit("score.py: no traces")
    results = run_all(options, traces)
    if options.output == "json":
        print_json(results)
    else:
        print_text(results)
        if options.history_bytes:
            print_differences(results)
    if options.markdown:
        write_markdown(options.markdown, results)
    return 0 if all(ok for ok, _ in target_lines(results)) else 1


if __name__ == "__main__":
    sys.exit(main())
