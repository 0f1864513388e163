// Seeded faults: a true history is changed so that it is wrong.
//
// They try the judges: what no correct kernel does must be found, in small histories by the exact
// oracle, in large ones by whatever is faster. A place is taken only where it is certain that the
// change makes the history wrong, whatever calls overlap; so texts of messages must differ.
#ifndef IPCSPEC_STRESS_SEEDED_FAULT_H_
#define IPCSPEC_STRESS_SEEDED_FAULT_H_

#include <cstdint>
#include <string_view>

#include "impl/call/history.h"

namespace ipcspec {

enum class SeededFault {
  kSwap,           // two messages of one kind, or bytes of a pipe, come out in the wrong order
  kDuplicate,      // a message, or bytes of a pipe, come out twice
  kLoss,           // a message was sent, but the queue is said to be empty; bytes are passed over
  kStaleRead,      // a semaphore's value, or a word of memory, as it was before the last change
  kEarlyEof,       // end of file while a writer has the pipe open
  kLostWakeup,     // a call that could go on sleeps for ever
  kUndoForgotten,  // the value after a task's end lacks its adjustment
  kUndoTwice,      // or has it twice
  kTornWrite,      // a write of at most PIPE_BUF bytes has another one in its middle
  kTornGetAll,     // one semaphore as it was before an operation, another as after
  kOverCapacity,   // more goes in than the queue or pipe holds
};
inline constexpr SeededFault kSeededFaults[] = {
    SeededFault::kSwap,          SeededFault::kDuplicate,   SeededFault::kLoss,
    SeededFault::kStaleRead,     SeededFault::kEarlyEof,    SeededFault::kLostWakeup,
    SeededFault::kUndoForgotten, SeededFault::kUndoTwice,   SeededFault::kTornWrite,
    SeededFault::kTornGetAll,    SeededFault::kOverCapacity};
std::string_view NameOf(SeededFault fault);

// Changes the history at a place that `seed` picks. False, and unchanged, where it has no place.
bool Seed(SeededFault fault, uint64_t seed, History* history);

}  // namespace ipcspec

#endif  // IPCSPEC_STRESS_SEEDED_FAULT_H_
