"""The platform `host`: this machine's kernel, the binary as it is.

The binary isolates itself; whatever it leaves running is ended by the session.
"""


def run(session, job):
    """See run.py."""
    command = [job.binary, *job.arguments, "--results=" + job.results]
    return session.run(command, job.console, cwd=session.directory), None
