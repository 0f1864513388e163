// Patterns of semaphores that show in one pass: at each moment a value is at least what was surely
// given less what was perhaps taken, and at most the reverse.
#ifndef IPCSPEC_IMPL_MONITOR_SEMAPHORE_SWEEP_H_
#define IPCSPEC_IMPL_MONITOR_SEMAPHORE_SWEEP_H_

#include <optional>

#include "impl/monitor/pattern.h"
#include "impl/monitor/semaphore_model.h"
#include "impl/monitor/timeline.h"

namespace ipcspec {

// Looks at nothing where values are set, or adjusted when a task ends.
std::optional<Pattern> SweepSemaphores(const SemaphoreModel& model, const Timeline& timeline,
                                       NameOperation name);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_SEMAPHORE_SWEEP_H_
