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

// The conductor: it gives out the steps, waits until all is quiet, and weighs what has happened.
std::string ReproConductor();

// The checks of these names: each is a C function that tells whether something has happened.
std::string ReproClaims(const std::set<std::string, std::less<>>& claims);

// Isolation, the directory, the first task.
std::string ReproSetup();

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_REPRO_PRELUDE_H_
