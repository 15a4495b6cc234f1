#!/bin/bash
# One real kill: a Go service fills a 128 MiB limit until the kernel ends it,
# with leakwatch outside its cgroup. The last line says what came of it.
#
#   --mode goroutines|heap     what leaks                       (goroutines)
#   --fill SECONDS             how long the limit takes         (20)
#   --memory cgroup|memstats   what the watcher can see; memstats puts it into
#                              a PID namespace of its own, no cgroup in sight
#   --native true|false        phase 2 of the dump              (true)
#   --mute SECONDS             pprof falls silent so long before the limit
#   --stop                     the service is stopped at 40 % and a sibling in
#                              its cgroup fills the rest
#   --tenants N                labels on the leaked goroutines
#   --hold BYTES               that each leaked goroutine holds (65536)
#   --result FILE              gets a line: lead ms, trigger, cause, errors
#   --keep                     leaves the directory, and says where
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
. tests/sh/process.sh
. tests/sh/cage.sh

LIMIT_BYTES=$((128 << 20))
mode=goroutines fill=20 memory=cgroup native=true mute=0 stop= tenants=0 hold=65536 result= keep=
while [ $# -gt 0 ]; do
    case $1 in
    --stop | --keep) declare "${1#--}=yes" && shift ;;
    --mode | --fill | --memory | --native | --mute | --tenants | --hold | --result)
        declare "${1#--}=$2" && shift 2
        ;;
    *) echo "oom.sh: what is $1?" >&2 && exit 2 ;;
    esac
done

leakwatch=${LEAKWATCH:-$PWD/build/release/leakwatch}
leaker=$PWD/build/e2e/leaker
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-oom.XXXXXX") || exit

finish() {
    end_children
    [ -n "$CAGE_DIR" ] && cage_close
    if [ -n "$keep" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT

fail() {
    echo "$*"
    echo "--- the watcher's last lines"
    tail -n 15 "$work/watch.log"
    exit 1
}

start_service() {
    cage_open "leakwatch-e2e-$$" $LIMIT_BYTES || exit
    local options=(-mode "$mode" -fill "${fill}s" -hold "$hold" -tenants "$tenants" -mute "${mute}s")
    [ -z "$stop" ] || options+=(-until 40)
    spawn "$work/service.log" cage_exec "$leaker" "${options[@]}" -ready "$work/address"
    service=$SPAWNED service_shell=$SPAWNED_SHELL
    wait_for 5 test -s "$work/address" || fail "the service did not start: $(cat "$work/service.log")"
}

# Another PID namespace with its own /proc, and nothing where cgroups are.
unseeing() {
    exec unshare --pid --fork --kill-child --mount-proc sh -c \
        'mount -t tmpfs none /sys/fs/cgroup && exec "$@"' sh "$@"
}

start_watch() {
    local how=exec options=(--target "http://$(cat "$work/address")" --dir "$work/dir" --listen off
        --dump-native="$native")
    mkdir "$work/dir"
    if [ $memory = memstats ]; then
        how=unseeing
        options+=(--memory-limit "$LIMIT_BYTES")
    fi
    spawn "$work/watch.log" $how "$leakwatch" watch "${options[@]}"
    watch=$SPAWNED
}

# The neighbour fills what the stopped service left; the kernel is told to take
# the service first, as it would the largest.
stop_service() {
    sleep $((3 + fill * 40 / 100 + 2))
    kill -STOP "$service"
    echo 1000 >"/proc/$service/oom_score_adj"
    spawn "$work/sibling.log" cage_exec "$leaker" -mode fill -fill "${fill}s" -delay 0s
}

await_kill() {
    wait "$service_shell"
    status=$?
    killed_ms=$(now_ms)
    [ $status = 137 ] || fail "the service ended with $status, not by the kernel"
}

start_service
start_watch
started_ms=$(now_ms)
[ -z "$stop" ] || stop_service
await_kill
kill -0 "$watch" 2>/dev/null || fail "the watcher is gone"
wait_for 20 tests/e2e/dumps.py outcome "$work/dir" ||
    fail "no outcome after 20 s ($(tests/e2e/dumps.py count "$work/dir") dumps)"

case $mode in
goroutines) profile=goroutine function=main.fetchReport ;;
heap) profile=heap function=main.cacheResponse ;;
esac
case $memory in
cgroup) cause=oom ;;
memstats) cause=oom,probable-oom,killed-or-exited ;;
esac
printf '%s, %s s, %s, native %s%s%s: killed after %d s; ' $mode "$fill" $memory "$native" \
    "$([ "$mute" = 0 ] || echo ", mute $mute s")" "${stop:+, stopped}" $(((killed_ms - started_ms) / 1000))
tests/e2e/dumps.py oom "$work/dir" --killed-ms "$killed_ms" --profile $profile \
    --function $function --cause $cause --native "$native" ${result:+--result "$result"} || fail "not as it should be"
