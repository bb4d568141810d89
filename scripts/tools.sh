#!/usr/bin/env bash
# Prints the path of a pinned tool, and builds it first where it is missing.
#
#   scripts/tools.sh golangci-lint
#
# Tools live outside the repository and outside go.mod, so that their
# dependencies never reach the product: ASSAY_CACHE (default ~/.cache/assay),
# in a folder for each version of the tool and of Go.
set -euo pipefail

readonly GOLANGCI_LINT=2.15.0

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# build NAME VERSION PACKAGE installs into a folder of its own, whole or not at all.
build() {
  local name=$1 version=$2 package=$3 folder part
  folder=${ASSAY_CACHE:-$HOME/.cache/assay}/tools/$name-$version-$(go env GOVERSION)
  if [[ ! -x $folder/$name ]]; then
    echo "building $name $version from source; this takes some minutes, once" >&2
    mkdir -p "${folder%/*}"
    part=$(mktemp -d "$folder.XXXX")
    GOBIN=$part GOFLAGS='' GOWORK=off go install "$package@v$version"
    # Whoever came first wins; both built the same.
    mv -T "$part" "$folder" 2>/dev/null || rm -rf "$part"
  fi
  echo "$folder/$name"
}

case ${1:-} in
  golangci-lint)
    # One of this version that go install put on the machine already serves as well.
    have=$(go env GOPATH)/bin/golangci-lint
    if [[ $("$have" version --short 2>/dev/null) == "$GOLANGCI_LINT" ]]; then
      echo "$have"
    else
      build golangci-lint "$GOLANGCI_LINT" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
    fi
    ;;
  *) die "which tool? golangci-lint" ;;
esac
