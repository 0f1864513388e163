// SemaphoreModel: a set of counters that change together, for the engine.
//
// It is a System V semaphore set with adjustments that are undone when their task ends, or one
// POSIX semaphore. Operations have arrays of elements: amounts to add to counters, or 0 to wait
// until one is 0; all happen at one moment, or none.
#ifndef IPCSPEC_IMPL_MONITOR_SEMAPHORE_MODEL_H_
#define IPCSPEC_IMPL_MONITOR_SEMAPHORE_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "impl/monitor/engine.h"
#include "impl/monitor/timeline.h"

namespace ipcspec {

// One of semop(2)'s.
struct SemaphoreElement {
  uint32_t counter = 0;
  int32_t amount = 0;
  bool nowait = false;
  bool undo = false;
  bool operator==(const SemaphoreElement&) const = default;
};

struct SemaphoreOperation : Operation {
  enum Kind : uint8_t {
    kChange,       // the whole array happened
    kSet,          // counters got values, and adjustments of these were forgotten
    kExit,         // the task ended: its adjustments were applied
    kRefused,      // failed: an element that may not wait would have to
    kTimedOut,     // failed: an element would have to wait still
    kRead,         // saw the values of counters
    kInterrupted,  // failed, whatever the state
    kQuiet,        // all was quiet: those asleep could not go on (SemaphoreModel::sleepers)
  };
  uint32_t array = 0;  // the first of its elements; values, for kSet and kRead; kQuiet: sleepers
  uint32_t length = 0;
  uint32_t task = 0;   // whose adjustments change, numbered from 0; kQuiet: its event
  uint32_t alike = 0;  // equal for operations of equal kind, array and, where it counts, task
};
static_assert(sizeof(SemaphoreOperation) <= 48);

struct SemaphoreSleeper {
  uint32_t array = 0;
  uint32_t length = 0;
  bool slept = false;     // it was seen asleep before: it need not look again when it would fail
  bool restless = false;  // it should not sleep: it was interrupted, or its time is long up
};

class SemaphoreModel {
 public:
  // What the history says; then Prepare().
  int64_t most = 32767;
  std::vector<int64_t> initial;              // the values of the counters
  uint32_t tasks = 0;                        // that have adjustments
  std::vector<int64_t> initial_adjustments;  // by task, then counter
  std::vector<SemaphoreElement> elements;
  std::vector<SemaphoreOperation> operations;
  std::vector<SemaphoreSleeper> sleepers;

  void Prepare();
  absl::Span<const SemaphoreElement> ElementsOf(const SemaphoreOperation& op) const {
    return absl::MakeConstSpan(elements).subspan(op.array, op.length);
  }

  bool IsQuiet(uint32_t operation) const {
    return operations[operation].kind == SemaphoreOperation::kQuiet;
  }
  uint32_t QuietEvent(uint32_t operation) const { return operations[operation].task; }
  size_t size() const { return operations.size(); }
  const SemaphoreOperation& At(uint32_t operation) const { return operations[operation]; }
  void Reset();
  void Called(uint32_t) {}
  void Uncalled(uint32_t) {}
  bool Enabled(uint32_t operation) const;
  void Apply(uint32_t operation);
  void Undo(uint32_t operation);
  Fingerprint Hash() const { return hash_; }
  uint64_t Candidates(const Window& window, uint32_t rules) const;
  uint64_t Best(const Window& window, uint64_t candidates, uint32_t rules) const;

 private:
  enum class Attempt { kProceeds, kBlocks, kRefused, kOutOfRange };
  Attempt Try(absl::Span<const SemaphoreElement> array) const;
  void SetValue(uint32_t counter, int64_t value);
  void SetAdjustment(uint32_t task, uint32_t counter, int64_t amount);
  int64_t& AdjustmentOf(uint32_t task, uint32_t counter) {
    return adjustments_[task * values_.size() + counter];
  }
  bool OnlyGives(const SemaphoreOperation& op) const;
  bool NobodyMinds(const Window& window, const SemaphoreOperation& give) const;
  bool CanSleep(const SemaphoreSleeper& sleeper) const;

  std::vector<int64_t> values_;
  std::vector<int64_t> adjustments_;  // by task, then counter
  std::vector<char> gone_;            // tasks that have ended
  Fingerprint hash_;
  std::vector<int64_t> saved_;  // what operations that cannot be subtracted overwrote

  bool eager_ = false;              // no counter can come near its limit
  std::vector<uint32_t> watchers_;  // calls of operations that mind if a value is high
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_SEMAPHORE_MODEL_H_
