// Races of the reference: each is explained, and repeats.
#include <gtest/gtest.h>

#include <string>

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
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const absl::StatusOr<History> history =
        Play(system, RandomRound(GetParam(), seed, 2 + static_cast<int>(seed % 3)));
    ASSERT_TRUE(history.ok()) << history.status();
    std::string story;
    const Verdict verdict = ExplainHistory(*history, &story);
    ASSERT_NE(verdict, Verdict::kForbidden) << "seed " << seed << "\n" << story << ToText(*history);
    undecided += verdict == Verdict::kUndecided;
  }
  EXPECT_LE(undecided, 3);
}

INSTANTIATE_TEST_SUITE_P(Topics, Races, testing::ValuesIn(kTopics), [](const auto& info) {
  std::string name(NameOf(info.param));
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace ipcspec
