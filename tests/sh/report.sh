# Counts and prints what a test run did. Sourced.
#
#   check NAME SECONDS CMD ARG…   one test: passes when CMD succeeds in time
#   tally NAME PASSED FAILED TEXT several at once
#   skip NAME WHY
#   log_of NAME                   where a check's output went
#   total                         the last line; fails when anything failed
# shellcheck shell=bash

PASSED=0 FAILED=0 SKIPPED=0
LOGS=${LOGS:-build/test-logs}

log_of() {
    echo "$LOGS/${1//[^A-Za-z0-9._-]/-}.log"
}

# seconds_since MS -> "1.2 s"
seconds_since() {
    local ms=$(($(now_ms) - $1))
    printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

# The last line a check printed is its result in short; a failed one's tail is shown.
check() {
    local name=$1 seconds=$2 start log status
    shift 2
    start=$(now_ms) log=$(log_of "$name")
    mkdir -p "$LOGS"
    timeout -k 10 "$seconds" "$@" >"$log" 2>&1
    status=$?
    report "$name" $status "$start"
}

# report NAME STATUS START_MS: prints and counts one check from its log.
report() {
    local log
    log=$(log_of "$1")
    if [ "$2" = 0 ]; then
        PASSED=$((PASSED + 1))
        printf 'ok    %s (%s)\n' "$1" "$(seconds_since "$3")"
        return 0
    fi
    FAILED=$((FAILED + 1))
    printf 'FAIL  %s (%s), exit %s; the end of %s:\n' "$1" "$(seconds_since "$3")" "$2" "$log"
    { grep -E '(error|warning): ' "$log" | head -n 10 && echo ...; tail -n 15 "$log"; } | cut -c1-300 | sed 's/^/      | /'
    return 1
}

tally() {
    PASSED=$((PASSED + $2))
    FAILED=$((FAILED + $3))
    if [ "$3" = 0 ]; then
        printf 'ok    %s: %s\n' "$1" "$4"
    else
        printf 'FAIL  %s: %s\n' "$1" "$4"
    fi
}

skip() {
    SKIPPED=$((SKIPPED + 1))
    printf 'skip  %s: %s\n' "$1" "$2"
}

total() {
    printf '%d passed, %d failed' $PASSED $FAILED
    [ $SKIPPED = 0 ] || printf ', %d skipped' $SKIPPED
    printf '\n'
    [ $FAILED = 0 ] && [ $((PASSED + SKIPPED)) -gt 0 ]
}
