#!/bin/bash
# How lives end other than by the OOM killer, and what a dump says of it: the
# service is killed, the pod shut down, the service or the watcher restarted.
#   tests/e2e/lives.sh LEAKWATCH [CASE…]
cd "$(dirname "$0")/../.." || exit
. tests/sh/process.sh
. tests/sh/cases.sh
leakwatch=$(realpath "${1:?usage: lives.sh LEAKWATCH [CASE…]}") || exit
shift
peer=$PWD/build/e2e/peer
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-lives.XXXXXX") || exit
trap 'end_children; rm -rf "$work"' EXIT
unset "${!LEAKWATCH_@}"

# service: starts it, always at the same place.
service() {
    [ -n "$place" ] || place=127.0.0.1:$((20000 + RANDOM % 10000))
    rm -f "$work/ready"
    spawn "$work/service.log" exec "$peer" -ready "$work/ready" "svc@$place=pprof"
    SERVICE=$SPAWNED
    must 10 test -s "$work/ready"
}

# watcher [PREFIX…]: on $work/a, with a log of its own each time.
watcher() {
    starts=$((starts + 1))
    [ ! -e "$work/a.log" ] || mv "$work/a.log" "$work/before.$starts.log"
    mkdir -p "$work/a"
    spawn "$work/a.log" exec "$@" "$leakwatch" watch --dir "$work/a" --listen off --time-scale 10 \
        --history-bytes 512Ki --target "svc=http://$place"
    AGENT=$SPAWNED AGENT_SHELL=$SPAWNED_SHELL
}

lives() { holds a "t['svc']['state'] == 'alive' and t['svc']['life']['id'] == $1 and (t['svc']['goroutines']['count'] or 0) > 0"; }

# dump: sets DUMP to the folder of one taken now.
dump() {
    must 10 "$leakwatch" dump --dir "$work/a"
    DUMP=$("$leakwatch" dumps --dir "$work/a" -o json |
        python3 -c 'import json, sys; print(max(json.load(sys.stdin)["dumps"], key=lambda d: d["time"] + d["id"])["id"])')
    DUMP=$work/a/$DUMP
}

# outcome DUMP EXPRESSION: of its manifest m and its outcome o.
outcome() {
    python3 -c '
import json, sys
m = json.load(open(sys.argv[1] + "/manifest.json"))
o = m.get("outcome") or {}
sys.exit(0 if eval(sys.argv[2]) else 1)' "$1" "$2"
}

settled() {
    outcome "$1" "o.get('cause') == '$2' and o['source'] == 'inferred' and o['exit_code'] in (None, -1) and o['lead_ms'] >= 0"
}

open_still() { outcome "$1" "not o.get('cause')"; }

ended_as() {
    must 15 settled "$1" "$2"
}

case_killed() {
    local first second
    service
    watcher
    must 15 lives 1
    dump && first=$DUMP
    open_still "$first" || fail "an outcome before the end"
    kill -KILL "$SERVICE"
    ended_as "$first" killed-or-exited
    must 5 said a '"target died".*"life":1,"cause":"killed-or-exited","source":"inferred"'
    must 5 holds a "t['svc']['state'] == 'waiting'"
    service
    must 15 lives 2
    dump && second=$DUMP
    open_still "$second" || fail "the new life's dump has an outcome"
    outcome "$second" "m['life'] == 2" || fail "the dump is not of the second life"
    settled "$first" killed-or-exited || fail "the first life's outcome changed"
    kill -TERM "$SERVICE" # no crash, but an end all the same
    ended_as "$second" killed-or-exited
    settled "$first" killed-or-exited || fail "the first life's outcome changed"
    [ "$(grep -c '"target died"' "$work/a.log")" = 2 ] || fail "each death is said once"
    agent_end a
}

# Both get SIGTERM at once, as in a pod: the watcher may see the death itself.
case_shutdown_together() {
    service
    watcher
    must 15 lives 1
    dump
    kill -TERM "$SERVICE" "$AGENT"
    wait "$AGENT_SHELL" || fail "exit $?"
    service
    watcher
    must 15 lives 2
    ended_as "$DUMP" pod-shutdown
}

# The watcher goes first, and sees at its next start what came of it.
case_shutdown() {
    service
    watcher
    must 15 lives 1
    dump
    agent_end a
    kill -TERM "$SERVICE"
    sleep 1
    service
    watcher
    must 15 lives 2
    ended_as "$DUMP" pod-shutdown
    must 5 said a '"target died".*"life":1,"cause":"pod-shutdown"'
}

case_watcher_restarts() {
    local first
    service
    watcher
    must 15 lives 1
    dump && first=$DUMP
    agent_end a
    watcher
    must 15 lives 1
    must 5 said a '"target answers".*"life":1,'
    sleep 1
    kill -KILL "$AGENT"
    watcher
    must 15 lives 1
    dump
    open_still "$first" && open_still "$DUMP" || fail "an outcome, but the service lives"
    [ "$first" != "$DUMP" ] || fail "the sequence began anew"
    sleep 1 # later than SIGTERM of the first watcher, but within its 30 s
    kill -KILL "$SERVICE"
    ended_as "$first" killed-or-exited
    ended_as "$DUMP" killed-or-exited
}

# It dies while nobody watches; the next start infers it.
case_unseen() {
    service
    watcher
    must 15 lives 1
    dump
    sleep 2 # until the note of this life is on disk
    kill -KILL "$AGENT"
    kill -KILL "$SERVICE"
    sleep 1
    service
    watcher
    must 15 lives 2
    ended_as "$DUMP" killed-or-exited
    must 5 said a '"target died".*"life":1,.*"source":"inferred"'
}

# It dies while nobody watches and never comes back: its port refuses.
case_unseen_gone() {
    service
    watcher
    must 15 lives 1
    dump
    sleep 2
    kill -KILL "$AGENT"
    kill -KILL "$SERVICE"
    sleep 1
    watcher
    ended_as "$DUMP" killed-or-exited
    service
    must 15 lives 2
}

# Where no process is visible, its silence and its counters must tell.
case_blind() {
    unshare -pf --mount-proc true 2>/dev/null || { echo "skipped: no PID namespace here" && return; }
    service
    watcher unshare -pf --kill-child --mount-proc
    must 20 lives 1
    must 10 holds a "t['svc']['memory']['source'] == 'memstats'"
    dump
    kill -KILL "$SERVICE"
    ended_as "$DUMP" killed-or-exited
    service
    must 20 lives 2
}

[ $# -gt 0 ] || set -- killed shutdown_together shutdown watcher_restarts unseen unseen_gone blind
run_cases "$@"
