// Trail: a forbidden history, with the worlds that were possible on the way to what cannot be.
//
// Not for use outside impl/oracle.
#ifndef IPCSPEC_IMPL_ORACLE_TRAIL_H_
#define IPCSPEC_IMPL_ORACLE_TRAIL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "impl/call/history.h"
#include "impl/reference/world.h"

namespace ipcspec {

using Worlds = std::vector<World>;

struct Trail {
  std::vector<Event> events;
  size_t failing = 0;  // of these, the first that cannot be explained
  // The worlds that are possible after each event before it, whatever its outcome would have been.
  std::vector<Worlds> after;
};

// The events of a batch: those after a quiet event, up to the next quiet event and that.
size_t BatchBegin(const std::vector<Event>& events, size_t at);
size_t BatchEnd(const std::vector<Event>& events, size_t at);

// Finds trails, as long as that is not too much work.
class Tracker {
 public:
  // `dialect` must outlive the tracker and its trails.
  explicit Tracker(const Dialect* dialect) : start_{World(dialect)} {}

  // The first event from a batch's begin on that cannot be explained as it was seen. SIZE_MAX:
  // there is none, or finding it takes too much.
  size_t FirstWrong(const Trail& trail, size_t begin);

  // Finds the worlds from a batch's begin on, up to `failing`, or to an event before it that cannot
  // be; those before the batch are there. False: it takes too much.
  bool Follow(size_t begin, Trail& trail);

  // Whether whatever can come after the first `whole_count` events of the whole trail can come
  // after the first `count` of a part of it: each world that is possible there is possible here, or
  // allows the same as one that is.
  bool Covers(const Trail& part, size_t count, const Trail& whole, size_t whole_count) const;

  // All work that is worth an excerpt is done: nothing more is found.
  bool spent() const;

 private:
  const Worlds& Before(const Trail& trail, size_t event) const {
    return event == 0 ? start_ : trail.after[event - 1];
  }

  // Takes what is possible after an event (nothing, if it cannot be explained), and says where it
  // stays while the next is looked at; nullptr: that is all.
  using Keep = absl::FunctionRef<const Worlds*(size_t event, Worlds worlds)>;
  // Goes through the events from a batch's begin to before `end`, with the wrong outcome as it was
  // seen or left open. False: it takes too much.
  bool Walk(const Trail& trail, size_t begin, size_t end, bool as_seen, Keep keep);

  const Worlds start_;
  uint64_t worlds_ = 0;  // that were found
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_ORACLE_TRAIL_H_
