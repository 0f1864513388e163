// The oracle: does the reference explain a history?
//
// A history is explained if some order of its calls, consistent with when they were made and when
// they returned, is allowed by the reference, and if at every quiet event (each task idle or
// blocked in the kernel) there is such an order after which no call that is pending is sure to go
// on. The first half finds wrong results, the second lost wake-ups and calls that hang.
//
// How: a set of worlds is kept, one for each explanation that is still possible. A call takes
// effect lazily, only when its return, or another call's outcome, needs it (Lowe's just-in-time
// linearization, CCPE 29(4), 2017). Outcomes of calls that return before the batch ends are known
// when they are offered a world, and prune at once. The search is exact, over histories of modest
// concurrency; where its budget ends the answer is kUndecided, never a pass.
//
// A call may work in several steps (a large write, an open that waits for its partner), may stay
// pending, and its task may be killed in it: then it has taken effect in part, wholly, or not.
#ifndef IPCSPEC_IMPL_ORACLE_ORACLE_H_
#define IPCSPEC_IMPL_ORACLE_ORACLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "impl/call/history.h"
#include "impl/oracle/search.h"
#include "impl/reference/dialect.h"
#include "impl/reference/world.h"

namespace ipcspec {

enum class [[nodiscard]] Verdict{kAllowed, kForbidden, kUndecided};

// Where a history stops being explained.
struct Blame {
  size_t event = SIZE_MAX;  // its index
  // Whose call cannot have been as it was seen; at a quiet event: one that cannot be asleep.
  int task = -1;
};

class Oracle {
 public:
  static constexpr size_t kBudget = 20000;
  explicit Oracle(const Dialect& dialect, size_t budget = kBudget);
  Oracle(const Oracle&) = delete;  // worlds point to the dialect
  Oracle& operator=(const Oracle&) = delete;

  // Explains the next events, up to and including a quiet one (or the end of the history).
  // After anything but kAllowed the oracle stays where it was, and says why in story().
  Verdict Explain(absl::Span<const Event> batch);

  // What was seen so far, the last batch included.
  const History& history() const { return history_; }
  // One explanation: a world that may be the present one.
  const World& world() const { return worlds_.front(); }
  const std::vector<World>& worlds() const { return worlds_; }
  // Of the last batch that was not explained: the last events, what was seen, what the reference
  // allowed instead, and where that is documented.
  const std::string& story() const { return story_; }
  // The same in short.
  const Blame& blame() const { return blame_; }

 private:
  bool ExplainAtOnce(absl::Span<const Event> batch);

  const size_t budget_;
  History history_;
  size_t explained_ = 0;  // events of it
  // The search ended at its budget once: `worlds_` may lack the one that would explain what comes.
  bool incomplete_ = false;
  std::vector<World> worlds_;
  std::string story_;
  Blame blame_;
};

// Explains a whole history, batch by batch. What is not explained is told if it is asked for.
Verdict ExplainHistory(const History& history, std::string* story, Blame* blame = nullptr);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_ORACLE_ORACLE_H_
