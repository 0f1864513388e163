"""initramfs.py OUT BINARY: packs the binary as /init of an initramfs (cpio, "newc").

The same bytes for the same input: no times, no owners but root. A kernel reads
archives that follow each other as one, so a runner appends what it has to say.
"""

import sys

DIRECTORY, CONSOLE, PROGRAM, TEXT = 0o040755, 0o020600, 0o100755, 0o100644


def entry(number, name, mode, data=b"", device=(0, 0)):
    """One member. The format wants the header with the name, and the data, in multiples of four."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return padded(header) + padded(data)


def padded(data, unit=4):
    """Data with zeros up to a multiple of the unit."""
    return data + bytes(-len(data) % unit)


def archive(*members):
    """A whole archive of (name, mode, data, device) members."""
    body = b"".join(entry(i + 1, *member) for i, member in enumerate(members))
    return padded(body + entry(0, "TRAILER!!!", 0), 512)


def main():
    out, binary = sys.argv[1:]
    with open(binary, "rb") as f:
        program = f.read()
    with open(out, "wb") as f:
        f.write(archive(("dev", DIRECTORY), ("dev/console", CONSOLE, b"", (5, 1)),
                        ("init", PROGRAM, program)))


if __name__ == "__main__":
    main()
