#include "platforms/kernel/isolation.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "impl/call/cat.h"
#include "platforms/kernel/raw_syscall.h"

// There in a build that measures coverage (impl/coverage.py): no atexit handler writes it here.
extern "C" void __gcov_dump() __attribute__((weak));

namespace ipcspec {
namespace {

constexpr int kCannotMount = 254;  // how a try without its own /proc ends

void WriteTo(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t n = write(fd, text.data(), text.size());
  close(fd);
}

// Directories that every machine has; the run's own tmpfs hides one. Not first where somebody's
// files are, the results of this run among them.
constexpr const char* kHidden[] = {"/sys", "/mnt", "/tmp"};

// Where other users may not search the root directory (an initramfs that was packed so), tasks that
// become another user would not find /dev/shm. Then the run gets a root of its own, which shows
// what is in the other; false when that fails.
bool MakeRootSearchable() {
  struct stat root = {};
  if (stat("/", &root) != 0 || (root.st_mode & S_IXOTH) != 0) return true;
  for (const char* path : {"/mnt", "/tmp", "/sys"}) {
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) continue;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/", error)) {
      const std::string name = entry.path(), shown = Cat(path, name);
      if (name == path) {
        mkdir(shown.c_str(), 01777);
      } else if (entry.is_symlink(error)) {
        std::filesystem::copy_symlink(entry.path(), shown, error);
      } else if (entry.is_directory(error) && mkdir(shown.c_str(), 0755) == 0 &&
                 mount(name.c_str(), shown.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
        return false;
      }
    }
    return chroot(path) == 0;
  }
  return false;
}

// In the new namespaces: /proc, /dev/shm, /dev/mqueue and a directory of its own. The directory,
// null if that fails.
const char* MountOwn(Isolation& isolation) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return nullptr;
  if (!MakeRootSearchable()) return nullptr;
  if (isolation.pid &&
      mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return nullptr;
  }
  // Where they do not exist and cannot be made, what needs them is unsupported.
  mkdir("/dev/shm", 0755), mkdir("/dev/mqueue", 0755);
  isolation.shm = mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == 0;
  isolation.queues =
      isolation.ipc && mount("mqueue", "/dev/mqueue", "mqueue", MS_NOSUID, nullptr) == 0;
  for (const char* path : kHidden) {
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0) return path;
  }
  return nullptr;
}

struct Wanted {
  int flags;         // CLONE_NEW*
  const char* lost;  // what is given up by this try
};

// From all of it to nothing. Without a /proc of its own a PID namespace is of no use; in a user
// namespace the rest may be had without privilege.
constexpr int kAll = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET;
constexpr Wanted kTries[] = {
    {kAll, ""},
    {kAll | CLONE_NEWUSER, ""},
    {kAll & ~CLONE_NEWPID, "PID"},
    {(kAll & ~CLONE_NEWPID) | CLONE_NEWUSER, "PID"},
    {CLONE_NEWIPC, "PID, mount, network"},
    {CLONE_NEWIPC | CLONE_NEWUSER, "PID, mount, network"},
    {0, "PID, mount, IPC, network"},
};

volatile pid_t run_process = -1;
volatile sig_atomic_t ended_by = 0;

void EndRun(int signal) {
  ended_by = signal;
  if (run_process > 0) kill(run_process, SIGKILL);
}

// The child of a try: isolated now, unless a mount fails. Exits with the body's status.
[[noreturn]] void RunChild(const Wanted& wanted, int parent, int uid, int gid, const char* fallback,
                           const std::function<int(const Isolation&)>& body) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Without a PID namespace the parent's number tells whether it is gone already.
  if ((wanted.flags & CLONE_NEWPID) == 0 && getppid() != parent) _exit(kCannotMount);
  setsid();  // out of reach of the terminal's signals: the parent decides
  std::signal(SIGTERM, SIG_DFL);
  Isolation isolation{.user = (wanted.flags & CLONE_NEWUSER) != 0,
                      .pid = (wanted.flags & CLONE_NEWPID) != 0,
                      .mount = (wanted.flags & CLONE_NEWNS) != 0,
                      .ipc = (wanted.flags & CLONE_NEWIPC) != 0,
                      .net = (wanted.flags & CLONE_NEWNET) != 0,
                      .missing = wanted.lost,
                      .directory = fallback};
  if (isolation.user) {
    WriteTo("/proc/self/setgroups", "deny");
    WriteTo("/proc/self/uid_map", Cat("0 ", uid, " 1\n"));
    WriteTo("/proc/self/gid_map", Cat("0 ", gid, " 1\n"));
  }
  if (isolation.mount) {
    const char* directory = MountOwn(isolation);
    if (directory == nullptr) _exit(kCannotMount);
    isolation.directory = directory;
  }
  const int status = body(isolation);
  std::fflush(nullptr);
  if (__gcov_dump != nullptr) __gcov_dump();
  _exit(status);
}

}  // namespace

std::string Isolation::ToText() const {
  if (missing.empty()) {
    return Cat(user ? "user, " : "", "PID, mount, IPC and network namespaces of its own");
  }
  return Cat("NOT isolated: ", missing, " (this process may not make those namespaces)");
}

int RunIsolated(const std::function<int(const Isolation&)>& body) {
  std::fflush(nullptr);
  const int parent = getpid();
  const int uid = static_cast<int>(geteuid()), gid = static_cast<int>(getegid());
  struct sigaction end = {}, old_int = {}, old_term = {};
  end.sa_handler = EndRun;
  sigaction(SIGINT, &end, &old_int);
  sigaction(SIGTERM, &end, &old_term);
  int status = 0;
  for (const Wanted& wanted : kTries) {
    // Only a run without a mount namespace needs a place on the machine's own disk.
    std::string fallback;
    if ((wanted.flags & CLONE_NEWNS) == 0) {
      const char* tmp = std::getenv("TMPDIR");
      fallback = Cat(tmp != nullptr ? tmp : "/tmp", "/ipcspec.XXXXXX");
      if (mkdtemp(fallback.data()) == nullptr || chmod(fallback.c_str(), 0711) != 0) {
        std::fprintf(stderr, "ipcspec: cannot make a directory '%s': %s\n", fallback.c_str(),
                     std::strerror(errno));
        return 3;
      }
    }
    const int64_t child = RawSyscall(SYS_clone, wanted.flags | SIGCHLD);
    if (child == 0) RunChild(wanted, parent, uid, gid, fallback.c_str(), body);
    int wait_status = 0;
    if (child > 0) {
      run_process = static_cast<pid_t>(child);
      if (ended_by != 0) kill(run_process, SIGKILL);
      siginfo_t ended = {};
      while (waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) < 0 &&
             errno == EINTR) {
      }
      // Without a PID namespace the agents that it left are still in its process group, whose
      // number is nobody else's until it is waited for.
      if ((wanted.flags & CLONE_NEWPID) == 0) kill(-run_process, SIGKILL);
      run_process = -1;
      waitpid(static_cast<pid_t>(child), &wait_status, 0);
    }
    if (!fallback.empty()) {
      std::error_code ignored;
      std::filesystem::remove_all(fallback, ignored);
    }
    if (child < 0) continue;  // no permission for these namespaces
    status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
    if (status != kCannotMount || ended_by != 0) break;
  }
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
  return ended_by != 0 ? 128 + ended_by : status;
}

}  // namespace ipcspec
