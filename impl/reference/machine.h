// Machine: a world with the call at hand, as the steps of the reference see it.
//
// One overload of Step() a call that belongs to no single mechanism: tasks, descriptors, names.
// Calls on the objects of one mechanism (System V semaphores) are its own Step()s. Not for use
// outside impl/reference.
#ifndef IPCSPEC_IMPL_REFERENCE_MACHINE_H_
#define IPCSPEC_IMPL_REFERENCE_MACHINE_H_

#include <cstdint>
#include <string_view>

#include "impl/mechanism/step.h"
#include "impl/reference/world.h"

namespace ipcspec {

struct Machine {
  World& world;
  int task;
  int label;  // of the step: the name of a task that it makes
  const Caller& caller;
  Choice& choice;

  const Task& self() const { return world.GetTask(task); }
  Task& mutable_self() { return world.MutableTask(task); }
  const Dialect& dialect() const { return *world.dialect; }
};

// step_process.cc
Result Step(Machine& m, const Fork& call);
Result Step(Machine& m, const Clone& call);
Result Step(Machine& m, const Exec& call);
Result Step(Machine& m, const Exit& call);
Result Step(Machine& m, const Kill& call);
Result Step(Machine& m, const Wait& call);
Result Step(Machine& m, const Sigaction& call);
Result Step(Machine& m, const Sigprocmask& call);
Result Step(Machine& m, const Sigpending& call);
Result Step(Machine& m, const SetCredentials& call);
Result Step(Machine& m, const LimitDescriptors& call);
Result Step(Machine& m, const Umask& call);
Result Step(Machine& m, const SignalInfo& call);
Result Step(Machine& m, const Await& call);

// step_descriptors.cc
Result Step(Machine& m, const Close& call);
Result Step(Machine& m, const Dup& call);
Result Step(Machine& m, const Dup2& call);
Result Step(Machine& m, const GetFdFlags& call);
Result Step(Machine& m, const SetFdFlags& call);
Result Step(Machine& m, const GetStatusFlags& call);
Result Step(Machine& m, const SetStatusFlags& call);

// step_pipes.cc
Result Step(Machine& m, const MakePipe& call);
Result Step(Machine& m, const Read& call);
Result Step(Machine& m, const Readv& call);
Result Step(Machine& m, const Write& call);
Result Step(Machine& m, const Writev& call);
Result Step(Machine& m, const GetPipeSize& call);
Result Step(Machine& m, const SetPipeSize& call);
Result Step(Machine& m, const Fionread& call);
Result Step(Machine& m, const Lseek& call);
Result Step(Machine& m, const Fstat& call);
Result Step(Machine& m, const Poll& call);

// step_files.cc
Result Step(Machine& m, const Open& call);
Result Step(Machine& m, const Stat& call);
Result Step(Machine& m, const Mkfifo& call);
Result Step(Machine& m, const Mknod& call);
Result Step(Machine& m, const Mkdir& call);
Result Step(Machine& m, const Symlink& call);
Result Step(Machine& m, const Unlink& call);
Result Step(Machine& m, const Rename& call);
Result Step(Machine& m, const Chmod& call);
Result Step(Machine& m, const Chown& call);
Result Step(Machine& m, const MountTmpfs& call);
Result Step(Machine& m, const RemountReadOnly& call);
Result Step(Machine& m, const Ftok& call);
// A task that waits in open() is gone: its end of the FIFO is closed again.
void AbandonOpen(World& world, const Open& call, const Progress& progress);
// One that had the inode open has it open no more; a FIFO's pipe goes with the last.
void ReleaseInode(World& world, int inode);

Result Step(Machine& m, const Load& call);
Result Step(Machine& m, const Store& call);
// step_memory.cc: mappings, POSIX shared memory, files' contents.
// A new task has a copy of its parent's address space, or shares it (CLONE_VM).
void InheritMemory(World& world, int parent, int child, bool shares, const Caller& caller);
// exec, exit: the task's mappings go, an address space with its last user. A task that goes on has
// an empty one.
void DropMemory(World& world, int task, const Caller& caller, bool goes_on);
// A mapping is there, or no more: its object counts it, and goes with the last that holds it.
void HoldObject(World& world, int object);
void ReleaseObject(World& world, int object);

// step_segments.cc
Result Step(Machine& m, const Shmat& call);
Result Step(Machine& m, const Shmdt& call);
Result Step(Machine& m, const ShmStat& call);
Result Step(Machine& m, const ShmStatIndex& call);
// A mapping that shmat made, or a part of one, was taken out of its address space (shmdt, munmap,
// exit) and has released its object; or one more came to be by fork, or by splitting.
// REQUIRES: mapping.segment >= 0.
void SegmentDetached(World& world, const Mapping& gone, const Caller& caller);
void SegmentInherited(World& world, const Mapping& mapping, const Caller& caller);
// The task has ended, or left its IPC namespace (kernel/shm_rmid_forced).
void ForgetCreator(World& world, int task);

// Shared by the files above.

// The lowest descriptor of the task that is free and at least `from`; -1 when there is none below
// the task's limit (EMFILE).
int64_t FreeDescriptor(const World& world, int task, int64_t from = 0);
// Makes `fd` refer to the description (one more descriptor on it). REQUIRES: fd is free.
void Install(World& world, int task, int64_t fd, int description, bool close_on_exec);
// Closes an open descriptor; the last one closes the description.
void CloseDescriptor(World& world, int task, int64_t fd);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_REFERENCE_MACHINE_H_
