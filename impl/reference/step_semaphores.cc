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
#include <string_view>
#include <utility>
#include <vector>

#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// What libc puts before a name to make it a file's (sem_overview(7)).
constexpr std::string_view kPrefix = "sem.";

// The argument is an unsigned int.
template <class C>
int64_t ValueOf(const C& call) {
  return static_cast<uint32_t>(call.value);
}

using Spot = MemoryPlace;

// Into which memory an address leads. No object when what a semaphore needs is not there, or may
// not be changed.
Spot Locate(const World& world, int task, int64_t address) {
  const Mapping* mapping = world.SpaceOf(task).Find(address);
  constexpr int64_t kNeeded = PROT_READ | PROT_WRITE;
  if (mapping == nullptr || (mapping->prot & kNeeded) != kNeeded) return {};
  const int64_t offset = mapping->offset + (address - mapping->start);
  const bool whole = offset + PosixSem::kSize <= world.memory->Find(mapping->object)->size;
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
    if (wait == nullptr || other.done) return false;
    const Spot there = Locate(m.world, other.task, AddressAt(wait->address.value, wait->offset));
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
  const Spot spot = Locate(m.world, m.task, AddressAt(call.address.value, call.offset));
  const PosixSem* found = Find(m.world, m.task, spot);
  if (found == nullptr) return Undefined(m, spot);
  PosixSem sem = *found;
  Result result = operation(sem);
  if (sem != *found) {
    m.world.memory.Mutable().Mutable(spot.object).semaphores[spot.offset] = sem;
  }
  return result;
}

// ---- Names

// What stands against opening the name, or making it.
Errors OpenErrors(const Machine& m, const PsemOpen& call, const FileTree::Place& place) {
  const bool create = call.flags.has(O_CREAT), exclusive = create && call.flags.has(O_EXCL);
  Errors errors = place.errors;
  errors.If(FreeDescriptor(m.world, m.task) < 0, EMFILE);
  const bool found = place.inode >= 0;
  // Of a semaphore that is there already value and mode are ignored (sem_open(3)).
  const bool too_large = ValueOf(call) > PosixSem::kMaxValue;
  errors.If(create && (exclusive || !found) && too_large, EINVAL);
  if (place.errors.any()) return errors;
  errors.If(!found && !create, ENOENT);
  errors.If(found && exclusive, EEXIST);
  constexpr int64_t kReadAndWrite = 6;
  errors.If(found && !exclusive && !m.world.files->Grants(place.inode, kReadAndWrite, PermitOf(m)),
            EACCES);
  return errors;
}

// Maps the file's memory, unless the task has this name open already; the address.
int64_t MapSemaphore(Machine& m, const std::string& name, int object) {
  const OpenSemaphores& open = m.world.SpaceOf(m.task).named;
  const int64_t seen = m.choice.SawSuccess() ? m.choice.seen()->ret : -1;
  int64_t address = open.Find(name, object);
  // Spelled in another way ("//name") it may be taken for the same, or not.
  const OpenSemaphores::Open* there = open.At(seen);
  if (address < 0 && there != nullptr && there->object == object) address = seen;
  AddressSpace& space = m.world.MutableSpaceOf(m.task);
  if (address >= 0) {
    space.named.OpenAgain(address);
    return address;
  }
  const int64_t page = m.dialect().page_size;
  int64_t place = seen / page * page;
  if (seen <= 0 || !space.IsFree(place, page)) {
    place = space.UsualPlace(page);
    address = place;
  } else {
    address = seen;
  }
  HoldObject(m.world, object);
  space.Map({.start = place, .length = page, .object = object, .prot = PROT_READ | PROT_WRITE});
  space.named.Add(address, name, object);
  return address;
}

}  // namespace

Result Step(Machine& m, const PsemOpen& call) {
  const FileTree::Place place = FindShared(m, kPrefix, call.name);
  if (const Errors errors = OpenErrors(m, call, place); errors.any()) {
    return m.choice.FailWithAny(errors);
  }
  int inode = place.inode;
  if (inode < 0) {
    const int64_t mode = S_IFREG | (call.mode.bits & 0777 & ~m.self().umask);
    const Errors errors = m.world.files.Mutable().Make(place, mode, PermitOf(m), &inode);
    if (errors.any()) return m.choice.FailWithAny(errors);
    MemoryObject& made = m.world.memory.Mutable().Mutable(ContentsOf(m.world, inode));
    made.size = PosixSem::kSize;
    made.semaphores[0] = {.value = ValueOf(call)};
  }
  return Done(MapSemaphore(m, call.name, ContentsOf(m.world, inode)));
}

Result Step(Machine& m, const PsemClose& call) {
  const int64_t address = call.address.value;
  if (m.world.SpaceOf(m.task).named.At(address) == nullptr) return Fail(EINVAL);
  if (!m.world.MutableSpaceOf(m.task).named.Close(address)) return Done(0);
  const int64_t page = m.dialect().page_size;
  UnmapRange(m.world, m.task, address / page * page, page, m.caller);
  return Done(0);
}

Result Step(Machine& m, const PsemUnlink& call) {
  const Result result = UnlinkPlace(m, FindShared(m, kPrefix, call.name));
  // What unlink(2) calls EPERM, for S_ISVTX, has one error here (sem_unlink(3)).
  return result.outcome.error == EPERM ? Fail(EACCES) : result;
}

// ---- Values

Result Step(Machine& m, const PsemInit& call) {
  if (ValueOf(call) > PosixSem::kMaxValue) return Fail(EINVAL);
  const int64_t address = AddressAt(call.address.value, call.offset);
  const Spot spot = PlaceToStore(m.world, m.task, address, PosixSem::kSize).value_or(Spot());
  if (spot.object < 0 || HasWaiters(m, spot)) return Undefined(m, spot);
  Forget(m.world, spot);
  m.world.memory.Mutable().Mutable(spot.object).semaphores[spot.offset] = {
      .value = ValueOf(call), .shared = call.shared, .home = call.shared ? -1 : m.self().space};
  return Done(0);
}

Result Step(Machine& m, const PsemDestroy& call) {
  const Spot spot = Locate(m.world, m.task, AddressAt(call.address.value, call.offset));
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
  const Spot spot = Locate(m.world, m.task, AddressAt(call.address.value, call.offset));
  const bool contended = spot.object >= 0 && HasWaiters(m, spot);
  return Use(m, call, [&](PosixSem& sem) { return sem.Wait(call, contended, m.caller, m.choice); });
}

Result Step(Machine& m, const PsemGetValue& call) {
  return Use(m, call, [](PosixSem& sem) { return sem.GetValue(); });
}

}  // namespace ipcspec
