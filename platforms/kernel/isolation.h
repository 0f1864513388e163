// Isolation: the suite runs as root on people's machines, so it first goes where it can do no harm.
//
// A run happens in a process of its own, in fresh user (where needed), PID, mount, IPC and network
// namespaces, with a tmpfs of its own: whatever it makes is gone with it, however it ends. It is
// the first process of its PID namespace: when it dies, the kernel kills all others there. What
// could not be had is said in Isolation::missing.
#ifndef IPCSPEC_PLATFORMS_KERNEL_ISOLATION_H_
#define IPCSPEC_PLATFORMS_KERNEL_ISOLATION_H_

#include <functional>
#include <string>

namespace ipcspec {

struct Isolation {
  bool user = false;  // in a user namespace, where only one user id may be known
  bool pid = false;
  bool mount = false;  // and /proc and `directory` are the run's own
  bool ipc = false;
  bool net = false;
  bool shm = false;       // /dev/shm is the run's own
  bool queues = false;    // /dev/mqueue shows the run's own IPC namespace
  std::string missing;    // what could not be isolated, and why; empty when all was
  std::string directory;  // empty, writable, the run's own
  // "user, PID, mount, IPC and network namespaces of its own", or what is missing.
  std::string ToText() const;
};

// Runs `body` isolated, in a child; returns its exit status. SIGINT and SIGTERM end the run (128
// plus the signal). REQUIRES: the caller has no other threads.
int RunIsolated(const std::function<int(const Isolation&)>& body);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_ISOLATION_H_
