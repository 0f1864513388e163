// Clauses of POSIX semaphores: who sleeps in sem_wait, who is woken, and how else sleep ends:
// sem_wait(3), sem_post(3), signal(7).
#include <csignal>

#include "conformance/clause.h"
#include "conformance/posix_sem_helpers.h"

namespace ipcspec {
namespace {

CLAUSE(PosixSem, WaitsAtZero, "sem_wait(3)",
       "At zero sem_wait sleeps until somebody posts, and then takes what was posted") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  const Pending wait = b.Begin(PsemWait{.address = s});
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(wait.Finish(), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({0}));
}

CLAUSE(PosixSem, OnePostWakesOne, "sem_post(3)",
       "One sem_post lets exactly one of two waiters go on") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(PsemWait{.address = s}), second = c.Begin(PsemWait{.address = s});
  a.Must(PsemPost{.address = s});
  EXPECT_NE(first.asleep(), second.asleep());
  a.Must(PsemPost{.address = s});
  EXPECT_FALSE(first.asleep() || second.asleep());
}

CLAUSE(PosixSem, EveryWaiterComesToItsTurn, "sem_post(3)",
       "As many posts as there are waiters let all of them go on, and leave the value at zero") {
  const Address s = MakeSem(a, 0);
  std::vector<TaskHandle> tasks;
  std::vector<Pending> waits;
  for (int i = 0; i < 4; ++i) tasks.push_back(a.Fork());
  for (TaskHandle& task : tasks) waits.push_back(task.Begin(PsemWait{.address = s}));
  for (int i = 0; i < 4; ++i) a.Must(PsemPost{.address = s});
  for (const Pending& wait : waits) EXPECT_THAT(wait.Finish(), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({0}));
}

CLAUSE(PosixSem, PostsAreKept, "sem_post(3)",
       "A post that nobody waits for is there for who comes later") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(b.Do(PsemWait{.address = s}), Gives(0));
}

CLAUSE(PosixSem, ValueWithWaitersIsZero, "sem_getvalue(3)",
       "While tasks wait Linux tells a value of zero, however many they are") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Begin(PsemWait{.address = s});
  c.Begin(PsemWait{.address = s});
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({0}));
  EXPECT_THAT(a.Do(PsemTryWait{.address = s}), FailsWith(EAGAIN));
}

CLAUSE(PosixSem, WaitersWaitForTheirs, "sem_wait(3)",
       "A post wakes no one who waits for another semaphore, in the same memory or elsewhere") {
  const Address page = MakeSem(a, 0), other = MakeSem(a, 0);
  a.Must(PsemInit{.address = page, .offset = kSemSize, .shared = true, .value = 0});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(PsemWait{.address = page});
  const Pending second = c.Begin(PsemWait{.address = other});
  a.Must(PsemPost{.address = page, .offset = kSemSize});
  EXPECT_THAT(first, IsAsleep());
  EXPECT_THAT(second, IsAsleep());
}

CLAUSE(PosixSem, TurnByTurn, "sem_overview(7)",
       "With two semaphores two tasks wake each other in turn, any number of times") {
  const Address ping = MakeSem(a, 0), pong = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  for (int i = 0; i < 5; ++i) {
    const Pending there = b.Begin(PsemWait{.address = ping});
    a.Must(PsemPost{.address = ping});
    EXPECT_THAT(there.Finish(), Gives(0));
    const Pending back = a.Begin(PsemWait{.address = pong});
    b.Must(PsemPost{.address = pong});
    EXPECT_THAT(back.Finish(), Gives(0));
  }
}

CLAUSE(PosixSem, OtherUsersWake, "sem_post(3)",
       "A task of another user that shares the memory wakes a waiter as any other does") {
  RequiresOtherUsers();
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  c.Must(SetCredentials{.uid = 1001, .gid = 1001});
  const Pending wait = b.Begin(PsemWait{.address = s});
  c.Must(PsemPost{.address = s});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

// The kinds of memory that tasks share.

// A task waits on the semaphore where it has it, another posts where that one has it.
void WakesAcross(TaskHandle& waiter, Address waits_at, TaskHandle& poster, Address posts_at) {
  const Pending wait = waiter.Begin(PsemWait{.address = waits_at});
  EXPECT_THAT(wait, IsAsleep());
  poster.Must(PsemPost{.address = posts_at});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

// The task's own mapping of the first page of a file, at a place that is not the usual one.
Address MapFile(TaskHandle& task, Fd fd, int64_t at = 0) {
  return task.Must(
      Mmap{.address = at, .prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED, .fd = fd});
}

CLAUSE(PosixSem, InAMappedFile, "sem_overview(7)",
       "Tasks that map a file each for itself, at different addresses, share a semaphore in it") {
  TaskHandle b = a.Fork();
  const Fd fd = a.Must(Open{.path = "f", .flags = O_CREAT | O_RDWR, .mode = 0600});
  a.Must(Ftruncate{.fd = fd, .length = 4096});
  const Address here = MapFile(a, fd);
  a.Must(PsemInit{.address = here, .shared = true, .value = 0});
  const Address there =
      MapFile(b, b.Must(Open{.path = "f", .flags = O_RDWR}), kFirstAddress + (1 << 20));
  WakesAcross(a, here, b, there);
  WakesAcross(b, there, a, here);
}

CLAUSE(PosixSem, InPosixSharedMemory, "sem_overview(7)",
       "Tasks that map an object of POSIX shared memory share a semaphore in it") {
  TaskHandle b = a.Fork();
  const Fd fd = a.Must(ShmOpen{.name = "/m", .flags = O_CREAT | O_RDWR, .mode = 0600});
  a.Must(Ftruncate{.fd = fd, .length = 4096});
  const Address here = MapFile(a, fd);
  a.Must(PsemInit{.address = here, .shared = true, .value = 0});
  const Address there = MapFile(b, b.Must(ShmOpen{.name = "/m", .flags = O_RDWR}));
  a.Must(ShmUnlink{.name = "/m"});
  WakesAcross(a, here, b, there);
  WakesAcross(b, there, a, here);
}

CLAUSE(PosixSem, InASystemVSegment, "sem_overview(7)",
       "Tasks that attach a System V segment share a semaphore in it") {
  TaskHandle b = a.Fork();
  const ShmId id = a.Must(Shmget{.key = 0, .size = 4096, .flags = 0600});
  const Address here = a.Must(Shmat{.id = id}), there = b.Must(Shmat{.id = id});
  a.Must(PsemInit{.address = here, .shared = true, .value = 0});
  WakesAcross(a, here, b, there);
  WakesAcross(b, there, a, here);
  a.Must(ShmRemove{.id = id});
}

CLAUSE(PosixSem, OneTaskSeesItTwice, "sem_init(3)",
       "Where a task maps the same memory twice, it has the same semaphore at both addresses") {
  const Fd fd = a.Must(Open{.path = "f", .flags = O_CREAT | O_RDWR, .mode = 0600});
  a.Must(Ftruncate{.fd = fd, .length = 4096});
  const Address first = MapFile(a, fd), second = MapFile(a, fd);
  a.Must(PsemInit{.address = first, .shared = true, .value = 1});
  EXPECT_THAT(a.Do(PsemPost{.address = second}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = first}), GivesValues({2}));
  TaskHandle b = a.Fork();
  a.Must(PsemWait{.address = second});
  a.Must(PsemWait{.address = second});
  WakesAcross(a, first, b, second);
}

CLAUSE(PosixSem, LivesWithItsMemory, "sem_overview(7)",
       "The semaphore stays as long as its memory does, also when the task that made it is gone") {
  const Address page = SharedPage(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(PsemInit{.address = page, .shared = true, .value = 0});
  const Pending wait = c.Begin(PsemWait{.address = page});
  b.Begin(Exit{});
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = page});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

}  // namespace
}  // namespace ipcspec
