"""The kernels for MODULE.bazel. Bazel 4 cannot load this file and never does."""

load(":repository.bzl", "debian_kernels")

kernels = module_extension(implementation = lambda _: debian_kernels())
