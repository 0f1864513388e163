// Timeline: the calls and returns of the operations on one object, in order.
//
// An operation takes effect at one moment between its call and its return. When each of them
// happened is told by ticks; the timeline turns ticks into positions, 0, 1, 2 ..., and gives each
// operation a slot, a number below 64 that no other operation has while it is open. So a set of
// open operations is one word.
#ifndef IPCSPEC_IMPL_MONITOR_TIMELINE_H_
#define IPCSPEC_IMPL_MONITOR_TIMELINE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"

namespace ipcspec {

// When an operation began and ended, in ticks or in positions of a timeline.
struct Span {
  uint32_t call = 0;
  uint32_t ret = 0;
};

// What every operation has, whatever its object is; models add to it.
struct Operation {
  Span span;
  uint32_t source = 0;    // where it comes from: the event of its call
  uint8_t kind = 0;       // of the model
  bool optional = false;  // its task was killed in it: it took effect before `ret`, or never did
};

class Timeline {
 public:
  static constexpr int kMostOpen = 64;

  // Orders `count` operations by their ticks (at one tick calls come before returns: they overlap),
  // and puts positions in place of the ticks. False: more than 64 are open at once.
  bool Build(size_t count, absl::FunctionRef<Span&(size_t)> span);

  size_t size() const { return events_.size(); }
  uint32_t OperationAt(size_t position) const { return events_[position] >> 1; }
  bool IsReturn(size_t position) const { return (events_[position] & 1) != 0; }
  int SlotOf(uint32_t operation) const { return slots_[operation]; }

 private:
  std::vector<uint32_t> events_;  // operation * 2, and 1 more for its return
  std::vector<uint8_t> slots_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_TIMELINE_H_
