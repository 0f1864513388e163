"""readme_test.py README BINARY: runs the commands of the README, as a reader would.

Each line of a ```sh block is run, with the built binary in place of `./bazelw run //:ipcspec --`, in
a directory that holds the files that the README shows (```ipcspec: lost.prog, ```history:
lost.history). All must succeed. Commands that are Bazel's own are not run inside Bazel: what runs
this test is one of them, benchmarks and the nightly test are targets that `//...` builds too, and
coverage is a build of its own.
"""

import os
import re
import subprocess
import sys
import tempfile

RUN = "./bazelw run //:ipcspec -- "
BAZELS_OWN = ("./bazelw test //...", "./bazelw run --config=release //bench", "./bazelw run --config=coverage //impl:coverage",
              "./bazelw test --config=release --test_output=streamed //stress:simulation_nightly_test")


def main():
    readme, binary = sys.argv[1], os.path.abspath(sys.argv[2])
    with open(readme, encoding="utf-8") as f:
        blocks = re.findall(r"^```(\w+)\n(.*?)^```$", f.read(), re.M | re.S)
    failed, ran = 0, 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as work:
        for kind, name in (("ipcspec", "lost.prog"), ("history", "lost.history")):
            with open(os.path.join(work, name), "w", encoding="utf-8") as f:
                f.write("".join(text for block, text in blocks if block == kind))
        for command in [line for block, text in blocks if block == "sh" for line in text.splitlines()]:
            if command in BAZELS_OWN:
                continue
            if not command.startswith(RUN):
                print("not a command that this test knows how to run:", command)
                failed += 1
                continue
            words = command[len(RUN):].replace("$PWD", work).split()
            done = subprocess.run([binary] + words, cwd=work, capture_output=True, text=True, timeout=200,
                                  errors="replace", check=False)
            ran += 1
            print("%s: exit %d" % (command, done.returncode))
            if done.returncode != 0:
                print(done.stdout[-4000:], done.stderr[-4000:])
                failed += 1
    if ran < 5:
        print("the README shows only %d commands: were its blocks found?" % ran)
        failed += 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
