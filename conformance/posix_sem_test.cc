// Clauses of POSIX semaphores: unnamed ones and what single calls do: sem_overview(7), sem_init(3),
// sem_post(3), sem_wait(3), sem_getvalue(3), sem_destroy(3). Waiting: posix_sem_wait_test.cc.
// Names: posix_sem_named_test.cc. Tasks that share all memory: posix_sem_vm_test.cc.
#include <csignal>

#include "conformance/clause.h"
#include "conformance/posix_sem_helpers.h"

namespace ipcspec {
namespace {

CLAUSE(PosixSem, InitSetsTheValue, "sem_init(3)",
       "A new semaphore has the value that sem_init was given, zero or any other") {
  const Address page = SharedPage(a);
  a.Must(PsemInit{.address = page, .shared = true, .value = 0});
  a.Must(PsemInit{.address = page, .offset = kSemSize, .shared = true, .value = 41});
  EXPECT_THAT(a.Do(PsemGetValue{.address = page}), GivesValues({0}));
  EXPECT_THAT(a.Do(PsemGetValue{.address = page, .offset = kSemSize}), GivesValues({41}));
}

CLAUSE(PosixSem, PostAddsOne, "sem_post(3)", "Each sem_post makes the value larger by one") {
  const Address s = MakeSem(a, 0);
  EXPECT_THAT(a.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({2}));
}

CLAUSE(PosixSem, WaitTakesOne, "sem_wait(3)",
       "While the value is above zero sem_wait takes one and returns at once") {
  const Address s = MakeSem(a, 2);
  EXPECT_THAT(a.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({1}));
  EXPECT_THAT(a.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({0}));
}

CLAUSE(PosixSem, TryWaitTakesOne, "sem_wait(3)",
       "While the value is above zero sem_trywait takes one as sem_wait does") {
  const Address s = MakeSem(a, 2);
  EXPECT_THAT(a.Do(PsemTryWait{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({1}));
}

CLAUSE(PosixSem, TryWaitNeverWaits, "sem_wait(3)",
       "At zero sem_trywait fails with EAGAIN instead of waiting, and changes nothing") {
  const Address s = MakeSem(a, 1);
  a.Must(PsemTryWait{.address = s});
  EXPECT_THAT(a.Do(PsemTryWait{.address = s}), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({0}));
}
PROVOKES(PosixSem, TryWaitNeverWaits, "sem_wait.3", "sem_trywait", "EAGAIN", "value is zero");

CLAUSE(PosixSem, LargestValue, "sem_post(3)",
       "At the largest value sem_post fails with EOVERFLOW, and the value stays") {
  const Address s = MakeSem(a, kSemValueMax - 1);
  EXPECT_THAT(a.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemPost{.address = s}), FailsWith(EOVERFLOW));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({kSemValueMax}));
  EXPECT_THAT(a.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemPost{.address = s}), Gives(0));
}
PROVOKES(PosixSem, LargestValue, "sem_post.3", "sem_post", "EOVERFLOW",
         "value would pass the maximum");

CLAUSE(PosixSem, InitAboveTheLargestValue, "sem_init(3)",
       "sem_init accepts values up to the largest, and fails with EINVAL above") {
  const Address page = SharedPage(a);
  EXPECT_THAT(a.Do(PsemInit{.address = page, .shared = true, .value = kSemValueMax}), Gives(0));
  const PsemInit above{
      .address = page, .offset = kSemSize, .shared = true, .value = kSemValueMax + 1};
  EXPECT_THAT(a.Do(above), FailsWith(EINVAL));
}
PROVOKES(PosixSem, InitAboveTheLargestValue, "sem_init.3", "sem_init", "EINVAL",
         "value above SEM_VALUE_MAX");

CLAUSE(PosixSem, SemaphoresAreApart, "sem_overview(7)",
       "Semaphores that lie side by side in memory have nothing to do with each other") {
  const Address page = SharedPage(a);
  for (int64_t i = 0; i < 3; ++i) {
    a.Must(PsemInit{.address = page, .offset = i * kSemSize, .shared = true, .value = 5});
  }
  a.Must(PsemPost{.address = page});
  a.Must(PsemWait{.address = page, .offset = 2 * kSemSize});
  EXPECT_THAT(a.Do(PsemGetValue{.address = page}), GivesValues({6}));
  EXPECT_THAT(a.Do(PsemGetValue{.address = page, .offset = kSemSize}), GivesValues({5}));
  EXPECT_THAT(a.Do(PsemGetValue{.address = page, .offset = 2 * kSemSize}), GivesValues({4}));
}

CLAUSE(PosixSem, ForkedTasksShare, "sem_init(3)",
       "A process-shared semaphore in shared memory is one semaphore for a task and its children") {
  const Address s = MakeSem(a, 1);
  TaskHandle b = a.Fork(), c = b.Fork();
  b.Must(PsemPost{.address = s});
  c.Must(PsemPost{.address = s});
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({3}));
  a.Must(PsemWait{.address = s});
  EXPECT_THAT(c.Do(PsemGetValue{.address = s}), GivesValues({2}));
}

CLAUSE(
    PosixSem, AnyProcessMayInit, "sem_init(3)",
    "Whichever process calls sem_init on shared memory, all that share it can use the semaphore") {
  const Address page = SharedPage(a);
  TaskHandle b = a.Fork();
  b.Must(PsemInit{.address = page, .shared = true, .value = 7});
  b.Begin(Exit{});
  EXPECT_THAT(a.Do(PsemWait{.address = page}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = page}), GivesValues({6}));
}

CLAUSE(PosixSem, NobodyOwnsIt, "sem_overview(7)",
       "A task that never took anything may post, and what one took another may give back") {
  const Address s = MakeSem(a, 1);
  TaskHandle b = a.Fork();
  a.Must(PsemWait{.address = s});
  EXPECT_THAT(b.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(b.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({2}));
}

CLAUSE(PosixSem, DeathGivesNothingBack, "sem_overview(7)",
       "What a task took stays taken when it exits or is killed: nothing is undone") {
  const Address s = MakeSem(a, 3);
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(PsemWait{.address = s});
  c.Must(PsemWait{.address = s});
  b.Begin(Exit{});
  a.Must(Kill{.target = c.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({1}));
}

CLAUSE(PosixSem, OtherUsersShareToo, "sem_init(3)",
       "Who has the memory can use the semaphore, whatever user it is") {
  RequiresOtherUsers();
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemTryWait{.address = s}), Gives(0));
}

CLAUSE(PosixSem, WithinOneTask, "sem_init(3)",
       "A semaphore that processes do not share works in memory of one task alone") {
  const Address s = MakeOwnSem(a, 1);
  EXPECT_THAT(a.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemTryWait{.address = s}), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({1}));
}

CLAUSE(PosixSem, DestroyedAndMadeAgain, "sem_destroy(3)",
       "Where a semaphore was destroyed sem_init makes a new one, that knows nothing of the old") {
  const Address s = MakeSem(a, 9);
  EXPECT_THAT(a.Do(PsemDestroy{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemInit{.address = s, .shared = true, .value = 1}), Gives(0));
  EXPECT_THAT(a.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemTryWait{.address = s}), FailsWith(EAGAIN));
}

CLAUSE(PosixSem, DestroyTouchesOnlyOne, "sem_destroy(3)",
       "Destroying one semaphore leaves its neighbours, and who waits there, alone") {
  const Address page = MakeSem(a, 2);
  a.Must(PsemInit{.address = page, .offset = kSemSize, .shared = true, .value = 0});
  TaskHandle b = a.Fork();
  const Pending wait = b.Begin(PsemWait{.address = page, .offset = kSemSize});
  a.Must(PsemDestroy{.address = page});
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = page, .offset = kSemSize});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

EXCUSED("sem_destroy.3", "sem_destroy", "EINVAL", "not a semaphore",
        "POSIX leaves what is no semaphore undefined, and libc cannot tell it from one");
EXCUSED("sem_post.3", "sem_post", "EINVAL", "not a semaphore",
        "POSIX leaves what is no semaphore undefined, and libc cannot tell it from one");
EXCUSED("sem_wait.3", "sem_wait,sem_trywait,sem_timedwait", "EINVAL", "not a semaphore",
        "POSIX leaves what is no semaphore undefined, and libc cannot tell it from one");
EXCUSED("sem_getvalue.3", "sem_getvalue", "EINVAL", "not a semaphore",
        "POSIX leaves what is no semaphore undefined, and libc cannot tell it from one");
EXCUSED("sem_init.3", "sem_init", "ENOSYS", "pshared unsupported",
        "libc on Linux has process-shared semaphores wherever there is futex(2)");

}  // namespace
}  // namespace ipcspec
