#!/usr/bin/env bash
# Fetches GitHub's examples of webhooks (npm's @octokit/webhooks-examples, MIT) into
# the cache (ASSAY_CACHE, default ~/.cache/assay), verifies their hash and prints
# their folder. 300 kB, once; the tests of mappings read them there.
set -euo pipefail

readonly VERSION=7.6.1
readonly SHA256=89e6cb1c6345d32e3dd775617fa54effbdc26c859e514898d7728e95e9738280

folder=${ASSAY_CACHE:-$HOME/.cache/assay}/octokit-webhooks-examples-$VERSION
if [[ ! -f $folder/api.github.com/index.json ]]; then
  mkdir -p "${folder%/*}"
  part=$(mktemp -d "$folder.XXXX")
  trap 'rm -rf "$part"' EXIT
  npm pack --silent --pack-destination "$part" "@octokit/webhooks-examples@$VERSION" >/dev/null
  archive=$part/octokit-webhooks-examples-$VERSION.tgz
  sha256sum --check --quiet <<<"$SHA256  $archive"
  tar -xzf "$archive" -C "$part"
  # Whoever came first wins; both fetched the same.
  mv -T "$part/package" "$folder" 2>/dev/null || true
fi
echo "$folder"
