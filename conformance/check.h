// Runs clauses and tells what became of them: progress while it runs, a results line as each test
// ends, a table at the end.
#ifndef IPCSPEC_CONFORMANCE_CHECK_H_
#define IPCSPEC_CONFORMANCE_CHECK_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"

namespace ipcspec {

// One clause's end, or an observation's.
struct ClauseOutcome {
  std::string test;
  std::string mechanism;
  std::string verdict;  // conforms, violates, unsupported, undecided; observed
  std::string detail;
  double ms = 0;
  std::string value;  // observed: what was seen
};

// Runs the clauses and observations of these mechanisms (all when empty) whose "mechanism.Name"
// contains `only`, on the machine under test; tells `ended` of each as it ends, with how many of
// how many that was.
void RunClauses(const std::vector<std::string>& mechanisms, const std::string& only,
                absl::FunctionRef<void(const ClauseOutcome&, int done, int total)> ended);

// The mechanisms that have clauses.
std::vector<std::string> Mechanisms();

}  // namespace ipcspec

#endif  // IPCSPEC_CONFORMANCE_CHECK_H_
