# The rules of the house, and that the checks themselves can fail.
# shellcheck shell=bash

part_lint() {
    local name
    require lint || return
    check lint/self-test 120 tests/lint_test
    for name in layers calls size words; do
        check "lint/$name" 60 tests/lint --only $name
    done
    if command -v clang-format-14 >/dev/null; then
        check lint/format 60 tests/lint --only format
    else
        skip lint/format "no clang-format-14 here"
    fi
    return 0
}
