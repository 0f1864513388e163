// One life of a workload: setup, races, audits, every call explained.
#ifndef IPCSPEC_STRESS_LIFE_H_
#define IPCSPEC_STRESS_LIFE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "impl/oracle/oracle.h"
#include "platforms/system.h"
#include "stress/workload.h"

namespace ipcspec {

struct Life {
  Verdict verdict = Verdict::kAllowed;
  absl::Status status;  // trouble of the harness: then there is no verdict
  std::string story;    // where it is not allowed
  History history;      // says where the first race begins
  // kForbidden: what of the history the exact oracle rejects, and where.
  History counterexample;
  Blame blame;
  int races = 0;
  int64_t calls = 0;   // of the races
  int64_t deaths = 0;  // of racing tasks
};

// Lives once, from this seed. It ends early when a task is dead or asleep after a race: the next
// begins afresh. Errors, in Life::status: those of the system, and a setup that does not work here.
Life Live(System& system, const Workload& workload, uint64_t seed);

// Lives take the same megabytes again and again: from now on what is freed is kept for the next,
// and not given back to the kernel (mallopt(3)). For programs that live many.
void KeepFreedMemory();

}  // namespace ipcspec

#endif  // IPCSPEC_STRESS_LIFE_H_
