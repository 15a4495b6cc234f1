#!/bin/bash
# Bad settings: `watch` keeps its pod running on the defaults and says so in
# log, status and metrics; --strict and the other commands stop.
#   tests/e2e/settings.sh LEAKWATCH
cd "$(dirname "$0")/../.." || exit
. tests/sh/process.sh
. tests/sh/cases.sh
leakwatch=$(realpath "${1:?usage: settings.sh LEAKWATCH [CASE…]}") || exit
shift
peer=$PWD/build/e2e/peer
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-settings.XXXXXX") || exit
trap 'end_children; rm -rf "$work"' EXIT
unset "${!LEAKWATCH_@}"

service() {
    spawn "$work/service.log" exec "$peer" -ready "$work/ready" svc=pprof
    must 10 test -s "$work/ready"
    target=svc=http://$(awk '{ print $2 }' "$work/ready")
}

alive() { holds "$1" "t['$2']['state'] == 'alive'"; }

metrics() { python3 -c '
import sys, urllib.request
open_ = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
print(open_(f"http://127.0.0.1:{sys.argv[1]}/metrics", timeout=5).read().decode())' "$1"; }

problem() { holds "$1" "any(re.search(r'''$2''', p) for p in s['settings_problems'])"; }

case_bad() {
    local port=$((40000 + RANDOM % 10000)) name
    service
    export LEAKWATCH_FETCH_TIMEOUT=soon LEAKWATCH_FRETCH_LIMIT=1Mi LEAKWATCH_DIR_LIMIT=1Ki \
        LEAKWATCH_SERVICE_HOST=10.0.0.1 LEAKWATCH_PORT=tcp://10.0.0.1:80 LEAKWATCH_LABELS=none
    agent a --target "$target" --time-scale 0 --frobnicate --heap-interval 2years --metrics-listen 127.0.0.1:$port word
    unset "${!LEAKWATCH_@}" # of the commands that follow
    must 15 alive a svc
    # What was wrong, where it came from, and what would be right.
    for name in 'LEAKWATCH_FETCH_TIMEOUT.*soon.*100ms' 'LEAKWATCH_FRETCH_LIMIT: no such setting' \
        'LEAKWATCH_DIR_LIMIT.*1Ki.*4Mi' 'LEAKWATCH_LABELS.*none.*keep\|drop' '--time-scale.*1 to 100000' \
        '--frobnicate: no such setting' '--heap-interval.*2years' 'takes no word'; do
        problem a "$name" || fail "status does not say '$name': $(fact a "s['settings_problems']")"
        said a "\"bad setting\".*$name" || fail "the log does not say '$name'"
    done
    holds a "len(s['settings_problems']) == 8" || fail "more than what is wrong: $(fact a "s['settings_problems']")"
    metrics $port >"$work/metrics" && grep -qx 'leakwatch_settings_problems 8' "$work/metrics" ||
        fail "the metrics do not count them"
    expect 0 '^setting +--frobnicate' "$leakwatch" status --dir "$work/a"
    expect 2 'LEAKWATCH_FETCH_TIMEOUT' env LEAKWATCH_FETCH_TIMEOUT=soon "$leakwatch" status --dir "$work/a"
    expect 2 '"subject":"settings"' env LEAKWATCH_FETCH_TIMEOUT=soon "$leakwatch" doctor --target "$target" --dir "$work/a" -o json
    agent_end a
}

case_strict() {
    expect 2 '--time-scale' "$leakwatch" watch --strict --dir "$work/a" --time-scale 0
    LEAKWATCH_STRICT=true expect 2 'LEAKWATCH_HEAP_INTERVAL' env LEAKWATCH_HEAP_INTERVAL=x "$leakwatch" watch --dir "$work/a"
    expect 2 'target' "$leakwatch" watch --strict --dir "$work/a" --target 'ftp://127.0.0.1'
    expect 2 'name them apart' "$leakwatch" watch --strict --dir "$work/a" --target a=http://127.0.0.1:1 --target a=http://127.0.0.1:2
    [ ! -e "$work/a" ] || fail "it made the directory before it stopped"
}

# The flag wins; what is only wrong in the environment does not matter then.
case_precedence() {
    service
    export LEAKWATCH_TARGET="one=${target#svc=} two=http://127.0.0.1:9"
    agent a --goroutine-interval=1s
    unset LEAKWATCH_TARGET
    must 15 holds a "sorted(t) == ['one', 'two']"
    LEAKWATCH_TARGET=ftp://127.0.0.1 agent b --target "$target"
    must 15 holds b "sorted(t) == ['svc']"
    export LEAKWATCH_TARGET='ftp://127.0.0.1 bad==,limit=x'
    agent c
    unset LEAKWATCH_TARGET
    must 15 holds c "sorted(t) == ['target'] and len(s['settings_problems']) == 2"
}

# The allow-list may be a file: a bad line is told by its number, the rest counts.
case_allow_file() {
    service
    printf '# ours\nshop/pool.(*Worker).run # one a core\ntwo words\n' >"$work/allow"
    agent a --target "$target" --allow-stack main.idle --allow-stack "@$work/allow" --allow-stack file:/nowhere
    must 15 alive a svc
    problem a 'allow:3: more than one word; accepted: one pattern' || fail "a bad line is not told"
    problem a '/nowhere: No such file' || fail "a file that is not there is not told"
    holds a "len(s['settings_problems']) == 2" || fail "more than what is wrong: $(fact a "s['settings_problems']")"
    expect 2 'allow:3' "$leakwatch" watch --strict --dir "$work/b" --allow-stack "@$work/allow"
}

# A port that is taken, or no port at all: said, not fatal.
case_ports() {
    local port=$((40000 + RANDOM % 10000))
    service
    agent a --target "$target" --metrics-listen 127.0.0.1:$port
    must 15 alive a svc
    agent b --target "$target" --metrics-listen 127.0.0.1:$port --listen 127.0.0.1
    must 15 alive b svc
    problem b "127.0.0.1:$port.*in use" || fail "a taken port is not said: $(fact b "s['settings_problems']")"
    problem b "127.0.0.1: not an address:port" || fail "no port is not said: $(fact b "s['settings_problems']")"
    said b "\"why\":\".*127.0.0.1:$port" || fail "the log does not say it"
    agent_end b
}

[ $# -gt 0 ] || set -- bad strict precedence allow_file ports
run_cases "$@"
