// Race: what several tasks do at once, each by itself and at full speed.
//
// Each task has a script, a list of calls, and makes them one after the other without being told.
// A system runs all scripts together and says afterwards what happened, call by call, with the
// times of both ends. Other trouble of tasks (signals, kills, exits) is calls of the scripts.
#ifndef IPCSPEC_PLATFORMS_RACE_H_
#define IPCSPEC_PLATFORMS_RACE_H_

#include <cstdint>
#include <vector>

#include "impl/call/history.h"
#include "impl/call/program.h"

namespace ipcspec {

// A call of a script. Its arguments may name outcomes of steps of the same race, whoever makes
// them: it takes what is there when it is made, and -1 where that step has not returned.
struct RaceStep {
  int label = 0;  // positive, unique in the life of the system
  std::shared_ptr<const Call> call;
  // What the task does before: nothing, yield the processor, or go round in circles for so long.
  int64_t pause_ns = 0;  // -1: yield
};

struct Script {
  int task = 0;
  int cpu = -1;  // the only processor it may use, of those that there are; -1: any
  std::vector<RaceStep> steps;
};

struct Race {
  std::vector<Script> scripts;  // of different tasks, all idle
  uint64_t seed = 1;            // of a system that decides for itself who goes on
};

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_RACE_H_
