"""run.py --platform=NAME --binary=FILE ... -- ARGUMENT...: one suite on one platform, as a Bazel test.

Each platform has a module with one function, `run(session, job)`, that returns the
exit status of the binary (None if it never came) and what went wrong beyond it
(None if nothing did), leaving the results at job.results and the console at
job.console. This file picks the module and joins what all of them share. It must
never know how a platform works.
"""

import argparse
import json
import os
import sys
import time

import container
import gvisor
import host
import results
import session
import vm

_MODULES = {"host": host, "container": container, "gvisor": gvisor}


def _parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", required=True)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--image", help="what packs the binary for the platform")
    parser.add_argument("--kernel", help="vmlinuz")
    parser.add_argument("--about", help="kernel.json beside it")
    parser.add_argument("--known", help="the platform's known faults")
    parser.add_argument("arguments", nargs="*")
    return parser.parse_args()


def main():
    job = _parse()
    known = results.read_known(job.known)
    job.binary = os.path.abspath(job.binary)

    def work(current):
        job.results, job.console = current.path("results.jsonl"), current.path("console.txt")
        begun, code, trouble = time.monotonic(), None, None
        try:
            if job.about:
                job.about = json.load(open(job.about))
            code, trouble = _MODULES.get(job.platform, vm).run(current, job)
        except session.Skip as e:
            return results.skip(job.platform, str(e))
        except (session.TimedOut, session.Stopped) as e:
            trouble = str(e)
        status = results.judge(job.platform, job.results, known, code, trouble, job.console)
        print("%s: %.1f s" % (job.platform, time.monotonic() - begun))
        return status

    sys.exit(session.guarded(work))


if __name__ == "__main__":
    main()
