// The operations of a history, paired with their returns: what seeded faults look for.
//
// Not for use outside seeded faults.
#ifndef IPCSPEC_STRESS_SEEDED_OPS_H_
#define IPCSPEC_STRESS_SEEDED_OPS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "impl/call/history.h"

namespace ipcspec {

inline constexpr size_t kNoEvent = SIZE_MAX;

// A call with its events, by index.
struct Op {
  int task = 0;
  size_t called = 0;
  size_t returned = kNoEvent;
  size_t exited = kNoEvent;  // where its task ended, if that ended it
  const Call* call = nullptr;
  const Outcome* outcome = nullptr;  // null: it did not return

  bool ok() const { return outcome != nullptr && outcome->ok(); }
  bool Before(const Op& other) const { return returned < other.called; }
  template <class C>
  const C* As() const {
    return std::get_if<C>(call);
  }
};
std::vector<Op> OpsOf(const History& history);

// A call that puts something into a queue or pipe, or takes it out, as far as outcomes tell.
struct Transfer {
  const Op* op = nullptr;
  bool puts = false;
  bool message = false;               // of a queue; else bytes of a pipe
  int64_t container = -1;             // the identifier, or the descriptor (of a pipe: its read end)
  int64_t kind = 0;                   // type or priority: within one kind, order is kept
  int64_t amount = 0;                 // what it moved, or may have, in the unit of the capacity
  const std::string* text = nullptr;  // null where that is not known
  bool waits = true;                  // takes: does not give up at once
};

// What goes through one container. Empty where calls are used that would make it uncertain.
struct Traffic {
  int64_t capacity = 0;
  std::vector<Transfer> transfers;  // in order of their calls
};
std::vector<Traffic> TrafficOf(const History& history, const std::vector<Op>& ops);

// A semaphore: of a set by its number, or in memory by its address.
struct SemName {
  int64_t id = 0;
  int num = -1;  // -1: in memory
  auto operator<=>(const SemName&) const = default;
};

// How the values of semaphores come about.
class SemLedger {
 public:
  SemLedger(const History& history, const std::vector<Op>& ops);

  // The value between all calls, if `at` overlaps none and no order of them matters to it.
  std::optional<int64_t> ValueAt(const SemName& name, const Op& at) const;
  // What the end of the task adds to the value, of what it surely did; 0 if it has not ended.
  int64_t UndoneBy(int task, const SemName& name) const;
  // What the operation adds to it.
  static int64_t Change(const Op& op, const SemName& name, bool undoable_only = false);
  // The semaphores that the operation changes.
  static std::vector<SemName> Changes(const Op& op);

 private:
  const std::vector<Op>& ops_;
  std::map<int, size_t> exits_;  // by task
};

}  // namespace ipcspec

#endif  // IPCSPEC_STRESS_SEEDED_OPS_H_
