"""The platform `gvisor`: the gVisor sandbox's own kernel, in user space.

Its ptrace platform works wherever ptrace does; newer versions bring systrap,
which is faster. Neither needs a network or control groups, so it gets neither.
"""

import subprocess

import oci
from session import find_tool


def _platform(runsc):
    """The better one of those that this version has."""
    flags = subprocess.run([runsc, "flags"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           stdin=subprocess.DEVNULL, text=True, timeout=20).stdout
    return "systrap" if "systrap" in flags else "ptrace"


def run(session, job):
    """See run.py."""
    runsc = find_tool("runsc", "runsc")
    return oci.run_bundle(session, job, [runsc, "--platform=" + _platform(runsc), "--network=none",
                                         "--ignore-cgroups"],
                          r"(creating|starting|running|waiting on) container|unshare: ")
