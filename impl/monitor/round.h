// Round: the history of a race, taken apart.
//
// A round begins with calls in lock step, which make its objects; then tasks race; then calls in
// lock step look at what came of it. The exact oracle explains the first part, and the world that
// it comes to tells what descriptors and addresses mean, and the limits of objects. Every call that
// concerns an object, from the object's first moment on, becomes a record of the object's part; by
// locality (Herlihy and Wing, 1990) the round can be explained if each of its parts can.
//
// Times are ticks: event i of the history is at 2 i + 1, and 2 i is the moment before it.
#ifndef IPCSPEC_IMPL_MONITOR_ROUND_H_
#define IPCSPEC_IMPL_MONITOR_ROUND_H_

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "impl/call/history.h"
#include "impl/monitor/timeline.h"
#include "impl/oracle/oracle.h"
#include "impl/reference/world.h"

namespace ipcspec {

struct ObjectName {
  enum Kind { kSysvQueue, kPosixQueue, kSysvSem, kPosixSem, kPipe, kMemory };
  Kind kind = kSysvQueue;
  int64_t where = 0;   // the IPC namespace, or the memory object
  int64_t number = 0;  // identifier, number in the world, or offset
  auto operator<=>(const ObjectName&) const = default;
};

inline constexpr uint32_t kNever = UINT32_MAX;

inline uint32_t TickOf(size_t event) { return static_cast<uint32_t>(event) * 2 + 1; }
inline uint32_t TickBefore(size_t event) { return static_cast<uint32_t>(event) * 2; }

// One call, with what became of it.
struct CallRecord {
  uint32_t call_event = 0;
  uint32_t return_event = kNever;
  uint32_t exit_event = kNever;  // its task ended in it
  // The first handler that ran in it and may end it; it may have run before the call could sleep.
  uint32_t signal_event = kNever;
  int task = 0;
  Span span;  // in ticks; a call that slept took no effect while all was quiet

  bool returned() const { return return_event != kNever; }
  bool killed() const { return exit_event != kNever; }
};

// When a task ended, and what was asleep while all was quiet.
struct Death {
  int task = 0;
  uint32_t event = 0;
  Span span;  // in ticks: it was over by `ret`, and did not begin before `call`
};
struct QuietMoment {
  uint32_t event = 0;
  std::vector<uint32_t> asleep;  // records
};

class Round {
 public:
  // `history` must outlive the round.
  Round(const History& history, size_t race_begin);
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  // Of the calls before the race; the story says why if it is not kAllowed.
  Verdict setup_verdict() const { return setup_verdict_; }
  const std::string& story() const { return oracle_.story(); }
  const Blame& blame() const { return oracle_.blame(); }

  // Why the round as a whole cannot be judged here; empty: it can.
  const std::string& obstacle() const { return obstacle_; }

  const History& history() const { return history_; }
  size_t race_begin() const { return race_begin_; }
  // At the beginning of the race.
  const World& world() const { return oracle_.world(); }
  const std::vector<CallRecord>& records() const { return records_; }
  const Call& CallOf(const CallRecord& r) const { return *history_.events[r.call_event].call; }
  // REQUIRES: r.returned().
  const Outcome& OutcomeOf(const CallRecord& r) const {
    return history_.events[r.return_event].outcome;
  }
  // "msgsnd of t3 (step 17)".
  std::string NameOf(uint32_t record) const;

  // The records that concern each object, in order of their calls.
  const std::map<ObjectName, std::vector<uint32_t>>& parts() const { return parts_; }
  const std::vector<Death>& deaths() const { return deaths_; }
  const std::vector<QuietMoment>& quiets() const { return quiets_; }

  // The moment from which a call made by the record can time out; kNever: it returned before.
  uint32_t TickOfDeadline(const CallRecord& r, int64_t timeout_ns) const;
  // Whether a call still asleep at that event overslept its timeout by far.
  bool Overslept(const CallRecord& r, uint32_t quiet_event, int64_t timeout_ns) const;

 private:
  struct Open {
    uint32_t record = kNever;
    uint32_t last_return = 0;  // tick of the task's last return
  };

  void ExplainSetup(size_t race_begin);
  void Follow(size_t event, const World& world, bool racing);
  void OnCall(size_t event, const World& world, bool racing);
  void OnSignal(const Event& event, size_t index);
  void OnExit(const Event& event, size_t index);
  void CheckProcesses();
  void CheckSignals(int task, int signal);
  void Obstruct(std::string why) {
    if (obstacle_.empty()) obstacle_ = std::move(why);
  }

  const History& history_;
  Oracle oracle_;
  Verdict setup_verdict_ = Verdict::kAllowed;
  size_t race_begin_;
  std::string obstacle_;
  std::vector<CallRecord> records_;
  std::map<ObjectName, std::vector<uint32_t>> parts_;
  std::vector<Death> deaths_;
  std::vector<QuietMoment> quiets_;
  std::map<int, Open> open_;       // by task
  std::vector<uint32_t> process_;  // records of kill, exit and wait in the race or after it
  std::map<std::pair<int, int>, std::vector<uint32_t>> handlers_;  // events, by task and signal
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_ROUND_H_
