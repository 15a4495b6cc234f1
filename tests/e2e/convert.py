#!/usr/bin/env python3
"""convert and diff, against Go's own protobuf of the same moment and Go's pprof.

    convert.py LEAKWATCH CAPTURES

Per function (cumulative), what `go tool pprof -top` says of our files must equal
what it says of Go's, apart from what text cannot carry: hidden runtime frames
and generic arguments. Totals must equal the pages' own.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

# Functions whose count may differ by one or two between page and protobuf: the
# two are taken a moment apart, and each scrape sees itself.
SCRAPE = re.compile(r"^(runtime/pprof|net/http|net|bufio|io|internal/poll|os/signal|syscall)\.|"
                    r"^(net/http|internal)/|^main\.main")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, check=False, **options)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.decode()[:400]}")
    return done.stdout


def top(*arguments):
    """{function: cum} by go tool pprof."""
    text = run("go", "tool", "pprof", "-symbolize=none", "-top", "-cum", "-nodefraction=0",
               "-nodecount=100000", "-unit=B", *arguments).decode(errors="replace")
    functions = {}
    for line in text.splitlines():
        match = re.match(r"\s*\S+\s+\S+%\s+\S+%\s+(-?[\d.]+)B?\s+\S+%\s+(.+?)( \(inline\))?$", line)
        if match:
            name = re.sub(r"\[.*\]", "[...]", match.group(2))
            functions[name] = functions.get(name, 0) + float(match.group(1))
    return functions


def total(profile):
    """The sum over all samples; the head of -top counts a user's label
    pprof::base as a base."""
    raw = run("go", "tool", "pprof", "-symbolize=none", "-raw", profile).decode(errors="replace")
    return sum(int(n) for n in re.findall(r"^ +(-?\d+): (?:\d+ )*$", raw, re.M))


def hidden(name):
    """What a debug=1 page leaves out."""
    return name == "<unknown>" or re.match(r"(runtime|internal/runtime/.*)\.", name)


class Check:
    def __init__(self):
        self.count = self.failed = 0

    def that(self, holds, what):
        self.count += 1
        if not holds:
            self.failed += 1
            print("FAIL", what)

    def same(self, what, ours, gos, exact):
        names = {n for n in {**ours, **gos} if not hidden(n)}
        for name in sorted(names):
            a, b = ours.get(name, 0), gos.get(name, 0)
            slack = 0 if exact or not SCRAPE.match(name) else 2
            self.that(abs(a - b) <= slack, f"{what}: {name} is {a}, Go says {b}")


def main():
    leakwatch, captures = sys.argv[1:3]
    check = Check()
    with tempfile.TemporaryDirectory() as tmp:
        ours = {}
        for page in sorted(glob.glob(captures + "/*[a-z]1.txt")):
            name = os.path.basename(page)
            ours[name] = os.path.join(tmp, name + ".pb.gz")
            with open(ours[name], "wb") as f:
                f.write(run(leakwatch, "convert", page))
            kind = "heap" if ".heap" in name else "goroutine"
            options = ["-sample_index=inuse_space"] if kind == "heap" else []
            with open(page, encoding="utf-8", errors="replace") as f:
                said = re.match(r"\w+ profile: total (\d+)", f.readline())
            check.that(not said or total(ours[name]) == int(said.group(1)),
                       f"{name}: total {total(ours[name])}, the page says {said and said.group(1)}")
            native = page.replace("1.txt", "0.pb.gz")
            if os.path.exists(native):
                check.same(name, top(*options, ours[name]), top(*options, native), kind == "heap")
        for kind in "goroutine", "heap":
            for mode in "base", "diff_base":
                difference(check, leakwatch, captures, kind, mode, tmp)
    print(f"convert and diff: {check.count} comparisons, {check.failed} differ")
    return 1 if check.failed else 0


def difference(check, leakwatch, captures, kind, mode, tmp):
    """Ours of Go's two files is Go's of the same two."""
    a, b = (f"{captures}/cart-{side}.{kind}0.pb.gz" for side in "AB")
    ours = os.path.join(tmp, f"{kind}.{mode}.pb.gz")
    run(leakwatch, "diff", a, b, "-o", "proto", "--output", ours, "--mode", mode)
    options = ["-sample_index=inuse_space"] if kind == "heap" else []
    check.same(f"diff {kind} {mode}", top(*options, ours), top(*options, f"-{mode}={a}", b), True)


if __name__ == "__main__":
    sys.exit(main())
