"""The platforms that boot a kernel: QEMU, one kernel, the binary as its first process.

The second serial port is the channel for results because every kernel has its
driver built in; the console is the first, kept apart. The binary's arguments go
into a second archive behind the initramfs. An oops is made a panic, and a panic
ends the machine at once: whatever came before stays, and the console's tail says
why. The machine has no disk and no network, so it leaves nothing behind.
"""

import json
import os
import platform
import re

import initramfs
from session import Skip, find_tool


def _accelerator():
    """Emulation with a thread per processor, which works everywhere. A /dev/kvm that opens may still
    fail or hang, so KVM is for those who know theirs: --test_env=IPCSPEC_ACCEL=kvm."""
    return os.environ.get("IPCSPEC_ACCEL") or "tcg,thread=multi"


# Under emulation every change of address space empties the TLB. What guards against speculation would
# add two to each system call, and a fifth level of tables a load to each miss; neither touches IPC.
_CPU = "max,la57=off"
_COMMAND_LINE = "console=ttyS0 quiet panic=-1 oops=panic mitigations=off"


def _boot_image(session, job):
    """The initramfs followed by an archive with the arguments."""
    path = session.path("initramfs")
    words = [*job.arguments, "--results=/dev/ttyS1"]
    with open(job.image, "rb") as packed, open(path, "wb") as out:
        out.write(initramfs.padded(packed.read(), 512))
        out.write(initramfs.archive(
            ("job", initramfs.TEXT, "".join(word + "\n" for word in words).encode())))
    return path


def _exit_status(path):
    """What the binary's init reported; None if the machine ended before that."""
    status = None
    if os.path.exists(path):
        with open(path, "rb") as f:
            for line in f:
                if line.startswith(b'{"exit"'):
                    status = json.loads(line)["exit"]
    return status


def _panic(path):
    """The kernel's last words, if it panicked."""
    with open(path, "rb") as f:
        found = re.findall(rb"Kernel panic - [^\r\n]*", f.read())
    return found[0].decode("utf-8", "replace") if found else None


def run(session, job):
    """See run.py."""
    about = job.about
    if "missing" in about:
        raise Skip("no kernel (%s); once there is a network: ./bazelw sync --only=%s"
                   % (about["missing"], job.platform))
    if platform.machine() not in ("x86_64", "AMD64"):
        raise Skip("the pinned kernels are for x86-64, this machine is %s" % platform.machine())
    qemu = find_tool("qemu-system-x86_64", "qemu-system-x86")
    print("kernel: %s %s" % (about["package"], about["version"]) +
          ("; " + about["note"] if about["note"] else ""))
    serial = session.path("console")
    open(serial, "w").close()
    accelerator = _accelerator()
    print("machine: 2 processors, 512 MB, %s" % accelerator)
    code = None
    try:
        ended = session.run(
            [qemu, "-M", "q35", "-accel", accelerator, "-cpu", _CPU, "-smp", "2", "-m", "512",
             "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
             "-kernel", job.kernel, "-initrd", _boot_image(session, job),
             "-append", _COMMAND_LINE, "-serial", "file:" + serial, "-serial", "file:" + job.results], job.console)
        code = _exit_status(job.results)
    finally:
        with open(serial, "rb") as f, open(job.console, "ab") as out:
            out.write(f.read())
    if code is not None:
        return code, None
    return None, _panic(serial) or "the machine ended (QEMU's exit status %d) without a report" % ended
