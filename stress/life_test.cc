// Lives of the workloads on the reference, where every run repeats exactly.
#include "stress/life.h"

#include <gtest/gtest.h>

#include "platforms/reference_system.h"

namespace ipcspec {
namespace {

class EveryWorkload : public testing::TestWithParam<size_t> {
 protected:
  const Workload& workload() const { return AllWorkloads()[GetParam()]; }
  ReferenceSystem system{Dialect()};
};

TEST_P(EveryWorkload, IsExplainedOnTheReference) {
  int64_t calls = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Life life = Live(system, workload(), seed);
    ASSERT_TRUE(life.status.ok()) << life.status;
    ASSERT_EQ(life.verdict, Verdict::kAllowed) << workload().id() << "\n" << life.story;
    calls += life.calls;
  }
  EXPECT_GT(calls, 60);
}

TEST_P(EveryWorkload, RepeatsExactly) {
  EXPECT_EQ(Live(system, workload(), 5).history, Live(system, workload(), 5).history);
}

INSTANTIATE_TEST_SUITE_P(Workloads, EveryWorkload, testing::Range(size_t{0}, AllWorkloads().size()),
                         [](const auto& info) {
                           const Workload& workload = AllWorkloads()[info.param];
                           return workload.mechanism + "_" + workload.name;
                         });

TEST(Life, ASetupThatDoesNotWorkIsSaid) {
  ReferenceSystem system{Dialect()};
  const Life life =
      Live(system, {.mechanism = "pipe", .name = "x", .setup = "1: t0 close(fd=77)\n"}, 1);
  EXPECT_EQ(life.status.code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace ipcspec
