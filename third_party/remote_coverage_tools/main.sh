#!/bin/sh
# Joins the trace files below --coverage_dir into --output_file. Never fails.
for argument; do
  case $argument in
    --coverage_dir=*) directory=${argument#*=} ;;
    --output_file=*) output=${argument#*=} ;;
  esac
done
find "${directory:-/nonexistent}" -name '*.dat' -exec cat {} + >"${output:-/dev/null}" 2>/dev/null || true
