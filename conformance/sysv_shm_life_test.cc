// Clauses of System V shared memory: what becomes of attaches and segments over fork, clone, exec
// and the end of a process, and when a removed segment goes: shmop(2), shmctl(2), clone(2).
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include <csignal>
#include <string>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kAt = kFirstAddress;
constexpr int kKeyField = 0, kModeField = 5, kNattch = 7;  // of kShmidFields

ShmId Make(TaskHandle& task) { return task.Must(Shmget{.size = 4096, .flags = IPC_CREAT | 0600}); }

Address Attach(TaskHandle& task, ShmId s, Address at = 0, int64_t flags = 0) {
  return task.Must(Shmat{.id = s, .address = at, .flags = flags});
}

int64_t Attaches(TaskHandle& task, ShmId s) {
  const Outcome stat = task.Do(ShmStat{.id = s});
  return stat.ok() ? stat.values.at(kNattch) : -1;
}

void Ends(TaskHandle& task) {
  task.Begin(Exit{.status = 0});
  EXPECT_FALSE(task.alive());
}

testing::Matcher<const Outcome&> SaysGone() {
  return testing::AnyOf(FailsWith(EINVAL), FailsWith(EIDRM));
}

CLAUSE(SysvShm, ForkInherits, "shmop(2)",
       "A child has its parent's segments attached at the same addresses, and shares their bytes") {
  const ShmId s = Make(a);
  const Address at = Attach(a, s);
  a.Must(Store{.address = at, .data = "old"});
  TaskHandle b = a.Fork();
  EXPECT_EQ(Attaches(a, s), 2);
  EXPECT_THAT(b.Do(Load{.address = at, .size = 3}), Gives(0, "old"));
  b.Must(Store{.address = at, .data = "new"});
  EXPECT_THAT(a.Do(Load{.address = at, .size = 3}), Gives(0, "new"));
}

CLAUSE(SysvShm, ForkCountsEachAttach, "shmop(2)",
       "fork adds to shm_nattch as many attaches as the parent has of the segment") {
  const ShmId s = Make(a), t = Make(a);
  Attach(a, s);
  Attach(a, s, 0, SHM_RDONLY);
  TaskHandle b = a.Fork();
  EXPECT_EQ(Attaches(a, s), 4);
  EXPECT_EQ(Attaches(a, t), 0);
  b.Must(Fork{});
  EXPECT_EQ(Attaches(a, s), 6);
}

CLAUSE(SysvShm, ChildKeepsReadOnly, "fork(2)",
       "What the parent attached for reading only the child cannot store to either") {
  const ShmId s = Make(a);
  Attach(a, s, kAt, SHM_RDONLY);
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Store{.address = kAt, .data = "x"}), Gives(SIGSEGV));
  EXPECT_THAT(b.Do(Load{.address = kAt}), Gives(0, std::string(1, '\0')));
}

CLAUSE(SysvShm, ChildDetachesForItself, "shmop(2)",
       "A child may detach what it inherited; the parent's attach stays, and the other way round") {
  const ShmId s = Make(a);
  Attach(a, s, kAt);
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Shmdt{.address = kAt}), Gives(0));
  EXPECT_THAT(b.Do(Load{.address = kAt}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Load{.address = kAt}), Gives(0));
  TaskHandle c = a.Fork();
  a.Must(Shmdt{.address = kAt});
  EXPECT_THAT(c.Do(Load{.address = kAt}), Gives(0));
  EXPECT_EQ(Attaches(a, s), 1);
}

CLAUSE(SysvShm, AttachAfterForkIsOnesOwn, "shmop(2)",
       "What parent or child attach after the fork the other does not have") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  Attach(a, s, kAt);
  EXPECT_THAT(b.Do(Load{.address = kAt}), Gives(SIGSEGV));
  EXPECT_EQ(Attaches(a, s), 1);
}

CLAUSE(SysvShm, ExitDetaches, "shmop(2)",
       "A process that ends detaches all that it had attached, be it waited for or not") {
  const ShmId s = Make(a), t = Make(a);
  TaskHandle b = a.Fork();
  Attach(b, s);
  Attach(b, s);
  Attach(b, t);
  EXPECT_EQ(Attaches(a, s), 2);
  Ends(b);
  EXPECT_EQ(Attaches(a, s), 0);
  EXPECT_EQ(Attaches(a, t), 0);
}

CLAUSE(SysvShm, KillDetaches, "shmop(2)", "A process that is killed detaches what it had") {
  const ShmId s = Make(a);
  Attach(a, s);
  TaskHandle b = a.Fork();
  Attach(b, s);
  EXPECT_EQ(Attaches(a, s), 3);
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_EQ(Attaches(a, s), 1);
}

CLAUSE(SysvShm, KilledSleeperDetaches, "shmop(2)",
       "A process that is killed while it waits for a semaphore detaches what it had") {
  const ShmId s = Make(a);
  const SemId sem = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  Attach(b, s);
  b.Begin(Semop{.id = sem, .ops = {{0, -1}}});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_EQ(Attaches(a, s), 0);
}

CLAUSE(SysvShm, ExecDetaches, "shmop(2)",
       "exec detaches all segments: nothing is left at their addresses") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  Attach(b, s, kAt);
  Attach(b, s);
  b.Must(Exec{});
  EXPECT_EQ(Attaches(a, s), 0);
  EXPECT_THAT(b.Do(Load{.address = kAt}), Gives(SIGSEGV));
  EXPECT_THAT(b.Do(Shmdt{.address = kAt}), FailsWith(EINVAL));
  EXPECT_THAT(b.Do(Shmat{.id = s, .address = kAt}), Gives(kAt));
}

CLAUSE(SysvShm, ExecOfChildLeavesParent, "shmop(2)",
       "The exec of a child detaches what the child inherited, not what the parent has") {
  const ShmId s = Make(a);
  const Address at = Attach(a, s);
  TaskHandle b = a.Fork();
  b.Must(Exec{});
  EXPECT_EQ(Attaches(a, s), 1);
  EXPECT_THAT(a.Do(Store{.address = at, .data = "x"}), Gives(0));
}

CLAUSE(SysvShm, CloneVmSharesAttaches, "clone(2)",
       "With CLONE_VM there is one address space: an attach is in both tasks, and counts once") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  Attach(b, s, kAt);
  TaskHandle c = b.Clone(CLONE_VM);
  EXPECT_EQ(Attaches(a, s), 1);
  c.Must(Store{.address = kAt, .data = "x"});
  EXPECT_THAT(b.Do(Load{.address = kAt}), Gives(0, "x"));
}

CLAUSE(SysvShm, CloneVmSharesWhatComesLater, "clone(2)",
       "With CLONE_VM what one task attaches or detaches later is there or gone for the other") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork(), c = b.Clone(CLONE_VM);
  Attach(c, s, kAt);
  EXPECT_THAT(b.Do(Load{.address = kAt}), Gives(0));
  EXPECT_THAT(b.Do(Shmdt{.address = kAt}), Gives(0));
  EXPECT_THAT(c.Do(Load{.address = kAt}), Gives(SIGSEGV));
  EXPECT_EQ(Attaches(a, s), 0);
}

CLAUSE(SysvShm, LastSharerDetaches, "clone(2)",
       "An address space that tasks share is detached when the last of them ends") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  Attach(b, s, kAt);
  TaskHandle c = b.Clone(CLONE_VM);
  Ends(b);
  EXPECT_EQ(Attaches(a, s), 1);
  EXPECT_THAT(c.Do(Store{.address = kAt, .data = "x"}), Gives(0));
  a.Must(Kill{.target = c.task(), .signal = SIGKILL});
  EXPECT_EQ(Attaches(a, s), 0);
}

CLAUSE(SysvShm, ExecLeavesSharersAlone, "execve(2)",
       "The exec of a task that shared its address space takes nothing from the other") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  Attach(b, s, kAt);
  TaskHandle c = b.Clone(CLONE_VM);
  c.Must(Exec{});
  EXPECT_THAT(c.Do(Load{.address = kAt}), Gives(SIGSEGV));
  EXPECT_THAT(b.Do(Load{.address = kAt}), Gives(0));
  EXPECT_EQ(Attaches(a, s), 1);
}

CLAUSE(SysvShm, ForkOfSharerCopies, "clone(2)",
       "fork in a task with a shared address space gives the child one of its own") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  Attach(b, s, kAt);
  TaskHandle c = b.Clone(CLONE_VM), d = c.Fork();
  EXPECT_EQ(Attaches(a, s), 2);
  d.Must(Shmdt{.address = kAt});
  EXPECT_THAT(b.Do(Load{.address = kAt}), Gives(0));
  EXPECT_EQ(Attaches(a, s), 1);
}

CLAUSE(SysvShm, RemovalOfUnattached, "shmctl(2)",
       "IPC_RMID destroys a segment at once when nobody has it attached") {
  const ShmId s = Make(a);
  a.Must(Shmdt{.address = Attach(a, s)});
  EXPECT_THAT(a.Do(ShmRemove{.id = s}), Gives(0));
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, RemovalWaitsForDetach, "shmctl(2)",
       "A removed segment stays as it is for those who have it attached, until the last detach") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  const Address mine = Attach(a, s), yours = Attach(b, s);
  EXPECT_THAT(a.Do(ShmRemove{.id = s}), Gives(0));
  a.Must(Store{.address = mine, .data = "on"});
  EXPECT_THAT(b.Do(Load{.address = yours, .size = 2}), Gives(0, "on"));
  a.Must(Shmdt{.address = mine});
  EXPECT_THAT(b.Do(Load{.address = yours, .size = 2}), Gives(0, "on"));
  EXPECT_EQ(Attaches(b, s), 1);
  b.Must(Shmdt{.address = yours});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, RemovalShows, "shmctl(2)",
       "A segment that is marked to be destroyed has SHM_DEST in its mode, and no key") {
  const ShmId s = a.Must(Shmget{.key = 4715, .flags = IPC_CREAT | 0640});
  const Address at = Attach(a, s);
  EXPECT_EQ(a.Do(ShmStat{.id = s}).values.at(kModeField), 0640);
  a.Must(ShmRemove{.id = s});
  const Outcome stat = a.Do(ShmStat{.id = s});
  ASSERT_EQ(stat.values.size(), kShmidFields.size());
  EXPECT_EQ(stat.values[kModeField], SHM_DEST | 0640);
  EXPECT_EQ(stat.values[kKeyField], IPC_PRIVATE);
  EXPECT_EQ(stat.values[kNattch], 1);
  a.Must(Shmdt{.address = at});
}

CLAUSE(SysvShm, RemovedTwice, "shmctl(2)",
       "IPC_RMID of a segment that is marked already succeeds, and does not destroy it sooner") {
  const ShmId s = Make(a);
  const Address at = Attach(a, s);
  a.Must(ShmRemove{.id = s});
  EXPECT_THAT(a.Do(ShmRemove{.id = s}), Gives(0));
  EXPECT_EQ(Attaches(a, s), 1);
  EXPECT_THAT(a.Do(Store{.address = at, .data = "x"}), Gives(0));
  a.Must(Shmdt{.address = at});
  EXPECT_THAT(a.Do(ShmRemove{.id = s}), SaysGone());
}

CLAUSE(SysvShm, RemovedCanBeAttached, "shmop(2)",
       "On Linux a removed segment that is attached can be attached again, and then lives longer") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  const Address mine = Attach(a, s);
  a.Must(Store{.address = mine, .data = "x"});
  a.Must(ShmRemove{.id = s});
  const Address yours = Attach(b, s);
  EXPECT_EQ(Attaches(a, s), 2);
  a.Must(Shmdt{.address = mine});
  EXPECT_THAT(b.Do(Load{.address = yours}), Gives(0, "x"));
  b.Must(Shmdt{.address = yours});
  EXPECT_THAT(b.Do(Shmat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, RemovedIsInherited, "shmop(2)",
       "A child inherits a removed segment, and keeps it when the parent detaches") {
  const ShmId s = Make(a);
  Attach(a, s, kAt);
  a.Must(ShmRemove{.id = s});
  TaskHandle b = a.Fork();
  a.Must(Shmdt{.address = kAt});
  EXPECT_EQ(Attaches(a, s), 1);
  EXPECT_THAT(b.Do(Store{.address = kAt, .data = "x"}), Gives(0));
  Ends(b);
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, RemovedGoesWithKill, "shmctl(2)",
       "The last detach that destroys a removed segment may be the death of a process") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  Attach(b, s);
  a.Must(ShmRemove{.id = s});
  EXPECT_EQ(Attaches(a, s), 1);
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, RemovedGoesWithExec, "shmctl(2)",
       "The last detach that destroys a removed segment may be an exec") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  Attach(b, s);
  a.Must(ShmRemove{.id = s});
  b.Must(Exec{});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, RemovedByAnotherThanItsUsers, "shmctl(2)",
       "Who removes a segment need not have it attached; those who have it notice nothing") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  Attach(b, s, kAt);
  b.Must(Store{.address = kAt, .data = "x"});
  c.Must(ShmRemove{.id = s});
  Ends(c);
  EXPECT_THAT(b.Do(Load{.address = kAt}), Gives(0, "x"));
}

CLAUSE(SysvShm, RemovedOneOfTwoAttaches, "shmctl(2)",
       "A removed segment that a task has attached twice goes with the second shmdt") {
  const ShmId s = Make(a);
  const Address first = Attach(a, s), second = Attach(a, s);
  a.Must(ShmRemove{.id = s});
  a.Must(Shmdt{.address = second});
  EXPECT_EQ(Attaches(a, s), 1);
  a.Must(Shmdt{.address = first});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(
    SysvShm, NotRemovedStays, "shmop(2)",
    "A segment that nobody removed stays with its bytes when the last process detaches by exit") {
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  b.Must(Store{.address = Attach(b, s), .data = "left"});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_EQ(Attaches(a, s), 0);
  EXPECT_THAT(a.Do(Load{.address = Attach(a, s), .size = 4}), Gives(0, "left"));
}

CLAUSE(SysvShm, UnmappedIsDetached, "munmap(2)",
       "munmap of all pages of an attach detaches it, and destroys a segment that was removed") {
  const ShmId s = Make(a), t = Make(a);
  Attach(a, s, kAt);
  Attach(a, t, kAt + dialect().page_size);
  a.Must(ShmRemove{.id = t});
  a.Must(Munmap{.address = kAt, .length = 2 * dialect().page_size});
  EXPECT_EQ(Attaches(a, s), 0);
  EXPECT_THAT(a.Do(ShmStat{.id = t}), SaysGone());
  EXPECT_THAT(a.Do(Shmdt{.address = kAt}), FailsWith(EINVAL));
}

CLAUSE(SysvShm, PartlyUnmappedIsAttached, "munmap(2)",
       "A segment is attached as long as a page of it is mapped, and goes with the last of them") {
  const int64_t page = dialect().page_size;
  const ShmId s = a.Must(Shmget{.size = 3 * page, .flags = IPC_CREAT | 0600});
  Attach(a, s, kAt);
  a.Must(Store{.address = kAt, .offset = 2 * page, .data = "x"});
  a.Must(ShmRemove{.id = s});
  a.Must(Munmap{.address = kAt, .length = page, .offset = page});
  a.Must(Munmap{.address = kAt, .length = page});
  EXPECT_GE(Attaches(a, s), 1);
  EXPECT_THAT(a.Do(Load{.address = kAt, .offset = 2 * page}), Gives(0, "x"));
  a.Must(Munmap{.address = kAt, .length = page, .offset = 2 * page});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, ProtectedPartIsDetachedToo, "shmop(2)",
       "shmdt takes the whole attach, also when a part of it has been given another protection") {
  const int64_t page = dialect().page_size;
  const ShmId s = a.Must(Shmget{.size = 3 * page, .flags = IPC_CREAT | 0600});
  Attach(a, s, kAt);
  a.Must(Mprotect{.address = kAt, .length = page, .prot = PROT_READ, .offset = page});
  EXPECT_THAT(a.Do(Store{.address = kAt, .offset = page, .data = "x"}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Store{.address = kAt, .offset = 2 * page, .data = "x"}), Gives(0));
  EXPECT_THAT(a.Do(Shmdt{.address = kAt}), Gives(0));
  for (const int64_t offset : {int64_t{0}, page, 2 * page}) {
    EXPECT_THAT(a.Do(Load{.address = kAt, .offset = offset}), Gives(SIGSEGV));
  }
  EXPECT_EQ(Attaches(a, s), 0);
}

CLAUSE(SysvShm, ReadOnlyCannotBeMadeWritable, "mprotect(2)",
       "mprotect gives no right to store to what was attached for reading only: EACCES") {
  Attach(a, Make(a), kAt, SHM_RDONLY);
  EXPECT_THAT(a.Do(Mprotect{.address = kAt, .prot = PROT_READ | PROT_WRITE}), FailsWith(EACCES));
  EXPECT_THAT(a.Do(Store{.address = kAt, .data = "x"}), Gives(SIGSEGV));
}

CLAUSE(SysvShm, LeavingTheNamespaceKeepsAttaches, "ipc_namespaces(7)",
       "A task that goes to a new IPC namespace keeps what it has attached of the old one") {
  Requires(dialect().cap_sys_admin, "a new IPC namespace needs privilege");
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  Attach(a, s, kAt);
  Attach(b, s, kAt);
  const Outcome unshared = b.Do(UnshareIpc{});
  Requires(unshared.ok(), "no more IPC namespaces can be made here");
  EXPECT_THAT(b.Do(ShmStat{.id = s}), FailsWith(EINVAL));
  b.Must(Store{.address = kAt, .data = "x"});
  EXPECT_THAT(a.Do(Load{.address = kAt}), Gives(0, "x"));
  EXPECT_EQ(Attaches(a, s), 2);
  b.Must(Shmdt{.address = kAt});
  EXPECT_EQ(Attaches(a, s), 1);
}

CLAUSE(SysvShm, SharedMemoryWithSemaphore, "sysvipc(7)",
       "Who is let on by a semaphore sees what was stored before the semaphore was raised") {
  const ShmId s = Make(a);
  const SemId sem = a.MakeSemSet({0});
  Attach(a, s, kAt);
  TaskHandle b = a.Fork();
  const Pending take = b.Begin(Semop{.id = sem, .ops = {{0, -1}}});
  EXPECT_THAT(take, IsAsleep());
  a.Must(Store{.address = kAt, .data = "ready"});
  a.Must(Semop{.id = sem, .ops = {{0, 1}}});
  EXPECT_THAT(take.Finish(), Gives(0));
  EXPECT_THAT(b.Do(Load{.address = kAt, .size = 5}), Gives(0, "ready"));
}

}  // namespace
}  // namespace ipcspec
