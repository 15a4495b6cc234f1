#!/bin/bash
# Twenty kills of each kind: is the dump always there, and how long before?
#
#   soak.sh [RUNS [PARALLEL]]     (20, 4)
#
# A line a kind; fails when a dump was missing or late, or when fewer than 95 %
# of a kind's dumps were durable 5 s before the kill. Phase 2 is disabled: phase
# 1 must name the leak by itself.
cd "$(dirname "$0")/../.." || exit
. tests/sh/process.sh

runs=${1:-20} parallel=${2:-4}
work=build/soak
rm -rf $work && mkdir -p $work

# kind NAME OPTION…: so many runs, some at a time.
kind() {
    local name=$1 done_runs
    shift
    seq "$runs" | xargs -P "$parallel" -I{} sh -c \
        'tests/e2e/oom.sh "$@" >"'"$work/$name"'.{}.log" 2>&1 || :' sh \
        "$@" --native false --result "$work/$name.results"
    touch "$work/$name.results"
    done_runs=$(grep -c ' 0$' "$work/$name.results")
    sort -n "$work/$name.results" | awk -v name="$name" -v runs="$runs" -v held="$done_runs" '
        { lead[NR] = $1 / 1000; early += $1 >= 5000; triggers[$2]++ }
        END {
            for (t in triggers) how = how " " t " " triggers[t]
            printf "%-22s %2d of %2d held   lead s: least %5.1f  median %5.1f  most %5.1f   >= 5 s: %3.0f %%  %s\n",
                name, held, runs, lead[1], lead[int((NR + 1) / 2)], lead[NR], 100 * early / runs, how
            exit !(held == runs && early >= 0.95 * runs)
        }' || failed=yes
}

failed=
for fill in 20 60; do
    for mode in goroutines heap; do
        for memory in cgroup memstats; do
            kind $mode-$fill-$memory --mode $mode --fill $fill --memory $memory
        done
    done
done
kind mute-10 --fill 20 --mute 10
kind stopped --fill 20 --stop
[ -z "$failed" ] || { echo "logs of the single runs: $work" && exit 1; }
