// What a program does according to the reference: for each step the facts that hold once all is
// quiet again, and the other ways things may go. Repro programs check themselves against this.
//
// The reference is asked, not read: each outcome that could be is offered to it as if it had been
// seen, and each order of what can happen at the same time is tried. The first way found is the one
// that Linux usually takes, and the program goes on from there.
#ifndef IPCSPEC_PLATFORMS_REPRO_PLAN_H_
#define IPCSPEC_PLATFORMS_REPRO_PLAN_H_

#include <cstdint>
#include <map>
#include <vector>

#include "impl/call/outcome.h"
#include "impl/call/program.h"

namespace ipcspec {

// Something that is seen after a step.
struct Fact {
  enum class Kind {
    kReturned,  // the call of step `number` returned
    kAsleep,    // the call of step `number` sleeps
    kDied,      // the task `number` ended; `detail` is its wait status
    kHandled,   // the task `number` ran a handler of the signal `detail`
  };
  Kind kind = Kind::kAsleep;
  int number = 0;
  int detail = 0;

  // kReturned:
  Outcome outcome;
  std::vector<int> errors;          // all that are allowed, when the call failed
  int64_t lowest = 0, highest = 0;  // allowed return values, when it did not
  std::vector<int64_t> masks;       // the bits of each of outcome.values that are determined
  bool operator==(const Fact&) const = default;
};

using Facts = std::vector<Fact>;

// What one step leads to.
struct Turn {
  Step step;                  // as in the program: arguments may be references
  Facts usual;                // what happens
  std::vector<Facts> others;  // what else is allowed
  bool open = false;          // there is too much that is allowed to list it
};

struct Plan {
  std::vector<Turn> turns;          // the steps that can be made
  std::map<int, Outcome> outcomes;  // of the steps that returned
};

// Steps of tasks that are busy or gone, and those that depend on what did not succeed, are left
// out.
Plan MakePlan(const Program& program);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_REPRO_PLAN_H_
