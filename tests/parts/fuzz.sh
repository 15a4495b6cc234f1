# Each libFuzzer target over the captures: 60 s by name (or as long as asked
# for, in seconds), 10 s in an ordinary run.
# shellcheck shell=bash

fuzz_one() {
    local name=$1 seconds=$2 corpus
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    # New inputs are kept in build; what is in tests/data is only read.
    "build/fuzz/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="build/fuzz/$name-" "$corpus" \
        $(find tests/data "tests/fuzz/corpus/$name" -type d 2>/dev/null)
}
export -f fuzz_one

part_fuzz() {
    local seconds=${1:-$([ "$PART" = fuzz ] && echo 60 || echo 10)} target name
    require build fuzz || return
    if ! command -v clang-14 >/dev/null; then
        skip fuzz "no clang-14 here"
        return 0
    fi
    check build/fuzz 900 bash -c "cmake --preset fuzz -DLW_TESTS=ON && cmake --build --preset fuzz" || return
    for target in tests/fuzz/fuzz_*.c; do
        [ -e "$target" ] || continue
        name=$(basename "$target" .c)
        check "fuzz/$name" $((seconds + 120)) bash -c "fuzz_one $name $seconds"
    done
    return 0
}
