#!/bin/bash
# The README's demonstration, as a user runs it, and that it leaves nothing behind.
cd "$(dirname "$0")/../.." || exit
. tests/sh/process.sh

# A cage of the demonstration, or a process that it started, still there.
left_behind() {
    compgen -G '/sys/fs/cgroup/leakwatch-demo-*' || compgen -G '/sys/fs/cgroup/memory/leakwatch-demo-*' ||
        pgrep -f "^$PWD/build/demo/service" || pgrep -f -- '--dir '"$PWD"'/build/demo/dumps'
}

start=$(now_ms)
deploy/demo/run || exit
took=$((($(now_ms) - start) / 1000))
left=$(left_behind) && echo "left behind: $left" && exit 1
echo "the demonstration held, $took s"
[ $took -le 90 ] || { echo "longer than 90 s" && exit 1; }
