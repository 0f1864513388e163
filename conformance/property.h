// Properties: whatever a program of these calls does, the reference explains it.
//
// rapidcheck draws programs and shrinks the one that fails; the oracle judges. The failure is told
// as the oracle's story and as a program that `ipcspec replay` runs and `ipcspec repro` turns into
// C.
#ifndef IPCSPEC_CONFORMANCE_PROPERTY_H_
#define IPCSPEC_CONFORMANCE_PROPERTY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "conformance/generate.h"
#include "platforms/session.h"

namespace ipcspec {

struct PropertyFailure {
  Program program;  // shrunk
  std::string story;
};

struct PropertyResult {
  int programs = 0;
  int steps = 0;
  int undecided = 0;
  absl::Status status;  // trouble of the harness
  std::optional<PropertyFailure> failure;
};

// Runs `programs` random programs of about `steps` steps on the system.
PropertyResult CheckPrograms(System& system, uint64_t seed, int programs, int steps,
                             const std::vector<WeightedMaker>& makers);

}  // namespace ipcspec

// PROPERTY(Pipe, name, source, statement, programs, steps, {makers}): a clause whose body is
// CheckPrograms.
#define PROPERTY(Mechanism, Name, source_, statement_, programs_, steps_, ...)          \
  CLAUSE(Mechanism, Name, source_, statement_) {                                        \
    ::ipcspec::RunProperty(programs_, steps_, std::vector<WeightedMaker>(__VA_ARGS__)); \
  }

namespace ipcspec {
// Checks on the machine under test; ends the clause when it fails.
void RunProperty(int programs, int steps, const std::vector<WeightedMaker>& makers);
}  // namespace ipcspec

#endif  // IPCSPEC_CONFORMANCE_PROPERTY_H_
