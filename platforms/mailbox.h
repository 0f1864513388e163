// Mailbox: how an agent is told what to do, in memory that it shares with the harness.
//
// One box an agent. The harness writes an operation and raises `request`; the agent carries it out
// and sets `answer` to the same number. Sleeping and waking is by futex on `request` alone: nothing
// that could be under test (pipes, sockets, signals, System V objects) carries the harness.
//
// The memory is a file, mapped at one address everywhere, also by an agent after execve(2): so a
// pointer into a box means the same to both sides, and arguments need no translation.
#ifndef IPCSPEC_PLATFORMS_MAILBOX_H_
#define IPCSPEC_PLATFORMS_MAILBOX_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace ipcspec {

// What is no system call of its own. Numbers of system calls are not negative.
enum Control : int64_t {
  kPing = -1,              // does nothing: the round trip
  kFork = -2,              // args: clone flags, the child's box
  kExec = -3,              // answered by the new image
  kExit = -4,              // args: status; not answered
  kSigaction = -5,         // args: signal, Disposition
  kSetCredentials = -6,    // args: uid, gid
  kLimitDescriptors = -7,  // args: count
  kFtok = -8,              // args: path, id
  kWriteSemLimits = -9,    // args: text, length
  kRefuse = -10,           // args: errno; a library function finds the fault before any call
};

struct alignas(64) Mailbox {
  static constexpr size_t kLogSize = 256;
  static constexpr size_t kDataSize = (2 << 20) - 4096;

  std::atomic<uint32_t> request;  // how many operations were asked for; the agent's futex
  std::atomic<uint32_t> answer;   // how many are done
  std::atomic<int32_t> pid;       // the agent's; 0 until it has started
  std::atomic<uint32_t> runs;     // how many handlers have run ...
  std::atomic<uint8_t> log[kLogSize];  // ... and for which signals, at index run % kLogSize

  int64_t op;
  uint64_t args[6];
  int64_t result;           // as the kernel gives it: a value, or -errno
  uint32_t runs_at_answer;  // handlers that had run when the operation was done

  alignas(4096) char data[kDataSize];  // what pointer arguments point to

  bool answered() const {
    return answer.load(std::memory_order_acquire) == request.load(std::memory_order_relaxed);
  }
};
static_assert(sizeof(Mailbox) == 2 << 20);

// The boxes of a run.
class MailboxMemory {
 public:
  static constexpr int kBoxes = 24;

  // Makes the file (mode 0666, so that agents of other users can map it again) and maps it.
  static absl::StatusOr<MailboxMemory> Create(const std::string& path);

  Mailbox& box(int i) const { return boxes_[i]; }
  const std::string& path() const { return path_; }
  // Makes a box as new, but for its data. REQUIRES: no agent has it.
  void Clear(int i) const;

 private:
  MailboxMemory(Mailbox* boxes, std::string path) : boxes_(boxes), path_(std::move(path)) {}

  Mailbox* boxes_;  // stays mapped as long as the process lives
  std::string path_;
};

// Where every process of a run maps them: requests may hold addresses.
inline void* const kMailboxesAddress = reinterpret_cast<void*>(0x5a0000000000);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_MAILBOX_H_
