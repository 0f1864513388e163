"""Fetches one Debian kernel into the current directory: vmlinuz and kernel.json.

apt's own downloader fetches the pinned file from the machine's own mirror and
checks its SHA-256, so no package index is read. Only when the mirror no longer
has that file is the suite's index fetched, into a private apt state that the
archive's keyring verifies, and the newest match of the pattern taken instead.

kernel.json: package, version, and `note` (empty if the pin held); or `missing`,
the reason why there is no kernel. Exits 0 in both cases. It must never use the
machine's apt state, an unverified file, or leave anything else behind.
"""

import argparse
import fnmatch
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
HELPER = "/usr/lib/apt/apt-helper"
POOL = "pool/main/l/linux-signed-amd64"  # where Debian keeps the signed kernels of this machine type


class Missing(Exception):
    """There is no kernel, and the text says why and what to do."""


def run(command, seconds, **options):
    """Output of the command; Missing with its last error lines when it fails."""
    try:
        done = subprocess.run(command, timeout=seconds, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    except subprocess.TimeoutExpired:
        raise Missing("%s took more than %d s" % (os.path.basename(command[0]), seconds))
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if line.startswith(("E:", "Err:", "W:"))]
        told = "; ".join((errors or done.stdout.splitlines())[-2:]) or "%s failed" % command[0]
        raise Missing(re.sub(r"\s+", " ", re.sub(r"\S+://\S+/|E: Download Failed|; $", "", told)).strip("; "))
    return done.stdout


def mirrors():
    """The machine's Debian mirrors, most likely first; DEBIAN_MIRROR overrides them."""
    if os.environ.get("DEBIAN_MIRROR"):
        return [os.environ["DEBIAN_MIRROR"].rstrip("/")]
    found = []
    for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
        for line in open(path):
            if line.startswith("URIs:"):
                found += line.split()[1:]
    for path in ["/etc/apt/sources.list"] + glob.glob("/etc/apt/sources.list.d/*.list"):
        if os.path.exists(path):
            found += re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)", open(path).read(), re.MULTILINE)
    uris = list(dict.fromkeys(uri.rstrip("/") for uri in found if "security" not in uri))
    uris.sort(key=lambda uri: not uri.endswith("/debian"))
    if not uris:
        raise Missing("no Debian mirror in /etc/apt; name one in DEBIAN_MIRROR")
    return uris[:2]


def download_pinned(pin, directory):
    """Path of the pinned package, verified by apt against its checksum."""
    target = os.path.join(directory, "pinned.deb")
    name = "%s_%s_amd64.deb" % (pin.package, pin.version)
    reason = None
    for mirror in mirrors():
        try:
            run([HELPER, "-o", "APT::Sandbox::User=root", "-o", "Acquire::http::Timeout=20",
                 "-o", "Acquire::https::Timeout=20", "download-file",
                 "%s/%s/%s" % (mirror, POOL, name), target, "SHA256:" + pin.sha256], 300)
            digest = hashlib.sha256(open(target, "rb").read()).hexdigest()
            if digest != pin.sha256:
                raise Missing("%s has checksum %s, expected %s" % (name, digest, pin.sha256))
            return target
        except Missing as e:
            reason = e
    raise reason


def private_apt(suite, mirror, directory):
    """Environment of an apt that knows only this suite and keeps its state in the directory."""
    if not os.path.exists(KEYRING):
        raise Missing("no %s: install debian-archive-keyring" % KEYRING)
    state = os.path.join(directory, "apt")
    for path in ("lists/partial", "cache/archives/partial", "parts"):
        os.makedirs(os.path.join(state, path), exist_ok=True)
    open(os.path.join(state, "status"), "w").close()
    with open(os.path.join(state, "sources.list"), "w") as f:
        f.write("deb [arch=amd64 signed-by=%s] %s %s main\n" % (KEYRING, mirror, suite))
    # The machine's transport settings (proxy, certificates), none of its hooks.
    settings = run(["apt-config", "dump"], 20).splitlines()
    with open(os.path.join(state, "parts/acquire"), "w") as f:
        f.write("\n".join(line for line in settings if line.startswith("Acquire::")) + "\n")
    with open(os.path.join(state, "apt.conf"), "w") as f:
        f.write("".join("%s \"%s\";\n" % item for item in (
            ("Dir::Etc::main", "/dev/null"), ("Dir::Etc::parts", state + "/parts"),
            ("Dir::Etc::sourcelist", state + "/sources.list"), ("Dir::Etc::sourceparts", "/dev/null"),
            ("Dir::Etc::preferences", "/dev/null"), ("Dir::Etc::preferencesparts", "/dev/null"),
            ("Dir::State", state), ("Dir::State::status", state + "/status"),
            ("Dir::State::lists", state + "/lists"), ("Dir::Cache", state + "/cache"),
            ("APT::Architecture", "amd64"), ("APT::Sandbox::User", "root"),
            ("APT::Get::AllowUnauthenticated", "false"), ("Acquire::Languages", "none"),
            ("Acquire::AllowInsecureRepositories", "false"))))
        f.write('APT::Architectures { "amd64"; };\n')
    return dict(os.environ, APT_CONFIG=os.path.join(state, "apt.conf"), LC_ALL="C")


def download_newest(pin, directory):
    """(path, package, version) of the newest match in the suite, verified by its signature."""
    reason = None
    for mirror in mirrors():
        try:
            apt = private_apt(pin.suite, mirror, directory)
            run(["apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"], 200, env=apt)
            break
        except Missing as e:
            reason = e
    else:
        raise reason
    names = [name for name in run(["apt-cache", "pkgnames"], 60, env=apt).split()
             if fnmatch.fnmatchcase(name, pin.pattern) and "unsigned" not in name and "dbg" not in name]
    if not names:
        raise Missing("no package of %s matches %s" % (pin.suite, pin.pattern))
    name = max(names, key=lambda n: [int(part) for part in re.findall(r"\d+", n)])
    run(["apt-get", "-q", "download", name], 300, env=apt, cwd=directory)
    path = glob.glob(os.path.join(directory, "linux-*.deb"))[0]
    return path, name, run(["dpkg-deb", "-f", path, "Version"], 20).strip()


def fetch(pin, directory):
    """Writes vmlinuz; returns what kernel.json says of it."""
    for tool in (HELPER, "dpkg-deb"):
        if not shutil.which(tool):
            raise Missing("%s not found: kernels come from Debian's packages" % tool)
    note = ""
    try:
        path, package, version = download_pinned(pin, directory), pin.package, pin.version
    except Missing as gone:
        try:
            path, package, version = download_newest(pin, directory)
        except Missing as e:
            raise Missing("%s %s: %s; then %s" % (pin.package, pin.version, gone, e))
        note = "pinned %s %s is not to be had (%s)" % (pin.package, pin.version, gone)
    root = os.path.join(directory, "root")
    run(["dpkg-deb", "-x", path, root], 120)
    images = glob.glob(root + "/boot/vmlinuz*") + glob.glob(root + "/usr/lib/modules/*/vmlinuz")
    if not images:
        raise Missing("%s %s holds no vmlinuz" % (package, version))
    shutil.copyfile(images[0], "vmlinuz")
    return {"package": package, "version": version, "note": note}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("suite", "package", "version", "sha256", "pattern"):
        parser.add_argument("--" + name, required=True)
    pin = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as directory:
        try:
            about = fetch(pin, os.path.abspath(directory))
        except Missing as e:
            open("vmlinuz", "w").close()
            about = {"missing": str(e)}
    with open("kernel.json", "w") as f:
        json.dump(about, f)


if __name__ == "__main__":
    main()
