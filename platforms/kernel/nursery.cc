#include "platforms/kernel/nursery.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "impl/call/cat.h"
#include "impl/call/check.h"
#include "platforms/kernel/agent.h"
#include "platforms/kernel/raw_syscall.h"

namespace ipcspec {
namespace {

[[noreturn]] void Serve(Mailboxes& memory, pid_t group, int64_t max_descriptors) {
  Mailbox& box = memory.nursery;
  while (true) {
    while (box.state.load(std::memory_order_acquire) != Mailbox::kCalled) {
      FutexWait(box.state, Mailbox::kAnswered, nullptr);
    }
    const int64_t pid = RawSyscall(SYS_clone, CLONE_PARENT | SIGCHLD);
    if (pid == 0) {
      setpgid(0, group);
      RunAgent(memory, 0, box.buffer.data(), max_descriptors);
    }
    box.request.result = pid;
    box.state.store(Mailbox::kAnswered, std::memory_order_release);
  }
}

}  // namespace

Nursery::~Nursery() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

absl::Status Nursery::Start(int64_t max_descriptors) {
  box_.state.store(Mailbox::kAnswered);
  const pid_t harness = getpid(), group = getpgrp();
  pid_ = fork();
  if (pid_ < 0) return absl::UnavailableError(Cat("cannot fork: ", std::strerror(errno)));
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != harness) _exit(0);
    setpgid(0, 0);
    Serve(memory_, group, max_descriptors);
  }
  setpgid(pid_, pid_);  // whoever comes first
  return absl::OkStatus();
}

void Nursery::Order(const std::string& directory) {
  IPCSPEC_CHECK(directory.size() < Mailbox::kBufferSize, "a path is very long");
  std::memcpy(box_.buffer.data(), directory.c_str(), directory.size() + 1);
  box_.state.store(Mailbox::kCalled, std::memory_order_release);
  FutexWake(box_.state);
}

std::optional<int64_t> Nursery::Born() const {
  if (box_.state.load(std::memory_order_acquire) != Mailbox::kAnswered) return std::nullopt;
  return box_.request.result;
}

}  // namespace ipcspec
