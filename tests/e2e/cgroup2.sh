#!/bin/bash
# Real kills on a kernel with cgroup v2 alone, whatever this machine has:
# Debian's kernel in a virtual machine of its own (KVM, or else emulated), with
# nothing in it but cgroup2_guest.sh, the agent and the leaking service. The
# last line says what came of it.
#
#   --fill SECONDS   how long a limit of 128 MiB takes   (40)
#   --keep           leaves the evidence, and says where
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
. tests/sh/process.sh

KERNEL_PACKAGE=linux-image-cloud-amd64
LEAD_MS=5000 # the promise
fill=40 keep=
while [ $# -gt 0 ]; do
    case $1 in
    --fill) fill=$2 && shift 2 ;;
    --keep) keep=yes && shift ;;
    *) echo "cgroup2.sh: what is $1?" >&2 && exit 2 ;;
    esac
done

cache=$PWD/build/cgroup2
umask 022
mkdir -p "$cache" && work=$(mktemp -d "$cache/run.XXXXXX") || exit

finish() {
    end_children
    if [ -n "$keep" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT

fail() {
    echo "$*"
    echo "--- the machine's last lines"
    tail -n 15 "$work/console" 2>/dev/null
    exit 1
}

# The kernel out of its package, which is downloaded once and not installed.
fetch_kernel() {
    local package
    [ -s "$cache/vmlinuz" ] && return
    as_root apt-get -qq update >/dev/null
    package=$(apt-cache depends --important $KERNEL_PACKAGE | sed -n 's/.*Depends: \(linux-image\)/\1/p')
    [ -n "$package" ] || fail "there is no $KERNEL_PACKAGE here"
    (cd "$work" && apt-get -qq download "$package" 2>/dev/null) || fail "no download of $package"
    dpkg -x "$work"/linux-image-*.deb "$work/kernel" && mv "$work"/kernel/boot/vmlinuz-* "$cache/vmlinuz"
    rm -rf "$work"/linux-image-*.deb "$work/kernel"
}

# into ROOT PROGRAM…: into its bin, with the libraries they are linked to.
into() {
    local root=$1 program
    shift
    for program in "$@"; do
        program=$(command -v "$program") && cp -L "$program" "$root/bin" || return
        ldd "$program" 2>/dev/null | grep -o '/[^ ]*' | xargs -r cp --parents -Lnt "$root" || return
    done
}

make_initramfs() {
    local root=$work/root name
    mkdir -p "$root"/{bin,proc,sys,dev,tmp,evidence} || return
    into "$root" bash unshare chroot busybox build/release/leakwatch || return
    for name in $(busybox --list); do
        [ -e "$root/bin/$name" ] || ln -s busybox "$root/bin/$name"
    done
    (cd tests/e2e/leaker && CGO_ENABLED=0 go build -trimpath -o "$root/bin/leaker" .) || return
    cp tests/sh/{process,cage}.sh "$root" && cp tests/e2e/cgroup2_guest.sh "$root/init" || return
    (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initramfs"
}

# start ACCEL SECONDS: succeeds when the guest comes up.
start() {
    rm -f "$work/console"
    spawn "$work/qemu" exec qemu-system-x86_64 -accel "$1" -cpu max -smp 1 -m 1024 \
        -nodefaults -no-user-config -display none -no-reboot \
        -serial "file:$work/console" -serial "file:$work/evidence.tar.gz" \
        -kernel "$cache/vmlinuz" -initrd "$work/initramfs" \
        -append "console=ttyS0 quiet panic=-1 cgroup_no_v1=all fill=$fill"
    accel=$1 machine=$SPAWNED
    wait_for "$2" is_up_or_over && grep -q 'guest is up' "$work/console"
}

is_up_or_over() {
    ! kill -0 "$machine" 2>/dev/null || grep -q 'guest is up' "$work/console"
}

is_over() {
    ! kill -0 "$machine" 2>/dev/null
}

# A virtual machine's own KVM often cannot boot a kernel.
boot() {
    if ! { [ -w /dev/kvm ] && start kvm 10; }; then
        end_children
        start tcg 60 || fail "no boot: $(cat "$work/qemu")"
    fi
    wait_for 130 is_over || fail "it did not power off"
    tar -C "$work" -xzf "$work/evidence.tar.gz" || fail "no evidence came"
}

# verify NAME PROFILE FUNCTION
verify() {
    local dir=$work/$1 status
    status=$(cat "$dir/status")
    printf '%s: ' "$1"
    [ "$status" = 137 ] && tests/e2e/dumps.py oom "$dir/dir" --killed-ms "$(cat "$dir/killed_ms")" \
        --profile "$2" --function "$3" --cause oom --source cgroup --memory cgroup-v2 --lead-ms $LEAD_MS && return
    failed=yes
    echo "exit status $status"
    tail -n 20 "$dir"/{case,service,watch}.log "$dir/kernel"
}

[ "$(uname -m)" = x86_64 ] || fail "cannot test here: needs an x86-64 machine"
require build go vm || exit
fetch_kernel
make_initramfs || fail "no initramfs"
boot
failed=
verify goroutines goroutine main.fetchReport
verify heap heap main.cacheResponse
verify pod goroutine main.fetchReport
[ "$(cat "$work/pod/neighbour_status")" = 137 ] || { failed=yes && echo "pod: memory.oom.group killed one alone"; }
[ -z "$failed" ] || fail "not as it should be"
echo "Linux $(cat "$work/release"), cgroup v2 alone ($accel): 3 kills of 3 dumped >= $((LEAD_MS / 1000)) s before, outside and in a pod"
