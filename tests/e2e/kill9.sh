#!/bin/bash
# kill -9 of the agent at random moments, with dumps under way: it starts again,
# the history opens, and no half dump is ever visible.
#
#   kill9.sh [TIMES [SEED]]       (50, random; the seed is printed)
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
. tests/sh/process.sh

LOST_MS_MAX=1500 # the open slot of 500 ms, and a write on a busy machine
times=${1:-50} checked=0
RANDOM=${2:-$((SEED = $$ % 32768))}
leakwatch=${LEAKWATCH:-build/release/leakwatch}
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-kill9.XXXXXX") || exit
dir=$work/dir
mkdir "$dir"
trap 'end_children; rm -rf "$work"' EXIT

fail() {
    echo "after $n kills (seed ${SEED:-$2}): $*"
    tail -n 5 "$work/watch.log"
    ls -la "$dir"
    exit 1
}

# Days pass in minutes, so that every kind of write happens and cooldowns end.
start_watch() {
    spawn "$work/watch.log" exec "$leakwatch" watch --target "http://$(cat "$work/address")" \
        --dir "$dir" --listen off --time-scale 1000 --dir-limit 8Mi
    watch=$SPAWNED watch_shell=$SPAWNED_SHELL
}

sleep_ms() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }

# Asks for a dump now and then, at a random moment before the end.
kill_at_random() {
    local before=$((RANDOM % 900)) after=$((RANDOM % 300))
    sleep_ms $before
    ! grep -q '"watching"' "$work/watch.log" || kill -USR1 "$watch"
    sleep_ms $after
    kill -KILL "$watch" || fail "the watcher had ended by itself"
    killed_ms=$(now_ms) lived_ms=$((before + after))
    wait "$watch_shell"
    CHILDREN=("$service")
}

# The history is written every 10 s, here every 10 ms: no more than the record that
# was open is lost. Of a life too short to have written there is nothing to say.
check_nothing_lost() {
    local age_ms
    [ $lived_ms -ge 700 ] && grep -q '"target answers"' "$work/watch.log" || return 0
    age_ms=$(python3 -c 'import json, sys
print(json.load(sys.stdin)["targets"][0]["memory"]["age_ms"])' <"$work/status.json")
    [ "$age_ms" -le $(($(now_ms) - killed_ms + LOST_MS_MAX)) ] ||
        fail "the newest record is $age_ms ms old, $(($(now_ms) - killed_ms)) ms after the kill"
    checked=$((checked + 1))
}

# Without an agent the CLI reads the files; 2 means that it could not.
check_files() {
    "$leakwatch" status --dir "$dir" -o json >"$work/status.json" 2>"$work/cli.log"
    [ $? -le 1 ] || fail "status: $(cat "$work/cli.log")"
    "$leakwatch" dumps list --dir "$dir" -o json >"$work/dumps.json" 2>"$work/cli.log" ||
        fail "dumps list: $(cat "$work/cli.log")"
    python3 -m json.tool "$work/dumps.json" >/dev/null || fail "dumps list is no JSON"
    tests/e2e/dumps.py whole "$dir" || fail "a half dump is visible"
    compgen -G "$dir/*.bad-*" && fail "the history was set aside as damaged"
    return 0
}

build/e2e/leaker -mode steady -stacks 100 -goroutines 400 -ready "$work/address" &
service=$!
remember $service
wait_for 5 test -s "$work/address" || fail "the service did not start"
for ((n = 1; n <= times; n++)); do
    start_watch
    kill_at_random
    [ $n -lt 3 ] || { check_files && check_nothing_lost; }
done
start_watch
wait_for 10 "$leakwatch" status --dir "$dir" -o json >/dev/null || fail "it does not start again"
dumps=$(tests/e2e/dumps.py count "$dir")
[ "$dumps" -gt 0 ] || fail "no dump was ever written: nothing was tested"
echo "$times kills, $dumps whole dumps at the end, the history opens; $checked times it was looked how much it lost"
