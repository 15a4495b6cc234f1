#!/bin/bash
# Proof of a leak, of the same service built with the GC's leak profile and without:
# the GC proves it and the verdict is `confirmed`; where it is not served nothing
# is amiss, and ages of whole minutes prove nothing in a window of seconds.
#   tests/e2e/proof.sh LEAKWATCH [CASE…]
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
. tests/sh/process.sh
. tests/sh/cases.sh
leakwatch=$(realpath "${1:?usage: proof.sh LEAKWATCH [CASE…]}") || exit
shift
bin=$PWD/build/e2e
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-proof.XXXXXX") || exit
trap 'end_children; rm -rf "$work"' EXIT
unset "${!LEAKWATCH_@}"

SCALE=300 # 90 minutes in 18 s

# service PROGRAM: leaks seven goroutines a second, three minutes long.
service() {
    spawn "$work/service.log" exec "$bin/$1" -mode goroutines -fill 290s -delay 0s -ready "$work/ready"
    must 10 test -s "$work/ready"
}

watcher() {
    agent a --time-scale $SCALE --memory-limit 1Gi --target "svc=http://$(<"$work/ready")"
}

# serves: whether the service has the leak profile; it depends on its Go.
serves() {
    python3 -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1]).read()' \
        "http://$(<"$work/ready")/debug/pprof/goroutineleak?debug=1" 2>/dev/null
}

verdict() { holds a "t['svc']['verdict']['kind'] == 'drift' and $1"; }

# of TRIGGER EXPRESSION: the newest complete dump d of that trigger, in folder p;
# files are the names in its manifest.
of() {
    python3 - "$work/a" "$1" "$2" <<'PY'
import glob, json, os, sys
found = []
for name in glob.glob(sys.argv[1] + "/*/manifest.json"):
    d = json.load(open(name))
    if d["trigger"] == sys.argv[2] and d["phase"] == 2:
        found.append((d["time"], os.path.dirname(name), d))
if not found:
    sys.exit(1)
_, p, d = max(found, key=lambda x: x[0])
files = {f["name"]: f["bytes"] for f in d["files"]}
text = lambda n: open(os.path.join(p, n), errors="replace").read()
sys.exit(0 if eval(sys.argv[3]) else 1)
PY
}

folder() { ls -d "$work"/a/*-"$1"-svc-* | tail -n 1; }

case_proven() {
    service leaker-provable
    serves || { echo "skipped proven: this Go has no goroutineleak" && return; }
    watcher
    must 60 verdict "t['svc']['verdict']['grade'] == 'confirmed'"
    verdict "'the GC proves' in t['svc']['verdict']['evidence']" || fail "no proof in the evidence"
    must 5 said a '"verdict".*"grade":"confirmed"'
    must 15 of confirmed "'the GC proves' in d['verdict']['evidence'] and d['verdict']['grade'] == 'confirmed'"
    of confirmed "files['native/goroutineleak.pb.gz'] > 0 and os.path.isfile(p + '/native/goroutineleak.pb.gz')" ||
        fail "no leak profile in native/"
    of confirmed "'[chan send (leaked)' in text('native/goroutines.txt') and 'main.fetchReport' in text('native/goroutines.txt')" ||
        fail "no goroutines' text in native/"
    expect 0 'main.fetchReport' go tool pprof -top -cum "$(folder confirmed)/native/goroutineleak.pb.gz"
    holds a "not t['svc']['problem']" || fail "a problem is told"
    agent_end a
}

case_not_served() {
    service leaker
    if serves; then echo "skipped not_served: this Go always has goroutineleak" && return; fi
    watcher
    must 60 verdict "'too short for their ages' in t['svc']['verdict']['evidence']"
    sleep 5 # the witnesses are asked again meanwhile
    verdict "t['svc']['verdict']['grade'] != 'confirmed'" || fail "confirmed by what cannot prove it"
    holds a "not t['svc']['problem'] and t['svc']['state'] == 'alive'" || fail "the 404 is told as a problem"
    must 10 "$leakwatch" dump --dir "$work/a"
    must 15 of manual "'native/goroutines.txt' in files and 'native/goroutine.pb.gz' in files"
    of manual "'native/goroutineleak.pb.gz' not in files" || fail "a profile that nobody serves"
    of manual "text('native/goroutines.txt').count('main.fetchReport.func1(') > 50" || fail "not the text"
    if said a '"grade":"confirmed"'; then fail "confirmed is said"; fi
    agent_end a
}

[ $# -gt 0 ] || set -- proven not_served
run_cases "$@"
