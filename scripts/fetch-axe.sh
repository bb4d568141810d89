#!/usr/bin/env bash
# Fetches axe-core (npm, MPL-2.0), which finds what keeps people out of pages, into the
# cache (ASSAY_CACHE, default ~/.cache/assay), verifies its hash and prints its path.
# Only tests run it.
set -euo pipefail

readonly VERSION=4.14.1
readonly SHA256=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745

folder=${ASSAY_CACHE:-$HOME/.cache/assay}/axe-core-$VERSION
if [[ ! -f $folder/axe.min.js ]]; then
  mkdir -p "${folder%/*}"
  part=$(mktemp -d "$folder.XXXX")
  trap 'rm -rf "$part"' EXIT
  npm pack --silent --pack-destination "$part" "axe-core@$VERSION" >/dev/null
  archive=$part/axe-core-$VERSION.tgz
  sha256sum --check --quiet <<<"$SHA256  $archive"
  tar -xzf "$archive" -C "$part"
  # Whoever came first wins; both fetched the same.
  mv -T "$part/package" "$folder" 2>/dev/null || true
fi
echo "$folder/axe.min.js"
