// Mappings and what is stored in them: mmap(2), munmap(2), mprotect(2), msync(2), shm_open(3),
// ftruncate(2), fork(2), execve(2). What an address space is: impl/mechanism/memory.h.
#include <sys/mman.h>

#include <utility>
#include <vector>

#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// Address spaces in which a mapping may be the task's own page after it stored there: fork copies
// what is private.
int CopyOfObject(World& world, int object) {
  MemoryObject copy = *world.memory->Find(object);
  copy.holders = 0;
  return world.memory.Mutable().Add(std::move(copy));
}

}  // namespace

void HoldObject(World& world, int object) { ++world.memory.Mutable().Mutable(object).holders; }

void ReleaseObject(World& world, int object) {
  if (--world.memory.Mutable().Mutable(object).holders == 0) world.memory.Mutable().Erase(object);
}

void InheritMemory(World& world, int parent, int child, bool shares, const Caller& caller) {
  const int space = world.GetTask(parent).space;
  if (shares) {
    world.MutableTask(child).space = space;
    ++world.spaces.Mutable().Mutable(space).users;
    return;
  }
  AddressSpace copy;
  for (Mapping m : world.spaces->Find(space)->all()) {
    if (!m.shared) m.object = CopyOfObject(world, m.object);
    HoldObject(world, m.object);
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
    for (const Mapping& m : gone.all()) {
      ReleaseObject(world, m.object);
      if (m.segment >= 0) SegmentDetached(world, m, caller);
    }
  }
  if (goes_on) world.MutableTask(task).space = world.spaces.Mutable().Add(AddressSpace());
}

}  // namespace ipcspec
