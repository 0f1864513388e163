// The reference: what the documents allow the whole system to do next.
//
// Tasks make calls (Begin), a call is offered the state of the world until it is done (Offer), its
// task then sees its outcome (Finish). Signals are delivered between (Deliver). Each of these
// changes one world; which order things happen in, and which of several allowed futures is meant,
// is the business of the oracle, or of the system that plays the reference.
#ifndef IPCSPEC_IMPL_REFERENCE_REFERENCE_H_
#define IPCSPEC_IMPL_REFERENCE_REFERENCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "impl/mechanism/step.h"
#include "impl/reference/world.h"

namespace ipcspec {

// The task makes a call. REQUIRES: it is alive and in no call.
void Begin(World& world, int task, int label, std::shared_ptr<const Call> call, int64_t time_ns);

// Offers the state of the world, at some time up to `now_ns`, to the call that the task is in.
// When it is done, its effect has happened and Current::done is set. REQUIRES: it is in a call.
Result Offer(World& world, int task, int64_t now_ns, Choice& choice);

// The task sees the outcome of its call, and is in none. REQUIRES: the call is done.
void Finish(World& world, int task);

// What delivering a pending signal that is not blocked does to its task.
enum class Delivery { kHandlerRuns, kDies };

// Delivers it. A handler ends the call that the task sleeps in, unless the call is restarted. The
// caller must know whether the call could have gone on instead (Offer says so).
Delivery Deliver(World& world, int task, int signal, int64_t now_ns);

// The task ends: descriptors are closed, adjustments applied, its parent hears of it.
// `status` is as wait(2) tells it.
void Die(World& world, int task, int status, int64_t now_ns);

// A task whose end is certain may end bit by bit: nothing says that all of it happens at one
// moment, and Linux undoes one semaphore set after another and closes one descriptor after another.
// Tells of each world in which one more bit has happened; the task is alive still, and what it was
// in takes effect no more. Die() then does the rest.
void DieInPart(const World& world, int task, int64_t now_ns, absl::FunctionRef<void(World)> visit);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_REFERENCE_REFERENCE_H_
