// The C that every repro begins with, and the helpers that some need (repro.h).
#ifndef IPCSPEC_PLATFORMS_REPRO_PRELUDE_H_
#define IPCSPEC_PLATFORMS_REPRO_PRELUDE_H_

#include <functional>
#include <set>
#include <string>

namespace ipcspec {

// Includes, the memory that all tasks share, and the task's side: what stands before the steps.
// `helpers` are those that the steps use; unknown names belong to other parts.
std::string ReproPrelude(const std::set<std::string, std::less<>>& helpers);

// The conductor: it gives out the steps, waits until all is quiet, and checks. What stands between
// the steps and main(). `claims` are the kinds of checks that are made.
std::string ReproConductor(const std::set<std::string, std::less<>>& claims);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_REPRO_PRELUDE_H_
