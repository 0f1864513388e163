#!/bin/sh
# bench.sh BENCHMARK...: runs each, and stops at the first that fails.
set -e
for benchmark in "$@"; do
  echo "== ${benchmark##*/}"
  "$benchmark"
  echo
done
