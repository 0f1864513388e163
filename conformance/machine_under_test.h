// The system that this process judges, and what can be asked of it. Set once by the binary before
// any clause runs.
#ifndef IPCSPEC_CONFORMANCE_MACHINE_UNDER_TEST_H_
#define IPCSPEC_CONFORMANCE_MACHINE_UNDER_TEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "impl/reference/dialect.h"
#include "platforms/system.h"

namespace ipcspec {

struct UnderTest {
  std::unique_ptr<System> system;
  bool other_users = true;     // tasks can become another user
  bool may_mount = true;       // a tmpfs can be mounted in the run's mount namespace
  bool own_ipc = true;         // the IPC namespace is the run's own
  bool apart = true;           // runs may go on beside this one and not meet it
  bool may_set_limits = true;  // and its /proc/sys/kernel/sem can be written
  std::string no_sysv_ipc;     // why there is no System V IPC; empty when there is
  std::string no_posix_mq;     // the same of POSIX message queues
  std::string no_posix_shm;    // the same of POSIX shared memory and named semaphores
  uint64_t seed = 0;           // of generated programs
  const Dialect& dialect() const { return system->dialect(); }
};

// REQUIRES: set before.
UnderTest& MachineUnderTest();
void SetMachineUnderTest(UnderTest under_test);

// Why there is no such mechanism here; empty when there is.
const std::string& WhyNot(std::string_view mechanism);

}  // namespace ipcspec

#endif  // IPCSPEC_CONFORMANCE_MACHINE_UNDER_TEST_H_
