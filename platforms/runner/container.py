"""The platform `container`: this machine's kernel as a program in an OCI container sees it."""

import oci
from session import find_tool


def run(session, job):
    """See run.py."""
    return oci.run_bundle(session, job, [find_tool("runc", "runc")],
                          r"runc run failed|level=error|unshare: ")
