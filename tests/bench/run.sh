#!/bin/bash
# Measurements, printed as tables; nothing here passes or fails.
#
#   run.sh [SECONDS]     how long each watcher is observed (60; 0: no watchers)
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
. tests/sh/process.sh

seconds=${1:-60}
leakwatch=${LEAKWATCH:-build/release/leakwatch}
work=$PWD/build/bench
trap end_children EXIT

# The parser of the installed Go toolchain is github.com/google/pprof/profile:
# built from there, so that nothing is downloaded.
build_goparse() {
    local vendored
    vendored=$(go env GOROOT)/src/cmd/vendor/github.com/google/pprof/profile
    [ -d "$vendored" ] || { echo "no $vendored" >&2; return 1; }
    rm -rf "$work/src" && mkdir -p "$work/src/pprof" || return
    cp -r "$vendored" "$work/src/pprof/profile"
    printf 'module github.com/google/pprof\n\ngo 1.19\n' >"$work/src/pprof/go.mod"
    mkdir "$work/src/goparse" && cp tests/bench/goparse/main.go "$work/src/goparse/"
    printf 'module goparse\n\ngo 1.19\n\nrequire github.com/google/pprof v0.0.0\n\n%s\n' \
        'replace github.com/google/pprof => ../pprof' >"$work/src/goparse/go.mod"
    (cd "$work/src/goparse" && go build -o "$work/goparse" .)
}

build() {
    mkdir -p "$work"
    tests/e2e/build.sh || return
    (cd tests/bench/gowatch && go build -trimpath -o "$work/gowatch" .) || return
    build_goparse
}

# start_service STACKS GOROUTINES: sets address.
start_service() {
    rm -f "$work/address"
    spawn "$work/service.log" exec build/e2e/leaker -mode steady -stacks "$1" -goroutines "$2" -ready "$work/address"
    wait_for 20 test -s "$work/address" || exit
    address=$(cat "$work/address")
}

page() { curl -s "http://$address/debug/pprof/$1?debug=1"; }

# ---- the parser ----

# pages FUNCTIONS NAME STACKS DEPTH: the goroutine and the heap page of a program
# of so many functions, four call sites each.
pages() {
    local program=$work/gopage-$1
    if [ ! -x "$program" ]; then
        rm -rf "$work/src/gopage" && cp -r tests/bench/gopage "$work/src/gopage" || return
        (cd "$work/src/gopage" && go run ./generate "$1" . && go build -trimpath -o "$program" .) || return
    fi
    "$program" -stacks "$3" -depth "$4" "$work/goroutine-$2.txt" "$work/heap-$2.txt"
}

# parse_row NAME FILE: best of three, taken in turn; MB/s of CPU time.
parse_row() {
    local i
    for i in 1 2 3; do
        echo "$("$work/goparse" "$2" 0.5 2>&1 | cut -d' ' -f1) $(build/release/bench/bench_parse "$2" 0.5)"
    done | awk -v name="$1" -v bytes="$(stat -c %s "$2")" '
        { for (i = 1; i <= 4; i++) if ($i > best[i]) best[i] = $i }
        END {
            printf "%-26s %9d %8.0f", name, bytes, best[1] / 1e6
            for (i = 2; i <= 4; i++) printf " %8.0f %5.1f x", best[i] / 1e6, best[i] / best[1]
            print ""
        }'
}

bench_parser() {
    local name kind file
    rm -f "$work"/gopage-*
    pages 80 "8 stacks" 8 4-10 || return
    pages 80 "30 stacks" 30 10-20 || return
    pages 300 "300 stacks" 300 10-20 || return
    pages 1000 "1000 stacks" 1000 10-20 || return
    pages 4000 "1000 far apart" 1000 10-20 || return
    printf '\n%-26s %9s %8s %16s %16s %16s\n' "parser, MB/s" bytes Parse "first" "changing" "steady"
    for kind in goroutine heap; do
        for name in "8 stacks" "30 stacks" "300 stacks" "1000 stacks" "1000 far apart"; do
            parse_row "$kind, $name" "$work/$kind-$name.txt"
        done
    done
    for file in tests/data/captures/cart-B.goroutine1.txt tests/data/captures/cart-B.heap1.txt; do
        parse_row "$(basename "$file")" "$file"
    done
    gzip -dc tests/data/captures/big-8000-*.gz >"$work/big.txt"
    parse_row "8,000 labelled records" "$work/big.txt"
}

# ---- the watchers ----

# CPU of a process with all its threads, in microseconds.
cpu_us() { cat /proc/"$1"/task/*/schedstat | awk '{ s += $1 } END { printf "%d", s / 1000 }'; }
resident_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# watch_row STACKS GOROUTINES: both watchers on the same service, side by side.
watch_row() {
    local ours theirs ours_us theirs_us bytes
    start_service "$1" "$2"
    bytes=$(page goroutine | wc -c)
    rm -rf "$work/dir" && mkdir "$work/dir"
    spawn "$work/watch.log" exec "$leakwatch" watch --target "http://$address" --dir "$work/dir" --listen off
    ours=$SPAWNED
    spawn "$work/gowatch.log" exec "$work/gowatch" "http://$address"
    theirs=$SPAWNED
    sleep 5 # start-up is not counted
    ours_us=$(cpu_us "$ours") theirs_us=$(cpu_us "$theirs")
    sleep "$seconds"
    ours_us=$(($(cpu_us "$ours") - ours_us)) theirs_us=$(($(cpu_us "$theirs") - theirs_us))
    printf '%7d %10d %9d   %11s %11s   %9d %9d' "$1" "$2" "$bytes" \
        "$(per_minute $ours_us)" "$(per_minute $theirs_us)" "$(resident_kib "$ours")" "$(resident_kib "$theirs")"
    dump_time "$ours"
    printf ' %10s\n' "$(stat -c %b*%B "$work/dir"/history* 2>/dev/null | paste -sd+ | bc)"
    end_children
}

per_minute() { awk -v us="$1" -v s="$seconds" 'BEGIN { printf "%.1f", us / 1000 * 60 / s }'; }

# dump_time PID: from the signal until the dump's folder has its name, best of 3.
dump_time() {
    local i start best= before ms
    for i in 1 2 3; do
        before=$(visible_dumps) start=$(now_ms)
        kill -USR1 "$1"
        while [ "$(visible_dumps)" = "$before" ] && [ $(($(now_ms) - start)) -lt 5000 ]; do :; done
        ms=$(($(now_ms) - start))
        [ -n "$best" ] && [ "$best" -le $ms ] || best=$ms
        sleep 2
    done
    printf ' %8s ms' "$best"
}

visible_dumps() {
    local names=("$work/dir"/[0-9]*T[0-9]*)
    echo ${#names[@]} "${names[-1]}"
}

bench_watchers() {
    printf '\nwatchers, each for %s s, default cadence; CPU in ms a minute, resident in KiB\n' "$seconds"
    printf '%7s %10s %9s   %11s %11s   %9s %9s %11s %10s\n' stacks goroutines page "CPU ours" "CPU Go" \
        "RSS ours" "RSS Go" "to durable" history
    watch_row 100 1000
    watch_row 1000 1000
    watch_row 4000 4000
    watch_row 1000 10000
    watch_row 1000 100000
}

# ---- the detectors ----

bench_detectors() {
    printf '\ndetectors, CPU time, default history\n'
    build/release/bench/bench_detect
}

build || exit
bench_parser
bench_detectors
[ "$seconds" = 0 ] || bench_watchers
