#!/bin/bash
# A directory that is small, full, not writable or not there: the watcher goes
# on, says what is wrong, writes what fits, and all of it once there is room.
#   tests/e2e/disk.sh LEAKWATCH [CASE…]
cd "$(dirname "$0")/../.." || exit
if [ -z "$MOUNTS" ] && unshare -m true 2>/dev/null; then # its mounts end with it
    MOUNTS=yes exec unshare -m "$0" "$@"
fi
. tests/sh/process.sh
. tests/sh/cases.sh
leakwatch=$(realpath "${1:?usage: disk.sh LEAKWATCH [CASE…]}") || exit
shift
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-disk.XXXXXX") || exit
trap 'end_children; umount "$work"/*/a 2>/dev/null; rm -rf "$work"' EXIT
unset "${!LEAKWATCH_@}"
quick=(--time-scale 10 --history-bytes 512Ki)

# service [STACKS]: sets target.
service() {
    spawn "$work/service.log" exec build/e2e/leaker -mode steady -stacks "${1:-200}" -goroutines "${1:-200}" \
        -ready "$work/ready"
    must 10 test -s "$work/ready"
    target=web=http://$(cat "$work/ready")
}

# volume OPTIONS: a tmpfs at $work/a.
volume() {
    mkdir -p "$work/a"
    mount -t tmpfs -o "$1" leakwatch "$work/a" 2>/dev/null && return
    echo "skipped: no mounts here"
    exit 0
}

free_bytes() { echo $(($(stat -f -c '%a * %S' "$work/a"))); }

# fill LEAVE: all but so many bytes of the volume.
fill() {
    local bytes=$(($(free_bytes) - $1))
    [ $bytes -le 0 ] || head -c $bytes /dev/zero >"$work/a/foreign.$RANDOM"
}

alive() { holds "$1" "t['web']['state'] == 'alive' and (t['web']['goroutines']['count'] or 0) > 0 and t['web']['heap']['inuse_bytes'] is not None"; }

# ask PORT PATH [PYTHON]: over TCP, where there is no socket; s is the status.
ask() {
    python3 -c '
import json, sys, urllib.request
open_ = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
body = open_(f"http://127.0.0.1:{sys.argv[1]}{sys.argv[2]}", timeout=5).read().decode()
if len(sys.argv) > 3:
    s = json.loads(body)
    sys.exit(0 if eval(sys.argv[3]) else 1)
print(body)' "$@"
}

# By its number: two within a second are not in the order of their names.
newest() { compgen -G "$work/a/*Z-*-web-*" | awk -F- '{ print $NF, $0 }' | sort -n | tail -n 1 | cut -d ' ' -f 2-; }

manifest() { python3 -c 'import json, sys; m = json.load(open(sys.argv[1] + "/manifest.json")); sys.exit(0 if eval(sys.argv[2]) else 1)' "$@"; }

# A volume too small for the history: dumps are what counts.
case_tiny() {
    volume size=256k
    service
    agent a "${quick[@]}" --target "$target"
    must 20 alive a
    must 10 holds a "'history cannot be written' in s['store_problem'] and 'space' in s['store_problem']"
    [ "$(grep -c '"the history cannot be written"' "$work/a.log")" = 1 ] || fail "it is not said once"
    expect 0 "/a/.*-manual-web-" "$leakwatch" dump --dir "$work/a"
    tests/e2e/dumps.py whole "$work/a" || fail "a dump is not whole"
    expect 0 '^storage +the history cannot' "$leakwatch" status --dir "$work/a"
    kill -0 "$AGENT" && agent_end a
}

# Full while it runs: fewer files, then none, then all again.
case_full() {
    local few
    volume size=2m
    service
    agent a "${quick[@]}" --target "$target" --dump-native false
    must 20 alive a
    must 10 test -s "$work/a/history.bin"
    fill 24000 # of about 40 KB
    must 10 "$leakwatch" dump --dir "$work/a"
    few=$(newest)
    manifest "$few" "0 < len(m['files']) and 'files written' in m['note']" || fail "not fewer files: $(cat "$few/manifest.json")"
    tests/e2e/dumps.py whole "$work/a" || fail "a dump is not whole"
    fill 0
    # The newest dump is never removed, so there is no room for another.
    expect 2 'space' "$leakwatch" dump --dir "$work/a"
    must 10 holds a "'space' in t['web']['store_problem'] and t['web']['counters']['dump_failures'] > 0"
    must 5 said a '"dump failed".*"why".*space.*"diff_base64"'
    alive a || fail "it does not go on"
    rm "$work/a"/foreign.*
    must 10 "$leakwatch" dump --dir "$work/a"
    manifest "$(newest)" "len(m['files']) > 5 and 'files written' not in m['note']" || fail "not whole again"
    must 15 holds a "s['store_problem'] == '' and t['web']['store_problem'] == ''"
    tests/e2e/dumps.py whole "$work/a" || fail "a dump is not whole"
    agent_end a
    [ -z "$(find "$work/a" -name '.tmp*')" ] || fail "left behind: $(find "$work/a" -name '.tmp*')"
}

# Nothing can be made there at its start, later it can.
case_full_at_start() {
    local port=$((30000 + RANDOM % 10000))
    volume size=2m,nr_inodes=1
    service
    agent a "${quick[@]}" --target "$target" --listen 127.0.0.1:$port
    must 15 ask $port /api/v1/status "'directory cannot be used' in s['store_problem'] and 'space' in s['store_problem']"
    must 15 ask $port /api/v1/status "s['targets'][0]['goroutines']['count'] > 0"
    mount -o remount,nr_inodes=1000 "$work/a"
    must 15 ask $port /api/v1/status "s['store_problem'] == ''"
    must 15 test -s "$work/a/history.bin"
    kill -USR1 "$AGENT"
    must 15 test -n "$(sleep 2; newest)"
    agent_end a
}

# unusable NAME PATTERN: the directory $work/NAME cannot be written.
unusable() {
    local port=$((30000 + RANDOM % 10000))
    agent "$1" "${quick[@]}" --target "$target" --listen 127.0.0.1:$port --metrics-listen 127.0.0.1:$((port + 1))
    must 15 ask $port /api/v1/status "s['store_problem'].startswith('the directory cannot be used: ') and s['targets'][0]['goroutines']['count'] > 0"
    said "$1" "\"the directory cannot be used\".*$2" || fail "the log does not say why"
    ask $((port + 1)) /metrics >"$work/metrics"
    grep -qx 'leakwatch_store_problem 1' "$work/metrics" || fail "the metrics do not say it"
    kill -USR1 "$AGENT"
    must 10 said "$1" "\"dump failed\".*$2.*\"diff_base64\""
    expect 2 'agent|such file|directory' "$leakwatch" dump --dir "$work/$1"
    agent_end "$1"
    expect 2 'cannot|open|make' "$leakwatch" doctor --target "$target" --dir "$work/$1"
}

case_unusable() {
    service
    volume ro
    unusable a 'Read-only file system'
    umount "$work/a"
    echo >"$work/file"
    unusable file 'Not a directory'
    # One level is made, not a whole path that may be a mistake.
    mkdir "$work/made" && rmdir "$work/made"
    agent made "${quick[@]}" --target "$target"
    must 20 alive made
    agent_end made
    ln -s "$work/nowhere/below" "$work/none"
    unusable none 'No such file'
}

# Thirty dumps under the least limit.
case_limit() {
    local i first bytes
    service 4000
    agent a --target "$target" --dir-limit 4Mi --history-bytes 512Ki --time-scale 2000 --goroutine-interval 1h \
        --heap-interval 1h --memory-interval 1m --index-interval 10m
    must 20 alive a
    for i in {1..30}; do
        if [ $((i % 2)) = 0 ]; then
            must 20 "$leakwatch" dump --dir "$work/a"
        else
            last=$(newest)
            must 20 signalled
        fi
        [ -n "$first" ] || first=$(newest)
        bytes=$(du -sb --apparent-size "$work/a" | cut -f1)
        [ "$bytes" -le 4194304 ] || fail "$bytes bytes after $i dumps"
    done
    [ "$(tests/e2e/dumps.py count "$work/a")" -lt 30 ] || fail "the dumps are too small to tell"
    [ "$(tests/e2e/dumps.py count "$work/a")" -gt 2 ] || fail "hardly a dump is left"
    [ -d "$first" ] || fail "the first dump of the life is gone"
    case $(newest) in *-30) ;; *) fail "the newest dump is gone" ;; esac
    tests/e2e/dumps.py whole "$work/a" || fail "a dump is not whole"
    agent_end a
}

# A signal is not queued: it is sent until a dump comes of it.
signalled() {
    kill -USR1 "$AGENT"
    sleep 0.5
    [ "$(newest)" != "$last" ]
}

case_two() {
    local first below=$work/a/$(hostname)
    service
    agent a "${quick[@]}" --target "$target"
    first=$AGENT
    must 20 alive a
    spawn "$work/second.log" exec "$leakwatch" watch --dir "$work/a" --listen off "${quick[@]}" --target "$target"
    AGENT=$SPAWNED AGENT_SHELL=$SPAWNED_SHELL
    must 20 alive "a/$(hostname)"
    expect 0 "^$below/.*-manual-web-" "$leakwatch" dump --dir "$below"
    [ -s "$(cat "$work/out")/manifest.json" ] || fail "the dump is not where it is said to be"
    expect 0 "^$work/a/[^/]*-manual-web-" "$leakwatch" dump --dir "$work/a"
    [ -s "$below/history.bin" ] && [ -s "$work/a/history.bin" ] || fail "not a history each"
    expect '0|1' 'holds the lock' "$leakwatch" doctor --target "$target" --dir "$below"
    kill -KILL "$first"
    must 10 alive "a/$(hostname)"
    agent_end second
}

[ $# -gt 0 ] || set -- tiny full full_at_start unusable limit two
run_cases "$@"
