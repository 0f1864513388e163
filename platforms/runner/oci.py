"""What container and gVisor share: an OCI bundle, and a runtime that runs it once.

The runtime lives in a mount and a process namespace of its own, so that its mounts
and processes vanish with it, even when it is killed. It must never touch what
other containers of the machine use.
"""

import glob
import json
import os
import re
import tarfile

from session import Skip, find_tool

# linux/capability.h, in the order of the bits.
_CAPABILITIES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
SETFCAP""".split()
# What can harm the machine outside the container, and no test needs.
_WITHHELD = {"SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "MKNOD", "LINUX_IMMUTABLE", "AUDIT_CONTROL"}


def _capabilities():
    """Those that this process can hand on: a runtime fails on any other."""
    with open("/proc/self/status") as f:
        bounding = int(re.search(r"^CapBnd:\s*(\w+)", f.read(), re.MULTILINE).group(1), 16)
    return ["CAP_" + name for bit, name in enumerate(_CAPABILITIES)
            if bounding >> bit & 1 and name not in _WITHHELD]


def _unpack(session, job, name):
    """The bundle's directory, its configuration completed for this run."""
    bundle = session.path("bundle")
    with tarfile.open(job.image) as tar:
        tar.extractall(bundle)
    shared = session.path("shared")
    os.mkdir(shared)
    with open(os.path.join(bundle, "config.json")) as f:
        config = json.load(f)
    config["process"]["args"] = ["/ipcspec", *job.arguments, "--results=/results/results.jsonl"]
    capabilities = _capabilities()
    config["process"]["capabilities"] = {
        kind: capabilities for kind in ("bounding", "effective", "permitted")}
    config["mounts"].append({"destination": "/results", "type": "bind", "source": shared,
                             "options": ["rbind", "rw"]})
    config["linux"]["cgroupsPath"] = "/" + name
    with open(os.path.join(bundle, "config.json"), "w") as f:
        json.dump(config, f)
    job.results = os.path.join(shared, "results.jsonl")
    return bundle


def _remove_cgroups(name):
    for path in glob.glob("/sys/fs/cgroup/" + name) + glob.glob("/sys/fs/cgroup/*/" + name):
        try:
            os.rmdir(path)
        except OSError:
            pass  # not empty: a process of somebody else's is in it


def run_bundle(session, job, runtime, failed):
    """As run.py says, for the runtime's command line; `failed` matches its own error messages."""
    if os.geteuid() != 0:
        raise Skip("needs root to make a container; run the tests as root")
    name = "ipcspec-%d" % os.getpid()
    bundle = _unpack(session, job, name)
    session.at_end.append(lambda: _remove_cgroups(name))
    code = session.run([find_tool("unshare", "util-linux"), "--mount", "--pid", "--fork", "--kill-child",
                        "--mount-proc", *runtime, "--root", session.path("state"),
                        "run", "--bundle", bundle, name], job.console, cwd=session.directory)
    if code != 0 and not os.path.exists(job.results):
        with open(job.console, errors="replace") as f:
            errors = [line.strip() for line in f if re.search(failed, line)]
        if errors:
            raise Skip("%s cannot start a container on this machine (%s); run the tests as a root that "
                       "may make namespaces, outside any chroot" % (os.path.basename(runtime[0]), errors[-1][:300]))
    return code, None
