#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# proto/vectors.json, computed again by ethers, @noble/curves and Node from what the
# documents in proto/ say.  BUILD is the build directory.  Exits 77 without Node.
. "$(dirname "$0")/npm.sh"

exec node vectors.mjs "$src/proto/TYPED-DATA.md" "$src/proto/vectors.json"
