#include "platforms/mailbox.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "impl/call/cat.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace ipcspec {
namespace {

// Addresses where neither programs nor libraries, stacks and sanitizers live; a new image of the
// binary must find the same one free.
constexpr uintptr_t kAddresses[] = {0x200000000000, 0x1000000000};

}  // namespace

absl::StatusOr<MailboxMemory> MailboxMemory::Create(const std::string& path) {
  constexpr size_t kSize = sizeof(Mailbox) * kBoxes;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 || fchmod(fd, 0666) != 0 || ftruncate(fd, kSize) != 0) {
    const int error = errno;
    if (fd >= 0) close(fd);
    return absl::UnavailableError(Cat("cannot make ", path, ": ", std::strerror(error)));
  }
  void* memory = MAP_FAILED;
  for (uintptr_t address : kAddresses) {
    void* const want = reinterpret_cast<void*>(address);
    memory =
        mmap(want, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    if (memory == want) break;
    if (memory != MAP_FAILED) munmap(memory, kSize);  // before Linux 4.17 it is but a hint
    memory = MAP_FAILED;
  }
  const int error = errno;
  close(fd);
  if (memory == MAP_FAILED) {
    return absl::UnavailableError(Cat("cannot map ", path, ": ", std::strerror(error)));
  }
  return MailboxMemory(static_cast<Mailbox*>(memory), path);
}

void MailboxMemory::Clear(int i) const {
  Mailbox& b = box(i);
  b.request.store(0, std::memory_order_relaxed);
  b.answer.store(0, std::memory_order_relaxed);
  b.pid.store(0, std::memory_order_relaxed);
  b.runs.store(0, std::memory_order_relaxed);
  b.op = 0;
  b.result = 0;
  b.runs_at_answer = 0;
}

}  // namespace ipcspec
