# Cases that run at once, each with an agent or more of its own. Sourced, behind
# process.sh; `leakwatch` and `work` are the script's.
#
#   run_cases NAME…        the functions case_NAME, in subshells, each in $work/NAME
#
# Within a case, where a failure ends it:
#   agent NAME ARG…        starts one on $work/NAME with the log $work/NAME.log;
#                          sets AGENT and AGENT_SHELL
#   agent_end NAME         SIGTERM to the last; must exit with 0
#   must SECONDS CMD…      CMD must succeed in that time
#   holds NAME EXPRESSION  of Python: s is the status, t its targets by name
#   fact NAME EXPRESSION   prints it
#   said NAME PATTERN      a line of the log
#   expect CODE PATTERN CMD…  the exit code, and a line of its output
# shellcheck shell=bash

AGENT= AGENT_SHELL=

agent() {
    local name=$1
    shift
    mkdir -p "$work/$name" 2>/dev/null
    spawn "$work/$name.log" exec "$leakwatch" watch --dir "$work/$name" --listen off "$@"
    AGENT=$SPAWNED AGENT_SHELL=$SPAWNED_SHELL
}

agent_end() {
    kill -TERM "$AGENT"
    wait "$AGENT_SHELL" || fail "$1: exit $?"
}

fail() {
    echo "FAIL $*"
    tail -n 4 "$work"/*.log | cut -c1-400
    exit 1
}

must() {
    wait_for "$@" || {
        shift
        fact "$2" '[(x["name"], x["state"], x["problem"]) for x in s["targets"]]' 2>/dev/null
        fail "never: $*"
    }
}

fact() {
    "$leakwatch" status --dir "$work/$1" -o json 2>/dev/null | python3 -c '
import json, re, sys
s = json.load(sys.stdin)
t = {x["name"]: x for x in s["targets"]}
print(eval(sys.argv[1]))' "$2"
}

holds() {
    [ "$(fact "$1" "bool($2)" 2>/dev/null)" = True ]
}

said() {
    grep -qE -- "$2" "$work/$1.log"
}

expect() {
    local code=$1 pattern=$2 status
    shift 2
    "$@" >"$work/out" 2>&1 </dev/null
    status=$?
    [[ $status =~ ^($code)$ ]] && { [ "$pattern" = - ] || grep -qE -- "$pattern" "$work/out"; } && return
    head -n 12 "$work/out"
    fail "$*: exit $status, not $code, or no line like '$pattern'"
}

one_case() (
    work=$work/$1
    mkdir "$work"
    trap end_children EXIT
    "case_$1"
)

run_cases() {
    local name failed=0
    local -A shells=()
    for name in "$@"; do
        one_case "$name" >"$work/$name.out" 2>&1 &
        shells[$name]=$!
    done
    for name in "$@"; do
        if wait "${shells[$name]}"; then
            grep '^skipped' "$work/$name.out"
            continue
        fi
        failed=$((failed + 1))
        echo "case $name:"
        sed 's/^/  /' "$work/$name.out"
    done
    echo "$# cases, $failed failed: $*"
    [ $failed = 0 ]
}
