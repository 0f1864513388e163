// Excerpts of lives of the workloads, with a fault seeded into each: they are short, and whatever
// is left out has no part in the fault.
#include "impl/oracle/excerpt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "impl/call/dice.h"
#include "impl/oracle/oracle.h"
#include "platforms/reference_system.h"
#include "stress/life.h"
#include "stress/seeded_fault.h"

namespace ipcspec {
namespace {

constexpr int kMostCalls = 12;

class ExcerptsOfLives : public testing::TestWithParam<size_t> {
 protected:
  const Workload& workload() const { return AllWorkloads()[GetParam()]; }
  History LiveOnce(uint64_t seed) {
    const Life life = Live(system_, workload(), seed);
    EXPECT_TRUE(life.status.ok()) << life.status;
    EXPECT_EQ(life.verdict, Verdict::kAllowed);
    return life.history;
  }

 private:
  ReferenceSystem system_{Dialect()};
};

TEST_P(ExcerptsOfLives, AreShort) {
  if (workload().long_rounds) return;  // the monitors' business
  for (uint64_t seed : {1, 2}) {
    const History history = LiveOnce(seed);
    for (const SeededFault fault : kSeededFaults) {
      History wrong = history;
      if (!Seed(fault, seed, &wrong)) continue;
      const History excerpt = ExcerptOf(wrong);
      std::string story;
      EXPECT_EQ(ExplainHistory(excerpt, &story), Verdict::kForbidden) << NameOf(fault);
      EXPECT_LE(CallsIn(excerpt, *excerpt.race_begin), kMostCalls)
          << NameOf(fault) << ToText(excerpt);
    }
  }
}

// Another outcome than was seen.
Outcome Falsified(const Outcome& outcome, Dice& dice) {
  Outcome other = outcome;
  if (!other.data.empty() && dice.Below(2) == 0) {
    other.data.back() ^= 1;
  } else if (!other.values.empty() && dice.Below(2) == 0) {
    ++other.values.back();
  } else if (outcome.ok()) {
    other = Fails(EPERM);
  } else {
    other = Returns(0);
  }
  return other;
}

// If nothing that was left out has a part in the fault, the excerpt is explained up to there as
// soon as the fault is mended.
TEST_P(ExcerptsOfLives, AreExplainedWithoutTheFault) {
  if (workload().long_rounds) return;
  int tried = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const History history = LiveOnce(seed);
    Dice dice(seed);
    for (int i = 0; i < 5; ++i) {
      History wrong = history;
      const auto at = static_cast<size_t>(dice.Below(static_cast<int64_t>(history.events.size())));
      if (at < *history.race_begin || wrong.events[at].kind != Event::Kind::kReturn) continue;
      wrong.events[at].outcome = Falsified(wrong.events[at].outcome, dice);
      Blame blame;
      std::string story;
      const Verdict verdict = ExplainHistory(wrong, &story, &blame);
      if (verdict != Verdict::kForbidden || blame.event != at)
        continue;  // seen otherwise, or later
      History mended = ExcerptOf(wrong);
      const size_t there = static_cast<size_t>(
          std::find(mended.events.begin(), mended.events.end(), wrong.events[at]) -
          mended.events.begin());
      ASSERT_LT(there, mended.events.size());
      mended.events[there].outcome = history.events[at].outcome;
      // Calls that were pending may lack what came later.
      const bool explained =
          ExplainHistory(mended, &story, &blame) == Verdict::kAllowed || blame.event > there;
      EXPECT_TRUE(explained) << "seed " << seed << ", event " << at << "\n"
                             << ToText(history) << "\nfalsified and mended:\n"
                             << ToText(mended) << "\n"
                             << story;
      ++tried;
    }
  }
  EXPECT_GT(tried, 0);
}

INSTANTIATE_TEST_SUITE_P(Workloads, ExcerptsOfLives,
                         testing::Range(size_t{0}, AllWorkloads().size()), [](const auto& info) {
                           const Workload& workload = AllWorkloads()[info.param];
                           return workload.mechanism + "_" + workload.name;
                         });

}  // namespace
}  // namespace ipcspec
