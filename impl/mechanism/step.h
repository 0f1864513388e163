// What every mechanism shares: a call by a caller is offered to the mechanism's state, which
// answers with a Result and moves to the next state.
//
// A mechanism is a function from state and call to the set of outcomes that the documents allow.
// The set is not built. Where the documents leave something open, the code asks a Choice: it knows
// the outcome that was seen and picks it if it is in the set; with none seen it takes what Linux
// usually does. So one body of code judges what a kernel did, and plays a kernel itself.
//
// Rules for the body of a Step:
//   * Sleep() must leave the state as it was: a call that is asleep is offered each later state.
//   * When several errors apply and no document orders them, FailWithAny() lists them all.
//   * Nothing here waits, looks at a clock or makes a system call.
#ifndef IPCSPEC_IMPL_MECHANISM_STEP_H_
#define IPCSPEC_IMPL_MECHANISM_STEP_H_

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "impl/call/call.h"
#include "impl/call/outcome.h"
#include "impl/reference/dialect.h"

namespace ipcspec {

// What a Step came to.
struct [[nodiscard]] Result {
  enum Kind {
    kAsleep,  // not enabled: the task sleeps; the state is unchanged
    kMoved,   // the call did a part of its work and is not done (progress was recorded)
    kDone,    // the call has its outcome
  };
  Kind kind = kAsleep;
  Outcome outcome;  // of kDone
  int raises = 0;   // a signal that the call raises on its own task (SIGPIPE), or 0

  bool done() const { return kind == kDone; }
};

inline Result Sleep() { return {}; }
inline Result Moved() { return {.kind = Result::kMoved}; }
inline Result Done(Outcome outcome) {
  return {.kind = Result::kDone, .outcome = std::move(outcome)};
}
inline Result Done(int64_t ret) { return Done(Returns(ret)); }
inline Result Fail(int error) { return Done(Fails(error)); }

// Several errors that apply at once; empty when none does.
class Errors {
 public:
  // Adds `error` if `applies`.
  void If(bool applies, int error) {
    if (applies) errors_.push_back(error);
  }
  bool any() const { return !errors_.empty(); }
  absl::Span<const int> list() const { return errors_; }

 private:
  absl::InlinedVector<int, 4> errors_;
};

// Resolves what the documents leave open.
class Choice {
 public:
  enum class Mode {
    kSeen,    // judge: the call returned `seen` (or, null, is known not to return: see below)
    kUsual,   // play: take what Linux usually does
    kSleepy,  // stay asleep wherever that is allowed (the stuck rule: is the call *sure* to go on?)
  };
  explicit Choice(const Outcome* seen) : mode_(Mode::kSeen), seen_(seen) {}
  explicit Choice(Mode mode) : mode_(mode) {}

  // The outcome that the call is known to have, or null.
  const Outcome* seen() const { return seen_; }
  bool SawError(int error) const { return seen_ != nullptr && seen_->error == error; }
  bool SawSuccess() const { return seen_ != nullptr && seen_->ok(); }
  bool SawValues(size_t count) const { return SawSuccess() && seen_->values.size() == count; }

  // Any of `errors`: the one that was seen if it is among them, else the first.
  // REQUIRES: errors.any().
  Result FailWithAny(const Errors& errors) {
    alternatives_.assign(errors.list().begin(), errors.list().end());
    for (int e : errors.list()) {
      if (SawError(e)) return Fail(e);
    }
    return Fail(errors.list().front());
  }

  // A return value of [lo, hi]: the one seen if it lies there, else `usual`.
  int64_t Number(int64_t lo, int64_t hi, int64_t usual) {
    lo_ = lo, hi_ = hi;
    if (SawSuccess() && lo <= seen_->ret && seen_->ret <= hi) return seen_->ret;
    return usual;
  }
  // The same for a number that comes out in values[i].
  int64_t Value(size_t i, int64_t lo, int64_t hi, int64_t usual) {
    if (SawSuccess() && i < seen_->values.size() && lo <= seen_->values[i] &&
        seen_->values[i] <= hi)
      return seen_->values[i];
    return usual;
  }

  // Both succeeding (going on) and refusing with EAGAIN, or else sleeping, are allowed: does the
  // call go on? Judged by what was seen; kSleepy does not; playing, `usual` says.
  bool MayGoOn(bool usual) {
    open_ = true;
    if (mode_ == Mode::kUsual && luck != 0) return Draw(2) == 0;
    return mode_ == Mode::kSeen ? SawSuccess() : mode_ == Mode::kUsual && usual;
  }

  // One of n futures that the outcome does not show; the oracle tries each.
  int Hidden(int n) {
    if (hidden_position_ == hidden_.size()) hidden_.push_back({Draw(n), n});
    return hidden_[hidden_position_++].first;
  }
  // Moves on to the next combination of hidden choices; false when all were tried.
  bool NextHidden() {
    hidden_position_ = 0;
    while (!hidden_.empty()) {
      auto& [taken, count] = hidden_.back();
      if (++taken < count) return true;
      hidden_.pop_back();
    }
    return false;
  }
  bool branched() const { return !hidden_.empty(); }

  Mode mode() const { return mode_; }

  // How many bytes the oracle wants the pipe at hand to hold after a partial write (pipe.h), and
  // -1 for as many as fit.
  int64_t flow_target = -1;
  // Playing: where not 0, what is open is drawn from this random number.
  uint64_t luck = 0;

  // What else was allowed, for the story of a violation.
  absl::Span<const int> alternative_errors() const { return alternatives_; }
  int64_t lowest() const { return lo_; }
  int64_t highest() const { return hi_; }
  bool was_open() const { return open_; }

 private:
  int Draw(int n) {
    const int drawn = static_cast<int>(luck % static_cast<uint64_t>(n));
    luck /= static_cast<uint64_t>(n);
    return drawn;
  }

  Mode mode_;
  const Outcome* seen_ = nullptr;
  absl::InlinedVector<int, 4> alternatives_;
  int64_t lo_ = 0, hi_ = -1;
  bool open_ = false;
  absl::InlinedVector<std::pair<int, int>, 2> hidden_;
  size_t hidden_position_ = 0;
};

// The limits of an IPC namespace, by Limit. An identifier that was not asked for is -1.
struct IpcLimits {
  std::array<int64_t, kLimits> values = {};
  int64_t Get(Limit limit) const { return values[static_cast<size_t>(limit)]; }
  void Set(Limit limit, int64_t value) { values[static_cast<size_t>(limit)] = value; }
  bool operator==(const IpcLimits&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const IpcLimits& l) {
    return H::combine(std::move(h), l.values);
  }
};

struct Credentials {
  int64_t uid = 0;
  int64_t gid = 0;
  int64_t group = -1;    // a supplementary group, -1: none
  uint32_t dropped = 0;  // capabilities given up, a bit each
  bool InGroup(int64_t of) const { return of == gid || of == group; }
  bool operator==(const Credentials&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Credentials& c) {
    return H::combine(std::move(h), c.uid, c.gid, c.group, c.dropped);
  }
};

// How far a call has come that is not done. Its meaning belongs to the mechanism.
struct Progress {
  int phase = 0;       // FIFO open: 1 once this end counts as open
  int64_t amount = 0;  // write: bytes already in the pipe
  int64_t mark = 0;    // FIFO open: how often the other end had been opened before
  int object = -1;     // FIFO open: the inode
  bool operator==(const Progress&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Progress& p) {
    return H::combine(std::move(h), p.phase, p.amount, p.mark, p.object);
  }
};

// A call that another task is in (for counts of waiters).
struct Waiting {
  int task = 0;
  const Call* call = nullptr;
  bool done = false;    // it has taken effect, and not returned
  bool surely = false;  // it was seen asleep; else it may not have come that far
  bool beside = true;   // in the same IPC namespace, where identifiers mean the same
};

// Who makes the call, and when.
struct Caller {
  const Dialect* dialect = nullptr;
  int task = 0;
  int process = 0;  // as pid: the task itself, for every task of ours
  Credentials creds;
  int undo_list = 0;  // the list of semaphore adjustments that the task uses (CLONE_SYSVSEM)
  // User 0 has a capability if the machine has it for user 0, until it drops it (capabilities(7)).
  bool Can(Capability capability) const;
  Progress* progress = nullptr;
  IpcLimits* limits = nullptr;      // of the task's IPC namespace
  bool interrupted = false;         // a handler ran: the call may not sleep (any more)
  bool may_be_interrupted = false;  // one ran after which the call may go on sleeping, or not
  bool disturbed = false;           // SIGSTOP came: EndedByStop
  bool asleep = false;              // it was seen asleep: what is checked before that was in order
  // The call takes effect within these times (ns since the history began).
  int64_t earliest = 0;
  int64_t latest = 0;
  int64_t invoked = 0;                                // when the call was made
  absl::FunctionRef<std::vector<Waiting>()> waiting;  // the calls that other tasks are in
};

inline bool Caller::Can(Capability capability) const {
  // By Capability.
  const std::array<bool, 5> of_user_0 = {dialect->cap_ipc_owner, dialect->cap_ipc_lock,
                                         dialect->cap_sys_admin, dialect->cap_sys_resource,
                                         dialect->cap_dac_override};
  const auto bit = static_cast<size_t>(capability);
  return creds.uid == 0 && (creds.dropped >> bit & 1) == 0 && of_user_0[bit];
}

// A call that cannot go on: it sleeps, or gives EINTR when a handler ran.
inline Result SleepOrInterrupted(const Caller& caller) {
  return caller.interrupted ? Fail(EINTR) : Sleep();
}

// Some calls end with EINTR when their task was stopped and continued, without any handler
// (signal(7)). A task may notice late, in the call after the one that it was in.
inline bool EndedByStop(const Caller& caller, const Choice& choice) {
  return caller.disturbed && choice.SawError(EINTR);
}

// How long a timeout may overrun before the sleeper counts as forgotten.
inline constexpr int64_t kOverrun = 10'000'000'000;

// Whether a call that cannot go on ends with `error` because its timeout is over, or will be within
// `early`.
inline bool TimeIsUp(Nanos timeout, int error, const Caller& caller, const Choice& choice,
                     int64_t early = 0) {
  const int64_t over = caller.latest - caller.invoked - timeout.ns;
  if (timeout.ns == Nanos::kForever || over < -early) return false;
  const bool forgotten = choice.mode() == Choice::Mode::kSleepy && over > kOverrun;
  return forgotten || (choice.mode() == Choice::Mode::kUsual && over >= 0) ||
         choice.SawError(error);
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_STEP_H_
