#!/bin/bash
# Builds the Go programs of the end-to-end tests into build/e2e.
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
mkdir -p build/e2e
out=$PWD/build/e2e
(cd tests/e2e/leaker && go build -trimpath -o "$out/leaker" .) || exit
(cd tests/e2e/peer && go build -trimpath -o "$out/peer" .) || exit
