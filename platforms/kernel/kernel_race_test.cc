// Races on the kernel beneath: whether what tasks do by themselves is told truly, with the times of
// both ends, also of those that die, become another program, or are still asleep at the end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "impl/call/program.h"
#include "platforms/kernel/kernel_test.h"

namespace ipcspec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class KernelRaceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    system_ = NewKernelSystem().release();
    ASSERT_NE(system_, nullptr);
  }
  static void TearDownTestSuite() {
    delete system_;
    system_ = nullptr;
  }

  // Makes the setup in lock step by t0, a pipe with the ends 3 and 4 and two tasks, t2 and t3; then
  // these race.
  void RunRace(std::vector<Call> second, std::vector<Call> third) {
    ASSERT_TRUE(system_->Reset().ok());
    std::vector<Event> before;
    for (const Call& call : {Call(MakePipe{}), Call(Fork{}), Call(Fork{})}) {
      ASSERT_TRUE(system_->Submit(0, ++label_, std::make_shared<const Call>(call), before).ok());
      ASSERT_TRUE(system_->Settle(before).ok());
    }
    Race race;
    race.scripts = {ScriptOf(2, std::move(second)), ScriptOf(3, std::move(third))};
    const absl::Status status = system_->Run(race, events_);
    ASSERT_TRUE(status.ok()) << status;
    for (size_t i = 1; i < events_.size(); ++i) {
      EXPECT_LE(events_[i - 1].time_ns, events_[i].time_ns);
    }
    EXPECT_EQ(events_.back().kind, Event::Kind::kQuiet);
  }
  static Script ScriptOf(int task, std::vector<Call> calls) {
    Script script{.task = task};
    for (Call& call : calls) {
      const int label = 100 * task + static_cast<int>(script.steps.size());
      script.steps.push_back(
          {.label = label, .call = std::make_shared<const Call>(std::move(call))});
    }
    return script;
  }

  // What the task did: "call 200", "return 5", "exit 9".
  std::vector<std::string> Did(int task) const {
    std::vector<std::string> did;
    for (const Event& event : events_) {
      if (event.task != task) continue;
      switch (event.kind) {
        case Event::Kind::kCall:
          did.push_back("call " + std::to_string(event.label));
          break;
        case Event::Kind::kReturn:
          did.push_back("return " + std::to_string(event.outcome.ret) + event.outcome.data);
          break;
        case Event::Kind::kExit:
          did.push_back("exit " + std::to_string(event.number));
          break;
        case Event::Kind::kSignal:
          did.push_back("handler " + std::to_string(event.number));
          break;
        default:
          break;
      }
    }
    return did;
  }

  static KernelSystem* system_;
  std::vector<Event> events_;
  int label_ = 0;
};

KernelSystem* KernelRaceTest::system_ = nullptr;

TEST_F(KernelRaceTest, TellsCallsAndReturnsInOrder) {
  RunRace({Write{.fd = 4, .data = "ab"}, Write{.fd = 4, .data = "cd"}},
          {Read{.fd = 3, .count = 2}, Read{.fd = 3, .count = 2}});
  EXPECT_THAT(Did(2), ElementsAre("call 200", "return 2", "call 201", "return 2"));
  EXPECT_THAT(Did(3), ElementsAre("call 300", "return 2ab", "call 301", "return 2cd"));
}

TEST_F(KernelRaceTest, SleeperStaysInItsCall) {
  RunRace({Write{.fd = 4, .data = "ab"}},
          {Read{.fd = 3, .count = 2}, Read{.fd = 3, .count = 2}, Read{.fd = 3, .count = 2}});
  EXPECT_THAT(Did(3), ElementsAre("call 300", "return 2ab", "call 301"));
  EXPECT_FALSE(system_->Idle(3));
  // It goes on in lock step, and not to the rest of its script.
  events_.clear();
  ASSERT_TRUE(
      system_->Submit(0, 900, std::make_shared<const Call>(Write{.fd = 4, .data = "ef"}), events_)
          .ok());
  ASSERT_TRUE(system_->Settle(events_).ok());
  EXPECT_THAT(Did(3), ElementsAre("return 2ef"));
  EXPECT_TRUE(system_->Idle(3));
}

TEST_F(KernelRaceTest, CallOfTheKilledIsTold) {
  RunRace({Kill{.target = 3, .signal = SIGKILL}}, {Read{.fd = 3, .count = 2}});
  EXPECT_THAT(Did(2), ElementsAre("call 200", "return 0"));
  // It may have died before its call, or in it.
  const std::vector<std::string> did = Did(3);
  ASSERT_THAT(did, testing::Not(IsEmpty()));
  EXPECT_EQ(did.back(), "exit 9");
  if (did.size() > 1) {
    EXPECT_THAT(did, ElementsAre("call 300", "exit 9"));
  }
  EXPECT_FALSE(system_->Alive(3));
}

TEST_F(KernelRaceTest, GoesOnBehindAnExec) {
  RunRace({Exec{}, Write{.fd = 4, .data = "ab"}, Exec{}, Write{.fd = 4, .data = "cd"}}, {});
  EXPECT_THAT(Did(2), ElementsAre("call 200", "return 0", "call 201", "return 2", "call 202",
                                  "return 0", "call 203", "return 2"));
}

TEST_F(KernelRaceTest, NamesWhatOtherCallsGave) {
  RunRace({MakePipe{}, Write{.fd = Fd::Of(200, 1), .data = "ab"},
           Read{.fd = Fd::Of(200, 0), .count = 2}},
          {});
  EXPECT_THAT(Did(2), ElementsAre("call 200", "return 0", "call 201", "return 2", "call 202",
                                  "return 2ab"));
  // The history has the numbers.
  const auto written = std::find_if(events_.begin(), events_.end(),
                                    [](const Event& event) { return event.label == 201; });
  ASSERT_NE(written, events_.end());
  EXPECT_EQ(std::get<Write>(*written->call).fd.value, 6);
}

TEST_F(KernelRaceTest, HandlersAreTold) {
  RunRace({Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle},
           Kill{.target = 2, .signal = SIGUSR1}, Write{.fd = 4, .data = "ab"}},
          {});
  EXPECT_THAT(Did(2), testing::Contains("handler 10"));
  EXPECT_THAT(Did(2), SizeIs(7));
}

}  // namespace
}  // namespace ipcspec
