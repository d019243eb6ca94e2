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
# Two tests may come here at once: files that are there already are not written again.
{
	flock 9
	cmp -s "$here/package-lock.json" installed || {
		cp "$here/package.json" "$here/package-lock.json" . &&
		npm ci --ignore-scripts --no-audit --no-fund --loglevel=error &&
		cp package-lock.json installed || exit 1
	}
	cp -u "$here"/*.mjs "$here"/*.sol "$src"/proto/*.sol "$src"/proto/TYPED-DATA.md .
} 9> lock
