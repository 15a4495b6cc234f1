#!/bin/bash
# What watching costs the watcher: 1,000 stacks on a page of 200 KB.
#
#   cost.sh [SCRAPES]     (1000)
#
# Its CPU a scrape, and its resident memory after a tenth of the scrapes and at
# the end: it must not grow. The service answers from prepared pages, so that
# the rule that spares a service does not slow the test down.
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
. tests/sh/process.sh

SCRAPE_US_MAX=2000
GROWTH_KIB_MAX=64
scrapes=${1:-1000}
leakwatch=${LEAKWATCH:-build/release/leakwatch}
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-cost.XXXXXX") || exit
trap 'end_children; rm -rf "$work"' EXIT
mkdir "$work/dir"

# The number of goroutine pages served so far.
served() {
    local line last=0
    exec 3<>"/dev/tcp/${address%:*}/${address#*:}" || return
    printf 'GET /scrapes HTTP/1.0\r\n\r\n' >&3
    while read -r -t 2 line; do last=$line; done <&3
    exec 3>&-
    echo "$last"
}

cpu_us() { cat /proc/"$watch"/task/*/schedstat | awk '{ s += $1 } END { printf "%d", s / 1000 }'; }
resident_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$watch/status"; }
descriptors() { find "/proc/$watch/fd" -mindepth 1 | wc -l; }

# until_served N: sets n to how many there were then.
until_served() {
    local end=$(($(now_ms) + 1200000))
    while n=$(served) && [ "$n" -lt "$1" ]; do
        kill -0 "$watch" 2>/dev/null || { tail -n 5 "$work/watch.log" && exit 1; }
        [ "$(now_ms)" -lt $end ] || { echo "only $n scrapes in 20 minutes" && exit 1; }
        sleep 0.2
    done
}

spawn "$work/service.log" exec build/e2e/leaker -mode steady -stacks 1000 -canned 8 -ready "$work/address"
wait_for 10 test -s "$work/address" || exit
address=$(cat "$work/address")
spawn "$work/watch.log" exec "$leakwatch" watch --target "http://$address" --dir "$work/dir" --listen off \
    --goroutine-interval 100ms --time-scale 10 --log-level warn
watch=$SPAWNED
until_served $((scrapes / 10))
first=$n first_us=$(cpu_us) first_kib=$(resident_kib) first_fds=$(descriptors) start=$(now_ms)
until_served "$scrapes"
each_us=$((($(cpu_us) - first_us) / (n - first))) growth_kib=$(($(resident_kib) - first_kib))
echo "$n scrapes in $((($(now_ms) - start) / 1000)) s: $each_us us CPU each, $(resident_kib) KiB resident, \
$growth_kib KiB grown since scrape $first, $(descriptors) descriptors (then $first_fds)"
[ $each_us -le $SCRAPE_US_MAX ] && [ $growth_kib -le $GROWTH_KIB_MAX ] && [ "$(descriptors)" -le $((first_fds + 1)) ]
