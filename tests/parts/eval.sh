# How good detection is, on generated series whose truth is known: tables, and each
# target a check. `eval smoke` only shows that the machinery works.
# shellcheck shell=bash

part_eval() {
    need_build release || return
    if [ "${1:-}" = smoke ]; then
        check eval/smoke 120 tests/eval/test_score.py --smoke
        return 0
    fi
    local log status holds line
    log=$(log_of eval)
    tests/eval/score.py "$@" 2>&1 | tee "$log" | grep -v '^target '
    status=${PIPESTATUS[0]}
    # 0 and 1 say whether the targets hold, and those are counted one by one.
    [ "$status" -le 1 ] && grep -q '^target ' "$log" || tally eval 0 1 "exit $status"
    while read -r _ holds line; do
        if [ "$holds" = ok ]; then
            tally "eval" 1 0 "$line"
        else
            tally "eval" 0 1 "$line"
        fi
    done < <(grep '^target ' "$log")
}
