"""command_line_test.py BINARY: the ipcspec binary as people run it, with files that are no good and runs that end early.

A file that is no good has one message, which says what is wrong, where, and what to do; the exit
status is 2; nothing waits, and nothing fills the memory. A run of stress that is interrupted shows
and writes what it measured, and leaves nothing behind.
"""

import fcntl
import json
import os
import pty
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

GIB = 1 << 30
HISTORY = "ipcspec history 1\nkernel=linux major=6 minor=1\n"
PROGRAM = "ipcspec program 1\n"

# A reader that nobody wakes, though there is something to read.
LOST_WAKE_UP = HISTORY + """\
1000 t0 call 1: pipe2()
2000 t0 return 0 [3, 4]
3000 quiet
4000 t0 call 2: fork()
5000 t0 return 2
6000 quiet
race
7000 t2 call 3: read(fd=3, count=8)
9000 t0 call 4: write(fd=4, data="hello")
10000 t0 return 5
12000 quiet
"""

# Command, what the file holds, and what the message says.
BAD_TEXTS = [
    ("explain", "", 'line 1, column 1: expected the line "ipcspec history 1", found the end of the text'),
    ("explain", "\x7fELF\x02\x01\x01\0\0\0", 'line 1, column 1: expected the line "ipcspec history 1", found "\\x7f'),
    ("explain", "\0" * 100000, "line 1, column 1: expected"),
    ("explain", PROGRAM, 'expected the line "ipcspec history 1", found "ipcspec program 1"'),
    ("explain", HISTORY + "5 t0 call 1: pipe2()\n6 t0 return 0 [3", "line 4, column 17: expected"),
    ("explain", HISTORY + "5 t0 call 1: pipe2()\n6 t0 retu", "line 4, column 6: expected call, return"),
    ("explain", HISTORY + "5 quiet", "line 3, column 8: the last line has no end: the text was cut off"),
    ("explain", HISTORY + "5 t7 call 1: pipe2()\n", "line 3, column 3: no fork or clone before makes the task t7"),
    ("explain", HISTORY + "5 t0 return 0\n", "line 3, column 3: t0 returns but is in no call"),
    ("explain", HISTORY + "5 quiet\n4 quiet\n", "line 4, column 1: the event before has a later time, 5"),
    ("explain", HISTORY + "5 t0 call 1: pipe2()\n5 t0 return 0\n5 t0 call 1: pipe2()\n",
     "line 5, column 11: there are two calls 1"),
    ("explain", HISTORY + "race\nrace\n", "line 4, column 1: there are two lines"),
    ("replay", "", 'line 1, column 1: expected the line "ipcspec program 1", found the end of the text'),
    ("replay", "\x7fELF\x02\x01\x01\0\0\0", 'line 1, column 1: expected the line "ipcspec program 1", found "\\x7f'),
    ("replay", HISTORY, 'expected the line "ipcspec program 1", found "ipcspec history 1"'),
    ("replay", PROGRAM + "1: t0 pipe2()\n2: t0 close(fd=@1", "line 3, column 18: expected"),
    ("replay", PROGRAM + "1: t9 pipe2()\n", "line 2, column 4: no earlier step makes the task t9"),
    ("replay", PROGRAM + "1: t0 close(fd=@2.0)\n2: t0 pipe2()\n", "@2 refers to a step that is not before this"),
    ("replay", PROGRAM + "1: t0 pipe2()\n1: t0 pipe2()\n", "line 3, column 1: there are two steps 1"),
    ("repro", PROGRAM + "1: t0 pipe3()\n", "line 2, column 7: expected the name of a call"),
]


def limited():
    """What every process here may use."""
    resource.setrlimit(resource.RLIMIT_AS, (3 * GIB, 3 * GIB))


class CommandLine(unittest.TestCase):
    """Runs of the binary, in a directory of their own."""

    def setUp(self):
        self.work = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.work)

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="latin-1") as f:
            f.write(text)
        return self.path(name)

    def run_it(self, *words, timeout=60, **more):
        return subprocess.run([BINARY, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=timeout, check=False, preexec_fn=limited, **more)

    def expect_refused(self, command, path, message):
        done = self.run_it(command, path)
        self.assertEqual(done.returncode, 2, (command, path, done))
        self.assertTrue(done.stderr.startswith("ipcspec: "), done.stderr[:200])
        self.assertIn(path, done.stderr)
        self.assertIn(message, done.stderr)
        self.assertLessEqual(done.stderr.count("\n"), 2, done.stderr)
        self.assertLess(len(done.stderr), 1500)
        self.assertEqual(done.stdout, "")


class BadInput(CommandLine):
    def test_texts_are_refused_with_the_place(self):
        for command, text, message in BAD_TEXTS:
            with self.subTest(command=command, message=message):
                self.expect_refused(command, self.write("file", text), message)

    def test_what_is_no_file_is_refused(self):
        os.mkfifo(self.path("fifo"))
        for command in ("explain", "replay", "repro"):
            self.expect_refused(command, self.path("none"), "No such file or directory")
            self.expect_refused(command, self.work, "it is a directory; name a file in it")
            self.expect_refused(command, self.path("fifo"), "it is no regular file")
            self.expect_refused(command, "/dev/zero", "it is no regular file")

    def test_what_is_too_large_is_refused(self):
        with open(self.path("huge"), "wb") as f:
            f.truncate(10 * GIB)
        lines = self.path("lines")
        for command, head, line in (("explain", HISTORY, "5 quiet\n"), ("replay", PROGRAM, "7: t0 fork()\n")):
            self.expect_refused(command, self.path("huge"), "it has more than 256 MiB")
            with open(lines, "w", encoding="ascii") as f:
                f.write(head)
                for _ in range(1000):
                    f.write(line * 10_000)
            self.expect_refused(command, lines, "line 1000001: at most 1000000 lines are read")
        for command, head in (("explain", HISTORY + '5 t0 call 1: write(fd=1, data="'),
                              ("replay", PROGRAM + '1: t0 write(fd=1, data="')):
            long = self.write("long", head + "x" * 100_000_000 + '")\n')
            self.expect_refused(command, long, "line %d: it is longer than 16 MiB" % (head.count("\n") + 1))

    def test_as_much_as_is_read_is_judged(self):
        done = self.run_it("explain", self.write("many", HISTORY + "5 quiet\n" * 999_998))
        self.assertEqual((done.returncode, done.stdout), (0, "conforms: 999998 events, 0 calls\n"))


class Explain(CommandLine):
    def on_terminal(self, columns, *words):
        """Exit status and output on a terminal of so many columns."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        done = subprocess.Popen([BINARY, *words], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
        os.close(follower)
        text = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            text += piece
        os.close(leader)
        return done.wait(60), text.decode().replace("\r\n", "\n")

    def test_a_violation_is_told_and_drawn(self):
        history = self.write("lost.history", LOST_WAKE_UP)
        done = self.run_it("explain", history, "--page=" + self.path("page.html"))
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("violates: 10 events, 4 calls\n", done.stdout)
        self.assertIn("t2 is still blocked in read(fd=3, count=8)", done.stdout)
        with open(self.path("page.html"), encoding="utf-8") as f:
            page = f.read()
        self.assertTrue(page.endswith("</html>\n"))
        self.assertIn("lost.history: violates", page)
        self.assertIn("not explained", page)

        status, text = self.on_terminal(70, "explain", history)
        self.assertEqual(status, 1)
        lanes = [line for line in text.split("\n") if line.startswith("   t")]
        self.assertEqual([line.split()[0] for line in lanes], ["t0", "t2"], text)
        self.assertIn("[read(3,8)##", lanes[1])
        self.assertLessEqual(max(map(len, lanes)), 70)

    def test_a_page_that_cannot_be_written_is_said(self):
        history = self.write("lost.history", LOST_WAKE_UP)
        for page in (self.path("none/page"), self.work, "/dev/full"):
            done = self.run_it("explain", history, "--page=" + page)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("cannot write the page '%s'" % page, done.stderr)

    def test_what_replay_prints_is_explained(self):
        program = self.write("p", PROGRAM + "1: t0 pipe2()\n2: t0 write(fd=@1.1, data=\"x\")\n")
        replayed = self.run_it("replay", program, "--system=reference")
        self.assertEqual(replayed.returncode, 0, replayed)
        done = self.run_it("explain", self.write("h", replayed.stdout))
        self.assertEqual((done.returncode, done.stdout), (0, "conforms: 6 events, 2 calls\n"))


class Stress(CommandLine):
    def start(self, *words):
        """Stress in the background, from a binary of its own name; its output goes to a file."""
        own = self.path("binary")
        shutil.copy(BINARY, own)
        self.output = self.path("output")
        with open(self.output, "wb") as f:
            started = subprocess.Popen([own, "stress", "--for=10m", "--results=" + self.path("results"), *words],
                                       stdin=subprocess.DEVNULL, stdout=f, stderr=f)
        self.addCleanup(started.kill)
        return started

    def so_far(self):
        with open(self.output, encoding="utf-8", errors="replace") as f:
            return f.read()

    def left(self):
        """Processes that are of that binary still."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/exe" % pid).startswith(self.path("binary")):
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def await_line(self, text, started):
        end = time.monotonic() + 60
        while text not in self.so_far():
            self.assertIsNone(started.poll(), self.so_far())
            self.assertLess(time.monotonic(), end, self.so_far())
            time.sleep(0.05)

    def expect_whole(self, started, status):
        begun = time.monotonic()
        self.assertEqual(started.wait(30), status, self.so_far())
        self.assertLess(time.monotonic() - begun, 20)
        text = self.so_far()
        self.assertIn("the run ended by signal %d;" % (status - 128), text)
        self.assertIn("the run ended early, while ", text)
        self.assertRegex(text, r"(?m)^\d+ conform, 0 violate, \d+ unsupported, \d+ undecided; \d+ calls in ")
        with open(self.path("results"), encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        self.assertIn("platform", lines[0])
        self.assertIn("totals", lines[-1])
        self.assertEqual(len(lines) - 2, sum(lines[-1]["totals"].values()))
        for line in lines[1:-1]:
            self.assertEqual((line["mechanism"], line["verdict"]), ("pipe", "conforms"))
        end = time.monotonic() + 10
        while self.left():
            self.assertLess(time.monotonic(), end, "left behind")

    def test_an_interrupt_ends_it(self):
        started = self.start("--mechanism=pipe")
        self.await_line("lives explained; now pipe.", started)
        started.send_signal(signal.SIGINT)
        self.expect_whole(started, 128 + signal.SIGINT)
        self.assertRegex(self.so_far(), r"(?m)^pipe\.\w+ +conforms +[1-9]")

    def test_an_interrupt_ends_it_on_the_reference(self):
        started = self.start("--mechanism=pipe", "--system=reference")
        self.await_line("reference", started)
        started.terminate()
        self.expect_whole(started, 128 + signal.SIGTERM)

    def test_what_a_run_measured_outlives_it(self):
        started = self.start("--mechanism=pipe")
        self.await_line("Linux", started)
        end = time.monotonic() + 20
        while len(self.left()) < 4:  # who waits for the job, the job, its run, an agent
            self.assertLess(time.monotonic(), end)
        job = self.child_of(started.pid)
        os.kill(self.child_of(job), signal.SIGKILL)
        self.expect_whole(started, 128 + signal.SIGKILL)

    def child_of(self, pid):
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
            return int(f.read().split()[0])

    def test_as_many_jobs_as_asked_for(self):
        started = self.start("--mechanism=pipe", "--system=reference", "--jobs=3")
        end = time.monotonic() + 20
        while len(self.left()) < 4:  # and who waits for them
            self.assertLess(time.monotonic(), end)
        self.await_line("reference", started)
        started.terminate()
        self.expect_whole(started, 128 + signal.SIGTERM)

    def test_a_number_of_jobs_that_cannot_be_is_refused(self):
        for words in ("--jobs=65", "--jobs=-1", "--jobs=many"):
            done = self.run_it("stress", "--system=reference", words)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(words, done.stderr)

    def test_directories_that_are_no_good_are_refused(self):
        open_to_all = self.path("open")
        os.mkdir(open_to_all)
        os.chmod(open_to_all, 0o777)
        for path, message in ((self.path("none"), "name a directory that exists"),
                              (open_to_all, "everybody may replace files there")):
            done = self.run_it("stress", "--histories=" + path)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("cannot save histories in '%s': " % path, done.stderr)
            self.assertIn(message, done.stderr)

    def test_a_full_disk_is_said_once(self):
        done = self.run_it("stress", "--system=reference", "--mechanism=pipe", "--for=0s", "--results=/dev/full")
        self.assertEqual(done.returncode, 3, done)
        self.assertEqual(done.stderr.count("No space left on device"), 1, done.stderr)
        self.assertIn("0 violate", done.stdout)


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main()
