"""source_test.py CHECK: one property that every file of the tree has.

format: C++ is as .clang-format says. text: no white space at the end of a line,
a newline at the end of a file, a docstring at the head of Python and Starlark.
pure: the reference (impl/) makes no system call, reads no clock, starts no
thread, so it includes nothing that could; its tests may read files. names: a type
of a header has a name of its own, or two files that are linked may both mean it.

The tree is the one that this file lies in, whatever link leads here. A check
lists every offence as FILE:LINE: what and why. It must never change a file.
"""

import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TEXT = (".bzl", ".cc", ".h", ".json", ".jsonl", ".md", ".py", ".sh", ".tsv", ".txt")
STARLARK = ("BUILD", "WORKSPACE", "MODULE.bazel")

# Headers of C and POSIX that only give names to numbers.
CONSTANTS = {"errno.h", "fcntl.h", "limits.h", "poll.h", "sched.h", "signal.h", "stddef.h", "stdint.h",
             "string.h", "linux/futex.h", "linux/limits.h", "mqueue.h", "sys/epoll.h", "sys/eventfd.h", "sys/ipc.h",
             "sys/mman.h", "sys/msg.h", "sys/sem.h", "sys/shm.h", "sys/socket.h", "sys/stat.h",
             "sys/types.h", "sys/un.h", "sys/wait.h"}
# Headers of C++ and Abseil that reach the machine.
IMPURE = {"barrier", "condition_variable", "ctime", "filesystem", "fstream", "future", "iostream",
          "latch", "mutex", "semaphore", "shared_mutex", "stop_token", "thread",
          "absl/time/clock.h", "absl/synchronization/mutex.h", "absl/random/random.h"}


def files():
    """Paths of the tree's own text files, relative to ROOT."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name != ".git" and not
                            (folder == ROOT and name.startswith("bazel-")) and
                            not os.path.islink(os.path.join(folder, name)))
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), ROOT)
            if name.endswith(TEXT) or name in STARLARK or name in ("bazelw", ".bazelrc", "run"):
                yield path


def read(path):
    """The text of a file."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def check_format():
    """Offences against .clang-format."""
    if not shutil.which("clang-format"):
        print("SKIPPED: format: clang-format not found; install Debian's package clang-format")
        return
    sources = [path for path in files() if path.endswith((".cc", ".h"))]
    for begin in range(0, len(sources), 50):
        done = subprocess.run(["clang-format", "--dry-run", "--ferror-limit=1", "-Werror",
                               *sources[begin:begin + 50]], cwd=ROOT, text=True, timeout=50,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for path, line in re.findall(r"^([^:\s]+):(\d+):\d+: error", done.stdout, re.MULTILINE):
            yield "%s:%s: not formatted; run clang-format -i %s" % (path, line, path)
        if done.returncode != 0 and "error" not in done.stdout:
            yield "clang-format: " + done.stdout.strip()


def check_text():
    """Offences against plain good manners."""
    for path in files():
        text = read(path)
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield "%s:%d: white space at the end of the line" % (path, number)
        if text and not text.endswith("\n"):
            yield "%s:%d: no newline at the end of the file" % (path, text.count("\n") + 1)
        if path.endswith((".py", ".bzl")) or os.path.basename(path) in STARLARK:
            header = r'(#[^\n]*\n|\n)*"""\S' if path.endswith((".py", ".bzl")) else r'"""\S|# \S'
            if not re.match(header, text):
                yield '%s:1: does not say what it is; open it with """..."""' % path


def check_pure():
    """Includes of impl/ that could reach the machine."""
    for path in files():
        if not re.match(r"impl/.*\.(cc|h)$", path) or re.search(r"_(test|fuzz|fuzzer|benchmark)\.cc$", path):
            continue
        for number, line in enumerate(read(path).split("\n"), 1):
            found = re.match(r'\s*#\s*include\s*[<"]([^>"]+)', line)
            if not found:
                continue
            name = found.group(1)
            # A name with another folder is a library's (gtest/gtest.h).
            system = re.match(r"([a-z0-9_]+|(sys|linux|asm|bits|net|netinet|arpa)/.*)\.h$", name) and "<" in line
            if name in IMPURE or (system and name not in CONSTANTS):
                yield "%s:%d: <%s> has no place in the pure reference" % (path, number, name)


def check_names():
    """Types of headers that have the name of another."""
    seen = {}
    for path in files():
        if not path.endswith(".h"):
            continue
        for number, line in enumerate(read(path).split("\n"), 1):
            found = re.match(r"(?:class|struct|union|enum class|enum) (\w+)(?: final)?(?: :[^:].*)? \{", line)
            if found and seen.setdefault(found.group(1), path) != path:
                yield "%s:%d: %s is the name of a type in %s" % (path, number, found.group(1), seen[found.group(1)])


def main():
    checks = {"format": check_format, "names": check_names, "pure": check_pure, "text": check_text}
    offences = list(checks[sys.argv[1]]())
    for offence in offences:
        print(offence)
    sys.exit(1 if offences else 0)


if __name__ == "__main__":
    main()
