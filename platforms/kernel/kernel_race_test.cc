// Races on the kernel beneath: whether what tasks do by themselves is told truly, with the times of
// both ends, also of those that die, become another program, or are still asleep at the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platforms/kernel/kernel_test.h"

namespace ipcspec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class KernelRaceTest : public KernelTest {
 protected:
  // Makes the setup in lock step by t0, a pipe with the ends 3 and 4 and two tasks, t2 and t3; then
  // these race.
  void RunRace(std::vector<Call> second, std::vector<Call> third) {
    Must(0, MakePipe{});
    ASSERT_EQ(MustFork(0), 2);
    ASSERT_EQ(MustFork(0), 3);
    events_.clear();
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
};

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

// What guards accesses is set up once for a race of nothing else: each fault shows, and afterwards
// the task has its own dispositions.
TEST_F(KernelRaceTest, FaultsInARaceShow) {
  const int child = MustFork(0);
  constexpr int64_t kNowhere = 8;
  const int64_t here =
      Must(child, Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_ANONYMOUS});
  Race race{.scripts = {{.task = child}}};
  for (const int64_t address : {kNowhere, here, kNowhere, kNowhere, here}) {
    race.scripts[0].steps.push_back(
        {.label = next_label_++,
         .call = std::make_shared<const Call>(Load{.address = address, .size = 8})});
  }
  last_ = events_.size();
  ASSERT_TRUE(system_->Run(race, events_).ok());
  std::vector<int64_t> returned;
  for (const Event& e : Last(Event::Kind::kReturn, child)) returned.push_back(e.outcome.ret);
  EXPECT_THAT(returned, ElementsAre(SIGSEGV, 0, SIGSEGV, SIGSEGV, 0));
  Must(0, Kill{.target = child, .signal = SIGSEGV});
  ASSERT_THAT(Exits(child), SizeIs(1));
  EXPECT_EQ(Exits(child)[0] & ~0x80, Told(SIGSEGV) & ~0x80);
}

TEST_F(KernelRaceTest, ARaceIsTimedWithAndWithoutARecord) {
  const int64_t here =
      Must(0, Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_ANONYMOUS});
  Race race{.scripts = {{.task = 0}}};
  for (int i = 0; i < 3; ++i) {
    race.scripts[0].steps.push_back(
        {.label = next_label_++,
         .call = std::make_shared<const Call>(Load{.address = here, .size = 8})});
  }
  for (const bool recorded : {false, true, false}) {
    const absl::StatusOr<int64_t> took = system_->TimeRace(race, recorded);
    ASSERT_TRUE(took.ok()) << took.status();
    EXPECT_GT(*took, 0);
  }
  EXPECT_TRUE(system_->Idle(0));
}

}  // namespace
}  // namespace ipcspec
