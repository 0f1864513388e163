"""What a results file says: a table to read, XML for Bazel, and whether the test passes.

A test passes when the run is whole, nothing is undecided, and every violation is
a known one. Known faults are listed per platform (platforms/known/PLATFORM.tsv):
a clause or a test, a tab, the reason. A listed fault that no longer shows is
told, and is no failure. An undecided test never passes; an incomplete run never
passes, and what it did give is kept.
"""

import json
import os
import re
import shutil
import xml.etree.ElementTree as ET

TAIL = 60  # lines of the console to show when a run failed


def read_known(path):
    """{clause or test: reason}; empty without a file."""
    known = {}
    if path:
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                if not line.strip() or line.startswith("#"):
                    continue
                name, tab, reason = line.rstrip("\n").partition("\t")
                if not tab or not reason.strip():
                    raise ValueError("%s:%d: expected NAME<TAB>REASON" % (path, number))
                known[name] = reason.strip()
    return known


def read_results(path):
    """(platform line, test lines, totals line, number of broken lines); a missing part is None."""
    platform, tests, totals, broken = None, [], None, 0
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as f:
            for line in f:
                line = line.strip("\0\r\n ")
                if not line:
                    continue
                try:
                    record = json.loads(line)
                except ValueError:
                    broken += 1
                    continue
                if not isinstance(record, dict) or "exit" in record:
                    continue
                if "verdict" in record and "test" in record:
                    tests.append(record)
                elif platform is None and not tests:
                    platform = record
                else:
                    totals = record
    return platform, tests, totals, broken


def _why_known(test, known):
    for name in [test["test"]] + list(test.get("clauses") or []):
        if name in known:
            return "%s: %s" % (name, known[name])
    return None


def _vanished(tests, known):
    """Listed names that ran here and that no violation names any more."""
    ran, wrong = set(), set()
    for test in tests:
        names = {test["test"], *(test.get("clauses") or [])}
        if test["verdict"] != "unsupported":
            ran |= names
        if test["verdict"] == "violates":
            wrong |= names
    return [name for name in known if name in ran - wrong]


def _trouble(platform, tests, totals, code):
    """What is wrong with the run as a whole; None if it is whole."""
    verdicts = {test["verdict"] for test in tests}
    if code == 2:
        return "the binary calls its arguments wrong (exit status 2)"
    if platform is None or totals is None:
        return "the results are not whole (exit status %s)" % code
    if not tests:
        return "no test ran"
    if code not in (0, 1, 3):
        return "exit status %s" % code
    if (code == 1) != ("violates" in verdicts):
        return "exit status %d does not fit the results" % code
    if code == 3 and "undecided" not in verdicts:
        return "undecided (exit status 3)"
    return None


def _case(suite, name, mechanism, seconds, kind=None, message="", text=""):
    case = ET.SubElement(suite, "testcase", name=name, classname=mechanism, time="%.3f" % seconds)
    if kind:
        # XML 1.0 has no way to write control characters.
        clean = [re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", s) for s in (message, text)]
        ET.SubElement(case, kind, message=clean[0]).text = clean[1]


def _write_xml(suite):
    path = os.environ.get("XML_OUTPUT_FILE")
    if not path:
        return
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    for kind in ("failure", "error", "skipped"):
        suite.set(kind + "s" if kind != "skipped" else kind,
                  str(sum(case.find(kind) is not None for case in cases)))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _new_suite(platform):
    return ET.Element("testsuite", name=os.environ.get("TEST_TARGET", platform))


def skip(platform, reason):
    """Reports a platform that this machine does not have. Exit status."""
    reason = " ".join(reason.split())
    print("SKIPPED: %s: %s" % (platform, reason))
    suite = _new_suite(platform)
    _case(suite, platform, "platform", 0, "skipped", reason)
    _write_xml(suite)
    return 0


def show_console(path, whole):
    """Prints the console: all of it (but not without bound), or its tail."""
    try:
        with open(path, "rb") as f:
            lines = f.read()[-100000:].decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        lines = []
    if not whole and len(lines) > TAIL:
        print("... the console's last %d lines:" % TAIL)
        lines = lines[-TAIL:]
    for line in lines:
        print("| " + line.rstrip("\r"))


def judge(platform, results, known, code, trouble, console):
    """Prints and writes what the run gave. Exit status of the test.

    `code` is the binary's exit status, None if it never came; `trouble` says why
    the run ended before its time, None if it did not.
    """
    head, tests, totals, broken = read_results(results)
    outputs = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")
    if outputs and os.path.exists(results):
        shutil.copyfile(results, os.path.join(outputs, "results.jsonl"))
    trouble = trouble or _trouble(head, tests, totals, code)
    suite = _new_suite(platform)
    failed = trouble is not None
    show_console(console, whole=not failed)
    counts = {}
    for test in tests:
        verdict, detail = test["verdict"], str(test.get("detail") or "")
        label, kind, message = verdict, None, detail
        if verdict == "violates":
            reason = _why_known(test, known)
            label, kind, message = ("known", "skipped", "known: " + reason) if reason else (
                "VIOLATES", "failure", "violates " + ", ".join(test.get("clauses") or []))
        elif verdict == "unsupported":
            kind = "skipped"
        elif verdict != "conforms":
            label, kind, message = "UNDECIDED", "failure", "undecided: " + detail
        failed = failed or kind == "failure"
        counts[label] = counts.get(label, 0) + 1
        seconds = float(test.get("ms") or 0) / 1000
        _case(suite, test["test"], str(test.get("mechanism") or "ipcspec"), seconds, kind, message, detail)
        if label == "known":
            print("%s: %s" % (test["test"], message))
        elif label != "conforms":
            print("%-11s %s %s\n    %s" % (label, test["test"], ", ".join(test.get("clauses") or []),
                                           detail.replace("\n", "\n    ")))
    for name in _vanished(tests, known):
        print("vanished: %s (%s): take it off the list" % (name, known[name]))
    if broken:
        print("%d lines of the results are broken" % broken)
    if trouble:
        print("FAILED: %s: %s" % (platform, trouble))
        _case(suite, "run", "platform", 0, "failure", trouble)
    _write_xml(suite)
    print("%s: %d tests: %s" % (platform, len(tests), ", ".join(
        "%d %s" % (n, label) for label, n in sorted(counts.items())) or "none"))
    return 1 if failed else 0
