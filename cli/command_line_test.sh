#!/bin/sh
# Runs command_line_test.py with the machine's python3, as the other Python of this tree is run.
exec python3 -B "$@"
