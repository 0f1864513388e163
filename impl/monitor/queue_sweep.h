// Patterns of message queues that show in one pass over the timeline.
//
// A message is surely inside from the return of its send to the call of its receive. From that
// follow order inversions (Henzinger, Sezgin, Vafeiadis, CONCUR 2013; Gibbons and Korach, 1997, for
// the like on registers), wrong reports of an empty queue, a low priority received before a high
// one, and counts that exceed what fits. Each pattern found is a proof; finding none proves
// nothing.
#ifndef IPCSPEC_IMPL_MONITOR_QUEUE_SWEEP_H_
#define IPCSPEC_IMPL_MONITOR_QUEUE_SWEEP_H_

#include <optional>

#include "impl/monitor/pattern.h"
#include "impl/monitor/queue_model.h"
#include "impl/monitor/timeline.h"

namespace ipcspec {

// REQUIRES: model.Prepare() was called, on operations of this timeline.
std::optional<Pattern> SweepQueue(const QueueModel& model, const Timeline& timeline,
                                  NameOperation name);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_QUEUE_SWEEP_H_
