// Clauses of POSIX semaphores: how else than by a post a wait ends: handlers, deaths, deadlines:
// sem_wait(3), signal(7).
#include <sys/ipc.h>
#include <sys/shm.h>

#include <csignal>

#include "conformance/clause.h"
#include "conformance/posix_sem_helpers.h"

namespace ipcspec {
namespace {

// A handler of this disposition runs while a task waits; the wait.
Pending SignalWhileWaiting(TaskHandle& a, TaskHandle& b, PsemWait wait, Disposition disposition) {
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = disposition});
  const Pending pending = b.Begin(wait);
  EXPECT_THAT(pending, IsAsleep());
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  return pending;
}

CLAUSE(PosixSem, HandlerInterrupts, "sem_wait(3)",
       "A handler that runs ends sem_wait with EINTR, and nothing is taken") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  const Pending wait = SignalWhileWaiting(a, b, {.address = s}, Disposition::kHandle);
  EXPECT_THAT(wait.Finish(), FailsWith(EINTR));
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({1}));
}
PROVOKES(PosixSem, HandlerInterrupts, "sem_wait.3", "sem_wait,sem_timedwait", "EINTR",
         "handler interrupted");

CLAUSE(PosixSem, HandlerInterruptsTimedWait, "sem_wait(3)",
       "A handler that runs ends sem_timedwait with EINTR long before its deadline") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  const Pending wait =
      SignalWhileWaiting(a, b, {.address = s, .timeout = kNeverOver}, Disposition::kHandle);
  EXPECT_THAT(wait.Finish(), FailsWith(EINTR));
}

CLAUSE(PosixSem, RestartedAfterHandler, "signal(7)",
       "With SA_RESTART sem_wait goes on waiting after the handler, as often as it runs") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  const Pending wait = SignalWhileWaiting(a, b, {.address = s}, Disposition::kHandleRestart);
  EXPECT_THAT(wait, IsAsleep());
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(PosixSem, TimedWaitAfterHandler, "signal(7)",
       "With SA_RESTART sem_timedwait goes on waiting, or fails with EINTR; a post is not lost") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  const Pending wait =
      SignalWhileWaiting(a, b, {.address = s, .timeout = kNeverOver}, Disposition::kHandleRestart);
  const bool goes_on = wait.asleep();
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(wait.Finish(), goes_on ? Gives(0) : FailsWith(EINTR));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({goes_on ? 0 : 1}));
}

CLAUSE(PosixSem, OtherSignalsDoNotInterrupt, "signal(7)",
       "An ignored or blocked signal ends no wait") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kIgnore});
  b.Must(Sigaction{.signal = SIGUSR2, .disposition = Disposition::kHandle});
  b.Must(Sigprocmask{.how = MaskChange::kBlock, .signal = SIGUSR2});
  const Pending wait = b.Begin(PsemWait{.address = s});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR2});
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(PosixSem, InterruptedOneLeavesTheTurn, "sem_wait(3)",
       "When one of two waiters is interrupted, the next post goes to the other") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending other = c.Begin(PsemWait{.address = s});
  const Pending wait = SignalWhileWaiting(a, b, {.address = s}, Disposition::kHandle);
  EXPECT_THAT(wait.Finish(), FailsWith(EINTR));
  EXPECT_THAT(other, IsAsleep());
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(other.Finish(), Gives(0));
}

CLAUSE(PosixSem, KilledWaiterTakesNothing, "sem_wait(3)",
       "Of a waiter that was killed nothing is left: later posts stay, or go to other waiters") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  b.Begin(PsemWait{.address = s});
  const Pending other = c.Begin(PsemWait{.address = s});
  d.Begin(PsemWait{.address = s, .timeout = kNeverOver});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  a.Must(Kill{.target = d.task(), .signal = SIGKILL});
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(other.Finish(), Gives(0));
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({1}));
}

CLAUSE(PosixSem, DestroyedAfterAKill, "sem_destroy(3)",
       "When the last waiter was killed the semaphore can be destroyed, and its place used again") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Begin(PsemWait{.address = s});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(PsemDestroy{.address = s}), Gives(0));
  a.Must(PsemInit{.address = s, .shared = true, .value = 0});
  const Pending wait = c.Begin(PsemWait{.address = s});
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

// The wait runs into its deadline, and takes nothing.
void TimesOut(TaskHandle& a, PsemWait wait) {
  wait.address = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  const Pending pending = b.Begin(wait);
  b.AwaitReturn();
  EXPECT_THAT(pending.Finish(), FailsWith(ETIMEDOUT));
  a.Must(PsemPost{.address = wait.address});
  EXPECT_THAT(a.Do(PsemGetValue{.address = wait.address}), GivesValues({1}));
}

CLAUSE(PosixSem, DeadlinePasses, "sem_wait(3)",
       "sem_timedwait fails with ETIMEDOUT at its deadline, not before, and takes nothing") {
  TimesOut(a, {.timeout = kShort});
}
PROVOKES(PosixSem, DeadlinePasses, "sem_wait.3", "sem_timedwait", "ETIMEDOUT", "deadline passed");

CLAUSE(PosixSem, DeadlineOfTheRealTimeClock, "sem_clockwait(3), POSIX.1-2024",
       "sem_clockwait with CLOCK_REALTIME waits as sem_timedwait does") {
  TimesOut(a, {.timeout = kShort, .clock = Clock::kRealtime});
}

CLAUSE(PosixSem, DeadlineOfTheMonotonicClock, "sem_clockwait(3), POSIX.1-2024",
       "sem_clockwait takes a deadline by CLOCK_MONOTONIC too") {
  TimesOut(a, {.timeout = kShort, .clock = Clock::kMonotonic});
}

CLAUSE(PosixSem, PostInTime, "sem_wait(3)",
       "A wait with a deadline goes on as soon as somebody posts, whatever the clock") {
  const Address s = MakeSem(a, 0);
  for (Clock clock : {Clock::kDefault, Clock::kRealtime, Clock::kMonotonic}) {
    TaskHandle b = a.Fork();
    const Pending wait = b.Begin(PsemWait{.address = s, .timeout = kNeverOver, .clock = clock});
    EXPECT_THAT(wait, IsAsleep());
    a.Must(PsemPost{.address = s});
    EXPECT_THAT(wait.Finish(), Gives(0));
  }
}

CLAUSE(PosixSem, DeadlineThatHasPassed, "sem_wait(3)",
       "At zero a deadline that has passed fails with ETIMEDOUT at once") {
  const Address s = MakeSem(a, 0);
  EXPECT_THAT(a.Do(PsemWait{.address = s, .timeout = kPast}), FailsWith(ETIMEDOUT));
  EXPECT_THAT(a.Do(PsemWait{.address = s, .timeout = kPast, .clock = Clock::kMonotonic}),
              FailsWith(ETIMEDOUT));
}

CLAUSE(PosixSem, NoTimeNeeded, "sem_wait(3)",
       "What is there is taken even when the deadline has passed") {
  const Address s = MakeSem(a, 2);
  EXPECT_THAT(a.Do(PsemWait{.address = s, .timeout = kPast}), Gives(0));
  EXPECT_THAT(a.Do(PsemWait{.address = s, .timeout = kPast, .clock = Clock::kMonotonic}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({0}));
}

CLAUSE(PosixSem, EachWaiterHasItsDeadline, "sem_wait(3)",
       "When one waiter's time is over the others sleep on, and the next post is for them") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending untimed = b.Begin(PsemWait{.address = s});
  const Pending timed = c.Begin(PsemWait{.address = s, .timeout = kShort});
  c.AwaitReturn();
  EXPECT_THAT(timed.Finish(), FailsWith(ETIMEDOUT));
  EXPECT_THAT(untimed, IsAsleep());
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(untimed.Finish(), Gives(0));
}

CLAUSE(PosixSem, MalformedDeadline, "sem_wait(3)",
       "A deadline whose nanoseconds are out of range fails with EINVAL where there is nothing") {
  const Address s = MakeSem(a, 0);
  EXPECT_THAT(a.Do(PsemWait{.address = s, .timeout = kNeverOver, .bad_time = true}),
              FailsWith(EINVAL));
}
PROVOKES(PosixSem, MalformedDeadline, "sem_wait.3", "sem_timedwait", "EINVAL",
         "nanoseconds out of range");

CLAUSE(PosixSem, MalformedDeadlineMayNotMatter, "sem_timedwait(3), POSIX.1-2024",
       "Where there is something to take a malformed deadline need not be seen") {
  const Address s = MakeSem(a, 1);
  const Outcome outcome = a.Do(PsemWait{.address = s, .timeout = kNeverOver, .bad_time = true});
  EXPECT_THAT(outcome, testing::AnyOf(Gives(0), FailsWith(EINVAL)));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({outcome.ok() ? 0 : 1}));
}

CLAUSE(PosixSem, NoSuchClock, "sem_clockwait(3), POSIX.1-2024",
       "sem_clockwait fails with EINVAL rather than wait by a clock that there is not") {
  const Address s = MakeSem(a, 0);
  EXPECT_THAT(a.Do(PsemWait{.address = s, .timeout = kNeverOver, .clock = Clock::kBad}),
              FailsWith(EINVAL));
}

CLAUSE(PosixSem, NeighboursInOnePage, "sem_destroy(3)",
       "A semaphore is destroyed, and made anew, while a task waits for another beside it") {
  const Address page = SharedPage(a);
  a.Must(PsemInit{.address = page, .shared = true, .value = 0});
  a.Must(PsemInit{.address = page, .offset = kSemSize, .shared = true, .value = 3});
  TaskHandle b = a.Fork();
  const Pending wait = b.Begin(PsemWait{.address = page});
  EXPECT_THAT(a.Do(PsemDestroy{.address = page, .offset = kSemSize}), Gives(0));
  EXPECT_THAT(a.Do(PsemInit{.address = page, .offset = kSemSize, .shared = true, .value = 5}),
              Gives(0));
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = page});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(PosixSem, NotForOtherProcesses, "sem_init(3)",
       "Whatever becomes of another process that waits for a semaphore which is not shared, one "
       "beside it stays as it is") {
  const Address page = SharedPage(a);
  a.Must(PsemInit{.address = page, .shared = false, .value = 0});
  a.Must(PsemInit{.address = page, .offset = kSemSize, .shared = true, .value = 2});
  TaskHandle b = a.Fork();
  b.Begin(PsemWait{.address = page});
  EXPECT_THAT(a.Do(PsemGetValue{.address = page, .offset = kSemSize}), GivesValues({2}));
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_FALSE(b.alive());
}

CLAUSE(PosixSem, ReadOnlyMemory, "sem_overview(7)",
       "Through memory that it may only read no task changes a semaphore") {
  const ShmId segment = a.Must(Shmget{.size = 4096, .flags = IPC_CREAT | 0600});
  const Address at = a.Must(Shmat{.id = segment});
  a.Must(PsemInit{.address = at, .shared = true, .value = 1});
  TaskHandle b = a.Fork();
  const Address view = b.Must(Shmat{.id = segment, .flags = SHM_RDONLY});
  EXPECT_FALSE(b.Do(PsemPost{.address = view}).ok());
  EXPECT_THAT(a.Do(PsemGetValue{.address = at}), GivesValues({1}));
}

}  // namespace
}  // namespace ipcspec
