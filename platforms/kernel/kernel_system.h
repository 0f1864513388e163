// KernelSystem: the kernel beneath, through agents.
//
// Lives in the run process (isolation.h), which may be PID 1 of its own namespaces. Everything here
// runs on one CPU: an agent and the harness then hand over to each other by one context switch, and
// a task that is not asleep will run as soon as the harness yields.
#ifndef IPCSPEC_PLATFORMS_KERNEL_KERNEL_SYSTEM_H_
#define IPCSPEC_PLATFORMS_KERNEL_KERNEL_SYSTEM_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "platforms/kernel/isolation.h"
#include "platforms/kernel/leftovers.h"
#include "platforms/kernel/lowering.h"
#include "platforms/kernel/mailbox.h"
#include "platforms/kernel/nursery.h"
#include "platforms/kernel/proc_watch.h"
#include "platforms/system.h"

namespace ipcspec {

class KernelSystem : public System {
 public:
  // `dialect` is what the machine is (probe.h). Errors: no shared memory, no directory.
  static absl::StatusOr<std::unique_ptr<KernelSystem>> Create(const Isolation& isolation,
                                                              const Dialect& dialect);
  ~KernelSystem() override;

  absl::Status Reset() override;
  absl::Status Submit(int task, int label, std::shared_ptr<const Call> call,
                      std::vector<Event>& events) override;
  absl::Status Settle(std::vector<Event>& events) override;
  absl::Status AwaitReturn(int task, absl::Duration deadline, std::vector<Event>& events) override;
  // kernel_race.cc. More than a script holds: ResourceExhausted.
  absl::Status Run(const Race& race, std::vector<Event>& events) override;
  absl::Status Patience(std::vector<Event>& events) override;
  bool Idle(int task) const override;
  bool Alive(int task) const override;
  const Dialect& dialect() const override { return dialect_; }

  // Carries out a request that makes no call, for benchmarks: the bare round trip.
  absl::Status Ping();
  // How long a race takes, in ns; for benchmarks. Not `recorded`: agents note nothing of the calls
  // between the first and the last, and make no pauses. FailedPrecondition: a call did not return.
  absl::StatusOr<int64_t> TimeRace(const Race& race, bool recorded);
  // Whether blocked tasks are only inferred from their silence here.
  bool guesses() const { return guesses_; }

 private:
  struct Task {
    int slot = -1;
    int pid = -1;
    bool alive = true;
    bool doomed = false;  // SIGKILL is on its way
    uint32_t handlers_told = 0;
    std::shared_ptr<const Call> call;  // that it is in; null: idle
    int entry = -1;                    // which of its script that is, -1: none
    ProcWatch watch;
  };

  KernelSystem(const Isolation& isolation, const Dialect& dialect);
  absl::Status StartFirst();
  absl::Status Calibrate();
  absl::Status KillAll();
  int64_t Now() const;
  LoweringContext ContextFor(int task);
  int FreeSlot() const;
  Mailbox& BoxOf(const Task& task) { return memory_->slots[task.slot]; }

  // kernel_race.cc.
  using Places = std::map<int, std::pair<int, int>>;  // by label: slot, entry
  Places PlacesIn(const Race& race) const;
  absl::Status Prepare(const Script& script, const Places& places);
  bool guards_once_ = false;  // the race at hand makes guarded calls alone (agent_ops.h)
  bool unrecorded_ = false;
  absl::Status StartRace(const Race& race);
  absl::Status AwaitRace(const Race& race);
  bool AllAsleep(const Race& race);
  bool AllInCalls(const Race& race);
  std::vector<Event> WhatDid(const Script& script);
  std::vector<Event> TakeHandlers(Task& task, int number);
  // What the call gave that the task was in.
  RawAnswer AnswerOf(const Task& task) const;

  // Appends what the mailboxes tell; whether that was anything.
  bool Collect(std::vector<Event>& events);
  void TellHandlers(int number, Task& task, std::vector<Event>& events);
  void TellExit(int number, Task& task, int status, std::vector<Event>& events);
  // Waits a moment, as long as nothing changes.
  void Yield(int round);
  // Whether all tasks sleep, looked at twice; what it finds to have ended goes into events.
  enum class Quiet { kYes, kNo, kSomethingEnded };
  Quiet LookAtAll(std::vector<Event>& events);
  bool Busy() const;
  std::string WhatEachDoes();

  Isolation isolation_;
  Dialect dialect_;
  Mailboxes* memory_ = nullptr;
  std::unique_ptr<Nursery> nursery_;
  uint32_t heard_ = 0;  // how many answers, when they were last looked at
  std::string memory_path_;
  std::string image_path_;  // a copy of this program, for exec
  std::string directory_;
  std::map<int, Task> tasks_;
  bool guesses_ = false;
  absl::Status trouble_;       // of the harness, found while collecting
  bool look_at_idle_ = false;  // a call may have touched tasks that are idle
  Leftovers leftovers_;
  int directories_ = 0;
  int64_t start_ns_ = 0;
  int64_t guess_ns_ = 5'000'000;  // how long silence must last to count
};

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_KERNEL_SYSTEM_H_
