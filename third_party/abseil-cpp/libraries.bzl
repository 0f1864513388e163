"""Abseil's archives as Debian's libabsl-dev installs them, and a macro that names their targets.

Abseil's archives need each other in many orders, so all of them stand in one
group, linked from one target: the linker takes from it what is used and every
subset of labels links, statically too. Never list archives at a label.
"""

load("@rules_cc//cc:defs.bzl", "cc_library")

_ARCHIVES = [
    "bad_any_cast_impl",
    "bad_optional_access",
    "bad_variant_access",
    "base",
    "city",
    "civil_time",
    "cord",
    "cord_internal",
    "cordz_functions",
    "cordz_handle",
    "cordz_info",
    "cordz_sample_token",
    "debugging_internal",
    "demangle_internal",
    "examine_stack",
    "exponential_biased",
    "failure_signal_handler",
    "flags_commandlineflag",
    "flags_commandlineflag_internal",
    "flags_config",
    "flags_internal",
    "flags_marshalling",
    "flags_parse",
    "flags_private_handle_accessor",
    "flags_program_name",
    "flags_reflection",
    "flags_usage",
    "flags_usage_internal",
    "graphcycles_internal",
    "hash",
    "hashtablez_sampler",
    "int128",
    "leak_check",
    "log_severity",
    "low_level_hash",
    "malloc_internal",
    "periodic_sampler",
    "random_distributions",
    "random_internal_platform",
    "random_internal_pool_urbg",
    "random_internal_randen",
    "random_internal_randen_hwaes",
    "random_internal_randen_hwaes_impl",
    "random_internal_randen_slow",
    "random_internal_seed_material",
    "random_seed_gen_exception",
    "random_seed_sequences",
    "raw_hash_set",
    "raw_logging_internal",
    "spinlock_wait",
    "stacktrace",
    "status",
    "statusor",
    "str_format_internal",
    "strerror",
    "strings",
    "strings_internal",
    "symbolize",
    "synchronization",
    "throw_delegate",
    "time",
    "time_zone",
]

LINKOPTS = (
    ["-Wl,--start-group"] +
    ["-labsl_" + archive for archive in _ARCHIVES] +
    ["-Wl,--end-group", "-pthread"]
)

def absl_targets(names):
    """Declares NAMES, public, each standing for headers plus the group of archives."""
    for name in names:
        cc_library(
            name = name,
            visibility = ["//visibility:public"],
            deps = ["//:archives"],
        )
