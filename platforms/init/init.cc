// The steps of RunAsInit, in the order of the boot. A step that fails says so on the console and
// the boot goes on: the results then show what the machine could not do.
#include "platforms/init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ipcspec {
namespace {

struct Mount {
  const char* type;
  const char* path;
  mode_t mode;
};

// A path stands after the one that it lies on.
constexpr Mount kMounts[] = {
    {"proc", "/proc", 0755},      {"sysfs", "/sys", 0755},      {"devtmpfs", "/dev", 0755},
    {"devpts", "/dev/pts", 0755}, {"tmpfs", "/dev/shm", 01777}, {"mqueue", "/dev/mqueue", 01777},
    {"tmpfs", "/tmp", 01777},     {"tmpfs", "/run", 0755},
};

void Complain(absl::string_view what) {
  const std::string line = absl::StrCat("init: ", what, ": ", strerror(errno), "\n");
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

void MountFilesystems() {
  umask(0);
  for (const Mount& m : kMounts) {
    mkdir(m.path, m.mode);
    const std::string options = absl::string_view(m.type) == "tmpfs"
                                    ? absl::StrCat("mode=", m.mode == 01777 ? "1777" : "755")
                                    : "";
    // A kernel that mounts /dev by itself answers EBUSY.
    if (mount(m.type, m.path, m.type, 0, options.c_str()) != 0 && errno != EBUSY) Complain(m.path);
  }
  umask(022);
}

// What udev links on other machines; programs open these names.
void LinkStandardStreams() {
  (void)!symlink("/proc/self/fd", "/dev/fd");
  (void)!symlink("/proc/self/fd/0", "/dev/stdin");
  (void)!symlink("/proc/self/fd/1", "/dev/stdout");
  (void)!symlink("/proc/self/fd/2", "/dev/stderr");
}

void BringLoopbackUp() {
  const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request = {};
  strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  if (socket_fd < 0 || ioctl(socket_fd, SIOCSIFFLAGS, &request) != 0) Complain("lo");
  if (socket_fd >= 0) close(socket_fd);
}

// The results port, open and without any translation of bytes; -1 if the machine has none.
int OpenResultsPort() {
  const int port = open(kResultsPath, O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios mode;
  if (port < 0 || tcgetattr(port, &mode) != 0) {
    Complain(kResultsPath);
    return port;
  }
  cfmakeraw(&mode);
  cfsetspeed(&mode, B115200);
  if (tcsetattr(port, TCSANOW, &mode) != 0) Complain(kResultsPath);
  return port;
}

std::vector<std::string> Arguments(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  if (argc > 1) return arguments;
  std::ifstream job("/job");
  for (std::string line; std::getline(job, line);) arguments.push_back(line);
  return arguments;
}

[[noreturn]] void RunChild(std::vector<std::string> arguments,
                           const std::function<int(int, char**)>& main_fn) {
  // Leads a process group but no session: a terminal that it opens does not become its own.
  setpgid(0, 0);
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, STDIN_FILENO);
  if (null > STDERR_FILENO) close(null);
  setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
  setenv("HOME", "/tmp", 1);
  setenv("TMPDIR", "/tmp", 1);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  exit(main_fn(static_cast<int>(arguments.size()), argv.data()));
}

// Waits for `child` and reaps every orphan that ends before it. Exit status as a shell gives it.
int AwaitChild(pid_t child) {
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, __WALL);
    if (ended < 0 && errno != EINTR) return 127;
    if (ended != child) continue;
    if (WIFSIGNALED(status)) {
      fprintf(stderr, "init: killed by signal %d\n", WTERMSIG(status));
      return 128 + WTERMSIG(status);
    }
    return WEXITSTATUS(status);
  }
}

void ReportExit(int port, int code) {
  // A child that died in the middle of a line left it open.
  const std::string line = absl::StrCat("\n{\"exit\": ", code, "}\n");
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t n = write(port, line.data() + sent, line.size() - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  tcdrain(port);
}

}  // namespace

bool IsInit(const char* argv0) {
  return getpid() == 1 && argv0 != nullptr && absl::string_view(argv0) == "/init";
}

void RunAsInit(int argc, char** argv, const std::function<int(int, char**)>& main_fn) {
  setsid();
  MountFilesystems();
  LinkStandardStreams();
  BringLoopbackUp();
  const int port = OpenResultsPort();
  int code = 127;
  const pid_t child = fork();
  if (child == 0) RunChild(Arguments(argc, argv), main_fn);
  if (child > 0) {
    code = AwaitChild(child);
  } else {
    Complain("fork");
  }
  if (port >= 0) ReportExit(port, code);
  tcdrain(STDOUT_FILENO);
  sync();
  reboot(RB_POWER_OFF);
  Complain("power off");
  for (;;) pause();
}

}  // namespace ipcspec
