# The static binary: built from the libraries' sources, then met as users meet
# it. By name only: the first build downloads and takes minutes.
# shellcheck shell=bash

STATIC_BYTES_MAX=1500000

build_static() {
    cmake --preset static -DCMAKE_COMPILE_WARNING_AS_ERROR=ON && cmake --build --preset static
}

# It needs no loader and no library, is hardened, and small.
static_alone() {
    local binary=build/static/leakwatch bytes
    bytes=$(stat -c %s "$binary") || return
    ! readelf -lW "$binary" | grep INTERP || return
    ! readelf -dW "$binary" | grep NEEDED || return
    readelf -dW "$binary" | grep -q 'NOW PIE' || { echo "not PIE, or bound late" && return 1; }
    readelf -lW "$binary" | grep -q GNU_RELRO || { echo "no RELRO" && return 1; }
    readelf -lW "$binary" | grep -q 'GNU_STACK.* RW ' || { echo "an executable stack" && return 1; }
    echo "$bytes bytes"
    [ "$bytes" -le $STATIC_BYTES_MAX ]
}
export -f build_static static_alone
export STATIC_BYTES_MAX

part_static() {
    local why
    require static go test || return
    check build/static 1800 bash -c build_static || return
    check e2e/build 300 tests/e2e/build.sh || return
    check static/alone 20 bash -c static_alone
    check static/cli 120 tests/e2e/cli.sh build/static/leakwatch
    check static/cli-agent 120 tests/e2e/cli_agent.sh build/static/leakwatch
    check static/targets 300 tests/e2e/targets.sh build/static/leakwatch
    check static/cost 300 env LEAKWATCH=build/static/leakwatch tests/e2e/cost.sh 1000
    why=$(no_cage)
    if [ -n "$why" ]; then
        skip static/oom "$why"
    else
        export LEAKWATCH=$PWD/build/static/leakwatch
        at_once 150 static/oom/goroutines "tests/e2e/oom.sh" \
            150 static/oom/heap-memstats "tests/e2e/oom.sh --mode heap --memory memstats --native false"
        unset LEAKWATCH
    fi
    return 0
}
