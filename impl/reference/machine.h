// Machine: a world with the call at hand, as the steps of the reference see it.
//
// One overload of Step() a call that belongs to no single mechanism: tasks, descriptors, names.
// Calls on the objects of one mechanism (System V semaphores) are its own Step()s. Not for use
// outside impl/reference.
#ifndef IPCSPEC_IMPL_REFERENCE_MACHINE_H_
#define IPCSPEC_IMPL_REFERENCE_MACHINE_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "impl/mechanism/pipe.h"
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
// Whose rights count for names.
Permit PermitOf(const Machine& m);
// Opens or makes what a path led to, as open(2) does; what unlink(2) does with it.
Result OpenPlace(Machine& m, const FileTree::Place& place, OpenFlags flags, Mode mode);
Result UnlinkPlace(Machine& m, const FileTree::Place& place);
// A task that waits in open() is gone: its end of the FIFO is closed again.
void AbandonOpen(World& world, const Open& call, const Progress& progress);
// One that had the inode open has it open no more; a FIFO's pipe goes with the last.
void ReleaseInode(World& world, int inode);

// step_queues.cc
Result Step(Machine& m, const MqOpen& call);
Result Step(Machine& m, const MqUnlink& call);
Result Step(Machine& m, const MqSend& call);
Result Step(Machine& m, const MqReceive& call);
Result Step(Machine& m, const MqGetattr& call);
Result Step(Machine& m, const MqSetattr& call);
Result Step(Machine& m, const MqNotify& call);
Result Step(Machine& m, const MqNotices& call);
Result Step(Machine& m, const MqFile& call);
Result Step(Machine& m, const LimitQueueBytes& call);
// What poll(2) shows of a queue, of the events asked for.
Ready PollQueue(const World& world, const Description& description, int64_t events);
// What fstat(2) shows of it.
Result StatQueue(Machine& m, const Description& description);
// The task closes one of its descriptors of a queue: it may be registered for notification.
void ForgetRegistration(World& world, int task, int64_t fd, const Description& description,
                        Choice* choice);
// No descriptor refers to the description of the queue any more.
void CloseQueue(World& world, const Description& description);
// exec: what the task had asked to be told.
void ForgetNotices(World& world, int task);
// step_ipc.cc: IPC namespaces, their limits and lists; privileges.
Result Step(Machine& m, const UnshareIpc& call);
Result Step(Machine& m, const SetLimit& call);
Result Step(Machine& m, const GetLimit& call);
Result Step(Machine& m, const ListIpc& call);
Result Step(Machine& m, const DropCapability& call);
Result Step(Machine& m, const SetGroup& call);
// Why the caller cannot have a new IPC namespace: EPERM, and where the machine has no more, or
// none, ENOSPC, ENOMEM or EINVAL (namespaces(7), clone(2)).
Errors CheckNewIpcNamespace(Machine& m);
// A new one, without objects; returns its number.
int NewIpcNamespace(World& world);
// A namespace goes with the last task in it, once nothing of it is open or attached any more.
void DropUnusedNamespaces(World& world);
// The task uses its list of semaphore adjustments no more: with its last user they are applied
// (semop(2), clone(2), unshare(2)).
void LeaveUndoList(World& world, int task, const Caller& caller);
// Whether another task that is alive uses the same list.
bool SharesUndoList(const World& world, int task);
// When a call fails that was to make an object, the identifier that was asked for is kept or
// forgotten: the kernel's documents leave it undefined.
void MayForgetNextId(const Call& call, const Result& result, IpcLimits& limits, Choice& choice);

// step_mappings.cc
Result Step(Machine& m, const Mmap& call);
Result Step(Machine& m, const Munmap& call);
Result Step(Machine& m, const Mprotect& call);
Result Step(Machine& m, const Msync& call);

// step_memory.cc: address spaces, loads and stores.
Result Step(Machine& m, const Load& call);
Result Step(Machine& m, const Store& call);
// A new task has a copy of its parent's address space, or shares it (CLONE_VM).
void InheritMemory(World& world, int parent, int child, bool shares, const Caller& caller);
// exec, exit: the task's mappings go, an address space with its last user. A task that goes on has
// an empty one.
void DropMemory(World& world, int task, const Caller& caller, bool goes_on);
// Takes the range out of the task's address space. What is returned still holds its objects.
std::vector<Mapping> CutOut(World& world, int task, int64_t start, int64_t length);
// The same, for good: munmap(2).
void UnmapRange(World& world, int task, int64_t start, int64_t length, const Caller& caller);
// A mapping is there, or no more: its object counts it, and goes with the last that holds it.
void HoldObject(World& world, int object);
void ReleaseObject(World& world, int object);
void ReleaseMapping(World& world, const Mapping& mapping);
// Where the task's loads and stores of these bytes, within one page, take place; none where either
// faults. A private page becomes the task's own before.
struct MemoryPlace {
  int object = -1;  // number in World::memory
  int64_t offset = 0;
};
std::optional<MemoryPlace> PlaceToStore(World& world, int task, int64_t address, int64_t size);

// step_contents.cc
Result Step(Machine& m, const ShmOpen& call);
Result Step(Machine& m, const ShmUnlink& call);
Result Step(Machine& m, const Ftruncate& call);
Result Step(Machine& m, const Fchmod& call);
Result Step(Machine& m, const Fchown& call);
Result Step(Machine& m, const FileSize& call);
Result Step(Machine& m, const Lseek& call);
// read(2) and write(2) on a regular file. REQUIRES: the descriptor is open for it.
Result ReadFile(Machine& m, const Fd& fd, int64_t count);
Result WriteFile(Machine& m, const Fd& fd, std::string_view data);
// The number in World::memory of what a file holds.
int ContentsOf(World& world, int inode);
// The file may have gone with its last name or descriptor: then its contents go, unless mapped.
void DropContents(World& world, int inode, int contents);
// Gives a file's contents another size.
void Truncate(World& world, int object, int64_t size);
// Where a name of POSIX shared memory leads, or with "sem." before it that of a semaphore.
// Errors: EINVAL or ENOENT (no name, or a slash in it), ENAMETOOLONG.
FileTree::Place FindShared(const Machine& m, std::string_view prefix, std::string_view name);

// step_semaphores.cc
Result Step(Machine& m, const PsemInit& call);
Result Step(Machine& m, const PsemDestroy& call);
Result Step(Machine& m, const PsemOpen& call);
Result Step(Machine& m, const PsemClose& call);
Result Step(Machine& m, const PsemUnlink& call);
Result Step(Machine& m, const PsemPost& call);
Result Step(Machine& m, const PsemTryWait& call);
Result Step(Machine& m, const PsemWait& call);
Result Step(Machine& m, const PsemGetValue& call);

// step_segments.cc: a mapping that shmat made has gone, as a whole (shmdt, exit).
void SegmentDetached(World& world, int64_t segment, const Caller& caller);
void SegmentInherited(World& world, int64_t segment, const Caller& caller);
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
// A clone that failed may have copied the task's mappings and dropped them again, as Linux does.
void SegmentsCopiedInVain(World& world, int task, const Caller& caller);
// The task has ended, or left its IPC namespace (kernel/shm_rmid_forced).
void ForgetCreator(World& world, int task, bool ended);
// /proc/sysvipc/shm.
Result ListSegments(Machine& m);

// Shared by the files above.

// The lowest descriptor of the task that is free and at least `from`; -1 when there is none below
// the task's limit (EMFILE).
int64_t FreeDescriptor(const World& world, int task, int64_t from = 0);
// Makes `fd` refer to the description (one more descriptor on it). REQUIRES: fd is free.
void Install(World& world, int task, int64_t fd, int description, bool close_on_exec);
// Closes an open descriptor; the last one closes the description. Without a choice what is open is
// done as Linux does it.
void CloseDescriptor(World& world, int task, int64_t fd, Choice* choice = nullptr);
// Where no document says what the call does on such an object: what was seen, else `usual`.
Result Unspecified(Machine& m, Result usual);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_REFERENCE_MACHINE_H_
