// Mappings come, change and go: mmap(2), munmap(2), mprotect(2), msync(2). What they show is
// step_memory.cc.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// Beyond any address of a 64-bit program.
constexpr int64_t kEndOfAddresses = int64_t{1} << 56;
// From this length on a mapping may as well not find room.
constexpr int64_t kHuge = int64_t{1} << 30;

bool IsProgramsOwn(int64_t start, int64_t length) {
  return kFirstAddress <= start && start <= kLastAddress - length;
}

bool IsAligned(const Machine& m, int64_t number) { return number % m.dialect().page_size == 0; }

// What mmap is asked for.
struct Request {
  int64_t type;  // MAP_SHARED, MAP_PRIVATE or MAP_SHARED_VALIDATE
  bool anonymous;
  bool no_replace;
  bool fixed;  // with no_replace too
  bool shared() const { return type != MAP_PRIVATE; }
};

Request RequestOf(const Mmap& call) {
  Request r;
  r.type = call.flags.bits & MAP_TYPE;
  r.anonymous = call.flags.has(MAP_ANONYMOUS);
  r.no_replace = call.flags.has(MAP_FIXED_NOREPLACE);
  r.fixed = call.flags.has(MAP_FIXED) || r.no_replace;
  return r;
}

// What stands against mapping this description.
Errors FileErrors(const Machine& m, const Mmap& call, const Request& r) {
  Errors errors;
  const Description* d = m.world.FindDescription(m.task, call.fd.value);
  errors.If(d == nullptr, EBADF);
  if (d == nullptr) return errors;
  errors.If(!d->reads(), EACCES);
  errors.If(r.shared() && call.prot.has(PROT_WRITE) && !d->writes(), EACCES);
  const bool regular = d->kind == Description::Kind::kFile;
  errors.If(!regular, ENODEV);
  errors.If(!regular, EACCES);
  // The file may be on a file system without programs (mount(8), noexec).
  errors.If(call.prot.has(PROT_EXEC) && m.choice.SawError(EPERM), EPERM);
  return errors;
}

Errors MmapErrors(const Machine& m, const Mmap& call, const Request& r) {
  Errors errors;
  if (!r.anonymous) errors = FileErrors(m, call, r);
  errors.If(call.length == 0, EINVAL);
  const bool both = r.type == MAP_SHARED_VALIDATE;
  errors.If(r.type != MAP_SHARED && r.type != MAP_PRIVATE && !both, EINVAL);
  // MAP_SHARED_VALIDATE has the bits of both other types, which POSIX does not let stand together;
  // it is for files.
  errors.If(both && (r.anonymous ? !m.choice.SawSuccess() : m.choice.SawError(EINVAL)), EINVAL);
  errors.If(both && (call.flags.has(MAP_SYNC) || m.choice.SawError(EOPNOTSUPP)), EOPNOTSUPP);
  const bool offset_counts = !r.anonymous || !m.choice.SawSuccess();
  errors.If(!IsAligned(m, call.offset) && offset_counts, EINVAL);
  errors.If(r.fixed && !IsAligned(m, call.address.value), EINVAL);
  const bool absurd = call.length < 0 || call.length > kEndOfAddresses;
  const bool beyond =
      call.offset < 0 || call.offset > INT64_MAX - std::max<int64_t>(call.length, 0);
  for (int e : {ENOMEM, EINVAL, EOVERFLOW}) {
    errors.If(absurd || (beyond && offset_counts), e);
    errors.If(call.length > kHuge && m.choice.SawError(e), e);
  }
  if (absurd) return errors;
  if (r.no_replace && m.dialect().Since(4, 17) && IsAligned(m, call.address.value)) {
    errors.If(!m.world.SpaceOf(m.task).IsFree(call.address.value, call.length), EEXIST);
  }
  if (r.fixed && !IsProgramsOwn(call.address.value, call.length)) {
    // Low addresses may be kept from programs (proc(5), mmap_min_addr).
    for (int e : {ENOMEM, EINVAL, EPERM, EACCES}) errors.If(m.choice.SawError(e), e);
    const bool out = call.address.value < 0 || call.address.value > kEndOfAddresses;
    errors.If(out, ENOMEM);
    // What is there, the reference does not know.
    errors.If(r.no_replace && m.choice.SawError(EEXIST), EEXIST);
  }
  if (call.flags.has(MAP_LOCKED) && !m.caller.Can(Capability::kIpcLock)) {
    // mlock(2): without privilege, no more than the limit; other locked memory counts too.
    int64_t locked = call.length;
    for (const Mapping& there : m.world.SpaceOf(m.task).all()) {
      if (there.locked) locked += there.length;
    }
    errors.If(locked > m.dialect().max_locked, EAGAIN);
    errors.If(m.dialect().max_locked == 0, EPERM);
  }
  if (call.flags.has(MAP_HUGETLB)) {  // whether there are huge pages is not known here
    for (int e : {ENOMEM, EINVAL, EPERM, ENOENT}) errors.If(!m.choice.SawSuccess(), e);
  }
  return errors;
}

// Where the mapping goes: the address that was seen, if that is allowed, else the usual one.
int64_t PlaceOf(const Machine& m, const Mmap& call, const Request& r, int64_t length) {
  const AddressSpace& space = m.world.SpaceOf(m.task);
  const int64_t asked = RoundUp(call.address.value, m.dialect().page_size);
  if (r.fixed && !(r.no_replace && !m.dialect().Since(4, 17))) return asked;
  const int64_t seen = m.choice.Number(m.dialect().page_size, kEndOfAddresses - 1, 0);
  if (seen > 0 && IsAligned(m, seen) && space.IsFree(seen, length)) return seen;
  const bool usable = IsProgramsOwn(asked, length) && space.IsFree(asked, length);
  return usable ? asked : space.UsualPlace(length);
}

// The errors of a range of mapped memory, as mprotect and msync take it; without errors its length
// in whole pages.
Errors RangeErrors(const Machine& m, int64_t start, int64_t length, int64_t* pages) {
  Errors errors;
  errors.If(!IsAligned(m, start), EINVAL);
  if (errors.any()) return errors;
  errors.If(start < 0 || start > kEndOfAddresses || length < 0, ENOMEM);
  *pages = RoundUp(std::min(length, kEndOfAddresses), m.dialect().page_size);
  return errors;
}

// How many bytes from `start` on are mapped, up to `length`.
int64_t MappedFrom(const AddressSpace& space, int64_t start, int64_t length) {
  int64_t at = start;
  while (at < start + length) {
    const Mapping* mapping = space.Find(at);
    if (mapping == nullptr) return at - start;
    at = mapping->end();
  }
  return length;
}

bool Overlaps(const Mapping& mapping, int64_t start, int64_t length) {
  return length > 0 && mapping.start < start + length && start < mapping.end();
}

void Protect(World& world, int task, int64_t start, int64_t length, int64_t prot,
             const Caller& caller) {
  for (Mapping m : CutOut(world, task, start, length)) {
    m.prot = prot;
    world.MutableSpaceOf(task).Map(m);
    if (m.segment >= 0) SegmentInherited(world, m, caller);
  }
}

}  // namespace

Result Step(Machine& m, const Mmap& call) {
  const Request r = RequestOf(call);
  if (const Errors errors = MmapErrors(m, call, r); errors.any()) {
    return m.choice.FailWithAny(errors);
  }
  const int64_t length = RoundUp(call.length, m.dialect().page_size);
  const int64_t place = PlaceOf(m, call, r, length);
  Mapping mapping{.start = place,
                  .length = length,
                  .prot = call.prot.bits,
                  .shared = r.shared(),
                  .own = r.anonymous && !r.shared(),
                  .locked = call.flags.has(MAP_LOCKED)};
  if (r.anonymous) {
    mapping.object = m.world.memory.Mutable().Add({.size = length});
  } else {
    const Description& d = *m.world.FindDescription(m.task, call.fd.value);
    mapping.object = ContentsOf(m.world, d.inode);
    mapping.offset = call.offset;
    mapping.may_write = !r.shared() || d.writes();
    const MemoryObject& object = *m.world.memory->Find(mapping.object);
    mapping.size_then = RoundUp(object.size, m.dialect().page_size);
    mapping.changes_then = object.changes;
  }
  HoldObject(m.world, mapping.object);
  UnmapRange(m.world, m.task, place, length, m.caller);
  m.world.MutableSpaceOf(m.task).Map(mapping);
  return Done(place);
}

Result Step(Machine& m, const Munmap& call) {
  const int64_t start = AddressAt(call.address.value, call.offset);
  const bool absurd = start < 0 || call.length < 0 || call.length > kEndOfAddresses - start;
  if (call.length == 0 || !IsAligned(m, start) || absurd) return Fail(EINVAL);
  UnmapRange(m.world, m.task, start, RoundUp(call.length, m.dialect().page_size), m.caller);
  return Done(0);
}

Result Step(Machine& m, const Mprotect& call) {
  const int64_t start = AddressAt(call.address.value, call.offset);
  int64_t length = 0;
  Errors errors = RangeErrors(m, start, call.length, &length);
  errors.If((call.prot.bits & ~int64_t{PROT_READ | PROT_WRITE | PROT_EXEC}) != 0, EINVAL);
  if (errors.any()) return m.choice.FailWithAny(errors);
  const AddressSpace& space = m.world.SpaceOf(m.task);
  int64_t done = MappedFrom(space, start, length);
  errors.If(done < length, ENOMEM);
  for (const Mapping& there : space.all()) {
    if (!Overlaps(there, start, length)) continue;
    const bool refused = call.prot.has(PROT_WRITE) && !there.may_write;
    const bool no_programs = call.prot.has(PROT_EXEC) && !there.own && m.choice.SawError(EACCES);
    errors.If(refused || no_programs, EACCES);
    if (refused || no_programs) done = std::min(done, std::max<int64_t>(there.start - start, 0));
  }
  // Of a call that fails half way, nothing says what it did before (POSIX.1-2024 mprotect).
  if (!errors.any() || (done > 0 && m.choice.Hidden(2) == 0)) {
    Protect(m.world, m.task, start, done, call.prot.bits, m.caller);
  }
  return errors.any() ? m.choice.FailWithAny(errors) : Done(0);
}

Result Step(Machine& m, const Msync& call) {
  const int64_t start = AddressAt(call.address.value, call.offset);
  int64_t length = 0;
  Errors errors = RangeErrors(m, start, call.length, &length);
  errors.If((call.flags.bits & ~int64_t{MS_ASYNC | MS_INVALIDATE | MS_SYNC}) != 0, EINVAL);
  errors.If(call.flags.has(MS_ASYNC) && call.flags.has(MS_SYNC), EINVAL);
  // One of them should be given; Linux does not insist.
  errors.If(!call.flags.has(MS_ASYNC) && !call.flags.has(MS_SYNC) && m.choice.SawError(EINVAL),
            EINVAL);
  if (errors.any()) return m.choice.FailWithAny(errors);
  const AddressSpace& space = m.world.SpaceOf(m.task);
  errors.If(MappedFrom(space, start, length) < length, ENOMEM);
  for (const Mapping& there : space.all()) {
    const bool locked = there.locked && Overlaps(there, start, length);
    errors.If(locked && call.flags.has(MS_INVALIDATE), EBUSY);
  }
  return errors.any() ? m.choice.FailWithAny(errors) : Done(0);
}

}  // namespace ipcspec
