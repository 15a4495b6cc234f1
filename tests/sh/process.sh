# Small helpers around processes and files. Sourced.
# shellcheck shell=bash

CHILDREN=()

# remember PID: it is ended when the script ends.
remember() {
    CHILDREN+=("$1")
}

# spawn LOG CMD ARG…: starts CMD, which must exec in the end, with its output in
# LOG. Sets SPAWNED to its pid and SPAWNED_SHELL to what `wait` takes: a shell
# between, so that a kill is a status and not a message of this shell.
spawn() {
    local log=$1
    shift
    rm -f "$log.pid"
    (
        (
            echo "$BASHPID" >"$log.pid"
            "$@"
        )
        exit $?
    ) >"$log" 2>&1 &
    SPAWNED_SHELL=$!
    wait_for 5 test -s "$log.pid" || return
    SPAWNED=$(<"$log.pid")
    remember "$SPAWNED"
    remember "$SPAWNED_SHELL"
}

# Ends everything remembered, by its pid: TERM, two seconds, KILL.
end_children() {
    local pid tries
    for pid in "${CHILDREN[@]}"; do
        kill -CONT "$pid" 2>/dev/null
        kill -TERM "$pid" 2>/dev/null
    done
    for pid in "${CHILDREN[@]}"; do
        for ((tries = 0; tries < 20; tries++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    CHILDREN=()
}

now_ms() {
    local t=$EPOCHREALTIME
    echo $((${t%[.,]*} * 1000 + 10#${t#*[.,]} / 1000))
}

# wait_for SECONDS CMD ARG…: until CMD succeeds; 1 when the time is over.
wait_for() {
    local end=$(($(now_ms) + $1 * 1000))
    shift
    until "$@" 2>/dev/null; do
        [ "$(now_ms)" -lt $end ] || return 1
        sleep 0.1
    done
}
