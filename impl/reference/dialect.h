// Dialect: what may differ between the systems that the reference describes.
//
// Facts, read once by the platform (or written by hand in a test); the reference itself never
// looks anything up. gVisor reports an old kernel release that says nothing about it, so it is
// recognised as such.
#ifndef IPCSPEC_IMPL_REFERENCE_DIALECT_H_
#define IPCSPEC_IMPL_REFERENCE_DIALECT_H_

#include <cstdint>
#include <string>

namespace ipcspec {

struct Dialect {
  enum class Kernel { kLinux, kGvisor };

  Kernel kernel = Kernel::kLinux;
  std::string release = "6.1";  // uname -r
  int major = 6;
  int minor = 1;

  int64_t page_size = 4096;
  int64_t pipe_max_size = 1 << 20;  // /proc/sys/fs/pipe-max-size, bytes
  int64_t max_descriptors = 1024;   // soft RLIMIT_NOFILE that a task starts with
  // /proc/sys/kernel/sem: SEMMSL, SEMMNS, SEMOPM, SEMMNI.
  int64_t semmsl = 32000;
  int64_t semmns = 1024000000;
  int64_t semopm = 500;
  int64_t semmni = 32000;

  // Seconds since the epoch at time 0 of a history; -1 when unknown (times are then not checked).
  int64_t wall_start = -1;

  // Whether user 0 of this run has the capabilities that count here (it may lack them in a
  // container or a user namespace).
  bool cap_sys_resource = true;  // F_SETPIPE_SZ above pipe-max-size
  bool cap_ipc_owner = true;     // every System V permission check passes
  bool cap_dac_override = true;  // every file permission check passes
  bool cap_sys_admin = true;     // owner checks of IPC_SET and IPC_RMID pass, mount works

  bool Since(int want_major, int want_minor) const {
    return kernel == Kernel::kLinux &&
           (major > want_major || (major == want_major && minor >= want_minor));
  }
  bool operator==(const Dialect&) const = default;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_REFERENCE_DIALECT_H_
