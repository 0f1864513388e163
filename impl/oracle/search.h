// The search behind the oracle: from a set of worlds, through one event, to the next set.
//
// Between two events the reference may take silent steps: a call takes effect (or moves on a part
// of its way), a fatal signal kills. An event demands that some silent steps lead to a world in
// which it can happen. Not for use outside impl/oracle.
#ifndef IPCSPEC_IMPL_ORACLE_SEARCH_H_
#define IPCSPEC_IMPL_ORACLE_SEARCH_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "impl/call/history.h"
#include "impl/reference/reference.h"
#include "impl/reference/world.h"

namespace ipcspec {

// Whether the call can go a part of its way: only such calls take steps while they stay pending.
bool WorksInParts(const Call& call);

// What the rest of a batch tells about each task: how the call that it is in will end.
class Future {
 public:
  explicit Future(absl::Span<const Event> batch);

  // The search has come to event `index`; earlier ones are past.
  void Advance(size_t index);
  // The outcome that the task's call will have; null when it does not return in this batch.
  const Outcome* Return(int task) const;
  // Whether the task ends in this batch before it returns from the call that it is in.
  bool Dies(int task) const;
  // Whether the task is yet to run a handler of this signal in this batch.
  bool Handles(int task, int signal) const;
  // Numbers of bytes that outcomes in this batch show to have been in some pipe.
  const std::vector<int64_t>& levels() const { return levels_; }

 private:
  struct End {
    size_t index;
    const Event* event;  // kReturn or kExit
  };
  const Event* Next(int task) const;

  std::map<int, std::vector<End>> ends_;
  std::map<std::pair<int, int>, size_t> last_handler_;  // by task and signal
  std::vector<int64_t> levels_;
  size_t now_ = 0;
};

class Search {
 public:
  // `budget`: how many worlds one event may visit before the answer is "undecided".
  Search(const Future& future, size_t budget) : future_(future), budget_(budget) {}

  // The worlds in which `event` has happened, reached from `worlds` by silent steps.
  std::vector<World> Through(const std::vector<World>& worlds, const Event& event);

  // These worlds, and those that silent steps lead to.
  std::vector<World> Closure(const std::vector<World>& worlds, int64_t now_ns);

  // The budget ended: what Through or Closure gave is not all.
  bool exhausted() const { return exhausted_; }

 private:
  using Visit = absl::FunctionRef<void(World)>;
  // Tells of every world that one silent step leads to.
  void SilentSteps(const World& world, int64_t now_ns, Visit visit) const;
  void RunHandler(const World& world, int task, int signal, int64_t now_ns, Visit visit) const;
  void BreakOff(const World& world, int task, int signal, Visit visit) const;
  void CallSteps(const World& world, int task, int64_t now_ns, Visit visit) const;
  void Try(const World& world, int task, int64_t now_ns, Choice choice, Visit visit) const;
  // If the event can happen in this world as it is, tells of the worlds after it.
  void Happen(const World& world, const Event& event, Visit visit) const;

  const Future& future_;
  const size_t budget_;
  bool exhausted_ = false;
};

// At a quiet event: no signal waits to be delivered, no call is done but not returned, and each
// call that is pending may stay asleep. Returns the first task for which that is not so, or -1.
int RestlessTask(const World& world, int64_t now_ns);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_ORACLE_SEARCH_H_
