#include "platforms/kernel/proc_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace ipcspec {
namespace {

// Reads /proc/PID/NAME through a descriptor that stays open. Null: the process is gone, or there
// is no such file; `*fd` is then -2 if it never could be opened.
const char* ReadProc(int pid, const char* name, int* fd, char* buffer, size_t size) {
  if (*fd == -1) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) *fd = -2;
  }
  if (*fd < 0) return nullptr;
  const ssize_t n = pread(*fd, buffer, size - 1, 0);
  if (n <= 0) return nullptr;
  buffer[n] = '\0';
  return buffer;
}

int64_t NumberAfter(const char* text, const char* name) {
  const char* at = std::strstr(text, name);
  return at == nullptr ? 0 : std::atoll(at + std::strlen(name));
}

}  // namespace

ProcWatch& ProcWatch::operator=(ProcWatch&& other) noexcept {
  Close();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::exchange(other.pidfd_, -1);
  syscall_ = std::exchange(other.syscall_, -1);
  stat_ = std::exchange(other.stat_, -1);
  schedstat_ = std::exchange(other.schedstat_, -1);
  status_ = std::exchange(other.status_, -1);
  return *this;
}

void ProcWatch::Close() {
  for (int* fd : {&pidfd_, &syscall_, &stat_, &schedstat_, &status_}) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
  }
}

bool ProcWatch::Dead(int* status) {
  if (pidfd_ == -1) {
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd_ < 0) pidfd_ = -2;
  }
  if (pidfd_ >= 0) {
    pollfd end = {.fd = pidfd_, .events = POLLIN, .revents = 0};
    if (poll(&end, 1, 0) == 0) return false;
  }
  char buffer[1024];
  const char* text = ReadProc(pid_, "stat", &stat_, buffer, sizeof buffer);
  if (text == nullptr) {  // waited for, and gone
    *status = -1;
    return true;
  }
  const char* state = std::strrchr(text, ')');
  if (state == nullptr || (state[2] != 'Z' && state[2] != 'X')) return false;
  // The exit code is the last field, the 52nd (proc(5)).
  const std::string_view all(text);
  const size_t last = all.find_last_of(' ');
  *status = last == all.npos ? -1 : std::atoi(text + last + 1);
  return true;
}

int64_t ProcWatch::Switches() {
  char buffer[4096];
  if (const char* text = ReadProc(pid_, "schedstat", &schedstat_, buffer, sizeof buffer)) {
    // Time on a CPU, time waiting for one, how often it got one.
    long long on = 0, waiting = 0, times = 0;
    if (std::sscanf(text, "%lld %lld %lld", &on, &waiting, &times) == 3 && times > 0) {
      return times;
    }
  }
  const char* text = ReadProc(pid_, "status", &status_, buffer, sizeof buffer);
  if (text == nullptr) return -1;
  return NumberAfter(text, "\nvoluntary_ctxt_switches:") +
         NumberAfter(text, "nonvoluntary_ctxt_switches:");
}

const char* ProcWatch::SleepsIn(char* buffer, size_t size) {
  const char* text = ReadProc(pid_, "syscall", &syscall_, buffer, size);
  // "running", as is one that is about to die.
  return text == nullptr || text[0] == 'r' ? nullptr : text;
}

bool ProcWatch::Running() {
  char buffer[256];
  int status = 0;
  return SleepsIn(buffer, sizeof buffer) == nullptr && !Dead(&status);
}

ProcLook ProcWatch::Look() {
  ProcLook look;
  char buffer[256];
  const char* text = SleepsIn(buffer, sizeof buffer);
  if (text == nullptr) {
    if (Dead(&look.status)) look.state = ProcLook::kDead;
    return look;
  }
  char* rest = nullptr;
  look.syscall = std::strtoll(text, &rest, 10);
  look.argument = static_cast<int64_t>(std::strtoull(rest, nullptr, 16));
  // Interruptible: what sleeps otherwise waits for the kernel, and goes on by itself.
  char stat[1024];
  const char* state = ReadProc(pid_, "stat", &stat_, stat, sizeof stat);
  state = state == nullptr ? nullptr : std::strrchr(state, ')');
  if (state != nullptr && state[2] == 'T') {  // by SIGSTOP, in a call or between two
    look.switches = Switches();
    look.state = ProcLook::kStopped;
    return look;
  }
  // Outside any system call it dies.
  if (state == nullptr || state[2] != 'S' || look.syscall < 0) {
    if (Dead(&look.status)) look.state = ProcLook::kDead;
    return look;
  }
  look.switches = Switches();
  look.state = ProcLook::kBlocked;
  return look;
}

bool ProcTellsBlocked() {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/syscall", getpid());
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char buffer[256];
  const bool told = read(fd, buffer, sizeof buffer) > 0;
  close(fd);
  return told;
}

}  // namespace ipcspec
