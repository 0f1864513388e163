"""on_platforms: one suite of the ipcspec binary as a Bazel test per platform.

A target `NAME@PLATFORM` runs the same static file on a host, in a container or
sandbox, or as the first process of a virtual machine; platforms/runner/run.py
says how. What a platform boots (initramfs, bundle) is packed once, by a cached
action. A platform that this machine lacks never breaks the build: its test skips
with one line.
"""

# The kernel repositories that virtual machines boot; see platforms/kernels/kernels.bzl.
_KERNELS = ["linux_5_10", "linux_6_1", "linux_newest"]

PLATFORMS = ["host", "container", "gvisor"] + _KERNELS

def _packed_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ctx.attr.suffix)
    arguments = ctx.actions.args()
    arguments.add("-B")
    arguments.add(ctx.file.packer)
    arguments.add(out)
    arguments.add(ctx.executable.binary)
    arguments.add_all(ctx.files.data)
    ctx.actions.run(
        executable = "python3",
        arguments = [arguments],
        inputs = [ctx.file.packer, ctx.executable.binary] + ctx.files.data,
        outputs = [out],
        mnemonic = "PackPlatform",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([out]))]

packed = rule(
    implementation = _packed_impl,
    doc = "Runs PACKER OUT BINARY DATA...",
    attrs = {
        "binary": attr.label(mandatory = True, executable = True, cfg = "target"),
        "data": attr.label_list(allow_files = True),
        "packer": attr.label(mandatory = True, allow_single_file = [".py"]),
        "suffix": attr.string(mandatory = True),
    },
)

def _platform_test_impl(ctx):
    files = [ctx.executable.binary] + ctx.files.kernel + ctx.files.image
    words = ["python3", "-B", ctx.file._run.short_path]
    words.append("--platform=" + ctx.attr.platform)
    words.append("--binary=" + ctx.executable.binary.short_path)
    for file in ctx.files.image:
        words.append("--image=" + file.short_path)
    for file in ctx.files.kernel:
        words.append("--%s=%s" % ("about" if file.basename.endswith(".json") else "kernel", file.short_path))
    for file in ctx.files._known:
        if file.basename == ctx.attr.platform + ".tsv":
            words.append("--known=" + file.short_path)
            files.append(file)
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        script,
        "#!/bin/sh\nexec " + " ".join(["'%s'" % word for word in words]) + ' -- "$@"\n',
        is_executable = True,
    )
    return [DefaultInfo(
        executable = script,
        runfiles = ctx.runfiles(files = files + ctx.files._runner + [ctx.file._run]),
    )]

_platform_test = rule(
    implementation = _platform_test_impl,
    test = True,
    attrs = {
        "binary": attr.label(mandatory = True, executable = True, cfg = "target"),
        "image": attr.label(allow_files = True),
        "kernel": attr.label_list(allow_files = True),
        "platform": attr.string(mandatory = True),
        "_known": attr.label(default = "//platforms/known"),
        "_run": attr.label(default = "//platforms/runner:run.py", allow_single_file = True),
        "_runner": attr.label(default = "//platforms/runner:modules"),
    },
)

def on_platforms(name, args, platforms = PLATFORMS, size = "medium", tags = [], **kwargs):
    """Declares NAME@PLATFORM for each platform.

    Args:
      name: of the suite.
      args: the binary's arguments, such as ["check", "--mechanism=pipe"]; the runner adds --results.
      platforms: a part of PLATFORMS.
      size: how long a platform may take, as Bazel's tests say it.
      tags: more tags; each test has its platform's name, and "vm" where it boots a kernel.
      **kwargs: what every Bazel test takes.
    """
    for platform in platforms:
        if platform in _KERNELS:
            # The kernel is an input, so Bazel may cache the outcome. A machine has two processors.
            _platform_test(
                name = "%s@%s" % (name, platform),
                args = args,
                binary = "//:ipcspec",
                image = "//platforms/runner:initramfs",
                kernel = ["@%s//:%s" % (platform, file) for file in ["vmlinuz", "kernel.json"]],
                platform = platform,
                size = size,
                tags = tags + [platform, "vm", "cpu:2"],
                **kwargs
            )
        else:
            # The kernel is this machine's, which Bazel does not see: never cached ("external").
            _platform_test(
                name = "%s@%s" % (name, platform),
                args = args,
                binary = "//:ipcspec",
                image = None if platform == "host" else "//platforms/runner:bundle",
                platform = platform,
                size = size,
                tags = tags + [platform, "external"],
                **kwargs
            )
