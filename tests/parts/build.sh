# Builds. Warnings are errors here; a user's own build only shows them.
# shellcheck shell=bash

CLEAN_BUILD='-DCMAKE_COMPILE_WARNING_AS_ERROR=ON -DLW_TESTS=ON'

# build_preset PRESET: into build/PRESET, with gcc, as the preset has it.
build_preset() {
    # shellcheck disable=SC2086
    cmake --preset "$1" $CLEAN_BUILD && cmake --build --preset "$1"
}

# build_clang TYPE: the same sources through clang, only to see its warnings.
build_clang() {
    # shellcheck disable=SC2086
    cmake -S . -B "build/clang-$1" -G Ninja -DCMAKE_BUILD_TYPE="$1" $CLEAN_BUILD \
        -DLW_SANITIZE="$([ "$1" = Debug ] && echo ON || echo OFF)" \
        -DCMAKE_C_COMPILER="$(clang_command)" && cmake --build "build/clang-$1"
}

export -f build_preset build_clang clang_command
export CLEAN_BUILD

need_build() {
    require build go test && check "build/$1" 900 bash -c "build_preset $1"
}

part_build() {
    require build go test || return
    check build/release 900 bash -c 'build_preset release' || return
    check build/debug 900 bash -c 'build_preset debug' || return
    check build/clang-release 900 bash -c 'build_clang Release'
    check build/clang-debug 900 bash -c 'build_clang Debug'
    return 0
}
