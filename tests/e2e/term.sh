#!/bin/bash
# SIGTERM: the history flushed and out within 2 s, exit 0, and what a life of
# the agent with a dump loses: no byte and no descriptor, by valgrind.
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
. tests/sh/process.sh

leakwatch=${LEAKWATCH:-build/release/leakwatch}
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-term.XXXXXX") || exit
trap 'end_children; rm -rf "$work"' EXIT

# live DIR CMD…: a life with a dump by signal; sets took_ms and status.
live() {
    local dir=$1 ended
    shift
    mkdir "$dir"
    spawn "$work/watch.log" exec "$@" watch --target "http://$(cat "$work/address")" --dir "$dir" \
        --listen off --time-scale 20
    sleep 6
    kill -USR1 "$SPAWNED"
    wait_for 20 compgen -G "$dir/*-signal-*" >/dev/null || { tail -n 5 "$work/watch.log" && exit 1; }
    sleep 2
    ended=$(now_ms)
    kill -TERM "$SPAWNED"
    wait "$SPAWNED_SHELL"
    status=$? took_ms=$(($(now_ms) - ended))
}

spawn "$work/service.log" exec build/e2e/leaker -mode steady -stacks 200 -goroutines 400 -ready "$work/address"
wait_for 10 test -s "$work/address" || exit
live "$work/plain" "$leakwatch"
[ $status = 0 ] && [ $took_ms -le 2000 ] || { echo "exit $status after $took_ms ms"; exit 1; }
plain_ms=$took_ms
live "$work/valgrind" valgrind --error-exitcode=99 --leak-check=full \
    --errors-for-leak-kinds=definite,indirect --track-fds=yes "$leakwatch"
[ $status = 0 ] || { cat "$work/watch.log"; exit 1; }
# What was open at the end and had not been before: named, unless inherited.
awk '/Open .*(descriptor|socket|file)/ { block = $0; next }
     block { if (!/inherited from parent/ && block !~ / [012]:/) { print block; print; bad = 1 } block = "" }
     END { exit bad }' "$work/watch.log" || { echo "left open"; exit 1; }
tests/e2e/dumps.py whole "$work/plain" && tests/e2e/dumps.py whole "$work/valgrind" || exit
echo "out $plain_ms ms after SIGTERM; valgrind finds nothing lost"
