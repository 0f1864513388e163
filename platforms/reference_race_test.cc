// Races of the reference: each is explained, and repeats.
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "impl/call/cat.h"
#include "impl/oracle/oracle.h"
#include "platforms/race_rounds.h"
#include "platforms/reference_system.h"

namespace ipcspec {
namespace {

class Races : public testing::TestWithParam<Topic> {};

TEST_P(Races, AreExplained) {
  ReferenceSystem system{Dialect{}};
  int undecided = 0;
  const uint64_t rounds = GetParam() == Topic::kLargeWrites ? 40 : 300;  // its searches are long
  for (uint64_t seed = 1; seed <= rounds; ++seed) {
    const absl::StatusOr<History> history =
        Play(system, DrawSmallRound(GetParam(), seed, 2 + static_cast<int>(seed % 3)));
    ASSERT_TRUE(history.ok()) << history.status();
    std::string story;
    const Verdict verdict = ExplainHistory(*history, &story);
    ASSERT_NE(verdict, Verdict::kForbidden) << "seed " << seed << "\n" << story << ToText(*history);
    undecided += verdict == Verdict::kUndecided;
  }
  EXPECT_LE(undecided, 3);
}

TEST_P(Races, Repeat) {
  ReferenceSystem system{Dialect{}};
  int different = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SmallRound round = DrawSmallRound(GetParam(), seed, 3, 5);
    const absl::StatusOr<History> first = Play(system, round), again = Play(system, round);
    ASSERT_TRUE(first.ok() && again.ok());
    EXPECT_EQ(*first, *again);
    ++round.seed;
    const absl::StatusOr<History> other = Play(system, round);
    ASSERT_TRUE(other.ok());
    different += !(*other == *first);
  }
  EXPECT_GT(different, 15);
}

INSTANTIATE_TEST_SUITE_P(Topics, Races, testing::ValuesIn(kTopics), [](const auto& info) {
  std::string name(NameOf(info.param));
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
});

// One task alone makes these calls, in a race of its own, with t2 beside it.
History RunAlone(const std::vector<Step>& race) {
  ReferenceSystem system{Dialect{}};
  const SmallRound round{.setup = {{.label = 1, .call = MakePipe{}}, {.label = 2, .call = Fork{}}},
                         .race = race};
  const absl::StatusOr<History> history = Play(system, round);
  EXPECT_TRUE(history.ok()) << history.status();
  std::string story;
  EXPECT_EQ(ExplainHistory(*history, &story), Verdict::kAllowed) << story;
  return *history;
}

// The line of the last event before the last quiet one.
std::string LastLine(const History& history) {
  std::string line = ToText(history.events[history.events.size() - 2]);
  return line.substr(line.find(' ') + 1);
}

TEST(Race, TakesWhatEarlierStepsReturned) {
  const History history = RunAlone({{.label = 3, .call = Dup{.fd = Fd::Of(1, 1)}},
                                    {.label = 4, .call = Write{.fd = Fd::Of(3), .data = {"abc"}}},
                                    {.label = 5, .call = Read{.fd = Fd::Of(1, 0), .count = 9}}});
  EXPECT_EQ(LastLine(history), "t0 return 3 \"abc\"");
}

TEST(Race, TakesMinusOneForWhatIsNotThere) {
  const History history = RunAlone({{.label = 3, .call = Close{.fd = Fd::Of(4)}},
                                    {.label = 4, .call = Dup{.fd = Fd::Of(1, 1)}}});
  const Event& close = history.events[history.events.size() - 5];
  ASSERT_EQ(close.kind, Event::Kind::kCall);
  EXPECT_EQ(*close.call, Call(Close{.fd = -1}));
}

TEST(Race, EndsWithASleeper) {
  const History history = RunAlone({{.label = 3, .call = Read{.fd = Fd::Of(1, 0), .count = 9}},
                                    {.label = 4, .call = Close{.fd = Fd::Of(1, 0)}}});
  EXPECT_EQ(LastLine(history), "t0 call 3: read(fd=3, count=9)");
}

TEST(Race, LetsTimePass) {
  const History history = RunAlone(
      {{.label = 3,
        .call = Poll{.fds = {{.fd = Fd::Of(1, 0), .events = 1}}, .timeout = Nanos{5'000'000'000}}},
       {.label = 4, .call = Write{.fd = Fd::Of(1, 1), .data = {"x"}}}});
  EXPECT_EQ(LastLine(history), "t0 return 1");
  EXPECT_GT(history.events.back().time_ns, 5'000'000'000);
}

TEST(Race, TellsOfAnEnd) {
  const History history =
      RunAlone({{.label = 3, .task = 2, .call = Read{.fd = Fd::Of(1, 0), .count = 1}},
                {.label = 4, .call = Kill{.target = 2, .signal = {SIGKILL}}},
                {.label = 5, .call = Wait{.target = 2}}});
  bool killed = false;
  for (const Event& e : history.events) killed |= e.kind == Event::Kind::kExit && e.task == 2;
  EXPECT_TRUE(killed);
}

TEST(Race, NeedsIdleTasks) {
  ReferenceSystem system{Dialect{}};
  ASSERT_TRUE(system.Reset().ok());
  std::vector<Event> events;
  EXPECT_EQ(system.Run({.scripts = {{.task = 7}}}, events).code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace ipcspec
