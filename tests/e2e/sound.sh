#!/bin/bash
# Sound real programs under a load that swings and doubles raise no alarm, while
# leaks injected beside them are found at the same time scale.
#   tests/e2e/sound.sh
cd "$(dirname "$0")/../.." || exit
. tests/sh/packages.sh
require go python postgresql prometheus etcd || exit
tests/e2e/build_apps.sh || exit
exec python3 -B tests/e2e/sound.py "$@"
