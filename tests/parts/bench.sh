# Measurements: tables, never a pass or a failure of the product.
# shellcheck shell=bash

part_bench() {
    require build go test bench || return
    need_build release || return
    local start status
    start=$(now_ms)
    tests/bench/run.sh "$@" 2>&1 | tee "$(log_of bench)"
    status=${PIPESTATUS[0]}
    report bench "$status" "$start"
    return 0
}
