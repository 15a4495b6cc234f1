# The real thing: Go services, cgroups, the kernel's OOM killer.
# shellcheck shell=bash

E2E_PARALLEL=4 # the runs mostly wait

# at_once SECONDS NAME COMMAND …: triples, some at a time, each reported as it ends.
at_once() {
    local -A starts=()
    local name
    mkdir -p "$LOGS"
    while [ $# -gt 0 ]; do
        [ ${#starts[@]} -lt $E2E_PARALLEL ] || { wait -n; report_ended; }
        name=$2 starts[$2]=$(now_ms)
        rm -f "$(log_of "$name").status"
        # shellcheck disable=SC2086
        (
            timeout -k 10 "$1" $3 >"$(log_of "$name")" 2>&1
            echo $? >"$(log_of "$name").status"
        ) &
        shift 3
    done
    while [ ${#starts[@]} -gt 0 ]; do
        wait -n
        report_ended
    done
}

# Of those in starts: reports and forgets what has its status.
report_ended() {
    local name
    for name in "${!starts[@]}"; do
        [ -s "$(log_of "$name").status" ] || continue
        report "$name" "$(cat "$(log_of "$name").status")" "${starts[$name]}" &&
            tail -n 1 "$(log_of "$name")" | sed 's/^/      /'
        unset "starts[$name]"
    done
}

# Why there can be no kill here, or nothing.
no_cage() {
    (. tests/sh/cage.sh && cage_open leakwatch-probe-$$ $((64 << 20)) && cage_close) 2>&1
}

part_e2e() {
    local why
    require build go test || return
    need_build release || return
    check e2e/build 300 tests/e2e/build.sh || return
    check readme/settings 20 tests/settings-table
    why=$(no_cage)
    if [ -n "$why" ]; then
        skip e2e/oom "$why"
    else
        part_e2e_oom
        check e2e/demo 150 tests/e2e/demo.sh
    fi
    check e2e/pprof-diff 300 tests/e2e/pprof_diff.sh build/release
    check e2e/cli 120 tests/e2e/cli.sh build/release/leakwatch
    check e2e/cli-agent 120 tests/e2e/cli_agent.sh build/release/leakwatch
    check e2e/convert 300 tests/e2e/convert.py build/release/leakwatch tests/data/captures
    check e2e/settings 120 tests/e2e/settings.sh build/release/leakwatch
    check e2e/targets 180 tests/e2e/targets.sh build/release/leakwatch
    check e2e/lives 120 tests/e2e/lives.sh build/release/leakwatch
    check e2e/proof 150 tests/e2e/proof.sh build/release/leakwatch
    check e2e/disk 120 tests/e2e/disk.sh build/release/leakwatch
    check e2e/term 120 tests/e2e/term.sh
    check e2e/cost 300 tests/e2e/cost.sh 1000
    check e2e/kill9 300 tests/e2e/kill9.sh "${KILLS:-50}"
    part_e2e_services
    return 0
}

# Real services. Their libraries need a newer Go than all else here.
part_e2e_services() {
    local have
    have=$(go env GOVERSION)
    if [[ $have =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -lt 24 ]; then
        skip e2e/patterns "Go 1.24 is needed, not $have"
        skip e2e/sound "the same"
        return
    fi
    check e2e/patterns 720 tests/e2e/patterns.sh
    check e2e/sound 480 tests/e2e/sound.sh
}

part_e2e_oom() {
    local fill mode memory list=()
    for fill in 60 20; do
        for mode in goroutines heap; do
            for memory in cgroup memstats; do
                list+=(150 "e2e/oom/$mode-$fill-$memory"
                    "tests/e2e/oom.sh --mode $mode --fill $fill --memory $memory --native false")
            done
        done
    done
    list+=(120 e2e/oom/native "tests/e2e/oom.sh --native true --tenants 5"
        120 e2e/oom/small-goroutines "tests/e2e/oom.sh --hold 4096 --tenants 3"
        120 e2e/oom/mute "tests/e2e/oom.sh --mute 10"
        120 e2e/oom/stopped "tests/e2e/oom.sh --stop")
    at_once "${list[@]}"
}

part_soak() {
    need_build release || return
    check e2e/build 300 tests/e2e/build.sh || return
    # Its table is its result: shown as it comes.
    local start status
    start=$(now_ms)
    mkdir -p "$LOGS"
    tests/e2e/soak.sh "$@" 2>&1 | tee "$(log_of soak)"
    status=${PIPESTATUS[0]}
    report soak "$status" "$start"
    check soak/cost 1500 tests/e2e/cost.sh 10000
    check soak/kill9 1200 tests/e2e/kill9.sh 200
    part_cgroup2
    return 0
}

# cgroup v2 alone, in a virtual machine: where this one has v1, and as in a pod.
part_cgroup2() {
    need_build release || return
    require go test || return
    check e2e/cgroup2 240 tests/e2e/cgroup2.sh "$@"
    return 0
}
