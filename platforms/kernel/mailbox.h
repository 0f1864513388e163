// Mailbox: how the harness and one agent speak, in shared memory, by futex.
//
// The mechanisms under test must not carry the harness, so there is no pipe, no socket and no
// signal between them. The harness writes a request and sets `state` to kCalled; the agent carries
// it out and sets kAnswered. Pointers of a request are offsets into the agent's own buffer. The
// layout is shared by agents of one binary only; it is no format.
#ifndef IPCSPEC_PLATFORMS_KERNEL_MAILBOX_H_
#define IPCSPEC_PLATFORMS_KERNEL_MAILBOX_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ipcspec {

// Requests that are no system call by themselves.
enum ControlOp : int64_t {
  kPing = -1,              // does nothing
  kClone = -2,             // args: flags, slot of the child
  kExec = -3,              // args: own slot, offset of the path of the shared memory
  kSigaction = -4,         // args: signal, Disposition
  kSetCredentials = -5,    // args: uid, gid
  kWriteFile = -6,         // args: path, text, length
  kFtok = -7,              // args: path, id
  kLimitDescriptors = -8,  // args: count
  kRefuse = -9,            // args: errno; a library finds the fault before the system call
  kReadFile = -10,         // args: where to, room, path; gives the number of bytes
  kLimit = -11,            // args: resource, soft limit
  kSignalInfo = -12,       // args: a LastSignal to fill
  kLoad = -13,             // args: where to, from, count; gives the signal that it raised, or 0
  kStore = -14,            // args: where from, to, count; the same
  kShmOpen = -15,          // args: name, flags, mode
  kShmUnlink = -16,        // args: name
  kMqNotifyThread = -17,   // args: descriptor of the queue
  kMqNotices = -18,        // args: where to, room; gives how many
  kReadProc = -19,         // as kReadFile, but by the task itself
  kDropCapability = -20,   // args: Capability
};

// What came with the signal whose handler ran last.
struct LastSignal {
  int32_t signal, code, pid, uid;
  int64_t value;
};

struct Mailbox {
  enum State : uint32_t { kUnused, kStarting, kCalled, kAnswered };

  std::atomic<uint32_t> state;
  int32_t pid;

  int64_t op;  // a system call number, or a ControlOp
  std::array<int64_t, 6> args;
  uint32_t pointers;  // bit i: args[i] is an offset into `buffer`
  int32_t deadline;   // the offset of a timespec to which the agent adds the time; -1: none
  int32_t deadline_clock;
  int64_t result;  // what the system call gave: -errno when it failed

  // Handlers that ran, in order.
  static constexpr uint32_t kLogSize = 64;
  std::atomic<uint32_t> handlers_run;
  std::array<uint8_t, kLogSize> handler_log;
  LastSignal last_signal;

  static constexpr size_t kBufferSize = 256 << 10;
  alignas(64) std::array<char, kBufferSize> buffer;
};

// All agents of a run.
struct Mailboxes {
  static constexpr int kSlots = 24;
  // How many answers agents have given, of all slots: what the harness waits on.
  std::atomic<uint32_t> answers;
  std::array<Mailbox, kSlots> slots;
};

// Where every process of a run maps them: requests may hold addresses.
inline void* const kMailboxesAddress = reinterpret_cast<void*>(0x5a0000000000);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_MAILBOX_H_
