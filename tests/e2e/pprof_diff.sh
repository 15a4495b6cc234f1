#!/bin/bash
# Profiles that this project encodes and subtracts, against Go's pprof on the
# same files: equal reports, no warnings.
#   tests/e2e/pprof_diff.sh BUILD_DIR
set -euo pipefail

build=${1:?usage: pprof_diff.sh BUILD_DIR}
make=$build/tests/pprof_make
data=$(cd "$(dirname "$0")/../data/captures" && pwd)
go tool pprof -h >/dev/null 2>&1 || true # newer Go builds it on first use
pprof=$(go tool -n pprof)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PPROF_TMPDIR=$tmp
failures=0 checks=0

# report OUT ARGS...: pprof's report, followed by its warnings.
report() {
    local out=$1
    shift
    "$pprof" "$@" >"$out" 2>"$out.err" || echo "exit $?" >>"$out"
    cat "$out.err" >>"$out"
}

# same NAME: pprof's report of Go's profile is that of ours.
same() {
    checks=$((checks + 1))
    if ! diff "$tmp/go" "$tmp/ours" >"$tmp/delta"; then
        failures=$((failures + 1))
        echo "FAIL $1"
        head -20 "$tmp/delta"
    fi
}

# quiet NAME: the report of ours came without a warning.
quiet() {
    checks=$((checks + 1))
    if [ -s "$tmp/ours.err" ]; then
        failures=$((failures + 1))
        echo "FAIL $1: warnings"
        cat "$tmp/ours.err"
    fi
}

# reports NAME GO OURS: what does not depend on how locations are numbered.
reports() {
    local name=$1 go=$2 ours=$3 options
    for options in -top '-top -cum -lines' '-traces -addresses' -tags '-list=main' -tree; do
        # shellcheck disable=SC2086
        report "$tmp/go" $options "$go"
        # shellcheck disable=SC2086
        report "$tmp/ours" $options "$ours"
        same "$name $options"
    done
    report "$tmp/ours" -top "$ours"
    quiet "$name"
}

for capture in "$data"/*.pb.gz; do
    "$make" copy "$capture" "$tmp/copy.pb.gz"
    name=$(basename "$capture" .pb.gz)
    report "$tmp/go" -raw "$capture"
    report "$tmp/ours" -raw "$tmp/copy.pb.gz"
    same "copy of $name -raw"
    reports "copy of $name" "$capture" "$tmp/copy.pb.gz"
done

for kind in goroutine heap; do
    a=$data/cart-A.${kind}0.pb.gz b=$data/cart-B.${kind}0.pb.gz
    for mode in base diff_base; do
        "$make" $mode "$a" "$b" "$tmp/ours.pb.gz"
        "$pprof" -proto -$mode "$a" "$b" >"$tmp/go.pb.gz" 2>/dev/null
        reports "$kind $mode" "$tmp/go.pb.gz" "$tmp/ours.pb.gz"
    done
    # Our two files subtract as Go's two do.
    "$make" copy "$a" "$tmp/a.pb.gz"
    "$make" copy "$b" "$tmp/b.pb.gz"
    report "$tmp/go" -top -base "$a" "$b"
    report "$tmp/ours" -top -base "$tmp/a.pb.gz" "$tmp/b.pb.gz"
    same "$kind -base of our files"
    # Nothing is left of equals, and pprof can open it.
    "$make" base "$a" "$a" "$tmp/ours.pb.gz"
    report "$tmp/ours" -top "$tmp/ours.pb.gz"
    quiet "$kind, empty difference"
done

# Files made from text: pprof opens them without looking for a binary, and
# subtracts them to what we do.
for kind in goroutine heap; do
    a=$data/cart-A.${kind}1.txt b=$data/cart-B.${kind}1.txt
    "$make" copy "$a" "$tmp/a.pb.gz"
    "$make" copy "$b" "$tmp/b.pb.gz"
    for mode in base diff_base; do
        "$make" $mode "$a" "$b" "$tmp/ours.pb.gz"
        "$pprof" -proto -$mode "$tmp/a.pb.gz" "$tmp/b.pb.gz" >"$tmp/go.pb.gz" 2>/dev/null
        reports "$kind text $mode" "$tmp/go.pb.gz" "$tmp/ours.pb.gz"
    done
done

"$make" cut "$data/cart-B.heap0.pb.gz" "$tmp/ours.pb.gz"
report "$tmp/ours" -top "$tmp/ours.pb.gz"
quiet "a cut profile"

echo "pprof_diff: $checks checks, $failures failed"
[ "$failures" -eq 0 ]
