// Clauses of System V semaphores: what one semop does, and when it refuses: semop(2).
// Waiting: sysv_sem_wait_test.cc. SEM_UNDO: sysv_sem_undo_test.cc. semctl: sysv_sem_ctl_test.cc.
// semget, identifiers, limits: sysv_sem_id_test.cc.
#include <sys/ipc.h>
#include <sys/sem.h>

#include <vector>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kMaxValue = 32767;  // SEMVMX

// A child that is another user, without privilege.
TaskHandle ForkAs(TaskHandle& a, int64_t uid, int64_t gid) {
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = uid, .gid = gid});
  return b;
}

CLAUSE(SysvSem, AddsAndSubtracts, "semop(2)",
       "A positive operation adds to the value, a negative one subtracts") {
  const SemId s = a.MakeSemSet({0});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 5}}}), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(5));
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -3}}}), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
}

CLAUSE(SysvSem, SubtractsDownToZero, "semop(2)",
       "A value may be taken whole: subtracting as much as there is leaves zero, without waiting") {
  const SemId s = a.MakeSemSet({4});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -4}}}), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(0));
}

CLAUSE(SysvSem, ZeroOperationAtZero, "semop(2)",
       "An operation of zero on a value of zero proceeds at once and changes nothing") {
  const SemId s = a.MakeSemSet({0});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 0}}}), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(0));
}

CLAUSE(SysvSem, TouchesOnlyWhatItNames, "semop(2)",
       "Each operation works on the semaphore that it names, and on no other") {
  const SemId s = a.MakeSemSet({1, 2, 3}), t = a.MakeSemSet({1, 2, 3});
  a.Must(Semop{.id = s, .ops = {{2, 10}, {0, -1}}});
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 2, 13}));
  EXPECT_THAT(a.Do(SemGetAll{.id = t}), GivesValues({1, 2, 3}));
}

CLAUSE(SysvSem, ProcessesShareTheValues, "semop(2)",
       "Every process that uses the identifier works on the same values") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork(), c = b.Fork();
  b.Must(Semop{.id = s, .ops = {{0, 3}}});
  c.Must(Semop{.id = s, .ops = {{0, -1}}});
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
}

CLAUSE(SysvSem, ArrayIsAllOrNothing, "semop(2)",
       "The operations of an array are performed all together or not at all") {
  const SemId s = a.MakeSemSet({1, 0, 7});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -1}, {2, 1}, {1, -1, IPC_NOWAIT}}}),
              FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({1, 0, 7}));
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -1}, {2, 1}, {1, 1}}}), Gives(0));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 1, 8}));
}

CLAUSE(SysvSem, ArrayIsPerformedInOrder, "semop(2)",
       "Operations are performed in array order: a later one sees what earlier ones did") {
  const SemId s = a.MakeSemSet({0});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 1}, {0, -1}}}), Gives(0));
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -1, IPC_NOWAIT}, {0, 1}}}), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(0));
}

CLAUSE(SysvSem, TestAndTakeAtOnce, "semop(2)",
       "Waiting for zero and then adding, in one array, is a lock that only one gets") {
  const SemId s = a.MakeSemSet({0});
  const Semop lock{.id = s, .ops = {{0, 0, IPC_NOWAIT}, {0, 1}}};
  EXPECT_THAT(a.Do(lock), Gives(0));
  EXPECT_THAT(a.Do(lock), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}

CLAUSE(SysvSem, OneSemaphoreSeveralTimes, "semop(2)",
       "An array may name a semaphore several times, and the operations add up in their order") {
  const SemId s = a.MakeSemSet({1, 0});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 2}, {1, 4}, {0, -1}, {0, -2}, {0, 0}, {0, 6}}}),
              Gives(0));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({6, 4}));
}

CLAUSE(SysvSem, NoWaitInsteadOfSleep, "semop(2)",
       "With IPC_NOWAIT an operation that cannot proceed fails with EAGAIN and changes nothing") {
  const SemId s = a.MakeSemSet({2});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -3, IPC_NOWAIT}}}), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 0, IPC_NOWAIT}}}), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
}
PROVOKES(SysvSem, NoWaitInsteadOfSleep, "semop.2", "semop,semtimedop", "EAGAIN",
         "cannot proceed with IPC_NOWAIT, or timeout ran out");

CLAUSE(SysvSem, NoWaitOfAnOperationThatProceeds, "semop(2)",
       "IPC_NOWAIT counts for its own operation only: where another is stuck, the call sleeps") {
  const SemId s = a.MakeSemSet({1, 0});
  TaskHandle b = a.Fork();
  const Pending stuck = b.Begin(Semop{.id = s, .ops = {{0, -1, IPC_NOWAIT}, {1, -1}}});
  EXPECT_THAT(stuck, IsAsleep());
  a.Must(Semop{.id = s, .ops = {{1, 1}}});
  EXPECT_THAT(stuck.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 0}));
}

CLAUSE(SysvSem, FirstStuckOperationDecides, "semop(2)",
       "Of several operations that cannot proceed, the first one's IPC_NOWAIT decides") {
  const SemId s = a.MakeSemSet({0, 0});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -1, IPC_NOWAIT}, {1, -1}}}), FailsWith(EAGAIN));
  TaskHandle b = a.Fork();
  const Pending stuck = b.Begin(Semop{.id = s, .ops = {{0, -1}, {1, -1, IPC_NOWAIT}}});
  EXPECT_THAT(stuck, IsAsleep());
}

CLAUSE(SysvSem, HighestValue, "semop(2)",
       "A value reaches SEMVMX and no further: the operation that would pass it gives ERANGE") {
  const SemId s = a.MakeSemSet({0, 5});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, kMaxValue}}}), Gives(0));
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{1, 1}, {0, 1}}}), FailsWith(ERANGE));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({kMaxValue, 5}));
}
PROVOKES(SysvSem, HighestValue, "semop.2", "semop,semtimedop", "ERANGE", "value would pass SEMVMX");

CLAUSE(SysvSem, HighestValueInsideAnArray, "semop(2)",
       "SEMVMX holds after each operation of an array, not only after the last") {
  const SemId s = a.MakeSemSet({kMaxValue});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 1}, {0, -1}}}), FailsWith(ERANGE));
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -1}, {0, 1}}}), Gives(0));
}

CLAUSE(SysvSem, SemaphoreNumberOutOfRange, "semop(2)",
       "An operation on a semaphore that the set does not have gives EFBIG, and none is done") {
  const SemId s = a.MakeSemSet({3, 3});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 1}, {2, 1}}}), FailsWith(EFBIG));
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{65535, -1}}}), FailsWith(EFBIG));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({3, 3}));
}
PROVOKES(SysvSem, SemaphoreNumberOutOfRange, "semop.2", "semop,semtimedop", "EFBIG",
         "semaphore number out of range");

CLAUSE(SysvSem, BadOperationBehindAStuckOne, "semop(2)",
       "A semaphore out of range is found at once, even behind an operation that would wait") {
  const SemId s = a.MakeSemSet({0});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -1}, {1, 1}}}), FailsWith(EFBIG));
}

CLAUSE(SysvSem, SemopWithoutOperationsOrSet, "semop(2)",
       "No operations, or an identifier of no set, is EINVAL") {
  const SemId s = a.MakeSemSet({0});
  EXPECT_THAT(a.Do(Semop{.id = s}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Semop{.id = -1, .ops = {{0, 1}}}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Semop{.id = s.value + 1, .ops = {{0, 1}}}), FailsWith(EINVAL));
}
PROVOKES(SysvSem, SemopWithoutOperationsOrSet, "semop.2", "semop,semtimedop", "EINVAL",
         "bad id or no operations");

CLAUSE(SysvSem, BadPointerToOperations, "semop(2)", "A bad pointer to the operations is EFAULT") {
  const SemId s = a.MakeSemSet({1});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, -1}}, .memory = Memory::kBad}), FailsWith(EFAULT));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}
PROVOKES(SysvSem, BadPointerToOperations, "semop.2", "semop,semtimedop", "EFAULT",
         "bad sops or timeout pointer");

CLAUSE(SysvSem, TooManyOperations, "semop(2)",
       "An array of SEMOPM operations is allowed; one of more gives E2BIG and does nothing") {
  const int64_t semopm = dialect().semopm;
  Requires(semopm <= 5000, "SEMOPM is set too high here to pass it");
  const SemId s = a.MakeSemSet({0});
  std::vector<Sembuf> ops(semopm, Sembuf{.num = 0, .op = 1});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = ops}), Gives(0));
  ops.push_back({.num = 0, .op = 1});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = ops}), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(semopm));
}
PROVOKES(SysvSem, TooManyOperations, "semop.2", "semop,semtimedop", "E2BIG",
         "more than SEMOPM operations");

CLAUSE(SysvSem, AlterNeedsPermission, "semop(2)",
       "Adding and subtracting need permission to alter the set") {
  RequiresOtherUsers();
  const SemId s = a.MakeSemSet({1}, 0604);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(Semop{.id = s, .ops = {{0, 1}}}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(Semop{.id = s, .ops = {{0, -1}}}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}
PROVOKES(SysvSem, AlterNeedsPermission, "semop.2", "semop,semtimedop", "EACCES",
         "mode denies alter/read");

CLAUSE(SysvSem, WaitForZeroNeedsPermission, "semop(2)",
       "Waiting for zero needs permission to read the set, and no more") {
  RequiresOtherUsers();
  const SemId readable = a.MakeSemSet({0}, 0604), alterable = a.MakeSemSet({0}, 0602);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(Semop{.id = readable, .ops = {{0, 0}}}), Gives(0));
  EXPECT_THAT(b.Do(Semop{.id = alterable, .ops = {{0, 0}}}), FailsWith(EACCES));
}

CLAUSE(SysvSem, AlterIsNotRead, "semop(2)", "Who may only alter a set adds to it and takes") {
  RequiresOtherUsers();
  const SemId s = a.MakeSemSet({1}, 0602);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(Semop{.id = s, .ops = {{0, 2}}}), Gives(0));
  EXPECT_THAT(b.Do(Semop{.id = s, .ops = {{0, -1}}}), Gives(0));
  EXPECT_THAT(b.Do(SemGetVal{.id = s, .num = 0}), FailsWith(EACCES));
}

CLAUSE(SysvSem, PermissionsByClass, "sysvipc(7)",
       "The owner, the owner's group, and all others have three bits of the mode each") {
  RequiresOtherUsers();
  const SemId s = a.MakeSemSet({0});
  TaskHandle owner = ForkAs(a, 1000, 1000), member = ForkAs(a, 1001, 1000),
             other = ForkAs(a, 1002, 1002);
  const Semop add{.id = s, .ops = {{0, 1}}};
  a.Must(SemSet{.id = s, .uid = 1000, .gid = 1000, .mode = 0200});
  EXPECT_THAT(owner.Do(add), Gives(0));
  EXPECT_THAT(member.Do(add), FailsWith(EACCES));
  EXPECT_THAT(other.Do(add), FailsWith(EACCES));
  a.Must(SemSet{.id = s, .uid = 1000, .gid = 1000, .mode = 0220});
  EXPECT_THAT(member.Do(add), Gives(0));
  EXPECT_THAT(other.Do(add), FailsWith(EACCES));
  a.Must(SemSet{.id = s, .uid = 1000, .gid = 1000, .mode = 0222});
  EXPECT_THAT(other.Do(add), Gives(0));
}

CLAUSE(SysvSem, FirstClassThatFitsCounts, "sysvipc(7)",
       "Who is the owner has the owner's bits alone, even where its group or all may do more") {
  RequiresOtherUsers();
  const SemId s = a.MakeSemSet({0});
  TaskHandle owner = ForkAs(a, 1000, 1000), member = ForkAs(a, 1001, 1000);
  const Semop add{.id = s, .ops = {{0, 1}}};
  a.Must(SemSet{.id = s, .uid = 1000, .gid = 1000, .mode = 0022});
  EXPECT_THAT(owner.Do(add), FailsWith(EACCES));
  EXPECT_THAT(member.Do(add), Gives(0));
  a.Must(SemSet{.id = s, .uid = 1000, .gid = 1000, .mode = 0202});
  EXPECT_THAT(owner.Do(add), Gives(0));
  EXPECT_THAT(member.Do(add), FailsWith(EACCES));
}

CLAUSE(SysvSem, PrivilegePassesPermissions, "semop(2)",
       "With CAP_IPC_OWNER the mode of a set denies nothing") {
  Requires(dialect().cap_ipc_owner, "user 0 of this run lacks CAP_IPC_OWNER");
  const SemId s = a.MakeSemSet({0}, 0000);
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 1}}}), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(1));
}

EXCUSED("semop.2", "semop,semtimedop", "ENOMEM", "no memory for undo record",
        "taking the kernel's memory would harm whoever else runs on the machine");

CLAUSE(SysvSem, MixedArrayNeedsPermissionToAlter, "semop(2)",
       "An array that waits for zero and alters needs permission to alter: else EACCES") {
  RequiresOtherUsers();
  const SemId readable = a.MakeSemSet({0, 0}, 0604), alterable = a.MakeSemSet({0, 0}, 0602);
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  const std::vector<Sembuf> mix = {{0, 0}, {1, 1}};
  EXPECT_THAT(b.Do(Semop{.id = readable, .ops = mix}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(Semop{.id = readable, .ops = {{0, 0}}}), Gives(0));
  EXPECT_THAT(b.Do(Semop{.id = alterable, .ops = {{0, 0}}}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(Semop{.id = alterable, .ops = mix}),
              testing::AnyOf(Gives(0), FailsWith(EACCES)));
}

}  // namespace
}  // namespace ipcspec
