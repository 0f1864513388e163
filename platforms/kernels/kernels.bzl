"""The kernels that tests boot: Debian's packages, pinned by version and checksum.

One entry a kernel. To move to a newer one, change package, version and sha256
together; `apt-cache show PACKAGE` prints all three. Where a mirror no longer has
the pinned file (Debian drops superseded ones), the newest package of the suite
that matches `pattern` is used, verified by the archive's signature, and every
test on that kernel says so. Never pin a file without its checksum.
"""

KERNELS = {
    "linux_5_10": struct(
        suite = "bullseye",
        package = "linux-image-5.10.0-32-cloud-amd64",
        version = "5.10.223-1",
        sha256 = "fb4a1229952d892138532c1d9f40a7fd0bd408e4dcf969c12e4524b6a89fdcb8",
        pattern = "linux-image-5.10.*-cloud-amd64",
    ),
    "linux_6_1": struct(
        suite = "bookworm",
        package = "linux-image-6.1.0-50-cloud-amd64",
        version = "6.1.176-1",
        sha256 = "efe19f605b6f54a8352e68d85a629abb2d30b72a085faef603a9152590baa791",
        pattern = "linux-image-6.1.*-cloud-amd64",
    ),
    "linux_newest": struct(
        suite = "trixie-backports",
        package = "linux-binary-7.2.12+deb13-cloud-amd64",
        version = "7.2.12-1~bpo13+1",
        sha256 = "aa6720823145e351d3c817c95fe58d89995a2bcba4978ad2418c36a1c272f795",
        pattern = "linux-binary-*-cloud-amd64",
    ),
}
