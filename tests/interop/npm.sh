# Sourced: the locked npm packages in $work, a directory of the build; changes to
# it.  Exits 77 without Node.
src=${src:-$(cd "$(dirname "$0")/../.." && pwd)}
here=$src/tests/interop
BUILD=$(cd "${BUILD:-$src/build}" && pwd) || exit 1
work=$BUILD/tests/interop

command -v node > /dev/null && command -v npm > /dev/null || {
	echo 'skipped: node and npm are not here'
	exit 77
}
mkdir -p "$work" && cd "$work" || exit 1
if ! cmp -s "$here/package-lock.json" installed; then
	cp "$here/package.json" "$here/package-lock.json" . &&
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error &&
	cp package-lock.json installed || exit 1
fi
cp "$here"/*.mjs "$here"/*.sol "$src"/proto/*.sol "$src"/proto/TYPED-DATA.md .
