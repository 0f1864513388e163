#!/usr/bin/env python3
"""coverage.py [ARGUMENT...]: which branches of the reference the kernel's behaviour has tried.

`./bazelw run --config=coverage //impl:coverage` runs `ipcspec check ARGUMENT...` and then a minute
of `ipcspec stress` on this machine, with the reference instrumented, and says what no program and
no race on a real kernel made it do. A rule of the reference that no kernel ever met is a rule that
nobody knows to be right. Lines that this cannot reach stand in uncovered.tsv (file, text of the
line, reason); both figures are printed, of all branches and of those outside the list. Exits with
1 when fewer than 95 % of the latter are taken, or a line is neither run nor listed. --verbose, as
the last argument, prints the lines with branches that are not taken.
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

_GOAL = 95.0
_FOLDERS = ("impl/mechanism/", "impl/reference/")
# Branches that are no rules: what stops on a bug of our own, and what the compiler writes
# (comparisons of members, clean-up).
_OURS = r"IPCSPEC_CHECK|= default;|^}$"
_COMPILERS = r"^[^()?&|]*;( *//.*)?$"


def _read_list(path):
    """{(file, text): reason}."""
    listed = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            file, text, reason = line.split("\t")
            listed[file, text] = reason
    return listed


def _run(command, prefix):
    """Runs a part of the suite; what it counts is added to what is below `prefix`."""
    done = subprocess.run(command, env=dict(os.environ, GCOV_PREFIX=str(prefix)))
    if done.returncode not in (0, 3):
        sys.exit("coverage: %s does not conform here; there is nothing to measure" % command[1])


def _read_counters(objects, prefix):
    """Counts per (file, line): how often it ran, and how often each branch was taken."""
    ran, branches = collections.Counter(), {}
    for notes in sorted(objects.rglob("*.gcno")):
        data = next(iter(prefix.rglob("_objs/%s/%s.gcda" % (notes.parent.name, notes.stem))), None)
        if data is None:
            continue
        # gcov wants both side by side.
        (data.parent / notes.name).write_bytes(notes.read_bytes())
        out = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", data],
                             stdout=subprocess.PIPE, check=True).stdout
        for file in json.loads(out)["files"]:
            if not file["file"].startswith(_FOLDERS):
                continue
            for line in file["lines"]:
                key = file["file"], line["line_number"]
                ran[key] += line["count"]
                # Each instance of a template, and each file that includes it, has its own counters.
                counts = [b["count"] for b in line["branches"] if not b["throw"]]
                known = branches.setdefault(key, [])
                known.extend([0] * (len(counts) - len(known)))
                for i, count in enumerate(counts):
                    known[i] += count
    return ran, branches


def main():
    verbose = sys.argv[-1] == "--verbose"
    arguments = sys.argv[2:len(sys.argv) - verbose]
    root = pathlib.Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    listed = _read_list(root / "impl/uncovered.tsv")
    binary = os.path.abspath(sys.argv[1])
    # The tree of outputs: an inline function counts in whichever file the linker took it from.
    objects = pathlib.Path(os.path.realpath(binary)).parent.parent
    with tempfile.TemporaryDirectory() as scratch:
        _run([binary, "check", *arguments], scratch)
        _run([binary, "stress", "--for=60s"], scratch)
        ran, branches = _read_counters(objects, pathlib.Path(scratch))
    sources = {}

    def text(file, line):
        if file not in sources:
            sources[file] = (root / file).read_text().splitlines()
        return sources[file][line - 1].strip()

    total, taken, unlisted, unused = collections.Counter(), collections.Counter(), [], set(listed)
    beyond, met = 0, 0  # branches of listed lines, and those of them that are taken all the same
    for key in sorted(ran):
        file, line = key
        reason = listed.get((file, text(file, line)))
        unused.discard((file, text(file, line)))
        if ran[key] == 0 and reason is None and not re.search(_OURS, text(file, line)):
            unlisted.append("%s:%d: %s" % (file, line, text(file, line)))
        if re.search(_OURS + "|" + _COMPILERS, text(file, line)):
            continue
        total[file] += len(branches[key])
        taken[file] += sum(count > 0 for count in branches[key])
        if reason is not None:
            beyond += len(branches[key])
            met += sum(count > 0 for count in branches[key])
        if verbose and not all(branches[key]):
            print("%s:%d: %s  %s" % (file, line, branches[key], text(file, line)))
    print("\n%-36s branches   taken" % "file")
    for file in sorted(total):
        if total[file]:
            print("%-36s %8d %6.1f%%" % (file, total[file], 100.0 * taken[file] / total[file]))
    every, reached = sum(total.values()), sum(taken.values())
    percent = 100.0 * (reached - met) / (every - beyond)
    print("%-36s %8d %6.1f%%" % ("all", every, 100.0 * reached / every))
    print("%-36s %8d %6.1f%%" % ("but for what is listed", every - beyond, percent))
    print("%d lines are listed in impl/uncovered.tsv" % len(listed))
    for line in unlisted:
        print("never run: " + line)
    for file, line in sorted(unused):
        print("no longer there: %s: %s" % (file, line))
    return 1 if percent < _GOAL or unlisted or unused else 0


if __name__ == "__main__":
    sys.exit(main())
