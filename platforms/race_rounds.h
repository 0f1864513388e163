// Rounds of stress for tests: a setup in lock step, one race, an audit in lock step.
//
// DrawSmallRound draws a small one that the exact oracle can judge, Play carries one out on a
// system.
#ifndef IPCSPEC_PLATFORMS_RACE_ROUNDS_H_
#define IPCSPEC_PLATFORMS_RACE_ROUNDS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "impl/call/history.h"
#include "impl/call/program.h"
#include "platforms/system.h"

namespace ipcspec {

struct SmallRound {
  std::vector<Step> setup, race, audit;
  uint64_t seed = 1;
};

// What a random round is about.
enum class Topic {
  kPipe,         // small writes, reads, ends that close
  kLargeWrites,  // of more than a small pipe holds
  kSysvSem,      // arrays of operations with undo, and kills
  kSysvMsg,      // types, a small queue, its removal
  kPosixMq,      // priorities, a small queue, timeouts
  kPosixSem,     // in shared memory, with timeouts
  kMapping,      // loads and stores of shared words
  kSignals,      // handlers that end sleeps, or do not
  kEnds,         // kills and exits of those that hold adjustments of two sets, and a pipe
};
inline constexpr Topic kTopics[] = {Topic::kPipe,    Topic::kLargeWrites, Topic::kSysvSem,
                                    Topic::kSysvMsg, Topic::kPosixMq,     Topic::kPosixSem,
                                    Topic::kMapping, Topic::kSignals,     Topic::kEnds};
std::string_view NameOf(Topic topic);

// Of `tasks` racing tasks that make `calls` calls each; the same for the same numbers.
SmallRound DrawSmallRound(Topic topic, uint64_t seed, int tasks = 3, int calls = 3);

// Resets the system and plays the round. Steps of setup and audit whose task is busy or gone, or
// that name an outcome that there is not, are passed over. Trouble of the system.
absl::StatusOr<History> Play(System& system, const SmallRound& round);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_RACE_ROUNDS_H_
