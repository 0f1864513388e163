// What tests on the kernel beneath share: a main() that runs them isolated and lets their program
// be started as an agent, and the system that they ask for.
#ifndef IPCSPEC_PLATFORMS_KERNEL_KERNEL_TEST_H_
#define IPCSPEC_PLATFORMS_KERNEL_KERNEL_TEST_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platforms/kernel/kernel_system.h"
#include "platforms/kernel/probe.h"

namespace ipcspec {

// What this run can do here.
const ProbedMachine& TestedMachine();

// A system of its own; null, and the test has failed, if there is none.
std::unique_ptr<KernelSystem> NewKernelSystem();

// Calls in lock step, on a system that each test finds fresh.
class KernelTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    system_ = NewKernelSystem().release();
    ASSERT_NE(system_, nullptr);
  }
  static void TearDownTestSuite() {
    delete system_;
    system_ = nullptr;
  }
  void SetUp() override {
    const absl::Status status = system_->Reset();
    ASSERT_TRUE(status.ok()) << status;
  }

  // Makes a call, and lets everything settle; the label of the step.
  int Make(int task, Call call) {
    const int label = next_label_++;
    last_ = events_.size();
    absl::Status status =
        system_->Submit(task, label, std::make_shared<const Call>(std::move(call)), events_);
    if (status.ok()) status = system_->Settle(events_);
    EXPECT_TRUE(status.ok()) << status;
    return label;
  }
  // Events of the last step, of one kind and task.
  std::vector<Event> Last(Event::Kind kind, int task) const {
    std::vector<Event> found;
    for (size_t i = last_; i < events_.size(); ++i) {
      if (events_[i].kind == kind && events_[i].task == task) found.push_back(events_[i]);
    }
    return found;
  }
  // Makes a call that returns.
  Outcome Do(int task, Call call) {
    const std::string name(NameOf(call));
    Make(task, std::move(call));
    const std::vector<Event> returned = Last(Event::Kind::kReturn, task);
    EXPECT_THAT(returned, testing::SizeIs(1)) << name << " did not return";
    return returned.empty() ? Outcome{.ret = -1, .error = -1} : returned[0].outcome;
  }
  int64_t Must(int task, Call call) {
    const std::string name(NameOf(call));
    const Outcome outcome = Do(task, std::move(call));
    EXPECT_EQ(outcome.error, 0) << name;
    return outcome.ret;
  }
  int MustFork(int task) {
    const int label = Make(task, Fork{});
    EXPECT_THAT(Last(Event::Kind::kReturn, task), testing::SizeIs(1));
    EXPECT_TRUE(system_->Idle(label));
    return label;
  }
  bool Asleep(int task) const { return system_->Alive(task) && !system_->Idle(task); }
  std::vector<int> Signals(int task) const {
    std::vector<int> signals;
    for (const Event& e : Last(Event::Kind::kSignal, task)) signals.push_back(e.number);
    return signals;
  }
  std::vector<int> Exits(int task) const {
    std::vector<int> statuses;
    for (const Event& e : Last(Event::Kind::kExit, task)) statuses.push_back(e.number);
    return statuses;
  }
  // gVisor does not tell how a process ended.
  int Told(int status) const { return system_->guesses() ? -1 : status; }

  static inline KernelSystem* system_ = nullptr;
  std::vector<Event> events_;
  size_t last_ = 0;
  int next_label_ = 1;
};

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_KERNEL_TEST_H_
