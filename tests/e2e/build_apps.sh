#!/bin/bash
# Builds the services of tests/e2e/apps into build/e2e.
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
mkdir -p build/e2e
out=$PWD/build/e2e
cd tests/e2e/apps && go build -trimpath -o "$out/" ./cmd/...
