// QueueModel: a message queue of limited capacity, for the engine.
//
// A message has a rank (the order of its type or priority among those of the history), a size, and
// is known by the operation that sent it. Messages of one rank come out in the order in which they
// were sent; a receiver's selector says which rank it takes. System V and POSIX queues differ in
// selectors and in how capacity is counted alone.
#ifndef IPCSPEC_IMPL_MONITOR_QUEUE_MODEL_H_
#define IPCSPEC_IMPL_MONITOR_QUEUE_MODEL_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "impl/monitor/engine.h"
#include "impl/monitor/timeline.h"

namespace ipcspec {

enum class Selector : uint8_t {
  kOldest,   // of all
  kRank,     // the oldest of this rank
  kUpTo,     // of the lowest rank that is there, if it is up to this one
  kExcept,   // the oldest of another rank
  kHighest,  // of the highest rank that is there
};

struct QueueOperation : Operation {
  enum Kind : uint8_t {
    kSend,
    kReceive,      // took the message of `mate`
    kTake,         // the task was killed in it: it took what there was for it, or nothing
    kFull,         // failed: no room for `size`
    kEmpty,        // failed: nothing for its selector
    kTooLong,      // failed: the message that it selects has more than `size` bytes
    kInterrupted,  // failed, whatever the state
    kQuiet,        // all was quiet: those asleep could not go on (QueueModel::sleepers)
  };
  Selector selector = Selector::kOldest;
  uint32_t mate =
      kNone;          // kSend: who received it; kReceive: who sent it; kQuiet: the first sleeper
  uint32_t size = 0;  // kTake: the most that it takes; kQuiet: how many sleepers
  uint32_t rank = kNone;  // of the message, or of the selector; kQuiet: its event

  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
};
static_assert(sizeof(QueueOperation) <= 48);

// A call that was asleep when all was quiet.
struct QueueSleeper {
  bool sends = false;
  bool restless = false;  // it was interrupted, or its time is long up: it should not sleep
  Selector selector = Selector::kOldest;
  uint32_t size = 0;
  uint32_t rank = QueueOperation::kNone;
};

class QueueModel {
 public:
  static constexpr uint32_t kNone = QueueOperation::kNone;

  // What the history says; then Prepare().
  int64_t most_messages = 0;
  int64_t most_bytes = 0;
  uint32_t ranks = 1;
  std::vector<QueueOperation> operations;
  std::vector<QueueSleeper> sleepers;

  // Draws from the operations what the rules need. Their spans are positions by now.
  void Prepare();

  // When the message of a send was received, as far as that is known: it was not before `call`,
  // and was before `ret`.
  Span TakenSpan(const QueueOperation& send) const {
    if (send.mate != kNone) return operations[send.mate].span;
    return {.call = first_take_, .ret = kNone};
  }

  // For the engine.
  bool IsQuiet(uint32_t operation) const {
    return operations[operation].kind == QueueOperation::kQuiet;
  }
  uint32_t QuietEvent(uint32_t operation) const { return operations[operation].rank; }

  size_t size() const { return operations.size(); }
  const QueueOperation& At(uint32_t operation) const { return operations[operation]; }
  void Reset();
  void Called(uint32_t operation);
  void Uncalled(uint32_t operation);
  bool Enabled(uint32_t operation) const;
  void Apply(uint32_t operation);
  void Undo(uint32_t operation);
  Fingerprint Hash() const { return hash_; }
  uint64_t Candidates(const Window& window, uint32_t rules) const;
  uint64_t Best(const Window& window, uint64_t candidates, uint32_t rules) const;

 private:
  struct Rank {
    std::vector<uint32_t> sent;  // in order; those before `head` are received
    size_t head = 0;
    uint32_t called = 0;          // how many sends were called
    std::vector<uint32_t> later;  // the least TakenSpan().ret of all but the first `i` sends

    bool empty() const { return head == sent.size(); }
    uint32_t first() const { return sent[head]; }
  };

  bool HasRoom(uint32_t size) const {
    return count_ + 1 <= most_messages && bytes_ + size <= most_bytes;
  }
  // The send whose message is taken; kNone: nothing fits.
  uint32_t Select(Selector selector, uint32_t rank) const;
  // Whether the selector takes a message of rank `a` rather than one of rank `b` that came later.
  static bool Prefers(Selector selector, uint32_t key, uint32_t a, uint32_t b, bool b_is_later);
  bool CanSleep(const QueueSleeper& sleeper) const;
  Fingerprint HashOf(uint32_t send) const { return Fingerprint::Of(send, when_[send]); }
  void Remove(uint32_t send);
  void PutBack(uint32_t send);

  // No operation that minds how full the queue is, or how long its messages are, can come between
  // now and the return of `receive`.
  bool NobodyMinds(const Window& window, const QueueOperation& receive) const;
  // The message would be received at once if it were sent now.
  bool ComesFirst(const QueueOperation& send) const;
  bool IsDeadEnd(const Window& window) const;
  // Whether the send would come too early, as later receives show.
  bool ComesTooEarly(const Window& window, const QueueOperation& send) const;
  bool IsDominated(const Window& window, uint32_t send) const;

  std::vector<Rank> by_rank_;
  std::vector<uint32_t> when_;  // of each send: its number among those in order; kNone: it is not
  uint32_t sends_ = 0;
  int64_t count_ = 0;
  int64_t bytes_ = 0;
  Fingerprint hash_;

  uint32_t first_take_ = kNone;          // the first call of a kTake
  bool all_highest_ = true;              // every receiver selects kHighest
  bool counts_unobserved_ = false;       // a message that nobody received may have been noticed
  std::vector<uint32_t> fill_watchers_;  // calls of operations that mind how full the queue is
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_QUEUE_MODEL_H_
