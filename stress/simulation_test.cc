// Simulation: all workloads, life after life, on the reference under a scheduler that draws lots.
//
// Every call must be explained, those of small races by the exact oracle and those of long ones by
// the monitors. The reference can do nothing wrong here: what is found is an error of the oracle,
// of a monitor, or of the reference where it plays otherwise than it judges.
//
// IPCSPEC_SIMULATED_CALLS says how many calls are to be made, in the races; IPCSPEC_SEED where the
// seeds begin. A life that is not explained ends the test, and is told with its seed and history.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "platforms/reference_system.h"
#include "stress/life.h"

namespace ipcspec {
namespace {

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoll(text, nullptr, 10);
}

TEST(Simulation, EveryCallIsExplained) {
  const int64_t enough = FromEnvironment("IPCSPEC_SIMULATED_CALLS", 300'000);
  auto seed = static_cast<uint64_t>(FromEnvironment("IPCSPEC_SEED", 1));
  ReferenceSystem system{Dialect()};
  const absl::Time start = absl::Now();
  absl::Time told = start;
  int64_t calls = 0, lives = 0, deaths = 0;
  for (; calls < enough; ++seed) {
    for (const Workload& workload : AllWorkloads()) {
      const Life life = Live(system, workload, seed);
      ASSERT_TRUE(life.status.ok()) << workload.id() << ", seed " << seed << ": " << life.status;
      ASSERT_EQ(life.verdict, Verdict::kAllowed)
          << workload.id() << ", seed " << seed << ": " << life.story << "\n\n"
          << ToText(life.history);
      calls += life.calls, deaths += life.deaths, ++lives;
    }
    if (const absl::Time now = absl::Now(); calls >= enough || now - told >= absl::Minutes(1)) {
      told = now;
      const double seconds = absl::ToDoubleSeconds(now - start);
      std::printf("%.0f s: %lld calls explained, %.0f a second; %lld lives, %lld deaths\n", seconds,
                  static_cast<long long>(calls), static_cast<double>(calls) / seconds,
                  static_cast<long long>(lives), static_cast<long long>(deaths));
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace ipcspec
