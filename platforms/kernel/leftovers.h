// Leftovers: what calls have made that outlives the tasks, so that it can be taken away again.
//
// Files go with their directory; IPC objects, mounts and limits must be known. Only what calls of
// this run made is touched, and System V objects only in an IPC namespace of the run's own.
#ifndef IPCSPEC_PLATFORMS_KERNEL_LEFTOVERS_H_
#define IPCSPEC_PLATFORMS_KERNEL_LEFTOVERS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "impl/call/call.h"
#include "impl/call/outcome.h"
#include "impl/reference/dialect.h"
#include "platforms/kernel/isolation.h"

namespace ipcspec {

class Leftovers {
 public:
  Leftovers(const Isolation& isolation, const Dialect& dialect)
      : isolation_(isolation), dialect_(dialect) {}

  // The call is about to be made; paths are below `directory`.
  void Note(const Call& call, const std::string& directory);
  // It succeeded.
  void NoteOutcome(const Call& call, const Outcome& outcome);

  // Whether names may have been made in the program's directory.
  bool made_names() const { return made_names_; }
  void AllNamesGone() { made_names_ = false; }

  // REQUIRES: all tasks are gone.
  void TakeAway(const std::string& directory);

 private:
  Isolation isolation_;
  const Dialect& dialect_;
  bool made_names_ = true;
  bool changed_sem_limits_ = false;
  std::set<Limit> changed_limits_;
  std::vector<std::string> mounts_;
  std::vector<int> sets_, queues_, segments_;  // identifiers that *get gave
  std::set<std::string> shm_names_, queue_names_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_LEFTOVERS_H_
