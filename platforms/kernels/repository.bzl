"""debian_kernel: a kernel of KERNELS as a repository with `vmlinuz` and `kernel.json`.

fetch.py does the work. A kernel that cannot be had is no error here, or a machine
without network could not build anything: the repository then holds an empty
vmlinuz and the reason, and the tests on it skip and say why.
"""

load(":kernels.bzl", "KERNELS")

def _debian_kernel_impl(repository):
    kernel = KERNELS[repository.attr.kernel]
    python = repository.which("python3")
    if python == None:
        repository.file("vmlinuz", "")
        repository.file("kernel.json", '{"missing": "no python3 to fetch it with"}')
    else:
        result = repository.execute([
            python,
            repository.path(Label("//platforms/kernels:fetch.py")),
            "--suite=" + kernel.suite,
            "--package=" + kernel.package,
            "--version=" + kernel.version,
            "--sha256=" + kernel.sha256,
            "--pattern=" + kernel.pattern,
        ], timeout = 600)
        if result.return_code != 0:
            fail("fetch.py is broken:\n" + result.stderr)
    repository.file("BUILD", 'exports_files(["kernel.json", "vmlinuz"])\n')

debian_kernel = repository_rule(
    implementation = _debian_kernel_impl,
    attrs = {"kernel": attr.string(mandatory = True, doc = "A key of KERNELS.")},
    configure = True,
    environ = ["DEBIAN_MIRROR"],
)

def debian_kernels():
    """Declares one repository per kernel, named as in KERNELS."""
    for name in KERNELS:
        debian_kernel(name = name, kernel = name)
