#!/usr/bin/env python3
"""Each leak pattern as a real service, leaking and fixed, each with a watcher.

    patterns.py [PATTERN…]

The leaking one must be found: kind, grade, leak pattern, and the function and
line of the user's that is marked in the source, in the verdict and in a dump.
The fixed one must raise nothing, under the same load and for twice the time.

A line for each: name, seconds to the verdict, kind, grade, leak pattern, place.
"""
import concurrent.futures
import re
import sys
import time

import fleet

GOROUTINES = ("drift", "step")
HEAP = ("heap",)
PAIRS_AT_ONCE = 5

# pattern, kinds, the function that leaks. The heap's window is the longer: first.
CASES = [
    ("time-after", HEAP, "receiveLeaking"),
    ("ticker", HEAP, "packLeaking"),
    ("channel", GOROUTINES, "searchLeaking"),
    ("context", GOROUTINES, "importLeaking"),
    ("grpc-conn", GOROUTINES, "parcelLeaking"),
    ("grpc-stream", GOROUTINES, "trackLeaking"),
    ("db-rows", GOROUTINES, "ordersLeaking"),
    ("db-tx", GOROUTINES, "payLeaking"),
    ("pgx-pool", GOROUTINES, "invoiceLeaking"),
    ("sse", GOROUTINES, "offersLeaking"),
    ("websocket", GOROUTINES, "ticksLeaking"),
    ("waitgroup", GOROUTINES, "checkOutLeaking"),
    ("mutex", GOROUTINES, "takeLeaking"),
    ("http-body", GOROUTINES, "priceLeaking"),
]
# Here a library's goroutine is what grows, and the heap profile alone knows who asked
# for it: a sample each 512 KiB, so that it takes some hundreds of them.
RATE = {"http-body": 60, "grpc-stream": 60}
NEED_POSTGRES = ("db-rows", "db-tx", "pgx-pool")


def marks():
    """function -> (leak pattern, its marked lines as file:line)."""
    found = {}
    for path in fleet.glob.glob(fleet.APPS + "/pattern/*.go"):
        function = None
        for number, line in enumerate(open(path), 1):
            head = re.match(r"func (?:\([^)]*\) )?(\w+)", line)
            function = head[1] if head else function
            mark = re.search(r"// leak: ([\w-]+)$", line)
            if mark:
                name = "shop.example/apps/pattern/" + path.rsplit("/", 1)[1]
                found.setdefault(function, (mark[1], []))[1].append(f"{name}:{number}")
    return found


def culprit_faults(where, c, function, pattern, places):
    """What is wrong with a culprit, as sentences."""
    faults = []
    place = f"{c['file']}:{c['line']}"
    if place not in places or not re.search(rf"[./)]{function}\b", c["function"]):
        faults.append(f"{where} names {c['function'] or 'nobody'} at {place}, not {function} at {' or '.join(places)}")
    if c.get("pattern") != pattern:
        faults.append(f"{where} has the pattern {c.get('pattern')}, not {pattern}")
    missing = [key for key in ("blocking", "advice") if key not in c]
    if missing:
        faults.append(f"{where} has no {' and no '.join(missing)}")
    return faults


def verdict_faults(target, kinds, function, pattern, places):
    v, stacks = target["verdict"], target["stacks"]
    faults = [] if v["kind"] in kinds else [f"kind {v['kind']}, not {' or '.join(kinds)}"]
    if not stacks:
        return faults + ["the verdict names nobody"]
    return faults + culprit_faults("the verdict", stacks[0], function, pattern, places)


def dump_faults(dumps, function, pattern, places):
    """Of the dump with the fewest."""
    best = ["there is no dump"]
    for folder, manifest, summary in dumps:
        faults = ["the manifest names nobody"]
        if manifest["culprits"]:
            faults = culprit_faults("the manifest", manifest["culprits"][0], function, pattern, places)
        lines = [p.rsplit("/", 1)[1] for p in places]
        if function not in summary or not any(line in summary for line in lines):
            faults.append(f"the summary does not name {function} at {' or '.join(lines)}")
        if best == ["there is no dump"] or len(faults) < len(best):
            best = faults
    return best


class Case:
    def __init__(self, ships, postgres, name, kinds, function):
        self.ships, self.postgres = ships, postgres
        self.name, self.kinds, self.function = name, kinds, function
        self.pattern, self.places = marks()[function]

    def start(self, variant):
        name = f"{self.name}-{variant}"
        program, address = self.ships.shop(name, self.name, "-variant", variant, "-postgres", self.postgres or "",
                                           "-rate", str(RATE.get(self.name, 20)))
        return program, fleet.Watch(self.ships, name, address)

    def end(self, started):
        program, watch = started
        watch.program.end()
        program.end()

    def deadline(self):
        """Grace and window of the detector, and as much again."""
        return fleet.scaled(2 * (0.5 + (8 if self.kinds == HEAP else 1.5))) + 15

    def faults(self, target, watch):
        return verdict_faults(target, self.kinds, self.function, self.pattern, self.places) + \
            dump_faults(watch.dumps(), self.function, self.pattern, self.places)

    def find(self, watch):
        """Waits for the verdict; returns its second, its line (None: there is none) and its faults."""
        while True:
            self.ships.check()
            target = watch.target()
            if fleet.alarm(target):
                break
            if watch.seconds() > self.deadline():
                quiet = target and target["verdict"] and fleet.verdict_text(target)
                return watch.seconds(), None, [f"only: {quiet}" if quiet else "no verdict", *watch.unseen()]
            time.sleep(0.5)
        seconds, line = watch.seconds(), fleet.verdict_text(target)
        # The names of what blocks and the dump follow within some cadences.
        end = time.monotonic() + 10
        while faults := self.faults(target, watch):
            if time.monotonic() > end:
                break
            time.sleep(0.5)
            target = watch.target() or target
        return seconds, fleet.verdict_text(target), faults

    def stay_silent(self, watch, seconds):
        """Whatever a sound one is accused of."""
        while watch.seconds() < seconds:
            self.ships.check()
            if accusations := watch.accusations():
                return accusations
            time.sleep(0.5)
        return watch.unseen()

    def run(self):
        """Returns the lines to print, and how many of the two failed."""
        leaking, fixed = self.start("leaking"), self.start("fixed")
        found_s, line, faults = self.find(leaking[1])
        self.end(leaking)
        silent_s = 2 * found_s if line else found_s
        silence = self.stay_silent(fixed[1], silent_s)
        self.end(fixed)
        lines = [f"{'FAIL' if faults else 'ok  '}  {self.name} leaking, {found_s:.0f} s: {line or 'not found'}",
                 *("      " + f for f in faults),
                 f"{'FAIL' if silence else 'ok  '}  {self.name} fixed, {silent_s:.0f} s",
                 *("      " + f for f in silence)]
        return lines, bool(faults) + bool(silence)


def main(names):
    if unknown := set(names) - {c[0] for c in CASES}:
        print(f"no pattern {', '.join(sorted(unknown))}; there are: {' '.join(c[0] for c in CASES)}")
        return 2
    cases = [c for c in CASES if not names or c[0] in names]
    failed = 0
    with fleet.Fleet("patterns") as ships:
        postgres = ships.postgres() if any(c[0] in NEED_POSTGRES for c in cases) else None
        pool = concurrent.futures.ThreadPoolExecutor(PAIRS_AT_ONCE)
        try:
            runs = [pool.submit(Case(ships, postgres, *c).run) for c in cases]
            for run in concurrent.futures.as_completed(runs):
                try:
                    lines, wrong = run.result()
                except RuntimeError as e:
                    lines, wrong = [f"FAIL  {e}"], 1
                print("\n".join(lines), flush=True)
                failed += wrong
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    print(f"{2 * len(cases)} services at time scale {fleet.TIME_SCALE}, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
