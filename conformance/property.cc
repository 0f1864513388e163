#include "conformance/property.h"

// rapidcheck's own order of includes matters to it: first.
#include <rapidcheck.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "conformance/clause.h"
#include "conformance/machine_under_test.h"
#include "conformance/shrink.h"
#include "impl/call/cat.h"
#include "impl/call/text.h"

namespace ipcspec {

// For rapidcheck's report.
std::ostream& operator<<(std::ostream& out, const Program& program) {
  return out << "\n" << ToText(program);
}

namespace {

rc::Gen<Program> Programs(const Dialect& dialect, int steps,
                          const std::vector<WeightedMaker>& makers) {
  return [=](const rc::Random& random, int) {
    rc::Random source = random;
    return rc::shrinkable::shrinkRecur(
        Generate(dialect, source.next(), steps, makers),
        [](const Program& program) { return rc::seq::fromContainer(SimplerPrograms(program)); });
  };
}

}  // namespace

PropertyResult CheckPrograms(System& system, uint64_t seed, int programs, int steps,
                             const std::vector<WeightedMaker>& makers) {
  PropertyResult result;
  rc::detail::TestParams params;
  params.seed = seed;
  params.maxSuccess = programs;
  params.maxSize = 1;
  // Each try of a smaller program takes seconds where a hang is told by silence.
  params.disableShrinking = system.dialect().kernel == Dialect::Kernel::kGvisor;
  const rc::Gen<Program> gen = Programs(system.dialect(), steps, makers);
  const auto property = [&] {
    const Program program = *gen;
    if (!result.status.ok()) return;
    ProgramRun run = RunProgram(system, program);
    ++result.programs;
    result.steps += run.steps_done;
    if (!run.status.ok()) {
      result.status = run.status;
      return;
    }
    if (run.verdict == Verdict::kUndecided) ++result.undecided;
    if (run.verdict == Verdict::kForbidden) {
      // The last one that fails is the smallest.
      result.failure = {.program = ToProgram(run.history), .story = std::move(run.story)};
      RC_FAIL("not explained");
    }
  };
  rc::detail::TestMetadata metadata;
  metadata.id = "programs";
  // rapidcheck tells where its configuration is from, which is not how it is set here.
  std::streambuf* const shown = std::cerr.rdbuf(nullptr);
  (void)rc::detail::checkTestable(property, metadata, params);
  std::cerr.rdbuf(shown);
  return result;
}

void RunProperty(int programs, int steps, const std::vector<WeightedMaker>& makers) {
  UnderTest& machine = MachineUnderTest();
  // Where silence has to tell that tasks are blocked, a step costs many times as much.
  if (machine.dialect().kernel == Dialect::Kernel::kGvisor) programs = std::max(programs / 8, 1);
  const PropertyResult result =
      CheckPrograms(*machine.system, machine.seed, programs, steps, makers);
  if (result.failure.has_value()) {
    throw ClauseEnds{ClauseEnds::kViolates,
                     Cat(result.failure->story, "\n", ToText(result.failure->program))};
  }
  if (!result.status.ok()) {
    throw ClauseEnds{ClauseEnds::kUndecided, std::string(result.status.message())};
  }
  if (result.undecided > 0) {
    throw ClauseEnds{ClauseEnds::kUndecided, Cat(result.undecided, " of ", result.programs,
                                                 " programs were beyond the oracle's budget")};
  }
}

}  // namespace ipcspec
