// The rules of semget(2) and semop(2), on the reference alone: what it plays when nothing was seen,
// what it accepts and what it refuses when something was.
#include "impl/mechanism/sysv_sem.h"

#include <gtest/gtest.h>

#include <set>

#include "impl/mechanism/sysv_sem_bench.h"

namespace ipcspec {
namespace {

// semget(2)

TEST(SysvSem, ANewSetIsItsCreatorsAndZero) {
  Bench b;
  const int64_t id = b.Ret(Semget{.key = 7, .nsems = 3, .flags = IPC_CREAT | 0640}, {.uid = kUser});
  EXPECT_EQ(b.Values(id), (Numbers{0, 0, 0}));
  EXPECT_EQ(b.Ret(SemGetPid{id, 0}), -1);
  const Numbers stat = b.Stat(id);
  EXPECT_EQ(stat, (Numbers{7, kUser, kUser, kUser, kUser, 0640, 3, 0, 1'700'000'001}));
}

TEST(SysvSem, AKeyFindsItsSetUntilItIsRemoved) {
  Bench b;
  const Semget find{.key = 7, .nsems = 0, .flags = 0};
  EXPECT_EQ(b.Error(find), ENOENT);
  const int64_t id = b.Ret(Semget{.key = 7, .nsems = 2, .flags = IPC_CREAT | 0600});
  EXPECT_EQ(b.Ret(find), id);
  EXPECT_EQ(b.Error(Semget{.key = 7, .nsems = 2, .flags = IPC_CREAT | IPC_EXCL}), EEXIST);
  EXPECT_EQ(b.Ret(Semget{.key = 7, .nsems = 2, .flags = IPC_CREAT}), id);
  EXPECT_NE(b.Ret(Semget{.key = IPC_PRIVATE, .nsems = 2, .flags = IPC_CREAT | IPC_EXCL}),
            b.Ret(Semget{.key = IPC_PRIVATE, .nsems = 2}));
  b.Ret(SemRemove{id});
  EXPECT_EQ(b.Error(find), ENOENT);
}

TEST(SysvSem, LimitsOnSets) {
  Bench b;
  EXPECT_EQ(b.Error(SetSemLimits{10, 15, 5, 2}, {.uid = kUser}), EACCES);
  b.Ret(SetSemLimits{10, 15, 5, 2});
  EXPECT_EQ(b.Error(Semget{.nsems = 11}), EINVAL);
  EXPECT_EQ(b.Error(Semget{.nsems = 0}), EINVAL);
  EXPECT_EQ(b.Error(Semget{.nsems = -1}), EINVAL);
  const int64_t id = b.NewSet(10);
  EXPECT_EQ(b.Error(Semget{.nsems = 6}), ENOSPC);  // SEMMNS
  b.NewSet(5);
  EXPECT_EQ(b.Error(Semget{.nsems = 1}), ENOSPC);  // both
  b.Ret(SemRemove{id});
  EXPECT_FALSE(b.Allows(Semget{.nsems = 1}, Fails(ENOSPC)));
  b.NewSet(1);
  EXPECT_EQ(b.Error(Semget{.nsems = 1}), ENOSPC);  // SEMMNI
  EXPECT_EQ(b.Play(SemUsage{}).outcome.values, (Outcome{.values = {2, 6}}.values));
  EXPECT_EQ(b.Play(SemLimits{}).outcome.values, (Outcome{.values = {10, 15, 5, 2, 32767}}.values));
  EXPECT_EQ(b.Error(Do(id + 1, {{}, {}, {}, {}, {}, {}})), E2BIG);
}

TEST(SysvSem, IdentifiersAreNotRecycledSoon) {
  Bench b;
  const int64_t first = b.NewSet(1);
  const int64_t kept = b.NewSet(1);
  EXPECT_TRUE(b.Allows(Semget{.nsems = 1}, Returns(977), {}, true));  // any number will do
  EXPECT_FALSE(b.Allows(Semget{.nsems = 1}, Returns(977))) << "alive";
  EXPECT_FALSE(b.Allows(Semget{.nsems = 1}, Returns(-7)));
  EXPECT_TRUE(b.Allows(SemRemove{977}, Returns(0), {}, true));
  EXPECT_FALSE(b.Allows(Semget{.nsems = 1}, Returns(977))) << "just removed";
  b.Ret(SemRemove{first});
  std::set<int64_t> seen{first, kept, 977};
  for (int i = 0; i < 300; ++i) {
    const int64_t id = b.NewSet(1);
    EXPECT_TRUE(seen.insert(id).second) << id;
    b.Ret(SemRemove{id});
  }
}

TEST(SysvSem, AFreedIdentifierIsRemembered) {
  Bench b;
  for (int64_t id = 0; id < 4096; ++id) {
    ASSERT_TRUE(b.Allows(Semget{.nsems = 1}, Returns(id), {}, true));
    ASSERT_TRUE(b.Allows(SemRemove{id}, Returns(0), {}, true));
  }
  EXPECT_FALSE(b.Allows(Semget{.nsems = 1}, Returns(0)));
  EXPECT_FALSE(b.Allows(Semget{.nsems = 1}, Returns(4095)));
}

TEST(SysvSem, AnIdentifierThatNobodySawIsAGuess) {
  Bench b;
  const int64_t guess = b.Ret(Semget{.key = 7, .nsems = 1, .flags = IPC_CREAT | 0600});
  // Another set has the number that was guessed, so ours has a different one.
  EXPECT_TRUE(b.Allows(Semget{.nsems = 2}, Returns(guess), {}, true));
  EXPECT_TRUE(b.Allows(Semget{.key = 7, .nsems = 1}, Returns(44), {}, true));
  EXPECT_FALSE(b.Allows(Semget{.key = 7, .nsems = 1}, Returns(45))) << "now it was seen";
  EXPECT_TRUE(b.Allows(Do(44, {{.op = 1}}), Returns(0)));
}

// semop(2)

TEST(SysvSem, OperationsHappenInOrderAndAllOrNone) {
  Bench b;
  const int64_t id = b.NewSet(3);
  b.Ret(Do(id, {{.num = 0, .op = 2}, {.num = 0, .op = -1}, {.num = 2, .op = 5}}));
  EXPECT_EQ(b.Values(id), (Numbers{1, 0, 5}));
  // Each sees what the earlier ones did.
  b.Ret(Do(id, {{.num = 0, .op = -1}, {.num = 0, .op = 0}, {.num = 0, .op = 3}}));
  EXPECT_EQ(b.Value(id), 3);
  EXPECT_TRUE(
      b.MaySleep(Do(id, {{.num = 1, .op = 4}, {.num = 0, .op = -3}, {.num = 0, .op = -1}})));
  EXPECT_EQ(b.Error(Do(id, {{.num = 1, .op = 4}, {.num = 2, .op = 0, .flags = IPC_NOWAIT}})),
            EAGAIN);
  EXPECT_EQ(b.Values(id), (Numbers{3, 0, 5}));
  // 64 apart: the shortcut for semaphores that were named before is by number mod 64.
  const int64_t wide = b.NewSet(65);
  b.Ret(Do(wide, {{.num = 0, .op = 2}, {.num = 64, .op = 1}, {.num = 64, .op = -1}}));
  EXPECT_EQ(b.Value(wide, 64), 0);
}

TEST(SysvSem, TheFirstOperationThatCannotProceedDecides) {
  Bench b;
  const int64_t id = b.NewSet(2);
  const Sembuf take{.num = 0, .op = -1}, try_take{.num = 1, .op = -1, .flags = IPC_NOWAIT};
  EXPECT_TRUE(b.MaySleep(Do(id, {take, try_take})));
  EXPECT_FALSE(b.Allows(Do(id, {take, try_take}), Fails(EAGAIN)));
  EXPECT_FALSE(b.MaySleep(Do(id, {try_take, take})));
  EXPECT_TRUE(b.Allows(Do(id, {try_take, take}), Fails(EAGAIN)));
  b.Ret(SemSetVal{id, 1, 32767});
  const Sembuf too_much{.num = 1, .op = 1};
  EXPECT_TRUE(b.MaySleep(Do(id, {take, too_much})));
  EXPECT_EQ(b.Error(Do(id, {too_much, take})), ERANGE);
}

TEST(SysvSem, SempidIsTheLastThatOperated) {
  Bench b;
  const int64_t id = b.NewSet(3);
  b.Ret(Do(id, {{.num = 0, .op = 1}, {.num = 1, .op = 0}}), {.task = 4});
  EXPECT_EQ(b.Ret(SemGetPid{id, 0}), 4);
  EXPECT_EQ(b.Ret(SemGetPid{id, 1}), 4) << "waiting for zero counts too";
  EXPECT_EQ(b.Ret(SemGetPid{id, 2}), -1);
  b.Ret(SemSetVal{id, 0, 1}, {.task = 5});
  EXPECT_EQ(b.Ret(SemGetPid{id, 0}), 5);
  b.Ret(SemSetAll{id, {1, 1, 1}}, {.task = 6});
  EXPECT_EQ(b.Ret(SemGetPid{id, 2}), 6);
  b.Error(Do(id, {{.num = 2, .op = -2, .flags = IPC_NOWAIT}}), {.task = 7});
  EXPECT_EQ(b.Ret(SemGetPid{id, 2}), 6);
}

TEST(SysvSem, ASleeperEndsWhenTheSetIsRemoved) {
  Bench b;
  const int64_t id = b.Ret(Semget{.nsems = 1});
  ASSERT_TRUE(b.Allows(Semget{.nsems = 1}, Returns(50), {}, true));
  const Semop take = Do(50, {{.op = -1}});
  EXPECT_TRUE(b.MaySleep(take));
  EXPECT_TRUE(b.Allows(SemRemove{50}, Returns(0), {}, true));
  EXPECT_TRUE(b.Allows(take, Fails(EIDRM), {.asleep = true}));
  EXPECT_FALSE(b.Allows(take, Fails(EINVAL), {.asleep = true}));
  EXPECT_FALSE(b.MaySleep(take, {.asleep = true}));
  EXPECT_TRUE(b.Allows(take, Fails(EINVAL))) << "it may have come too late";
  EXPECT_NE(id, 50);
}

TEST(SysvSem, AHandlerEndsASleepOnly) {
  Bench b;
  const int64_t id = b.NewSet(1);
  EXPECT_EQ(b.Error(Do(id, {{.op = -1}}), {.interrupted = true}), EINTR);
  EXPECT_FALSE(b.Allows(Do(id, {{.op = -1}}), Fails(EINTR)));
  EXPECT_FALSE(b.Allows(Do(id, {{.op = 1}}), Fails(EINTR), {.interrupted = true}));
  EXPECT_TRUE(b.Allows(Do(id, {{.op = 1}}), Returns(0), {.interrupted = true}));
}

TEST(SysvSem, ATimeoutIsNeverEarlyAndNotForgotten) {
  Bench b;
  const int64_t id = b.NewSet(1);
  const int64_t made = b.now;
  const By by{.invoked = made};
  const Semop take = Do(id, {{.op = -1}}, 3 * kSecond);
  b.now = made + 3 * kSecond - 1;
  EXPECT_FALSE(b.Allows(take, Fails(EAGAIN), by));
  EXPECT_TRUE(b.MaySleep(take, by));
  b.now = made + 3 * kSecond;
  EXPECT_TRUE(b.Allows(take, Fails(EAGAIN), by));
  EXPECT_TRUE(b.MaySleep(take, by)) << "it may overrun";
  b.now = made + 13 * kSecond + 1;
  EXPECT_FALSE(b.MaySleep(take, by));
  EXPECT_TRUE(b.MaySleep(Do(id, {{.op = -1}}), by)) << "without a timeout it waits for ever";
  b.Ret(SemSetVal{id, 0, 1});
  EXPECT_TRUE(b.Allows(take, Returns(0), by));
  EXPECT_FALSE(b.Allows(take, Fails(EAGAIN), by));
}

TEST(SysvSem, ATimeoutInTicksMayBeALittleEarly) {
  Bench b{.dialect = {.major = 5, .minor = 18}};
  const int64_t id = b.NewSet(1);
  const int64_t made = b.now;
  const Semop take = Do(id, {{.op = -1}}, 3 * kSecond);
  b.now = made + 2 * kSecond;
  EXPECT_FALSE(b.Allows(take, Fails(EAGAIN), {.invoked = made}));
  b.now = made + 3 * kSecond - 50'000'000;
  EXPECT_TRUE(b.Allows(take, Fails(EAGAIN), {.invoked = made}));
  EXPECT_TRUE(b.MaySleep(take, {.invoked = made}));
}

// SEM_UNDO

TEST(SysvSem, ExitUndoesAndClamps) {
  Bench b;
  const int64_t id = b.NewSet(3);
  b.Ret(SemSetAll{id, {5, 0, 32000}});
  b.Ret(Do(id, {{.num = 0, .op = -2, .flags = SEM_UNDO}, {.num = 1, .op = 4, .flags = SEM_UNDO}}),
        {.task = 3});
  b.Ret(Do(id, {{.num = 2, .op = -1000, .flags = SEM_UNDO}}), {.task = 3});
  b.Ret(Do(id, {{.num = 1, .op = -3}, {.num = 2, .op = 1767}}));
  EXPECT_EQ(b.Values(id), (Numbers{3, 1, 32767}));
  b.Exit(4);
  EXPECT_EQ(b.Values(id), (Numbers{3, 1, 32767}));
  b.Exit(3, 3);
  EXPECT_EQ(b.Values(id), (Numbers{5, 0, 32767}));
  EXPECT_EQ(b.Ret(SemGetPid{id, 2}), 3) << "task 1 was there last, before";
  b.Exit(3, 3);
  EXPECT_EQ(b.Value(id), 5) << "once only";
}

TEST(SysvSem, AFailedArrayIsNotUndone) {
  Bench b;
  const int64_t id = b.NewSet(1);
  const Sembuf give{.op = 1, .flags = SEM_UNDO};
  const SysvSem before = b.sems;
  b.Error(Do(id, {give, {.op = -2, .flags = SEM_UNDO | IPC_NOWAIT}}));
  EXPECT_EQ(b.sems, before);
}

TEST(SysvSem, SettingAValueForgetsItsAdjustments) {
  Bench b;
  const int64_t id = b.NewSet(2);
  const Semop give = Do(id, {{.num = 0, .op = 1, .flags = SEM_UNDO},  //
                             {.num = 1, .op = 1, .flags = SEM_UNDO}});
  b.Ret(give, {.task = 3});
  b.Ret(give, {.task = 4});
  b.Ret(SemSetVal{id, 0, 7});
  b.Exit(3);
  EXPECT_EQ(b.Values(id), (Numbers{7, 1}));
  b.Ret(SemSetAll{id, {8, 9}});
  b.Exit(4);
  EXPECT_EQ(b.Values(id), (Numbers{8, 9}));
}

TEST(SysvSem, ASharedListAddsUp) {
  Bench b;
  const int64_t id = b.NewSet(1);
  b.Ret(Do(id, {{.op = 2, .flags = SEM_UNDO}}), {.task = 3, .list = 3});
  b.Ret(Do(id, {{.op = 3, .flags = SEM_UNDO}}), {.task = 4, .list = 3});
  b.Exit(3);
  EXPECT_EQ(b.Value(id), 0);
}

TEST(SysvSem, AnAdjustmentBeyondAShortMayBeRefused) {
  Bench b;
  const int64_t id = b.NewSet(1);
  const auto undo = [&](int64_t op) { return Do(id, {{.op = op, .flags = SEM_UNDO}}); };
  b.Ret(undo(32767));
  b.Ret(Do(id, {{.op = -32767}}));
  EXPECT_TRUE(b.Allows(undo(1), Fails(ERANGE)));
  EXPECT_TRUE(b.Allows(undo(1), Returns(0)));
  b.Ret(undo(1));  // -32768 fits a short
  EXPECT_EQ(b.Error(undo(1)), ERANGE);
  EXPECT_TRUE(b.Allows(undo(1), Returns(0), {}, true)) << "semop(2) knows no limit";
  b.Ret(SemSetVal{id, 0, 0});
  EXPECT_FALSE(b.Allows(undo(1), Fails(ERANGE)));
  // What the array itself adds counts.
  const Sembuf give{.op = 20000, .flags = SEM_UNDO};
  EXPECT_EQ(b.Error(Do(id, {give, {.op = -20000}, give})), ERANGE);
  EXPECT_EQ(b.Error(Do(id, {give, {.op = -20000, .flags = SEM_UNDO}, give})), 0);
}

}  // namespace
}  // namespace ipcspec
