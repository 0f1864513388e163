// Clauses of System V semaphores: SEM_UNDO, and whose adjustments are applied when: semop(2),
// clone(2), fork(2), execve(2), semctl(2).
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include <csignal>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kMaxValue = 32767;  // SEMVMX

// One operation with SEM_UNDO.
Semop Undoable(SemId s, int64_t op) { return {.id = s, .ops = {{0, op, SEM_UNDO}}}; }
Semop Change(SemId s, int64_t op) { return {.id = s, .ops = {{0, op}}}; }

void Ends(TaskHandle& task) {
  task.Begin(Exit{.status = 0});
  EXPECT_FALSE(task.alive());
}

CLAUSE(SysvSem, UndoneAtExit, "semop(2)",
       "What a process did with SEM_UNDO is undone when it exits, taken or added") {
  const SemId s = a.MakeSemSet({5});
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(Undoable(s, -2));
  c.Must(Undoable(s, 7));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(10));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(12));
  Ends(c);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(5));
}

CLAUSE(SysvSem, UndoneWhenKilled, "semop(2)", "A process that is killed has its SEM_UNDO undone") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -1));
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}

CLAUSE(SysvSem, OnlyFlaggedOperationsAreUndone, "semop(2)",
       "Operations without SEM_UNDO stay, even in one array with operations that have it") {
  const SemId s = a.MakeSemSet({9, 9});
  TaskHandle b = a.Fork();
  b.Must(Semop{.id = s, .ops = {{0, -1, SEM_UNDO}, {0, -2}, {1, -3}}});
  Ends(b);
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({7, 6}));
}

CLAUSE(SysvSem, AdjustmentsAccumulate, "semop(2)",
       "The adjustment of a semaphore is the sum of all that was done with SEM_UNDO") {
  const SemId s = a.MakeSemSet({10});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -3));
  b.Must(Undoable(s, -4));
  b.Must(Undoable(s, 2));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(5));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(10));
}

CLAUSE(SysvSem, AdjustmentsAreOfEachSemaphore, "semop(2)",
       "There is an adjustment for each semaphore, in each set that the process used") {
  const SemId s = a.MakeSemSet({4, 4, 4}), t = a.MakeSemSet({4});
  TaskHandle b = a.Fork();
  b.Must(Semop{.id = s, .ops = {{0, -1, SEM_UNDO}, {2, 2, SEM_UNDO}}});
  b.Must(Undoable(t, -4));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({3, 4, 6}));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({4, 4, 4}));
  EXPECT_THAT(a.Do(SemGetVal{.id = t, .num = 0}), Gives(4));
}

CLAUSE(SysvSem, OthersAdjustmentsStay, "semop(2)",
       "Adjustments belong to one process: the end of another undoes none of them") {
  const SemId s = a.MakeSemSet({6});
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(Undoable(s, -1));
  c.Must(Undoable(s, -2));
  Ends(c);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(5));
}

CLAUSE(SysvSem, ReleasedLockIsNotReleasedTwice, "semop(2)",
       "Who gave back what it took, both with SEM_UNDO, leaves nothing to undo") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -1));
  b.Must(Undoable(s, 1));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}

CLAUSE(SysvSem, WaitForZeroHasNoAdjustment, "semop(2)",
       "SEM_UNDO on an operation of zero leaves nothing to undo") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, 0));
  a.Must(Change(s, 3));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(3));
}

CLAUSE(SysvSem, SleeperIsUndoneToo, "semop(2)",
       "An operation that had to wait for another process is undone like any other") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  const Pending take = b.Begin(Undoable(s, -2));
  a.Must(Change(s, 3));
  EXPECT_THAT(take.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(3));
}

CLAUSE(SysvSem, UndoWakes, "semop(2)",
       "What is undone at exit wakes who waits for more, and who waits for zero") {
  const SemId s = a.MakeSemSet({1, 0});
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  b.Must(Semop{.id = s, .ops = {{0, -1, SEM_UNDO}, {1, 1, SEM_UNDO}}});
  const Pending more = c.Begin(Change(s, -1));
  const Pending zero = d.Begin(Semop{.id = s, .ops = {{1, 0}}});
  EXPECT_THAT(more, IsAsleep());
  EXPECT_THAT(zero, IsAsleep());
  Ends(b);
  EXPECT_THAT(more.Finish(), Gives(0));
  EXPECT_THAT(zero.Finish(), Gives(0));
}

CLAUSE(SysvSem, LockOutlivesItsHolders, "semop(2)",
       "A lock taken with SEM_UNDO passes on from each holder that is killed to the next") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(Undoable(s, -1));
  const Pending take = c.Begin(Undoable(s, -1));
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(take.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(0));
  a.Must(Kill{.target = c.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}

CLAUSE(SysvSem, RefusedArrayIsNotUndone, "semop(2)",
       "Of an array that failed with EAGAIN or ERANGE nothing is undone at exit") {
  const SemId s = a.MakeSemSet({5, 0, kMaxValue});
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Semop{.id = s, .ops = {{0, -1, SEM_UNDO}, {1, -1, SEM_UNDO | IPC_NOWAIT}}}),
              FailsWith(EAGAIN));
  EXPECT_THAT(b.Do(Semop{.id = s, .ops = {{0, -1, SEM_UNDO}, {2, 1, SEM_UNDO}}}),
              FailsWith(ERANGE));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({5, 0, kMaxValue}));
}

CLAUSE(SysvSem, RefusedOnOneSemaphoreIsNotUndone, "semop(2)",
       "Nothing is undone of a failed array whose later operation was stuck on the semaphore that "
       "an earlier one had named") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork(), c = a.Fork();
  EXPECT_THAT(b.Do(Semop{.id = s, .ops = {{0, -1, SEM_UNDO}, {0, -1, SEM_UNDO | IPC_NOWAIT}}}),
              FailsWith(EAGAIN));
  EXPECT_THAT(c.Do(Semop{.id = s, .ops = {{0, 1, SEM_UNDO}, {0, 0, SEM_UNDO | IPC_NOWAIT}}}),
              FailsWith(EAGAIN));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
  Ends(c);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}

CLAUSE(SysvSem, UnfinishedSleepIsNotUndone, "semop(2)",
       "A sleeper that was killed, or interrupted and then exits, has nothing to undo") {
  const SemId s = a.MakeSemSet({5, 0});
  const Semop both{.id = s, .ops = {{0, -1, SEM_UNDO}, {1, -1, SEM_UNDO}}};
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  const Pending interrupted = b.Begin(both), killed = c.Begin(both);
  EXPECT_THAT(killed, IsAsleep());
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(interrupted.Finish(), FailsWith(EINTR));
  Ends(b);
  a.Must(Kill{.target = c.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({5, 0}));
}

CLAUSE(SysvSem, ChildHasNoAdjustments, "fork(2)",
       "A child does not inherit adjustments: its end undoes nothing of its parent's, whose end "
       "does") {
  const SemId s = a.MakeSemSet({5});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -1));
  TaskHandle c = b.Fork();
  Ends(c);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(4));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(5));
}

CLAUSE(SysvSem, ChildDoesNotKeepThemBack, "fork(2)",
       "The parent's adjustments are applied at its end, though its child lives on") {
  const SemId s = a.MakeSemSet({5});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -1));
  TaskHandle c = b.Fork();
  Ends(b);
  EXPECT_TRUE(c.alive());
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(5));
}

CLAUSE(SysvSem, ExecKeepsAdjustments, "semop(2)",
       "exec applies no adjustments, and keeps them: they are applied when the new program ends") {
  const SemId s = a.MakeSemSet({5});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -2));
  b.Must(Exec{});
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(3));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(5));
}

CLAUSE(SysvSem, SetvalClearsAdjustments, "semctl(2)",
       "SETVAL clears the adjustments of its semaphore in all processes, and of no other one") {
  const SemId s = a.MakeSemSet({5, 5});
  const Semop take{.id = s, .ops = {{0, -1, SEM_UNDO}, {1, -1, SEM_UNDO}}};
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(take);
  c.Must(take);
  a.Must(SemSetVal{.id = s, .num = 0, .value = 20});
  Ends(b);
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({20, 4}));
  Ends(c);
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({20, 5}));
}

CLAUSE(SysvSem, SetallClearsAdjustments, "semctl(2)",
       "SETALL clears the adjustments of the whole set in all processes, and of no other set") {
  const SemId s = a.MakeSemSet({5, 5}), t = a.MakeSemSet({5});
  TaskHandle b = a.Fork();
  b.Must(Semop{.id = s, .ops = {{0, -1, SEM_UNDO}, {1, 1, SEM_UNDO}}});
  b.Must(Undoable(t, -1));
  a.Must(SemSetAll{.id = s, .all = {20, 30}});
  Ends(b);
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({20, 30}));
  EXPECT_THAT(a.Do(SemGetVal{.id = t, .num = 0}), Gives(5));
}

CLAUSE(SysvSem, AdjustmentsBeginAnewAfterSetval, "semctl(2)",
       "What is done with SEM_UNDO after SETVAL is undone, and only that") {
  const SemId s = a.MakeSemSet({5});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -3));
  a.Must(SemSetVal{.id = s, .num = 0, .value = 20});
  b.Must(Undoable(s, -1));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(20));
}

CLAUSE(SysvSem, RemovalDropsAdjustments, "semctl(2)",
       "Adjustments go with their set: a later set under the key is not adjusted") {
  constexpr int64_t kKey = 4711;
  const SemId s = a.Must(Semget{.key = kKey, .flags = IPC_CREAT | 0600});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, 3));
  a.Must(SemRemove{.id = s});
  const SemId t = a.Must(Semget{.key = kKey, .flags = IPC_CREAT | 0600});
  a.Must(SemSetVal{.id = t, .num = 0, .value = 9});
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = t, .num = 0}), Gives(9));
}

CLAUSE(SysvSem, UndoStopsAtZero, "semop(2)",
       "Where undoing would take the value below zero, it takes it to zero and does not wait") {
  const SemId s = a.MakeSemSet({0, 5});
  TaskHandle b = a.Fork();
  b.Must(Semop{.id = s, .ops = {{0, 3, SEM_UNDO}, {1, -1, SEM_UNDO}}});
  a.Must(Change(s, -2));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 5}));
}

CLAUSE(SysvSem, UndoStopsAtHighestValue, "semop(2)", "Undoing takes no value beyond SEMVMX") {
  const SemId s = a.MakeSemSet({kMaxValue});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -5));
  a.Must(Change(s, 3));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(kMaxValue));
}

CLAUSE(SysvSem, AdjustmentsHaveARange, "semop(2)",
       "An adjustment beyond SEMVMX either way may be ERANGE; what is refused changes nothing") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  for (const int64_t sign : {1, -1}) {
    a.Must(SemSetVal{.id = s, .num = 0, .value = sign > 0 ? 0 : 30000});
    b.Must(Semop{.id = s, .ops = {{0, sign * 30000, SEM_UNDO}}});
    a.Must(Semop{.id = s, .ops = {{0, sign * -30000}}});
    const Outcome more = b.Do(Semop{.id = s, .ops = {{0, sign * 20000, SEM_UNDO}}});
    EXPECT_THAT(more, testing::AnyOf(Gives(0), FailsWith(ERANGE)));
    const int64_t before = sign > 0 ? 0 : 30000;
    EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(before + (more.ok() ? sign * 20000 : 0)));
  }
}

CLAUSE(SysvSem, UndoRecordsItsProcess, "semctl(2)",
       "GETPID names the process whose end undid what it had done (as Linux has it)") {
  const SemId s = a.MakeSemSet({5});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -1));
  a.Must(Change(s, 1));
  EXPECT_THAT(a.Do(SemGetPid{.id = s, .num = 0}), Gives(a.task()));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetPid{.id = s, .num = 0}), Gives(b.task()));
}

CLAUSE(SysvSem, SharersShareAdjustments, "clone(2)",
       "With CLONE_SYSVSEM there is one list of adjustments, applied when its last sharer ends") {
  const SemId s = a.MakeSemSet({9});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -1));
  TaskHandle c = b.Clone(CLONE_SYSVSEM);
  c.Must(Undoable(s, -2));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(6));
  a.Must(Kill{.target = c.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(9));
}

CLAUSE(SysvSem, SharersNeedNotHaveUsedSemaphores, "clone(2)",
       "CLONE_SYSVSEM shares what is done later, also when nothing had been done before") {
  const SemId s = a.MakeSemSet({9});
  TaskHandle b = a.Fork(), c = b.Clone(CLONE_SYSVSEM);
  c.Must(Undoable(s, -2));
  Ends(c);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(7));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(9));
}

CLAUSE(SysvSem, SharerGivesBackForAnother, "clone(2)",
       "What one sharer took and another gave back leaves nothing to undo") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork(), c = b.Clone(CLONE_SYSVSEM);
  b.Must(Undoable(s, -1));
  c.Must(Undoable(s, 1));
  Ends(b);
  Ends(c);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}

CLAUSE(SysvSem, SleepingSharerIsUndone, "clone(2)",
       "A sharer that waits keeps the list alive; what it gets at last is in it") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork(), c = b.Clone(CLONE_SYSVSEM);
  b.Must(Undoable(s, -1));
  const Pending take = c.Begin(Undoable(s, -1));
  Ends(b);
  EXPECT_THAT(take, IsAsleep());  // b's unit does not come back yet
  a.Must(Change(s, 1));
  EXPECT_THAT(take.Finish(), Gives(0));
  Ends(c);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
}

CLAUSE(SysvSem, CloneSharesOnlyWhenTold, "clone(2)",
       "Without CLONE_SYSVSEM the new process has a list of its own, which is empty") {
  const SemId s = a.MakeSemSet({9});
  TaskHandle b = a.Fork();
  b.Must(Undoable(s, -1));
  TaskHandle c = b.Clone(0);
  c.Must(Undoable(s, -2));
  Ends(b);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(7));
  Ends(c);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(9));
}

}  // namespace
}  // namespace ipcspec
