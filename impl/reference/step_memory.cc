// Address spaces, loads and stores: mmap(2), munmap(2), mprotect(2), msync(2), fork(2), execve(2).
// What an address space is: impl/mechanism/memory.h. Files' contents: step_contents.cc.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <utility>
#include <vector>

#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// Outside the addresses that a program may choose there is memory that no call of it made.
bool IsProgramsOwn(int64_t start, int64_t length) {
  return kFirstAddress <= start && start + length <= kLastAddress;
}

void HoldMapping(World& world, const Mapping& m) {
  HoldObject(world, m.object);
  if (m.file >= 0) HoldObject(world, m.file);
}

// Attaches of segments (shmat(2)) went, or parts of them.
void TellDetached(World& world, const std::vector<Mapping>& gone, const Caller& caller) {
  for (const Mapping& m : gone) {
    if (m.segment >= 0) SegmentDetached(world, m, caller);
  }
}

// Makes the page at `page` of a private mapping the task's own.
void MakeOwn(World& world, int task, int64_t page) {
  const int64_t size = world.dialect->page_size;
  Mapping m = CutOut(world, task, page, size).front();
  const MemoryObject& shown = *world.memory->Find(m.object);
  MemoryObject copy{.size = size, .holders = 1};
  copy.Write(0, shown.Load(m.offset, size));
  for (auto it = shown.loose.lower_bound(m.offset);
       it != shown.loose.end() && *it < m.offset + size; ++it) {
    copy.loose.insert(*it - m.offset);
  }
  m.file = std::exchange(m.object, world.memory.Mutable().Add(std::move(copy)));
  m.file_offset = std::exchange(m.offset, 0);
  m.own = true;
  world.MutableSpaceOf(task).Map(m);
}

// What an access to a page may raise.
struct Fault {
  bool surely = false;
  Errors signals;
};

Fault FaultOf(const World& world, const Mapping* mapping, int64_t page, int64_t wanted) {
  Fault fault;
  if (mapping == nullptr) {
    fault.surely = true;
    fault.signals.If(true, SIGSEGV);
    return fault;
  }
  // Only no right at all, and no right to write, are sure to fault: what a machine's pages may be
  // written or executed, they may often be read (mmap(2), mprotect(2)).
  const bool refused = (mapping->prot & wanted) == 0;
  fault.signals.If(refused, SIGSEGV);
  const MemoryObject& object = *world.memory->Find(mapping->object);
  const int64_t page_size = world.dialect->page_size;
  const int64_t offset = page - mapping->start + mapping->offset;
  const bool beyond = offset >= RoundUp(object.size, page_size);
  // What a change of the size does to pages that were mapped before is not said (mmap(2)), but
  // that pages beyond a new, smaller end are lost (ftruncate(3)).
  const bool grown = mapping->size_then <= offset;
  fault.signals.If(beyond || grown, SIGBUS);
  fault.surely = beyond || (refused && (wanted == PROT_WRITE || mapping->prot == PROT_NONE));
  return fault;
}

// The faults of all pages of a range, and how far an access can come at most.
struct Reach {
  bool surely = false;
  Errors signals;
  int64_t bytes = 0;     // before the first page that may fault
  int64_t most = 0;      // before the last that it can come to
  bool foreign = false;  // some of it is memory that the reference knows nothing of
};

Reach ReachOf(const Machine& m, int64_t at, int64_t size, int64_t wanted) {
  Reach reach;
  const int64_t page_size = m.dialect().page_size;
  for (int64_t done = 0; done < size;) {
    const int64_t page = (at + done) / page_size * page_size;
    const Mapping* mapping = m.world.SpaceOf(m.task).Find(page);
    const Fault fault = FaultOf(m.world, mapping, page, wanted);
    if (mapping == nullptr && !IsProgramsOwn(page, page_size)) reach.foreign = true;
    if (fault.signals.any() && !reach.surely) reach.most = done;
    done = std::min(size, page + page_size - at);
    for (int signal : fault.signals.list()) reach.signals.If(true, signal);
    reach.surely |= fault.surely;
    if (!reach.signals.any()) reach.bytes = done;
  }
  return reach;
}

// The access raises a signal: surely, or it is seen to.
bool Raises(Machine& m, const Reach& reach, int64_t* signal) {
  if (!reach.signals.any()) return false;
  *signal = reach.signals.list().front();
  bool seen = false;
  for (int s : reach.signals.list()) {
    if (m.choice.SawSuccess() && m.choice.seen()->ret == s) *signal = s, seen = true;
  }
  return reach.surely || seen;
}

// What the task loads of a range without faults.
std::string LoadAll(const Machine& m, int64_t at, int64_t size) {
  const Outcome* seen = m.choice.seen();
  const bool comparable = seen != nullptr && static_cast<int64_t>(seen->data.size()) == size;
  std::string data;
  while (static_cast<int64_t>(data.size()) < size) {
    const int64_t done = static_cast<int64_t>(data.size());
    const Mapping& mapping = *m.world.SpaceOf(m.task).Find(at + done);
    const MemoryObject& object = *m.world.memory->Find(mapping.object);
    const int64_t part = std::min(size - done, mapping.end() - at - done);
    const int64_t offset = at + done - mapping.start + mapping.offset;
    std::string loaded = object.Load(offset, part);
    if (comparable) {
      const std::string there = seen->data.substr(done, part);
      object.TakeLoose(offset, there, &loaded);
      // Whether a private mapping shows what the file became since is not said (mmap(2)).
      if (!mapping.shared && !mapping.own && object.changes != mapping.changes_then) {
        loaded = there;
      }
    }
    data += loaded;
  }
  return data;
}

void StoreAll(Machine& m, int64_t at, std::string_view data) {
  const int64_t page_size = m.dialect().page_size;
  while (!data.empty()) {
    const int64_t page = at / page_size * page_size;
    const Mapping* mapping = m.world.SpaceOf(m.task).Find(page);
    if (!mapping->shared && !mapping->own) {
      MakeOwn(m.world, m.task, page);
      mapping = m.world.SpaceOf(m.task).Find(page);
    }
    const std::string_view part = data.substr(0, page + page_size - at);
    m.world.memory.Mutable()
        .Mutable(mapping->object)
        .Store(at - mapping->start + mapping->offset, part);
    at += static_cast<int64_t>(part.size());
    data.remove_prefix(part.size());
  }
}

}  // namespace

void HoldObject(World& world, int object) { ++world.memory.Mutable().Mutable(object).holders; }

void ReleaseObject(World& world, int object) {
  if (--world.memory.Mutable().Mutable(object).holders == 0) world.memory.Mutable().Erase(object);
}

void ReleaseMapping(World& world, const Mapping& m) {
  ReleaseObject(world, m.object);
  if (m.file >= 0) ReleaseObject(world, m.file);
}

std::vector<Mapping> CutOut(World& world, int task, int64_t start, int64_t length) {
  if (length == 0 || world.SpaceOf(task).IsFree(start, length)) return {};
  const AddressSpace before = world.SpaceOf(task);
  std::vector<Mapping> cut = world.MutableSpaceOf(task).Unmap(start, length);
  // A mapping that was cut is two or three now.
  for (const Mapping& m : cut) {
    const Mapping& whole = *before.Find(m.start);
    if (whole.start < m.start) HoldMapping(world, m);
    if (m.end() < whole.end()) HoldMapping(world, m);
  }
  return cut;
}

void UnmapRange(World& world, int task, int64_t start, int64_t length, const Caller& caller) {
  const std::vector<Mapping> gone = CutOut(world, task, start, length);
  for (const Mapping& m : gone) ReleaseMapping(world, m);
  TellDetached(world, gone, caller);
}

std::optional<MemoryPlace> PlaceToStore(World& world, int task, int64_t address, int64_t size) {
  const int64_t page_size = world.dialect->page_size;
  const int64_t page = address / page_size * page_size;
  const Mapping* mapping = world.SpaceOf(task).Find(page);
  if (address + size > page + page_size || FaultOf(world, mapping, page, PROT_READ).surely ||
      FaultOf(world, mapping, page, PROT_WRITE).surely) {
    return std::nullopt;
  }
  if (!mapping->shared && !mapping->own) {
    MakeOwn(world, task, page);
    mapping = world.SpaceOf(task).Find(page);
  }
  return MemoryPlace{.object = mapping->object,
                     .offset = address - mapping->start + mapping->offset};
}

void InheritMemory(World& world, int parent, int child, bool shares, const Caller& caller) {
  const int space = world.GetTask(parent).space;
  if (shares) {
    world.MutableTask(child).space = space;
    ++world.spaces.Mutable().Mutable(space).users;
    return;
  }
  AddressSpace copy;
  copy.named = world.spaces->Find(space)->named;
  std::map<int, int> copies;  // of objects that several mappings show parts of
  for (Mapping m : world.spaces->Find(space)->all()) {
    if (m.own) {
      int& own = copies.try_emplace(m.object, -1).first->second;
      if (own < 0) {
        MemoryObject object = *world.memory->Find(m.object);
        object.holders = 0;
        own = world.memory.Mutable().Add(std::move(object));
      }
      m.object = own;
    }
    m.locked = false;  // mlock(2): locks are not inherited
    HoldMapping(world, m);
    if (m.segment >= 0) SegmentInherited(world, m, caller);
    copy.Map(m);
  }
  world.MutableTask(child).space = world.spaces.Mutable().Add(std::move(copy));
}

void DropMemory(World& world, int task, const Caller& caller, bool goes_on) {
  const int space = world.GetTask(task).space;
  if (--world.spaces.Mutable().Mutable(space).users == 0) {
    const AddressSpace gone = *world.spaces->Find(space);
    world.spaces.Mutable().Erase(space);
    for (const Mapping& m : gone.all()) ReleaseMapping(world, m);
    TellDetached(world, {gone.all().begin(), gone.all().end()}, caller);
  }
  if (goes_on) world.MutableTask(task).space = world.spaces.Mutable().Add(AddressSpace());
}

Result Step(Machine& m, const Load& call) {
  const int64_t at = AddressAt(call.address.value, call.offset);
  const Reach reach = ReachOf(m, at, call.size, PROT_READ);
  if (reach.foreign && m.choice.SawSuccess()) return Done(*m.choice.seen());
  if (int64_t signal = 0; Raises(m, reach, &signal)) return Done(signal);
  Outcome outcome = Returns(0);
  outcome.data = LoadAll(m, at, call.size);
  return Done(std::move(outcome));
}

Result Step(Machine& m, const Store& call) {
  const int64_t at = AddressAt(call.address.value, call.offset);
  const Reach reach = ReachOf(m, at, static_cast<int64_t>(call.data.text.size()), PROT_WRITE);
  if (reach.foreign && m.choice.SawSuccess()) return Done(m.choice.seen()->ret);
  if (int64_t signal = 0; Raises(m, reach, &signal)) {
    // What comes before the fault may be stored or not, and which page it was need not show.
    const std::array<int64_t, 3> stored = {reach.most, reach.bytes, 0};
    const int64_t part = reach.most > 0 ? stored[m.choice.Hidden(3)] : 0;
    StoreAll(m, at, std::string_view(call.data.text).substr(0, part));
    return Done(signal);
  }
  StoreAll(m, at, call.data.text);
  return Done(0);
}

}  // namespace ipcspec
