// POSIX semaphores: sem_init(3), sem_open(3), sem_post(3), sem_wait(3) and the rest of
// sem_overview(7). What a semaphore does is impl/mechanism/posix_sem.h; here is which one an
// address or a name means.
//
// Much is undefined: what is no semaphore, or is used by another process than it was made for, can
// do anything. Such a call is allowed every outcome, and what was misused is no semaphore any more.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

using Spot = MemoryPlace;

// Into which memory an address leads. No object when what a semaphore needs is not there, or may
// not be changed.
Spot Locate(const World& world, int task, int64_t address) {
  const Mapping* mapping = world.SpaceOf(task).Find(address);
  constexpr int64_t kNeeded = PROT_READ | PROT_WRITE;
  if (mapping == nullptr || (mapping->prot & kNeeded) != kNeeded) return {};
  const int64_t offset = mapping->offset + (address - mapping->start);
  const bool whole = address + PosixSem::kSize <= mapping->end() &&
                     offset + PosixSem::kSize <= world.memory->Find(mapping->object)->size;
  return whole ? Spot{.object = mapping->object, .offset = offset} : Spot{};
}

// The semaphore there; null when there is none that the task may use.
const PosixSem* Find(const World& world, int task, const Spot& spot) {
  if (spot.object < 0) return nullptr;
  const auto& semaphores = world.memory->Find(spot.object)->semaphores;
  const auto it = semaphores.find(spot.offset);
  if (it == semaphores.end()) return nullptr;
  const PosixSem& sem = it->second;
  return sem.shared || sem.home == world.GetTask(task).space ? &sem : nullptr;
}

// Nothing is a semaphore from `spot` on any more, as far as one reaches.
void Forget(World& world, const Spot& spot) {
  auto& semaphores = world.memory.Mutable().Mutable(spot.object).semaphores;
  semaphores.erase(semaphores.upper_bound(spot.offset - PosixSem::kSize),
                   semaphores.lower_bound(spot.offset + PosixSem::kSize));
}

// Whether another task waits there.
bool HasWaiters(const Machine& m, const Spot& spot) {
  const std::vector<Waiting> others = m.caller.waiting();
  return std::any_of(others.begin(), others.end(), [&](const Waiting& other) {
    const auto* wait = std::get_if<PsemWait>(other.call);
    if (wait == nullptr) return false;
    const Spot there = Locate(m.world, other.task, wait->address.value + wait->offset);
    return there.object == spot.object && there.offset == spot.offset;
  });
}

Result Undefined(Machine& m, const Spot& spot) {
  if (m.choice.mode() == Choice::Mode::kSleepy) return Sleep();
  if (spot.object >= 0) Forget(m.world, spot);
  return m.choice.seen() != nullptr ? Done(*m.choice.seen()) : Fail(EINVAL);
}

// Lets `operation` change the semaphore that the call means.
template <class C, class Operation>
Result Use(Machine& m, const C& call, Operation operation) {
  const Spot spot = Locate(m.world, m.task, call.address.value + call.offset);
  const PosixSem* found = Find(m.world, m.task, spot);
  if (found == nullptr) return Undefined(m, spot);
  PosixSem sem = *found;
  Result result = operation(sem);
  if (sem != *found) {
    m.world.memory.Mutable().Mutable(spot.object).semaphores[spot.offset] = sem;
  }
  return result;
}

}  // namespace

Result Step(Machine& m, const PsemInit& call) {
  const int64_t value = static_cast<uint32_t>(call.value);  // it is an unsigned int
  if (value > PosixSem::kMaxValue) return Fail(EINVAL);
  const int64_t address = call.address.value + call.offset;
  const Spot spot = PlaceToStore(m.world, m.task, address, PosixSem::kSize).value_or(Spot());
  if (spot.object < 0 || HasWaiters(m, spot)) return Undefined(m, spot);
  Forget(m.world, spot);
  m.world.memory.Mutable().Mutable(spot.object).semaphores[spot.offset] = {
      .value = value, .shared = call.shared, .home = call.shared ? -1 : m.self().space};
  return Done(0);
}

Result Step(Machine& m, const PsemDestroy& call) {
  const Spot spot = Locate(m.world, m.task, call.address.value + call.offset);
  const bool sound = Find(m.world, m.task, spot) != nullptr && !HasWaiters(m, spot);
  if (!sound) return Undefined(m, spot);
  Forget(m.world, spot);
  return Done(0);
}

Result Step(Machine& m, const PsemPost& call) {
  return Use(m, call, [](PosixSem& sem) { return sem.Post(); });
}

Result Step(Machine& m, const PsemTryWait& call) {
  return Use(m, call, [](PosixSem& sem) { return sem.TryWait(); });
}

Result Step(Machine& m, const PsemWait& call) {
  return Use(m, call, [&](PosixSem& sem) { return sem.Wait(call, m.caller, m.choice); });
}

Result Step(Machine& m, const PsemGetValue& call) {
  return Use(m, call, [](PosixSem& sem) { return sem.GetValue(); });
}

}  // namespace ipcspec
