#include "platforms/kernel/probe.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <mqueue.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "impl/call/cat.h"
#include "impl/call/names.h"
#include "platforms/kernel/leftovers.h"

namespace ipcspec {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The effective capabilities, one bit each.
uint64_t Capabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return 0;
  return uint64_t{data[1].effective} << 32 | data[0].effective;
}

// Tries something in a child that is thrown away.
template <class Try>
bool Works(Try attempt) {
  const pid_t child = fork();
  if (child == 0) _exit(attempt() ? 0 : 1);
  int status = 1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// gVisor reports a release and a version that never change, and Linux's own words nowhere else.
bool IsGvisor(const utsname& name) {
  return ReadAll("/proc/version").find("gVisor") != std::string::npos ||
         std::string_view(name.version) == "#1 SMP Sun Jan 10 15:06:54 PST 2016";
}

}  // namespace

ProbedMachine Probe(const Isolation& isolation) {
  ProbedMachine machine;
  Dialect& d = machine.dialect;
  utsname name = {};
  uname(&name);
  machine.arch = name.machine;
  d.release = name.release;
  if (std::sscanf(name.release, "%d.%d", &d.major, &d.minor) != 2) d.major = d.minor = 0;
  d.kernel = IsGvisor(name) ? Dialect::Kernel::kGvisor : Dialect::Kernel::kLinux;
  d.page_size = sysconf(_SC_PAGESIZE);
  std::istringstream(ReadAll("/proc/sys/fs/pipe-max-size")) >> d.pipe_max_size;
  std::istringstream(ReadAll("/proc/sys/kernel/sem")) >> d.semmsl >> d.semmns >> d.semopm >>
      d.semmni;

  for (int i = 0; i < kLimits; ++i) {
    std::istringstream(ReadAll(LimitPath(static_cast<Limit>(i)))) >> d.limits[i];
  }

  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  d.max_descriptors = static_cast<int64_t>(std::min<rlim_t>(limit.rlim_max, 1024));
  const auto soft = [&limit](__rlimit_resource resource) {
    getrlimit(resource, &limit);
    return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, INT64_MAX));
  };
  d.max_queue_bytes = soft(RLIMIT_MSGQUEUE);
  d.max_locked = soft(RLIMIT_MEMLOCK);

  // In a user namespace a capability counts only for what belongs to that namespace: its IPC
  // objects and files do, limits of the whole machine do not.
  const uint64_t caps = Capabilities();
  const auto has = [caps](int cap) { return (caps >> cap & 1) != 0; };
  d.cap_sys_resource = has(CAP_SYS_RESOURCE) && !isolation.user;
  d.cap_ipc_owner = has(CAP_IPC_OWNER);
  d.cap_dac_override = has(CAP_DAC_OVERRIDE);
  d.cap_sys_admin = has(CAP_SYS_ADMIN);
  d.cap_ipc_lock = has(CAP_IPC_LOCK) && !isolation.user;
  machine.may_mount = isolation.mount && d.cap_sys_admin;
  machine.other_users = Works([] {
    return syscall(SYS_setresgid, 1000, 1000, 1000) == 0 &&
           syscall(SYS_setgroups, 0, nullptr) == 0 && syscall(SYS_setresuid, 1001, 1001, 1001) == 0;
  });

  machine.may_set_limits = isolation.ipc && Works([&d] {
                             std::ofstream out("/proc/sys/kernel/sem");
                             out << d.semmsl << " " << d.semmns << " " << d.semopm << " "
                                 << d.semmni << std::endl;
                             return out.good();
                           });
  if (!isolation.ipc) {
    machine.no_sysv_ipc = machine.no_posix_mq =
        "the IPC namespace is not the run's own, and nothing of others may be touched";
  } else if (!Works([] {
               const int id = semget(IPC_PRIVATE, 1, 0600);
               return id >= 0 && semctl(id, 0, IPC_RMID) == 0;
             })) {
    machine.no_sysv_ipc = "this kernel has no System V IPC";
  }
  if (machine.no_posix_mq.empty() && !Works([] {
        const mqd_t queue = mq_open("/ipcspec", O_RDWR | O_CREAT | O_EXCL, 0600, nullptr);
        mq_unlink("/ipcspec");
        return queue >= 0 && mq_send(queue, "x", 1, 0) == 0;
      })) {
    machine.no_posix_mq = "this kernel has no POSIX message queues";
  }
  // gVisor's /dev/shm is the sandbox's, whatever could be mounted.
  if (!isolation.shm && d.kernel != Dialect::Kernel::kGvisor) {
    machine.no_posix_shm = "/dev/shm is not the run's own, and nothing of others may be touched";
  } else if (access("/dev/shm", W_OK) != 0) {
    machine.no_posix_shm = "there is no /dev/shm that can be written";
  }
  return machine;
}

}  // namespace ipcspec
