# A cage: a memory-limited cgroup to run a program in. Sourced.
#
#   cage_open NAME BYTES      makes it, or says what it would need; sets CAGE_KIND, CAGE_DIR
#   cage_exec CMD ARG…        replaces the (sub)shell by CMD inside the cage
#   cage_usage_bytes          what its memory cgroup counts now
#   cage_close                removes it; its programs must have ended
#
# As root a cgroup of its own, v2 where the memory controller is there, else v1.
# Others get a scope of their systemd, where that may limit memory.
# shellcheck shell=bash

CAGE_KIND= CAGE_DIR= CAGE_LIMIT=0 CAGE_NAME=

cage_open() {
    CAGE_NAME=$1 CAGE_LIMIT=$2
    if [ "$(id -u)" != 0 ]; then
        cage_open_user
    elif [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
        cage_open_v1
    elif [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        cage_open_v2
    else
        cage_needs "a cgroup file system at /sys/fs/cgroup"
    fi
}

cage_needs() {
    echo "cannot limit memory here: needs $1" >&2
    return 2
}

cage_open_v1() {
    CAGE_KIND=v1 CAGE_DIR=/sys/fs/cgroup/memory/$CAGE_NAME
    mkdir -p "$CAGE_DIR" 2>/dev/null || { cage_needs "a writable /sys/fs/cgroup/memory"; return; }
    echo "$CAGE_LIMIT" >"$CAGE_DIR/memory.limit_in_bytes" || return
    # Where swap is accounted, no way out into it.
    [ ! -e "$CAGE_DIR/memory.memsw.limit_in_bytes" ] ||
        echo "$CAGE_LIMIT" >"$CAGE_DIR/memory.memsw.limit_in_bytes" || return
}

cage_open_v2() {
    local root=/sys/fs/cgroup
    CAGE_KIND=v2 CAGE_DIR=$root/$CAGE_NAME
    grep -qw memory $root/cgroup.controllers || { cage_needs "the memory controller in $root"; return; }
    if ! grep -qw memory $root/cgroup.subtree_control; then
        cage_enable_v2 $root || { cage_needs "a writable $root/cgroup.subtree_control"; return; }
    fi
    mkdir -p "$CAGE_DIR" 2>/dev/null || { cage_needs "a writable $root"; return; }
    echo "$CAGE_LIMIT" >"$CAGE_DIR/memory.max" || return
    [ ! -e "$CAGE_DIR/memory.swap.max" ] || echo 0 >"$CAGE_DIR/memory.swap.max"
}

# A cgroup that holds processes cannot give controllers to children: in a
# container its processes move into a leaf first.
cage_enable_v2() {
    local pid
    echo +memory 2>/dev/null >"$1/cgroup.subtree_control" && return
    mkdir -p "$1/leaf" || return
    while read -r pid; do
        echo "$pid" 2>/dev/null >"$1/leaf/cgroup.procs"
    done <"$1/cgroup.procs"
    echo +memory 2>/dev/null >"$1/cgroup.subtree_control"
}

cage_open_user() {
    CAGE_KIND=user
    local delegated
    delegated=$(cat "/sys/fs/cgroup/user.slice/user-$(id -u).slice/user@$(id -u).service/cgroup.controllers" 2>/dev/null)
    [[ " $delegated " == *" memory "* ]] && command -v systemd-run >/dev/null &&
        systemd-run --user --scope -q true 2>/dev/null && return
    cage_needs "root (sudo $0), or a systemd user session with the memory controller (cgroup v2)"
}

cage_exec() {
    if [ "$CAGE_KIND" = user ]; then
        exec systemd-run --user --scope -q --unit="$CAGE_NAME" \
            -p MemoryMax="$CAGE_LIMIT" -p MemorySwapMax=0 -- "$@"
    fi
    echo "$BASHPID" >"$CAGE_DIR/cgroup.procs" && exec "$@"
}

cage_usage_bytes() {
    case $CAGE_KIND in
    v1) cat "$CAGE_DIR/memory.usage_in_bytes" 2>/dev/null || echo 0 ;;
    v2) cat "$CAGE_DIR/memory.current" 2>/dev/null || echo 0 ;;
    user)
        CAGE_DIR=/sys/fs/cgroup$(systemctl --user show -P ControlGroup "$CAGE_NAME.scope" 2>/dev/null)
        cat "$CAGE_DIR/memory.current" 2>/dev/null || echo 0
        ;;
    esac
}

cage_close() {
    [ "$CAGE_KIND" = user ] && return
    local tries
    for tries in 1 2 3 4 5 6 7 8 9 10; do
        [ -d "$CAGE_DIR" ] || return 0
        rmdir "$CAGE_DIR" 2>/dev/null && return
        sleep 0.1
    done
    echo "left behind after $tries tries: $CAGE_DIR" >&2
}
