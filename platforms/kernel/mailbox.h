// Mailbox: how the harness and one agent speak, in shared memory, by futex.
//
// The mechanisms under test must not carry the harness, so there is no pipe, no socket and no
// signal between them. The harness writes a request and sets `state` to kCalled; the agent carries
// it out and sets kAnswered. Pointers of a request are offsets into the agent's own buffer. In a
// race agents make calls without being told: each has a script, in which it notes what came of
// them. The layout is shared by agents of one binary only; it is no format.
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
  kScript = -21,           // carries out the script of its slot
};

// What came with the signal whose handler ran last.
struct LastSignal {
  int32_t signal, code, pid, uid;
  int64_t value;
};

// A call as an agent makes it. What it points to is in a buffer beside it.
struct Prepared {
  int64_t op;  // a system call number, or a ControlOp
  std::array<int64_t, 6> args;
  uint32_t pointers;  // bit i: args[i] is an offset into the buffer
  int32_t deadline;   // the offset of a timespec to which the agent adds the time; -1: none
  int32_t deadline_clock;
  int64_t result;  // what the system call gave: -errno when it failed
};

struct Mailbox {
  enum State : uint32_t { kUnused, kStarting, kCalled, kAnswered };

  std::atomic<uint32_t> state;
  int32_t pid;
  Prepared request;

  // Handlers that ran, in order, and when (CLOCK_MONOTONIC).
  static constexpr uint32_t kLogSize = 256;
  std::atomic<uint32_t> handlers_run;
  std::array<uint8_t, kLogSize> handler_log;
  std::array<int64_t, kLogSize> handler_times;
  LastSignal last_signal;

  static constexpr size_t kBufferSize = 256 << 10;
  alignas(64) std::array<char, kBufferSize> buffer;
};

// A call of a script (race.h), and what came of it. Both times are 0 until they have come; as the
// first is stored before the call is made, it is there even when its task is killed in the call.
// What the agent writes is side by side, in one line of the cache.
struct alignas(64) ScriptEntry {
  Prepared request;                // its result is last
  std::atomic<int64_t> called_ns;  // CLOCK_MONOTONIC
  std::atomic<int64_t> returned_ns;
  uint32_t buffer;   // where its buffer begins in the script's
  int32_t yields;    // before the call: yield the processor so often,
  int64_t pause_ns;  // and then go round in circles for so long
  // Arguments that are outcomes of other calls of the race: of which, and what it was.
  struct Patch {
    int16_t arg;  // -1: no more
    int16_t slot;
    int32_t entry;
    int32_t index;  // of an int in the buffer of the other, -1: its result
    int64_t value;
  };
  std::array<Patch, 2> patches;
};

// What one agent does in a race.
struct ScriptMemory {
  static constexpr int kEntries = 4096;
  static constexpr size_t kBufferSize = size_t{8} << 20;
  int32_t cpu;  // the only processor to run on, -1: any
  int32_t count;
  int32_t unrecorded;         // for benchmarks: only the first call and the last return have a time
  int32_t guarded;            // all calls of the race are guarded (agent_ops.h): once for all
  std::atomic<int32_t> done;  // so many entries have returned
  uint32_t used;              // bytes of the buffer
  std::array<ScriptEntry, kEntries> entries;
  alignas(64) std::array<char, kBufferSize> buffer;
};

// All agents of a run. Most of it is never touched, and so takes no memory.
struct Mailboxes {
  static constexpr int kSlots = 24;
  // How many answers agents have given, of all slots: what the harness waits on.
  std::atomic<uint32_t> answers;
  // A race: how many agents take part, how many are ready, whether they go (the last to be ready
  // says so), whether they are to end.
  int32_t racers;
  std::atomic<int32_t> ready, stop;
  std::atomic<uint32_t> go;
  Mailbox nursery;  // nursery.h; only its state, buffer and result
  std::array<Mailbox, kSlots> slots;
  std::array<ScriptMemory, kSlots> scripts;
};

// Where every process of a run maps them: requests may hold addresses.
inline void* const kMailboxesAddress = reinterpret_cast<void*>(0x5a0000000000);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_MAILBOX_H_
