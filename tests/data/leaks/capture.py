#!/usr/bin/env python3
"""capture.py BASE-URL PREFIX: what pprof says, and the names behind what debug=1 hides."""
import re
import sys
import urllib.request

BASE, PREFIX = sys.argv[1:]


def fetch(name, suffix):
    body = urllib.request.urlopen(BASE + name).read()
    with open(f"{PREFIX}.{suffix}", "wb") as f:
        f.write(body)
    return body.decode("utf-8", "replace")


text = fetch("goroutine?debug=1", "goroutine1.txt")
fetch("goroutine", "goroutine0.pb.gz")
fetch("heap", "heap0.pb.gz")
hidden = set()
for record in text.split("\n\n"):
    head = re.search(r"^\d+ @ (.*)$", record, re.M)
    named = {int(a, 16) for a in re.findall(r"^#\t(0x[0-9a-f]+)\t", record, re.M)}
    if head:
        hidden |= {int(pc, 16) - 1 for pc in head.group(1).split()} - named
fetch("symbol?" + "+".join(map(hex, sorted(hidden))), "symbols.txt")
