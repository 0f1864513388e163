"""bundle.py OUT BINARY CONFIG: packs an OCI bundle (config.json and rootfs) as a tar file.

The same bytes for the same input. Directories that the container's mounts need
are made here, so that a runtime changes nothing in the root file system.
"""

import io
import sys
import tarfile


def main():
    out, binary, config = sys.argv[1:]
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        def add(name, data, mode, kind=tarfile.REGTYPE):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.size = kind, mode, len(data)
            tar.addfile(info, io.BytesIO(data))

        for name in ("", "/dev", "/proc", "/results", "/sys", "/tmp"):
            add("rootfs" + name, b"", 0o755, tarfile.DIRTYPE)
        with open(config, "rb") as f:
            add("config.json", f.read(), 0o644)
        with open(binary, "rb") as f:
            add("rootfs/ipcspec", f.read(), 0o755)


if __name__ == "__main__":
    main()
