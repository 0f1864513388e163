// Every fault that is seeded into a true history is found by the exact oracle, and shown in few
// calls.
#include "stress/seeded_fault.h"

#include <gtest/gtest.h>

#include <string>

#include "impl/oracle/excerpt.h"
#include "impl/oracle/oracle.h"
#include "platforms/race_rounds.h"
#include "platforms/reference_system.h"

namespace ipcspec {
namespace {

struct Case {
  SeededFault fault;
  Topic topic;
};

constexpr Case kCases[] = {
    {SeededFault::kSwap, Topic::kSysvMsg},
    {SeededFault::kSwap, Topic::kPosixMq},
    {SeededFault::kSwap, Topic::kPipe},
    {SeededFault::kDuplicate, Topic::kSysvMsg},
    {SeededFault::kDuplicate, Topic::kPosixMq},
    {SeededFault::kDuplicate, Topic::kPipe},
    {SeededFault::kLoss, Topic::kSysvMsg},
    {SeededFault::kLoss, Topic::kPosixMq},
    {SeededFault::kLoss, Topic::kPipe},
    {SeededFault::kStaleRead, Topic::kSysvSem},
    {SeededFault::kStaleRead, Topic::kPosixSem},
    {SeededFault::kStaleRead, Topic::kMapping},
    {SeededFault::kEarlyEof, Topic::kSignals},
    {SeededFault::kEarlyEof, Topic::kPipe},
    {SeededFault::kEarlyEof, Topic::kLargeWrites},
    {SeededFault::kLostWakeup, Topic::kPipe},
    {SeededFault::kLostWakeup, Topic::kSysvSem},
    {SeededFault::kLostWakeup, Topic::kSysvMsg},
    {SeededFault::kLostWakeup, Topic::kPosixMq},
    {SeededFault::kLostWakeup, Topic::kPosixSem},
    {SeededFault::kUndoForgotten, Topic::kSysvSem},
    {SeededFault::kUndoTwice, Topic::kSysvSem},
    {SeededFault::kTornWrite, Topic::kSignals},
    {SeededFault::kTornGetAll, Topic::kSysvSem},
    {SeededFault::kOverCapacity, Topic::kSysvMsg},
    {SeededFault::kOverCapacity, Topic::kPosixMq},
    {SeededFault::kOverCapacity, Topic::kLargeWrites},
};

constexpr int kMostShown = 12;

class SeededFaults : public testing::TestWithParam<Case> {};

TEST_P(SeededFaults, AreFoundAndShown) {
  ReferenceSystem system{Dialect{}};
  const auto [fault, topic] = GetParam();
  const int enough = topic == Topic::kLargeWrites ? 8 : 25;
  int seeded = 0;
  for (uint64_t seed = 1; seed <= 2000 && seeded < enough; ++seed) {
    absl::StatusOr<History> history = Play(system, DrawSmallRound(topic, seed));
    ASSERT_TRUE(history.ok()) << history.status();
    const History before = *history;
    if (!Seed(fault, seed, &*history)) {
      EXPECT_EQ(*history, before);
      continue;
    }
    ++seeded;
    // It is still well formed.
    EXPECT_TRUE(ParseHistory(ToText(*history)).ok());
    std::string story;
    EXPECT_EQ(ExplainHistory(*history, &story), Verdict::kForbidden) << "seed " << seed << "\n"
                                                                     << ToText(before) << "became\n"
                                                                     << ToText(*history);
    const History excerpt = ExcerptOf(*history);
    EXPECT_EQ(ExplainHistory(excerpt, &story), Verdict::kForbidden);
    EXPECT_LE(CallsIn(excerpt, *excerpt.race_begin), kMostShown) << ToText(excerpt);
  }
  EXPECT_EQ(seeded, enough);
}

INSTANTIATE_TEST_SUITE_P(Cases, SeededFaults, testing::ValuesIn(kCases), [](const auto& info) {
  std::string name(NameOf(info.param.fault));
  name += "_of_" + std::string(NameOf(info.param.topic));
  for (char& c : name) c = c == ' ' || c == '-' ? '_' : c;
  return name;
});

TEST(SeededFault, HasNoPlaceInAnEmptyHistory) {
  for (SeededFault fault : kSeededFaults) {
    History history;
    EXPECT_FALSE(Seed(fault, 1, &history)) << NameOf(fault);
  }
}

}  // namespace
}  // namespace ipcspec
