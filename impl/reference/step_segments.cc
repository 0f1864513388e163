// Attaching segments of System V shared memory: shmat(2), shmdt(2), and how many attaches there are
// (shmctl(2)). The segments are in impl/mechanism/sysv_shm.h, what is mapped where in memory.h.
//
// An attach is what one shmat mapped. Parts of it may be unmapped or mapped over; it is there while
// any part is. Linux counts the mappings that are left, shmop(2) the attaches.
#include <sys/mman.h>
#include <sys/shm.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// Where no Linux has user memory, whatever the levels of page tables: what would reach up here is
// refused.
constexpr int64_t kUserEnd = (int64_t{1} << 56) - 4096;

SysvShm::Attaches CountAttaches(const World& world, int object) {
  SysvShm::Attaches count;
  for (const auto& [number, space] : *world.spaces) {
    std::set<int64_t> addresses;
    for (const Mapping& m : space->all()) {
      if (m.object != object) continue;
      ++count.mappings;
      addresses.insert(m.attached_at);
    }
    count.attaches += static_cast<int64_t>(addresses.size());
  }
  return count;
}

// The namespace whose segment the object of memory is; -1: none that is left. A task may have left
// the namespace in which it attached.
int NamespaceOf(const World& world, int object) {
  for (const auto& [number, ipc] : *world.namespaces) {
    if (ipc->shms->WithObject(object) != nullptr) return number;
  }
  return -1;
}

// Changes the segment that the mapping shows, if there is one.
template <class Change>
void ChangeSegment(World& world, const Mapping& mapping, Change change) {
  const int number = NamespaceOf(world, mapping.object);
  if (number < 0) return;
  IpcNamespace& ipc = world.namespaces.Mutable().Mutable(number);
  SysvShm& shms = ipc.shms.Mutable();
  change(shms, *shms.WithObject(mapping.object), ipc.limits);
}

// Where shmat attaches `length` bytes, 0 for wherever the kernel likes; adds what is wrong.
int64_t PlaceOf(Machine& m, const Shmat& call, int64_t length, Errors& errors) {
  const int64_t page = m.dialect().page_size;  // SHMLBA too, wherever addresses are this long
  const int64_t asked = call.address.value;
  const int64_t below = static_cast<int64_t>(static_cast<uint64_t>(asked) % page);
  const int64_t place = call.flags.has(SHM_RND) ? asked - below : asked;
  errors.If(below != 0 && !call.flags.has(SHM_RND), EINVAL);
  errors.If(place == 0 && call.flags.has(SHM_REMAP), EINVAL);
  if (errors.any() || asked == 0) return place;

  const bool outside = place < 0 || place > kUserEnd || length > kUserEnd - place;
  errors.If(outside, EINVAL);
  errors.If(outside, ENOMEM);
  const bool ours = kFirstAddress <= place && place + length <= kLastAddress;
  if (!ours && !outside) {
    // What else is there is not known, nor whether the lowest addresses can be had.
    for (const int refusal : {EINVAL, ENOMEM, EPERM, EACCES}) {
      errors.If(m.choice.SawError(refusal), refusal);
    }
  }
  const AddressSpace& space = m.world.SpaceOf(m.task);
  errors.If(!outside && !call.flags.has(SHM_REMAP) && !space.IsFree(place, length), EINVAL);
  return place;
}

// The place that the kernel chose: the one seen if it can be.
int64_t ChosenPlace(Machine& m, int64_t length) {
  const AddressSpace& space = m.world.SpaceOf(m.task);
  const int64_t page = m.dialect().page_size;
  const int64_t seen = m.choice.Number(page, kUserEnd, 1);
  return seen % page == 0 && space.IsFree(seen, length) ? seen : space.UsualPlace(length);
}

// Notes the task at hand as the last of the segment. Another that is in shmat or shmdt, be it that
// the effect of that has been seen, may have noted itself before this call or after it; so may one
// that has returned since this call was made (LastTask). Linux notes a shmat after its attach.
void NoteLast(const Machine& m, SysvShm::Segment& segment) {
  const std::vector<Waiting> others = m.caller.waiting();
  const bool under_way = std::any_of(others.begin(), others.end(), [](const Waiting& other) {
    return std::holds_alternative<Shmat>(*other.call) || std::holds_alternative<Shmdt>(*other.call);
  });
  under_way ? segment.last.MayBe(m.caller.process, m.caller) : segment.last.Is(m.caller);
}

// Memory of the dead, and of who calls exec, is dropped by who looked at it last, with Linux also a
// reader of /proc: a process that is none of the tasks.
bool LosesItsMemory(const Task& task) {
  const Call* const call = task.current.call.get();
  return !task.alive() || (call != nullptr && std::holds_alternative<Exec>(*call));
}

}  // namespace

Result Step(Machine& m, const Shmat& call) {
  Errors errors;
  IpcNamespace& ipc = m.world.MutableIpcOf(m.task);
  SysvShm::Segment* const segment = ipc.shms.Mutable().ForAttach(call, m.caller, m.choice, errors);
  const int64_t length = segment == nullptr ? 0 : segment->length(m.dialect());
  int64_t place = PlaceOf(m, call, length, errors);
  // No room for it, or for what the kernel keeps about it.
  errors.If(length > kUserEnd || m.choice.SawError(ENOMEM), ENOMEM);
  if (errors.any()) return m.choice.FailWithAny(errors);
  if (call.address.value == 0) place = ChosenPlace(m, length);

  if (!segment->attached()) {
    MemoryObject bytes = std::exchange(segment->resting, {});
    bytes.holders = 1;  // the segment itself
    segment->object = m.world.memory.Mutable().Add(std::move(bytes));
  }
  segment->doubtful = false;
  segment->atime.Touch(m.caller);
  NoteLast(m, *segment);
  Mapping mapping{.start = place,
                  .length = length,
                  .object = segment->object,
                  .prot = PROT_READ,
                  .may_write = !call.flags.has(SHM_RDONLY),
                  .segment = segment->perm.id,
                  .attached_at = place};
  if (mapping.may_write) mapping.prot |= PROT_WRITE;
  if (call.flags.has(SHM_EXEC)) mapping.prot |= PROT_EXEC;
  // Held first: what it replaces may be the last attach of the same segment.
  HoldObject(m.world, mapping.object);
  UnmapRange(m.world, m.task, place, length, m.caller);
  m.world.MutableSpaceOf(m.task).Map(mapping);
  return Done(place);
}

Result Step(Machine& m, const Shmdt& call) {
  const int64_t address = AddressAt(call.address.value, call.offset);
  // Two attaches have one address when the later one, a shorter one, replaced the first pages of
  // the other: the one that is there goes.
  std::vector<Mapping> parts;
  int64_t kept = 0;
  for (const Mapping& mapping : m.world.SpaceOf(m.task).all()) {
    if (mapping.segment < 0 || mapping.attached_at != address) continue;
    if (!parts.empty() && parts.front().object != mapping.object) continue;
    parts.push_back(mapping);
    kept += mapping.length;
  }
  if (address % m.dialect().page_size != 0 || parts.empty()) return Fail(EINVAL);
  // Of an attach that munmap or another mapping has damaged nothing is said; Linux takes the rest.
  const bool whole = kept == m.world.memory->Find(parts.front().object)->size;
  if (!whole && m.choice.SawError(EINVAL)) return Fail(EINVAL);
  ChangeSegment(m.world, parts.front(), [&](SysvShm&, SysvShm::Segment& segment, const IpcLimits&) {
    segment.dtime.Touch(m.caller);
    NoteLast(m, segment);
  });
  for (const Mapping& part : parts) {
    UnmapRange(m.world, m.task, part.start, part.length, m.caller);
  }
  return Done(0);
}

Result Step(Machine& m, const ShmStat& call) {
  const auto count = [&m](int object) { return CountAttaches(m.world, object); };
  return m.world.MutableIpcOf(m.task).shms.Mutable().Stat(call, count, m.caller, m.choice);
}

Result Step(Machine& m, const ShmStatIndex& call) {
  const auto count = [&m](int object) { return CountAttaches(m.world, object); };
  return m.world.MutableIpcOf(m.task).shms.Mutable().Stat(call, count, m.caller, m.choice);
}

// Linux notes the task and the time whenever a mapping comes or goes, the documents only when
// shmat and shmdt did it.
void SegmentDetached(World& world, const Mapping& gone, const Caller& caller) {
  ChangeSegment(world, gone,
                [&](SysvShm& shms, SysvShm::Segment& segment, const IpcLimits& limits) {
                  const MemoryObject& bytes = *world.memory->Find(gone.object);
                  segment.dtime.MayTouch(caller, true);
                  // A part that goes is split off first: one more mapping, for a moment.
                  if (gone.length != bytes.size) segment.atime.MayTouch(caller, true);
                  if (LosesItsMemory(world.GetTask(caller.task))) segment.last.MayBe(-1, caller);
                  segment.last.MayBe(caller.process, caller);
                  if (bytes.holders > 1) return;
                  shms.LetRest(&segment, bytes, limits);
                  ReleaseObject(world, gone.object);
                });
}

void SegmentInherited(World& world, const Mapping& mapping, const Caller& caller) {
  ChangeSegment(world, mapping, [&](SysvShm&, SysvShm::Segment& segment, const IpcLimits&) {
    segment.atime.MayTouch(caller, true);
    segment.last.MayBe(caller.process, caller);
  });
}

void SegmentsCopiedInVain(World& world, int task, const Caller& caller) {
  const AddressSpace space = world.SpaceOf(task);
  for (const Mapping& mapping : space.all()) {
    if (mapping.segment < 0) continue;
    ChangeSegment(world, mapping, [&](SysvShm&, SysvShm::Segment& segment, const IpcLimits&) {
      segment.atime.MayTouch(caller, true);
      segment.dtime.MayTouch(caller, true);
      segment.last.MayBe(caller.process, caller);
    });
  }
}

Result ListSegments(Machine& m) {
  const auto count = [&m](int object) { return CountAttaches(m.world, object); };
  return m.world.MutableIpcOf(m.task).shms.Mutable().List(count, m.caller, m.choice);
}

void ForgetCreator(World& world, int task, bool ended) {
  std::vector<int> with_segments;
  for (const auto& [number, ipc] : *world.namespaces) {
    if (ipc->shms->HasCreator(task)) with_segments.push_back(number);
  }
  for (const int number : with_segments) {
    IpcNamespace& ipc = world.namespaces.Mutable().Mutable(number);
    ipc.shms.Mutable().OnCreatorGone(task, ended, ipc.limits);
  }
}

}  // namespace ipcspec
