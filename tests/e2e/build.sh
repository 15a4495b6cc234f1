#!/bin/bash
# Builds the Go programs of the end-to-end tests into build/e2e.
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
mkdir -p build/e2e
out=$PWD/build/e2e
(cd tests/e2e/leaker && go build -trimpath -o "$out/leaker" .) || exit
# With the GC's leak profile: an experiment of Go 1.26, always there from 1.27 on.
experiment=goroutineleakprofile
GOEXPERIMENT=$experiment go env GOOS >/dev/null 2>&1 || experiment=
(cd tests/e2e/leaker && GOEXPERIMENT=$experiment go build -trimpath -o "$out/leaker-provable" .) || exit
(cd tests/e2e/peer && go build -trimpath -o "$out/peer" .) || exit
