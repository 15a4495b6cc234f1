# The unit and simulation tests, each program under a time limit: in the debug
# build (ASan, UBSan), and the quick ones again under valgrind.
# shellcheck shell=bash

UNIT_SECONDS=300
VALGRIND_SECONDS=600
VALGRIND_QUICK_MS=1500 # of a program's own time; valgrind makes it thirtyfold

# run_program NAME SECONDS CMD…: one cmocka program; counts its cases.
run_program() {
    local name=$1 seconds=$2 start log status ok bad
    shift 2
    start=$(now_ms) log=$(log_of "$name")
    mkdir -p "$LOGS"
    timeout -k 10 "$seconds" "$@" >"$log" 2>&1
    status=$?
    ok=$(grep -c '^\[ *OK *\]' "$log")
    bad=$(grep -E '^\[ +(FAILED|ERROR) +\] [A-Za-z_0-9]+$' "$log" | sort -u | wc -l) # named twice
    # A crash, a sanitizer's report or a time-out is a failure of its own, and
    # so is a program in which no test ran.
    [ "$bad" = 0 ] && { [ $status != 0 ] || [ "$ok" = 0 ]; } && bad=1
    tally "$name" "$ok" "$bad" "$((ok + bad)) tests ($(seconds_since "$start"))"
    [ "$bad" = 0 ] && return
    echo "      exit $status; the end of $log:"
    tail -n 25 "$log" | sed 's/^/      | /'
}

# test_programs BUILD [PATTERN]
test_programs() {
    find "build/$1/tests" -maxdepth 1 -type f -executable -name "test_*${2:-}*" 2>/dev/null | sort
}

part_unit() {
    local program
    export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=print_stacktrace=1
    need_build debug || return
    for program in $(test_programs debug "${1:-}"); do
        run_program "unit/$(basename "$program")" $UNIT_SECONDS "$program"
    done
}

# quick PROGRAM: passes on its own in little time.
quick() {
    local start
    start=$(now_ms)
    timeout 20 "$1" >/dev/null 2>&1 && [ $(($(now_ms) - start)) -lt $VALGRIND_QUICK_MS ]
}

part_valgrind() {
    local program name
    need_build release || return
    for program in $(test_programs release "${1:-}"); do
        name=valgrind/$(basename "$program")
        if quick "$program"; then
            run_program "$name" $VALGRIND_SECONDS valgrind -q --error-exitcode=99 \
                --leak-check=full --errors-for-leak-kinds=definite,indirect "$program"
        else
            echo "      $name left out: long or failing on its own"
        fi
    done
}
