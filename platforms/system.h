// System: whatever executes calls; a kernel through agents, or the reference itself.
//
// A test is written once and runs on every system. Tasks are named by numbers: 0 is the first, and
// the task that a fork or clone step with label L makes is task L; where the kernel speaks of
// process ids, outcomes speak of tasks. No call here waits without a deadline.
//
// What the kernel answers is in the events. A status that is not ok is trouble of the harness: the
// run is then undecided.
#ifndef IPCSPEC_PLATFORMS_SYSTEM_H_
#define IPCSPEC_PLATFORMS_SYSTEM_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "impl/call/history.h"
#include "impl/reference/dialect.h"
#include "platforms/race.h"

namespace ipcspec {

class System {
 public:
  virtual ~System() = default;

  // A fresh start: only task 0 exists, user 0, in an empty directory, with descriptors 0 to 2 only;
  // no IPC object is left. Also comes first.
  virtual absl::Status Reset() = 0;

  // The task makes the call; appends the kCall event. No argument is a reference.
  // REQUIRES: Idle(task).
  virtual absl::Status Submit(int task, int label, std::shared_ptr<const Call> call,
                              std::vector<Event>& events) = 0;

  // Waits until every task is idle, blocked in the kernel, or gone; appends what happened until
  // then (a handler before the return that it precedes), and a kQuiet event.
  virtual absl::Status Settle(std::vector<Event>& events) = 0;

  // Waits until the call that the task is in has returned, and settles. DeadlineExceeded: it has
  // not.
  virtual absl::Status AwaitReturn(int task, absl::Duration deadline,
                                   std::vector<Event>& events) = 0;

  // Runs the scripts until each is through, asleep in a call that nothing can end any more, or its
  // task is gone. Appends what happened in order of time, a call before a return of the same time,
  // and a kQuiet event. A call that sleeps ends its script: what follows it is not made.
  virtual absl::Status Run(const Race& race, std::vector<Event>& events) = 0;

  // Where quiet was guessed: waits much longer for anything to happen, and appends it, with
  // another kQuiet event.
  virtual absl::Status Patience(std::vector<Event>& events) = 0;

  // Whether the task can make a call.
  virtual bool Idle(int task) const = 0;
  virtual bool Alive(int task) const = 0;

  // What this system is.
  virtual const Dialect& dialect() const = 0;
};

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_SYSTEM_H_
