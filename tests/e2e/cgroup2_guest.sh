#!/bin/bash
# The init of cgroup2.sh's virtual machine: a kernel with cgroup v2 alone. What
# comes of the cases goes as one tar.gz to the second serial port.
#
#   goroutines, heap   leakwatch outside of the service's cgroup
#   pod                each a container: cgroup, cgroup and mount namespace and
#                      root of its own, one uid; the service's cgroup dies whole
export PATH=/bin
cd /
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /tmp
mount -t cgroup2 none /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
ip link set lo up
. /process.sh
. /cage.sh
echo "the guest is up"

UID_OF_POD=65532
FILL_S=$(sed 's/.*\<fill=\([0-9]*\).*/\1/' /proc/cmdline)

# container DIR CMD…: replaces the (sub)shell by CMD in the cage and within the root DIR.
container() {
    # shellcheck disable=SC2016
    cage_exec unshare --cgroup --mount bash -c 'umount "$0/sys/fs/cgroup" 2>/dev/null
        mount -t cgroup2 none "$0/sys/fs/cgroup" &&
            exec chroot --userspec='$UID_OF_POD:$UID_OF_POD' --groups= "$0" "$@"' "$@"
}

# What the kernel shows of a case, a while before its end.
look() {
    {
        cat "/proc/$service/cgroup" "/proc/$watch/cgroup"
        tail -n +1 "$CAGE_DIR"/memory.{stat,max,events,events.local}
    } >"$work/kernel"
}

outcomes() {
    compgen -G "$work/dir/*/manifest.json" >/dev/null && ! grep -L '"outcome"' "$work"/dir/*/manifest.json | grep -q .
}

await() {
    sleep $((FILL_S / 2))
    look
    wait "$service_shell"
    echo $? >"$work/status"
    now_ms >"$work/killed_ms"
    "$@"
    wait_for 30 outcomes
    end_children
}

case_outside() {
    cage_open "$1" $((128 << 20)) || return
    spawn "$work/service.log" cage_exec /bin/leaker -mode "$1" -fill "${FILL_S}s" -ready "$work/address"
    service=$SPAWNED service_shell=$SPAWNED_SHELL
    wait_for 30 test -s "$work/address" || return
    spawn "$work/watch.log" exec leakwatch watch --target "http://$(cat "$work/address")" \
        --dir "$work/dir" --listen off
    watch=$SPAWNED
    await
}

# As a runtime does, the cgroup is gone at once. The neighbour in it did nothing.
pod_is_dead() {
    wait "$neighbour_shell"
    echo $? >"$work/neighbour_status"
    rmdir "$CAGE_DIR"
}

case_pod() {
    local app_root=/pod/app
    mkdir -p $app_root/{bin,tmp,sys/fs/cgroup} /sys/fs/cgroup/pod
    echo +memory >/sys/fs/cgroup/pod/cgroup.subtree_control
    cp /bin/leaker $app_root/bin
    chown $UID_OF_POD $app_root/tmp "$work/dir"

    cage_open pod/app $((128 << 20)) || return
    echo 1 >"$CAGE_DIR/memory.oom.group"
    spawn "$work/service.log" container $app_root /bin/leaker -fill "${FILL_S}s" -ready /tmp/address
    service=$SPAWNED service_shell=$SPAWNED_SHELL
    spawn "$work/neighbour.log" cage_exec sleep 1000
    neighbour_shell=$SPAWNED_SHELL
    wait_for 30 test -s $app_root/tmp/address || return

    cage_open pod/sidecar $((16 << 20)) || return
    spawn "$work/watch.log" container / leakwatch watch \
        --target "http://$(cat $app_root/tmp/address)" --dir "$work/dir" --listen off
    watch=$SPAWNED
    CAGE_DIR=/sys/fs/cgroup/pod/app
    await pod_is_dead
}

# one_case NAME FUNCTION
one_case() {
    work=/evidence/$1
    mkdir -p "$work/dir"
    "$2" "$1" >"$work/case.log" 2>&1
}

# One after the other: what an emulated machine is slow at is their start.
one_case goroutines case_outside &
sleep 4
one_case heap case_outside &
sleep 4
one_case pod case_pod &
wait
uname -r >/evidence/release
stty -F /dev/ttyS1 raw -echo
tar -C /evidence -cz . >/dev/ttyS1
poweroff -f
