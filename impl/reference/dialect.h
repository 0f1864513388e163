// Dialect: what may differ between the systems that the reference describes.
//
// Facts, read once by the platform (or written by hand in a test); the reference itself never
// looks anything up. gVisor reports an old kernel release that says nothing about it, so it is
// recognised as such.
#ifndef IPCSPEC_IMPL_REFERENCE_DIALECT_H_
#define IPCSPEC_IMPL_REFERENCE_DIALECT_H_

#include <array>
#include <cstdint>
#include <string>

#include "impl/call/types.h"

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
  // The other limits of an IPC namespace that is new, by Limit: as Linux has them (proc(5),
  // mq_overview(7)); more than INT64_MAX is that. An identifier that was not asked for
  // (sem_next_id, ...) is -1.
  std::array<int64_t, kLimits> limits = {8192, 16384, 32000, INT64_MAX, INT64_MAX, 4096, 0,   -1,
                                         -1,   -1,    256,   10,        8192,      10,   8192};
  int64_t max_queue_bytes = 819200;  // soft RLIMIT_MSGQUEUE
  int64_t max_locked = 8 << 20;      // soft RLIMIT_MEMLOCK, bytes

  // Seconds since the epoch at time 0 of a history; -1 when unknown (times are then not checked).
  int64_t wall_start = -1;

  // Whether user 0 of this run has the capabilities that count here (it may lack them in a
  // container or a user namespace).
  bool cap_sys_resource = true;  // F_SETPIPE_SZ above pipe-max-size
  bool cap_ipc_owner = true;     // every System V permission check passes
  bool cap_dac_override = true;  // every file permission check passes
  bool cap_sys_admin = true;     // owner checks of IPC_SET and IPC_RMID pass, mount works
  bool cap_ipc_lock = true;      // SHM_LOCK of what others own, without a limit

  int64_t Get(Limit limit) const { return limits[static_cast<size_t>(limit)]; }
  bool Since(int want_major, int want_minor) const {
    return kernel == Kernel::kLinux &&
           (major > want_major || (major == want_major && minor >= want_minor));
  }
  bool operator==(const Dialect&) const = default;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_REFERENCE_DIALECT_H_
