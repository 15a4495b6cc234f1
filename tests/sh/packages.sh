# Installs what a script needs and the machine lacks (Debian, Ubuntu). Sourced.
#
#   require build go      group names of packages_of below
#
# Only missing packages are installed, with sudo when not root. Go is whatever
# the distribution has (golang-go; 1.19 on Debian 12 is enough for all programs
# here) unless one is already on the PATH or in /usr/local/go.
# shellcheck shell=bash

[ -x /usr/local/go/bin/go ] && ! command -v go >/dev/null && PATH=$PATH:/usr/local/go/bin
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false

# Lines "probe package": a command, or a pkg-config module written pc:NAME, a
# header written h:PATH or files written f:PATTERN; the package is wanted when the
# probe fails.
packages_of() {
    case $1 in
    build)
        cat <<LIST
gcc gcc
h:stdio.h libc6-dev
cmake cmake
ninja ninja-build
pkg-config pkg-config
pc:libuv libuv1-dev
pc:libcurl libcurl4-gnutls-dev
pc:zlib zlib1g-dev
pc:libcjson libcjson-dev
pc:libmicrohttpd libmicrohttpd-dev
h:mbedtls/sha256.h libmbedtls-dev
LIST
        ;;
    static)
        printf '%s\n' "gcc gcc" "h:stdio.h libc6-dev" "musl-gcc musl-tools" "cmake cmake" "ninja ninja-build" \
            "pkg-config pkg-config" "dpkg-source dpkg-dev" "xz xz-utils" "make make" "autoreconf autoconf" \
            "automake automake" "libtoolize libtool" "autopoint autopoint"
        ;;
    go) echo "go golang-go" ;;
    python) echo "python3 python3" ;;
    postgresql) echo "f:/usr/lib/postgresql/*/bin/initdb postgresql" ;;
    prometheus) echo "prometheus prometheus" ;;
    etcd) echo "etcd etcd-server" ;;
    vm) printf '%s\n' "qemu-system-x86_64 qemu-system-x86" "busybox busybox-static" "cpio cpio" ;;
    bench) printf "%s\n" "curl curl" "bc bc" ;;
    test) printf '%s\n' "pc:cmocka libcmocka-dev" "python3 python3" "valgrind valgrind" \
        "$(clang_command) $(clang_command)" ;;
    fuzz) printf '%s\n' "clang-14 clang-14" "h:clang-14/fuzzer libclang-rt-14-dev" ;;
    lint) printf '%s\n' "python3 python3" "ctags universal-ctags" "clang-format-14 clang-format-14?" ;;
    esac
}

# The clang the project is checked with, or the distribution's own.
clang_command() {
    if command -v clang-14 >/dev/null || apt-cache show clang-14 >/dev/null 2>&1; then
        echo clang-14
    else
        echo clang
    fi
}

is_there() {
    case $1 in
    pc:*) command -v pkg-config >/dev/null && pkg-config --exists "${1#pc:}" ;;
    h:clang-14/fuzzer) compgen -G '/usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a' >/dev/null ;;
    h:*) [ -e "/usr/include/${1#h:}" ] ;;
    f:*) compgen -G "${1#f:}" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# A package whose name ends in ? is only wanted where the distribution has it.
missing_packages() {
    local group probe package
    for group in "$@"; do
        while read -r probe package; do
            is_there "$probe" && continue
            if [ "${package%\?}" != "$package" ]; then
                apt-cache show "${package%\?}" >/dev/null 2>&1 || continue
            fi
            echo "${package%\?}"
        done < <(packages_of "$group")
    done | sort -u
}

require() {
    local missing
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -z "$missing" ] && return 0
    if ! command -v apt-get >/dev/null; then
        echo "missing here: $missing(names of Debian packages; please install what corresponds)" >&2
        return 2
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        echo "missing here: $missing; run as root: apt-get install $missing" >&2
        return 2
    fi
    echo "installing: $missing"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >/dev/null || return
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
}
