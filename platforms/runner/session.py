"""A session: the processes and files of one run, and the promise that none outlives it.

Two processes keep that promise. The front is what Bazel starts and may kill in
any way; it only waits. The keeper, in a session of its own, does the work; when
the front ends, however that happens, the kernel sends the keeper SIGTERM. The
keeper adopts orphaned descendants, kills all of them at the end and removes the
directory. Everything that it starts dies with it. Nothing here waits without a
deadline.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """This machine lacks something: what, why, and what to do."""


class Stopped(Exception):
    """Somebody wants the run to end now."""


class TimedOut(Exception):
    """The deadline has passed."""


def find_tool(name, package):
    """Path of a program; Skip when there is none."""
    path = shutil.which(name, path=os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin")
    if not path:
        raise Skip("%s not found; install Debian's package %s" % (name, package))
    return path


def deadline_seconds():
    """How long the work may take: what Bazel grants, less the time to report."""
    granted = float(os.environ.get("TEST_TIMEOUT", "300"))
    return float(os.environ.get("IPCSPEC_DEADLINE", max(granted - 15, granted / 2)))


class Session:
    """Owns a temporary directory, the processes started in it, and the deadline."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="ipcspec.", dir=os.environ.get("TEST_TMPDIR"))
        self.deadline = time.monotonic() + deadline_seconds()
        self.at_end = []  # functions that undo what killing processes cannot

    def path(self, name):
        """A path inside the session's directory."""
        return os.path.join(self.directory, name)

    def run(self, command, console, **options):
        """Exit status of the command, its output appended to the file `console`; TimedOut past the deadline."""
        with open(console, "ab") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       preexec_fn=_die_with_parent, start_new_session=True, **options)
            try:
                return process.wait(timeout=max(0.1, self.deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise TimedOut("no end within %d s" % deadline_seconds()) from None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(timeout=10)

    def close(self):
        """Ends all descendants, undoes the rest, removes the directory."""
        _kill_descendants(time.monotonic() + 10)
        for undo in self.at_end:
            undo()
        shutil.rmtree(self.directory, ignore_errors=True)


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _children():
    me, found = os.getpid(), []
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % int(name)) as f:
                if int(f.read().rpartition(")")[2].split()[1]) == me:
                    found.append(int(name))
        except (ValueError, OSError):
            continue  # not a process, or gone already
    return found


def _kill_descendants(deadline):
    """A killed child's children become ours (subreaper), so it ends when we have none left."""
    while time.monotonic() < deadline:
        children = _children()
        if not children:
            return
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(children[0], 0)


def _keep(work, front):
    """The keeper's life. Exit status of work."""
    def stop(number, _):
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)  # the end must not be interrupted
        raise Stopped("stopped by %s" % signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    os.setsid()
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != front:
        return 1
    session = Session()
    try:
        return work(session)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        session.close()


def guarded(work):
    """Exit status of work(session), run by a keeper that cleans up however this process ends."""
    front = os.getpid()
    sys.stdout.flush()
    numbers = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    keeper = os.fork()
    if keeper == 0:
        status = 1
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
            status = _keep(work, front)
        except Stopped as e:
            print("runner: %s" % e)
        except BaseException:  # report it, whatever it is; the front sees the status
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    for number in numbers:
        signal.signal(number, lambda n, _: os.kill(keeper, n))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    status = os.waitpid(keeper, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
