// Clauses of System V semaphores: who sleeps in semop, who is woken, and how else sleep ends:
// semop(2), semctl(2), signal(7).
#include <sys/ipc.h>
#include <sys/sem.h>

#include <csignal>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kShort = 20'000'000;            // a timeout that is waited for
constexpr int64_t kNeverOver = 3600'000'000'000;  // one that does not end while a clause runs

Semop Change(SemId s, int64_t op) { return {.id = s, .ops = {{0, op}}}; }

CLAUSE(SysvSem, SleepsUntilEnough, "semop(2)",
       "A subtraction waits until the value is large enough, then takes it all") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  const Pending take = b.Begin(Change(s, -3));
  EXPECT_THAT(take, IsAsleep());
  a.Must(Change(s, 2));
  EXPECT_THAT(take, IsAsleep());
  a.Must(Change(s, 2));
  EXPECT_THAT(take.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}

CLAUSE(SysvSem, SleepsUntilZero, "semop(2)",
       "An operation of zero waits until the value is zero, and leaves it there") {
  const SemId s = a.MakeSemSet({2});
  TaskHandle b = a.Fork();
  const Pending wait = b.Begin(Change(s, 0));
  EXPECT_THAT(wait, IsAsleep());
  a.Must(Change(s, -1));
  EXPECT_THAT(wait, IsAsleep());
  a.Must(Change(s, -1));
  EXPECT_THAT(wait.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(0));
}

CLAUSE(SysvSem, SleeperHoldsNothing, "semop(2)",
       "While an array waits none of its operations is done: others can take what it wants") {
  const SemId s = a.MakeSemSet({1, 0});
  TaskHandle b = a.Fork();
  const Pending both = b.Begin(Semop{.id = s, .ops = {{0, -1}, {1, -1}}});
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({1, 0}));
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -1, IPC_NOWAIT}}}), Gives(0));
  a.Must(Semop{.id = s, .ops = {{1, 1}}});
  EXPECT_THAT(both, IsAsleep());
  a.Must(Semop{.id = s, .ops = {{0, 1}}});
  EXPECT_THAT(both.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 0}));
}

CLAUSE(SysvSem, OneUnitWakesOneSleeper, "semop(2)", "One unit lets one of two sleepers go on") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(Change(s, -1)), second = c.Begin(Change(s, -1));
  a.Must(Change(s, 1));
  EXPECT_NE(first.asleep(), second.asleep());
  a.Must(Change(s, 1));
  EXPECT_FALSE(first.asleep() || second.asleep());
}

CLAUSE(SysvSem, OneAdditionWakesSeveral, "semop(2)",
       "An addition lets every sleeper go on for whom there is enough") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  const Pending first = b.Begin(Change(s, -1)), second = c.Begin(Change(s, -2)),
                third = d.Begin(Change(s, -1));
  a.Must(Change(s, 4));
  EXPECT_THAT(first.Finish(), Gives(0));
  EXPECT_THAT(second.Finish(), Gives(0));
  EXPECT_THAT(third.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(0));
}

CLAUSE(SysvSem, LargeSleeperStopsNoSmallOne, "semop(2)",
       "Who needs less goes on when there is enough for it, past a sleeper who needs more") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending large = b.Begin(Change(s, -5)), small = c.Begin(Change(s, -1));
  a.Must(Change(s, 2));
  EXPECT_THAT(large, IsAsleep());
  EXPECT_THAT(small.Finish(), Gives(0));
  EXPECT_THAT(a.Do(Change(s, -1)), Gives(0));  // nor does a call that comes later queue
}

CLAUSE(SysvSem, AllSleepersForZeroAreWoken, "semop(2)",
       "When the value is zero everyone who waited for that goes on") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(Change(s, 0)), second = c.Begin(Change(s, 0));
  a.Must(Change(s, -1));
  EXPECT_THAT(first.Finish(), Gives(0));
  EXPECT_THAT(second.Finish(), Gives(0));
}

CLAUSE(SysvSem, SleepersSleepOnTheirSemaphore, "semop(2)",
       "A change of one semaphore wakes no one who waits for another, in the set or elsewhere") {
  const SemId s = a.MakeSemSet({0, 0}), t = a.MakeSemSet({0});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(Change(s, -1)), second = c.Begin(Change(t, -1));
  a.Must(Semop{.id = s, .ops = {{1, 9}}});
  EXPECT_THAT(first, IsAsleep());
  EXPECT_THAT(second, IsAsleep());
}

CLAUSE(SysvSem, ValuesInsideAnArrayAreNotSeen, "semop(2)",
       "An array is performed at one moment: what values pass through inside it wakes no one") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending zero = b.Begin(Change(s, 0)), more = c.Begin(Change(s, -2));
  a.Must(Semop{.id = s, .ops = {{0, -1}, {0, 1}}});
  a.Must(Semop{.id = s, .ops = {{0, 1}, {0, -1}}});
  EXPECT_THAT(zero, IsAsleep());
  EXPECT_THAT(more, IsAsleep());
}

CLAUSE(SysvSem, WokenOnesWakeOthers, "semop(2)",
       "What a woken call changes lets the next sleeper go on") {
  const SemId s = a.MakeSemSet({0, 0, 0});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending second = b.Begin(Semop{.id = s, .ops = {{1, -1}, {2, 1}}});
  const Pending first = c.Begin(Semop{.id = s, .ops = {{0, -1}, {1, 1}}});
  a.Must(Semop{.id = s, .ops = {{0, 1}}});
  EXPECT_THAT(first.Finish(), Gives(0));
  EXPECT_THAT(second.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 0, 1}));
}

CLAUSE(SysvSem, WokenTakerWakesForZero, "semop(2)",
       "A woken call that takes the value to zero wakes who waits for zero") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending zero = b.Begin(Change(s, 0)), take = c.Begin(Change(s, -2));
  a.Must(Change(s, 1));
  EXPECT_THAT(take.Finish(), Gives(0));
  EXPECT_THAT(zero.Finish(), Gives(0));
}

CLAUSE(SysvSem, SleeperMeetsNoWait, "semop(2)",
       "A sleeper that then comes to a stuck operation with IPC_NOWAIT fails with EAGAIN") {
  const SemId s = a.MakeSemSet({0, 0});
  TaskHandle b = a.Fork();
  const Pending both = b.Begin(Semop{.id = s, .ops = {{0, -1}, {1, -1, IPC_NOWAIT}}});
  EXPECT_THAT(both, IsAsleep());
  a.Must(Semop{.id = s, .ops = {{0, 1}}});
  EXPECT_THAT(both.Finish(), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({1, 0}));
}

CLAUSE(SysvSem, SetvalWakes, "semctl(2)", "SETVAL wakes whoever can go on with the new value") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending more = b.Begin(Change(s, -5)), zero = c.Begin(Change(s, 0));
  a.Must(SemSetVal{.id = s, .num = 0, .value = 4});
  EXPECT_THAT(more, IsAsleep());
  EXPECT_THAT(zero, IsAsleep());
  a.Must(SemSetVal{.id = s, .num = 0, .value = 6});
  EXPECT_THAT(more.Finish(), Gives(0));
  a.Must(SemSetVal{.id = s, .num = 0, .value = 0});
  EXPECT_THAT(zero.Finish(), Gives(0));
}

CLAUSE(SysvSem, SetallWakes, "semctl(2)", "SETALL wakes whoever can go on with the new values") {
  const SemId s = a.MakeSemSet({0, 0, 1});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending both = b.Begin(Semop{.id = s, .ops = {{0, -1}, {1, -2}}});
  const Pending zero = c.Begin(Semop{.id = s, .ops = {{2, 0}}});
  a.Must(SemSetAll{.id = s, .all = {1, 1, 1}});
  EXPECT_THAT(both, IsAsleep());
  EXPECT_THAT(zero, IsAsleep());
  a.Must(SemSetAll{.id = s, .all = {2, 2, 0}});
  EXPECT_THAT(both.Finish(), Gives(0));
  EXPECT_THAT(zero.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({1, 0, 0}));
}

CLAUSE(SysvSem, RemovalEndsEverySleep, "semop(2)",
       "When the set is removed everyone who waits on it fails with EIDRM") {
  const SemId s = a.MakeSemSet({1, 0});
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  const Pending more = b.Begin(Change(s, -2)), zero = c.Begin(Change(s, 0));
  const Pending timed = d.Begin(Semop{.id = s, .ops = {{1, -1, SEM_UNDO}}, .timeout = kNeverOver});
  a.Must(SemRemove{.id = s});
  EXPECT_THAT(more.Finish(), FailsWith(EIDRM));
  EXPECT_THAT(zero.Finish(), FailsWith(EIDRM));
  EXPECT_THAT(timed.Finish(), FailsWith(EIDRM));
}
PROVOKES(SysvSem, RemovalEndsEverySleep, "semop.2", "semop,semtimedop", "EIDRM", "set removed");

CLAUSE(SysvSem, PermissionIsNotAskedAgain, "semctl(2)",
       "A sleeper stays one when the mode changes, and goes on when it can") {
  RequiresOtherUsers();
  const SemId s = a.MakeSemSet({0}, 0606);
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  const Pending take = b.Begin(Change(s, -1));
  a.Must(SemSet{.id = s, .uid = 0, .gid = 0, .mode = 0600});
  EXPECT_THAT(take, IsAsleep());
  a.Must(Change(s, 1));
  EXPECT_THAT(take.Finish(), Gives(0));
}

// A handler of this disposition ends the sleep with EINTR, and nothing is changed.
void IsInterrupted(TaskHandle& a, Disposition disposition, Nanos timeout) {
  const SemId s = a.MakeSemSet({1, 0});
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = disposition});
  const Pending take = b.Begin(Semop{.id = s, .ops = {{0, -1}, {1, -1}}, .timeout = timeout});
  EXPECT_THAT(take, IsAsleep());
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(take.Finish(), FailsWith(EINTR));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({1, 0}));
}

CLAUSE(SysvSem, SleepIsInterrupted, "semop(2)", "A handler that runs ends the sleep with EINTR") {
  IsInterrupted(a, Disposition::kHandle, {});
}
PROVOKES(SysvSem, SleepIsInterrupted, "semop.2", "semop,semtimedop", "EINTR",
         "handler interrupted wait");

CLAUSE(SysvSem, SleepIsNeverRestarted, "signal(7)",
       "SA_RESTART does not restart semop: a handler ends its sleep with EINTR all the same") {
  IsInterrupted(a, Disposition::kHandleRestart, {});
}

CLAUSE(SysvSem, TimedSleepIsInterrupted, "semop(2)",
       "A handler ends the sleep of semtimedop with EINTR, and SA_RESTART does not help") {
  IsInterrupted(a, Disposition::kHandleRestart, kNeverOver);
}

CLAUSE(SysvSem, IgnoredSignalDoesNotInterrupt, "signal(7)",
       "An ignored or blocked signal ends no sleep") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kIgnore});
  b.Must(Sigaction{.signal = SIGUSR2, .disposition = Disposition::kHandle});
  b.Must(Sigprocmask{.how = MaskChange::kBlock, .signal = SIGUSR2});
  const Pending take = b.Begin(Change(s, -1));
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR2});
  EXPECT_THAT(take, IsAsleep());
  a.Must(Change(s, 1));
  EXPECT_THAT(take.Finish(), Gives(0));
}

CLAUSE(SysvSem, InterruptedOrKilledSleepersTakeNothing, "semop(2)",
       "A sleeper that was killed or interrupted takes nothing of what comes later") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Begin(Change(s, -1));
  c.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  c.Begin(Change(s, -1));
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  a.Must(Kill{.target = c.task(), .signal = SIGUSR1});
  a.Must(Change(s, 2));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
}

CLAUSE(SysvSem, TimeoutRunsOut, "semop(2)",
       "semtimedop fails with EAGAIN when its time is over, and changes nothing") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork();
  // Long enough to tell a sleep from none where it may end early (SysvSem::MostEarly).
  const Pending take = b.Begin(Semop{.id = s, .ops = {{0, -2}}, .timeout = 8 * kShort});
  b.AwaitReturn();
  EXPECT_THAT(take.Finish(), FailsWith(EAGAIN));
  a.Must(Change(s, 1));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
}

CLAUSE(SysvSem, TimeoutForZeroRunsOut, "semop(2)", "Waiting for zero times out like any waiting") {
  const SemId s = a.MakeSemSet({1});
  const Pending wait = a.Begin(Semop{.id = s, .ops = {{0, 0}}, .timeout = kShort});
  a.AwaitReturn();
  EXPECT_THAT(wait.Finish(), FailsWith(EAGAIN));
}

CLAUSE(SysvSem, EnoughInTime, "semop(2)",
       "semtimedop goes on as soon as it can, without waiting for its time to be over") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  const Pending take = b.Begin(Semop{.id = s, .ops = {{0, -1}}, .timeout = kNeverOver});
  EXPECT_THAT(take, IsAsleep());
  a.Must(Change(s, 1));
  EXPECT_THAT(take.Finish(), Gives(0));
}

CLAUSE(SysvSem, NoTimeAtAll, "semop(2)",
       "With a timeout of zero semtimedop does what can be done at once, or fails with EAGAIN") {
  const SemId s = a.MakeSemSet({1});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -1}}, .timeout = 0}), Gives(0));
  const Pending take = a.Begin(Semop{.id = s, .ops = {{0, -1}}, .timeout = 0});
  a.AwaitReturn();
  EXPECT_THAT(take.Finish(), FailsWith(EAGAIN));
}

}  // namespace
}  // namespace ipcspec
