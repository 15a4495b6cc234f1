#!/bin/bash
# Each leak pattern as a real service, leaking and fixed: the one must be found
# and named, the other left alone.
#   tests/e2e/patterns.sh [PATTERN…]
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
require go python postgresql || exit
tests/e2e/build_apps.sh || exit
exec python3 -B tests/e2e/patterns.py "$@"
