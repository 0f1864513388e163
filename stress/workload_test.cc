#include "stress/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "impl/call/bytes.h"
#include "impl/call/text.h"

namespace ipcspec {
namespace {

using ::testing::HasSubstr;

std::string Drawn(const Race& race) {
  std::string text;
  for (const Script& script : race.scripts) {
    text += "t" + std::to_string(script.task) + ":";
    for (const RaceStep& step : script.steps) text += " " + ToText(*step.call);
    text += "\n";
  }
  return text;
}

TEST(Workloads, AllCanBeRead) {
  std::set<std::string> names;
  for (const Workload& workload : AllWorkloads()) {
    EXPECT_TRUE(Cast::Read(workload).ok()) << Cast::Read(workload).status();
    EXPECT_TRUE(names.insert(workload.id()).second) << workload.id() << " is there twice";
    EXPECT_FALSE(workload.about.empty()) << workload.id();
  }
}

TEST(Workloads, SameSeedDrawsTheSame) {
  for (const Workload& workload : AllWorkloads()) {
    Cast a = *Cast::Read(workload), b = *Cast::Read(workload), c = *Cast::Read(workload);
    Dice one(7), again(7), other(8);
    EXPECT_EQ(a.Setup(one), b.Setup(again));
    c.Setup(other);
    std::string drawn, repeated;
    for (int i = 0; i < 3; ++i) {
      drawn += Drawn(a.Draw(one));
      repeated += Drawn(b.Draw(again));
    }
    EXPECT_EQ(drawn, repeated) << workload.id();
  }
}

TEST(Workloads, ATextThatIsNoCallIsRefusedWithItsPlace) {
  const absl::StatusOr<Cast> cast =
      Cast::Read({.mechanism = "pipe", .name = "Wrong", .roles = {{.acts = {{1, "reed(fd=3)"}}}}});
  ASSERT_FALSE(cast.ok());
  EXPECT_THAT(std::string(cast.status().message()), HasSubstr("pipe.Wrong"));
  EXPECT_THAT(std::string(cast.status().message()), HasSubstr("reed"));
}

// What stands for something is replaced by it.
TEST(Workloads, NamesOfTheRaceAreFilledIn) {
  Cast cast = *Cast::Read({.mechanism = "fifo",
                           .name = "x",
                           .setup = "1: t0 pipe2()\n",
                           .roles = {{.tasks = 1,
                                      .acts = {{1, "read(fd=@98)"},
                                               {1, "open(path=\"f\")"},
                                               {1, "read(fd=@98)"},
                                               {1, "write(fd=@1.1, data=pattern(A, 0, 10))"},
                                               {1, "write(fd=@1.1, data=pattern(A, 0, 10))"},
                                               {1, "kill(target=1, signal=SIGUSR1)"}},
                                      .in_order = true},
                                     {.tasks = 1, .calls = 0}}});
  Dice dice(1);
  cast.Setup(dice);
  const Race race = cast.Draw(dice);
  const auto& steps = race.scripts.at(0).steps;
  ASSERT_EQ(steps.size(), 6u);
  EXPECT_EQ(ToText(*steps[0].call), "read()") << "nothing was opened yet";
  EXPECT_EQ(std::get<Read>(*steps[2].call).fd, Fd::Of(steps[1].label));
  EXPECT_EQ(std::get<Write>(*steps[3].call).data.text, Pattern('A', 0, 10));
  EXPECT_EQ(std::get<Write>(*steps[4].call).data.text, Pattern('A', 16, 10));
  EXPECT_EQ(std::get<Kill>(*steps[5].call).target, TaskArg(51));
}

}  // namespace
}  // namespace ipcspec
