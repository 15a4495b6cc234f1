#!/bin/bash
# The commands beside a running agent of a leaking service: status, dump, diff of
# moments, over the socket; then the same from its files alone.
#   tests/e2e/cli_agent.sh LEAKWATCH
cd "$(dirname "$0")/../.." || exit
. tests/sh/process.sh
leakwatch=$(realpath "${1:?usage: cli_agent.sh LEAKWATCH}") || exit
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-cli.XXXXXX") || exit
trap 'end_children; rm -rf "$work"' EXIT
dir=$work/dir
mkdir "$dir"
unset "${!LEAKWATCH_@}"
failures=0 checks=0

# expect CODE PATTERN ARG…: the exit code, and a line of the output (- any).
expect() {
    local code=$1 pattern=$2 status
    shift 2
    checks=$((checks + 1))
    "$leakwatch" "$@" --dir "$dir" >"$work/out" 2>&1 </dev/null
    status=$?
    [[ $status =~ ^$code$ ]] && { [ "$pattern" = - ] || grep -qE -- "$pattern" "$work/out"; } && return
    failures=$((failures + 1))
    echo "FAIL $*: exit $status, not $code, or no line like '$pattern':"
    head -5 "$work/out"
}

growing() {
    "$leakwatch" diff -12s now --dir "$dir" --fail-on-growth 50 >"$work/out" 2>&1
    [ $? = 1 ]
}

spawn "$work/service.log" exec build/e2e/leaker -mode goroutines -fill 60s -delay 5s \
    -limit 50000000 -hold 16384 -ready "$work/address"
wait_for 10 test -s "$work/address" || exit
spawn "$work/watch.log" exec "$leakwatch" watch --target "web=http://$(cat "$work/address")" \
    --dir "$dir" --listen off --time-scale 10
watch=$SPAWNED shell=$SPAWNED_SHELL
wait_for 60 growing || { cat "$work/out" "$work/watch.log"; exit 1; }

expect '[01]' . status # the agent may be sure already
expect 0 '^/.*-manual-web-[0-9]+$' dump --reason 'before the rollout'
dump=$(cat "$work/out")
[ -s "$dump/goroutine.diff.pb.gz" ] || { echo "FAIL dump: nothing is there"; exit 1; }
expect 0 - replay "$dump/history.csv"
expect 0 'before the rollout' dumps show latest
expect 0 'goroutine.diff.pb.gz' dumps show latest
expect 0 '"trigger":"manual"' dumps -o json
expect 0 '> main\.' diff latest
expect 0 '> main\..*main\.go:' diff -5s now
expect 0 '"change":' diff -5s now -o json
expect 0 - diff -5s now -o proto --output "$work/moments.pb.gz"
gzip -t "$work/moments.pb.gz" || failures=$((failures + 1))
expect 1 '"change":' diff -5s now --fail-on-growth 1 -o json
expect 2 'does not reach back' diff -20d now
expect 2 "no target 'other'" dump --target other
expect 2 "no target 'other'" status --target other
expect 0 '^rule-goroutines +off; a plain bound' explain
expect 0 'nothing is judged in the first 3m of a life' explain # 30 at its scale
expect 0 'no count of an hour ago' explain --all
expect 0 '"standing":"waiting"' explain -o json
expect 0 "^web at $(date -u -d '-3 seconds' +%Y-%m-%dT%H:%M)" explain --at -3s
expect 0 'A dump was taken: .*-manual-web-1, manual: before the rollout' explain --at -9s
expect 2 "at: 'sunday' is no moment: now, -6h or " explain --at sunday
expect 2 'lies in the future' explain --at 2130-01-01T00:00:00Z
expect 0 'does not reach back so far, it begins at 20' explain --at -20d
expect 2 "no target 'other'" explain --target other
expect 2 "takes no word 'web'; --at says when" explain web
expect 2 "no target 'other'" status --target other
expect 0 'an agent answers' doctor --target "web=http://$(cat "$work/address"),limit=1Gi"

kill -TERM "$watch"
wait "$shell" || { echo "FAIL watch: exit $?"; failures=$((failures + 1)); }
expect '[01]' 'no agent answers: this is from its files' status
expect 0 '> main\..*main\.go:' diff -12s now
expect 0 'goroutine' dumps show latest
expect 0 'nothing is judged in the first 3m of a life' explain # at the scale of then
expect 0 'nothing is judged in the first 30m of a life' explain --time-scale 1
expect 0 'A dump was taken: .*-manual-web-1, manual: before the rollout' explain --at -9s
expect 0 '"standing":"waiting"' explain -o json
expect 0 'no count of an hour ago' explain --all
expect 2 "'sunday' is no moment: now, -6h or " explain --at sunday
expect 2 'lies in the future' explain --at 2130-01-01T00:00:00Z
expect 2 "the history has no target 'other'" explain --target other
expect 0 '^removed' dumps rm latest
expect 2 'a dump needs one' dump

# Two targets, of which one has to be named.
dir=$work/two
mkdir "$dir"
expect 2 'no history in .*is --dir right' explain
spawn "$work/two.log" exec "$leakwatch" watch --target "web=http://$(cat "$work/address")" \
    --target "api=http://$(cat "$work/address")" --dir "$dir" --listen off
watch=$SPAWNED shell=$SPAWNED_SHELL
answers() { "$leakwatch" explain --target api --dir "$dir" >"$work/out"; }
wait_for 10 answers || cat "$work/two.log"
expect 2 'there are 2 targets; say which is meant: target=web' explain
expect 0 '^api at 20' explain --target api
kill -TERM "$watch"
wait "$shell" || { echo "FAIL watch of two: exit $?"; failures=$((failures + 1)); }
expect 2 'there are 2 targets; say which is meant: --target web' explain
expect 0 '^web at 20' explain --target web

echo "cli beside an agent: $checks checks, $failures failed"
[ $failures = 0 ]
