"""source_test: one check of source_test.py over the whole source tree.

The files of a tree are no input of one target, so the test reads the tree that
its own script lies in, on this machine, each time ("external", "local").
"""

def _source_test_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        script,
        "#!/bin/sh\nexec python3 -B '%s' '%s'\n" % (ctx.file._script.short_path, ctx.attr.check),
        is_executable = True,
    )
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles(files = [ctx.file._script]))]

_source_test = rule(
    implementation = _source_test_impl,
    test = True,
    attrs = {
        "check": attr.string(mandatory = True),
        "_script": attr.label(default = "//.ci:source_test.py", allow_single_file = True),
    },
)

def source_test(name, check):
    """Declares a small test that runs one check of source_test.py."""
    _source_test(
        name = name,
        check = check,
        size = "small",
        tags = ["external", "local"],
    )
