// Probe: what machine this is, as far as the documents let machines differ.
#ifndef IPCSPEC_PLATFORMS_KERNEL_PROBE_H_
#define IPCSPEC_PLATFORMS_KERNEL_PROBE_H_

#include <string>

#include "impl/reference/dialect.h"
#include "platforms/kernel/isolation.h"

namespace ipcspec {

struct ProbedMachine {
  Dialect dialect;
  std::string arch;            // uname -m
  bool other_users = true;     // a task can become another user
  bool may_mount = true;       // a tmpfs can be mounted
  bool may_set_limits = true;  // /proc/sys/kernel/sem is the run's own, and can be written
  std::string no_sysv_ipc;     // why there is no System V IPC; empty when there is
  std::string no_posix_mq;     // the same of POSIX message queues
  std::string no_posix_shm;    // the same of POSIX shared memory and named semaphores
};

// Looks around in the run process. Changes nothing but its own soft limit of descriptors (to the
// dialect's).
ProbedMachine Probe(const Isolation& isolation);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_PROBE_H_
