#!/bin/bash
# Targets of every kind, and what they may do to a watcher: each is reached the
# way it is meant to be, or refused with a sentence that says why.
#   tests/e2e/targets.sh LEAKWATCH [CASE…]
cd "$(dirname "$0")/../.." || exit
. tests/sh/process.sh
. tests/sh/cases.sh
leakwatch=$(realpath "${1:?usage: targets.sh LEAKWATCH [CASE…]}") || exit
shift
peer=$PWD/build/e2e/peer
if [ -n "$NETWORK" ]; then
    trap end_children EXIT
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-targets.XXXXXX") || exit
    trap 'end_children; rm -rf "$work"' EXIT
    export pki=$work/pki
fi
unset "${!LEAKWATCH_@}"
# Requests go to the pod itself: no proxy may come between.
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 \
    ALL_PROXY=socks5://127.0.0.1:9

# ---- helpers ----

# peers ARG…: starts them; address NAME afterwards.
peers() {
    rm -f "$work/ready"
    spawn "$work/peer.log" exec "$peer" -ready "$work/ready" "$@"
    PEER=$SPAWNED
    must 10 test -s "$work/ready"
}

address() { awk -v name="$1" '$1 == name { print $2 }' "$work/ready"; }

url() { echo "$1=${2:-http}://$(address "$1")"; }

# Small and fast, for a target's life of seconds.
quick=(--time-scale 10 --fetch-timeout 1s --history-bytes 512Ki)

alive() { holds "$1" "t['$2']['state'] == 'alive' and (t['$2']['goroutines']['count'] or 0) > 0"; }

problem() { holds "$1" "re.search(r'''$3''', t['$2']['problem'] or '', re.I) is not None"; }

doctor() { "$leakwatch" doctor --dir "$work/doctor" --fetch-timeout 1s "$@"; }

certificates() {
    mkdir "$pki" && cd "$pki" || exit
    local ca who
    for ca in ca other; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
            -subj "/CN=test $ca" -keyout $ca.key -out $ca.pem
    done
    for who in server client; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$who" \
            -keyout $who.key -out $who.csr
        openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
            -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out $who.pem
    done
    cd - || exit
}

# ---- the cases ----

case_unix() {
    peers "svc@$work/peer.sock=pprof" "odd@$work/odd.sock=html"
    agent a "${quick[@]}" --target "svc=unix://$work/peer.sock" --target "odd=unix://$work/odd.sock" \
        --target "gone=unix://$work/gone.sock"
    must 15 alive a svc
    must 10 holds a "t['svc']['memory']['source'].startswith(('cgroup', 'proc'))"
    must 10 holds a "t['gone']['state'] == 'waiting' and t['odd']['state'] == 'waiting'"
    must 10 problem a odd 'HTML.*wrong path'
    must 10 problem a gone 'cannot connect to .*gone.sock: No such file'
    expect 0 "/a/.*-manual-svc-" "$leakwatch" dump --target svc --dir "$work/a"
    mkdir "$work/doctor"
    expect '0|1' 'pprof answers' doctor --target "svc=unix://$work/peer.sock"
    expect 2 'HTML.*wrong path' doctor --target "odd=unix://$work/odd.sock"
    expect 2 'nobody listens' doctor --target "gone=unix://$work/gone.sock"
    agent_end a
}

case_tls() {
    local ca=(--target-ca-file "$pki/ca.pem") client
    client=(--target-cert-file "$pki/client.pem" --target-key-file "$pki/client.key")
    peers -cert "$pki/server.pem" -key "$pki/server.key" -client-ca "$pki/ca.pem" tls=tls mtls=mtls plain=pprof
    agent good "${quick[@]}" "${ca[@]}" --target "$(url tls https)" --target "$(url mtls https)" \
        --target "plain=https://$(address plain)" --target "back=http://$(address tls)"
    agent wrong "${quick[@]}" --target-ca-file "$pki/other.pem" --target "$(url tls https)"
    agent none "${quick[@]}" --target "$(url tls https)"
    agent nofile "${quick[@]}" --target-ca-file "$pki/missing.pem" --target "$(url tls https)"
    agent insecure "${quick[@]}" --target-insecure --target "$(url tls https)"
    agent nokey "${quick[@]}" "${ca[@]}" --target-cert-file "$pki/missing.pem" --target "$(url mtls https)"
    agent mutual "${quick[@]}" "${ca[@]}" "${client[@]}" --target "$(url mtls https)"
    must 20 alive good tls
    must 20 alive insecure tls
    must 20 alive mutual mtls
    must 10 problem good mtls 'certificate'
    must 10 problem good plain 'TLS|SSL|gnutls'
    must 10 problem good back 'HTTP status 400'
    must 10 problem wrong tls 'certificate'
    must 10 problem none tls 'certificate'
    must 10 problem nofile tls 'CA certificates.*missing.pem'
    must 10 problem nokey mtls 'cert(ificate)? file'
    holds wrong "t['tls']['state'] == 'waiting'" || fail "an answer under a wrong CA was taken"
    mkdir "$work/doctor"
    expect '0|1' 'pprof answers' doctor "${ca[@]}" --target "$(url tls https)"
    expect '0|1' 'pprof answers' doctor "${ca[@]}" "${client[@]}" --target "$(url mtls https)"
    expect 2 'certificate' doctor --target-ca-file "$pki/other.pem" --target "$(url tls https)"
    expect 2 'target-ca-file' doctor --target "$(url tls https)"
    expect 2 'certificate' doctor "${ca[@]}" --target "$(url mtls https)"
    expect '0|1' 'pprof answers' doctor --target-insecure --target "$(url tls https)"
}

# A CA file replaces the system's certificates, which are believed without one.
case_ca_file() {
    unshare -m true 2>/dev/null || { echo "skipped: no mounts here" && return; }
    mkdir "$work/system" "$work/own" "$work/both"
    cp "$pki/ca.pem" "$work/system/ca.pem" && cp "$pki/ca.pem" "$work/system/ca-certificates.crt"
    peers -cert "$pki/server.pem" -key "$pki/server.key" tls=tls
    # shellcheck disable=SC2016
    local name in_system='mount --bind "$0" /etc/ssl/certs && exec "$@"'
    for name in own both; do
        local ca=()
        [ $name = own ] || ca=(--target-ca-file "$pki/other.pem")
        spawn "$work/$name.log" exec unshare -m sh -c "$in_system" "$work/system" "$leakwatch" watch \
            --dir "$work/$name" --listen off "${quick[@]}" "${ca[@]}" --target "$(url tls https)"
    done
    must 15 alive own tls
    must 10 problem both tls 'certificate'
    holds both "t['tls']['state'] == 'waiting'" || fail "the system's certificates were believed as well"
}

# A server of another host: --target-insecure is not for it.
# Whether a process has left our network namespace.
elsewhere() { [ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$1/ns/net")" ]; }

case_foreign() {
    in_network
    spawn "$work/other.log" exec unshare -n sleep 60
    must 5 elsewhere "$SPAWNED"
    ip link add near type veth peer name far netns "$SPAWNED" && ip addr add 10.231.0.1/24 dev near &&
        ip link set near up && nsenter -t "$SPAWNED" -n ip addr add 10.231.0.2/24 dev far &&
        nsenter -t "$SPAWNED" -n ip link set far up || { echo "skipped: no veth here" && return; }
    spawn "$work/peer.log" exec nsenter -t "$SPAWNED" -n "$peer" -ready "$work/ready" \
        -cert "$pki/server.pem" -key "$pki/server.key" far@10.231.0.2:6060=tls plain@10.231.0.2:6061=pprof
    must 10 test -s "$work/ready"
    agent a "${quick[@]}" --target-insecure --target "$(url far https)" --target "$(url plain)"
    must 15 alive a plain
    must 10 problem a far 'certificate'
    holds a "t['far']['state'] == 'waiting'" || fail "another host's certificate was not checked"
}

case_secrets() {
    local kind
    echo 'Authorization: Bearer one' >"$work/wanted"
    echo one >"$work/token"
    peers -secret "$work/wanted" svc=secret
    agent bearer "${quick[@]}" --target "$(url svc)" --target-bearer-file "$work/token"
    must 15 alive bearer svc
    # Rotated: the service first, then our file, which is replaced by rename.
    echo 'Authorization: Bearer two' >"$work/wanted"
    must 20 problem bearer svc '401'
    echo two >"$work/token.new" && mv "$work/token.new" "$work/token"
    must 20 holds bearer "t['svc']['state'] == 'alive' and not t['svc']['problem']"
    said bearer 'Bearer|two' && fail "the token is in the log"
    rm "$work/token"
    must 20 problem bearer svc 'token.*No such file'
    printf 'two\nthree\n' >"$work/token"
    must 20 problem bearer svc 'token: not one line'

    echo "Authorization: Basic $(printf 'ann:s3cret' | base64)" >"$work/wanted"
    echo ann:s3cret >"$work/user"
    agent basic "${quick[@]}" --target "$(url svc)" --target-basic-file "$work/user"
    must 15 alive basic svc
    echo 'X-Api-Key: k y' >"$work/wanted"
    echo 'X-Api-Key: k y' >"$work/line"
    agent header "${quick[@]}" --target "$(url svc)" --target-header-file "$work/line"
    must 15 alive header svc
    agent bare "${quick[@]}" --target "$(url svc)"
    must 15 problem bare svc '401'
    mkdir "$work/doctor"
    expect '0|1' 'pprof answers' doctor --target "$(url svc)" --target-header-file "$work/line"
    expect 2 'credentials are wanted' doctor --target "$(url svc)"
    expect 2 'nothing.txt' doctor --target "$(url svc)" --target-bearer-file "$work/nothing.txt"
}

# A network of its own, where nothing else listens: the case begins anew in there.
in_network() {
    [ -z "$NETWORK" ] || return 0
    unshare -n true 2>/dev/null || { echo "skipped: no network of its own here" && exit 0; }
    NETWORK=yes work=$work exec unshare -n tests/e2e/targets.sh "$leakwatch" "${FUNCNAME[1]#case_}"
}

case_auto() {
    in_network
    peers web@:6060=pprof odd@127.0.0.1:45678=pprof
    agent known "${quick[@]}" --target auto
    agent all "${quick[@]}" --target auto-all
    must 20 holds known "t['target']['state'] == 'alive' and ':6060' in t['target']['url']"
    must 20 holds all "t['target']['state'] == 'alive' and ':6060' in t['target']['url']"
    mkdir "$work/doctor"
    expect '0|1' 'found at http://127.0.0.1:6060' doctor --target auto
    kill "$PEER"
    # Only an odd port from now on: both look again, one of them finds it.
    peers odd@127.0.0.1:45678=pprof
    must 40 holds all "t['target']['state'] == 'alive' and ':45678' in t['target']['url']"
    holds known "t['target']['state'] == 'alive'" && fail "auto took a port that is not known"
    expect 2 'auto-all' doctor --target auto
    expect '0|1' 'found at http://127.0.0.1:45678' doctor --target auto-all
}

case_auto_skips() {
    in_network
    local port
    peers h2c@127.0.0.1:6060=h2c mute@127.0.0.1:6061=tcp page@127.0.0.1:8080=html odd@127.0.0.1:45678=pprof
    agent known "${quick[@]}" --target auto --listen 127.0.0.1:9090 --metrics-listen 127.0.0.1:9091
    agent all "${quick[@]}" --target auto-all
    must 30 holds all "t['target']['state'] == 'alive' and ':45678' in t['target']['url']"
    sleep 4 # another round of the one that finds nothing
    for port in 6060 6061 8080; do
        [ "$(grep -c "127.0.0.1:$port" "$work/known.log")" = 1 ] || fail "port $port is not said once"
    done
    grep -E '127.0.0.1:(9090|9091)' "$work/known.log" | grep -v listen && fail "tried our own port"
    holds known "t['target']['state'] == 'waiting' and t['target']['problem'] is not None" ||
        fail "auto took one of them: $(fact known "t['target']")"
    kill -0 "$AGENT"
}

case_own_port() {
    in_network
    agent a "${quick[@]}" --target auto-all --listen 127.0.0.1:6060 --metrics-listen 127.0.0.1:8080
    must 15 problem a target 'no listening port'
    # One that starts later is found.
    peers web@127.0.0.1:8081=pprof
    must 20 holds a "t['target']['state'] == 'alive' and ':8081' in t['target']['url']"
}

case_several() {
    local before
    peers one=pprof two=notfound/index dead=drip
    agent a "${quick[@]}" --target "$(url one)" --target "$(url two),limit=64Mi" --target "$(url dead)" \
        --target "never=http://127.0.0.1:9"
    must 15 alive a one
    must 15 alive a two
    before=$(fact a "t['two']['counters']['scrapes']")
    must 15 holds a "t['two']['counters']['scrapes'] >= $before + 8"
    holds a "t['dead']['state'] == 'waiting' and t['never']['state'] == 'waiting'" || fail "the dead live"
    must 10 problem a dead 'time'
    must 10 problem a never 'refused|connect'
    expect 0 '^target +one +alive' "$leakwatch" status --target one --dir "$work/a"
    expect 0 '^target +never +waiting' "$leakwatch" status --target never --dir "$work/a"
    expect 2 "no target 'three'" "$leakwatch" status --target three --dir "$work/a"
    expect 2 'nothing has been seen' "$leakwatch" dump --target never --dir "$work/a"
    expect 0 - "$leakwatch" dump --target two --dir "$work/a"
    mkdir "$work/doctor"
    expect '0|1' 'without its index' doctor --target "$(url two)"
    expect 0 '^also +never +waiting' "$leakwatch" status --dir "$work/a"
}

resident_kib() { awk '/^VmHWM/ { print $2 }' "/proc/$AGENT/status"; }

case_faults() {
    local arguments=() name plain_kib
    # Sixteen healthy ones first: what is more with the others is their doing.
    peers {a..p}=pprof
    for name in {a..p}; do arguments+=(--target "$(url "$name")"); done
    agent plain "${quick[@]}" "${arguments[@]}"
    for name in {a..p}; do must 30 alive plain "$name"; done
    sleep 3
    plain_kib=$(resident_kib)
    agent_end plain
    kill "$PEER"

    peers -sane-on-usr1 redirect=redirect html=html notfound=notfound denied=denied drip=drip endless=endless \
        tcp=tcp h2c=h2c cut=cut bomb=bomb page-endless=endless/goroutine page-drip=drip/goroutine \
        page-cut=cut/goroutine heap-bomb=bomb/heap heap-html=html/heap heap-endless=endless/heap
    arguments=()
    while read -r name _; do arguments+=(--target "$(url "$name")"); done <"$work/ready"
    agent a "${quick[@]}" --heap-interval 5s "${arguments[@]}"
    must 20 problem a redirect 'HTTP status 302'
    must 20 problem a html 'HTML.*wrong path'
    must 20 problem a notfound 'HTTP status 404'
    must 20 problem a denied 'HTTP status 401'
    must 20 problem a drip 'time'
    must 20 problem a tcp 'time'
    must 20 problem a h2c 'another protocol'
    must 20 problem a endless 'index: .*not pprof'
    must 20 problem a bomb 'index: .*not pprof'
    must 20 problem a cut 'index: .*(closed|missing)'
    must 30 problem a page-endless 'goroutine.debug=1: (larger|no answer)'
    must 30 problem a page-drip 'goroutine.debug=1: .*time'
    must 30 problem a page-cut 'goroutine.debug=1: .*(closed|missing)'
    must 30 problem a heap-bomb 'heap: .*larger'
    must 30 problem a heap-html 'heap: .*HTML'
    must 30 problem a heap-endless 'heap: .*larger'
    holds a "all(t[n]['state'] == 'waiting' for n in ('redirect', 'html', 'notfound', 'denied', 'drip', 'tcp', 'h2c'))" ||
        fail "something that is not pprof was taken for it"
    holds a "t['heap-bomb']['goroutines']['count'] > 0 and t['heap-html']['goroutines']['count'] > 0" || fail "a bad heap hides the page"
    [ "$(resident_kib)" -le $((plain_kib + 6144)) ] || fail "resident $(resident_kib) KiB, healthy ones take $plain_kib"
    # All of them mend themselves but the two that are no HTTP.
    kill -USR1 "$PEER"
    for name in redirect html notfound denied drip endless cut bomb page-endless page-drip page-cut heap-bomb; do
        must 60 alive a "$name"
        must 60 holds a "not t['$name']['problem']"
    done
    kill -0 "$AGENT" && agent_end a
}

case_later() {
    local port=$((20000 + RANDOM % 10000))
    agent a "${quick[@]}" --target "svc=http://127.0.0.1:$port"
    must 10 holds a "t['svc']['state'] == 'waiting' and t['svc']['life']['id'] == 0"
    expect 0 'waiting' "$leakwatch" status --dir "$work/a"
    expect 2 'nothing has been seen' "$leakwatch" dump --dir "$work/a"
    sleep 2
    peers "svc@127.0.0.1:$port=pprof"
    must 10 alive a svc
    [ "$(grep -c '"target answers"' "$work/a.log")" = 1 ] || fail "it is not said once that it answers"
}

# ---- running them ----

if [ -n "$NETWORK" ]; then # in_network began this process for one case
    ip link set lo up && "case_$1"
    exit
fi
certificates >"$work/pki.log" 2>&1 || { cat "$work/pki.log" && exit 1; }
[ $# -gt 0 ] || set -- unix tls ca_file foreign secrets auto auto_skips own_port several faults later
run_cases "$@"
