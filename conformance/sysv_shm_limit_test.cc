// Clauses of System V shared memory: limits of segments and what they show, SHM_LOCK, and segments
// that go by themselves: shmget(2), shmctl(2), proc(5).
#include <sys/ipc.h>
#include <sys/shm.h>

#include <csignal>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kKey = 4713;
constexpr int64_t kOtherKey = 4714;
constexpr int kModeField = 5;
constexpr char kMayNotSet[] = "this run cannot set limits of its own";

Shmget Make(int64_t key, int64_t size = 1, int64_t flags = 0600) {
  return {.key = key, .size = size, .flags = IPC_CREAT | flags};
}

testing::Matcher<const Outcome&> SaysGone() {
  return testing::AnyOf(FailsWith(EINVAL), FailsWith(EIDRM));
}

testing::Matcher<const Outcome&> Succeeds() { return testing::Field("error", &Outcome::error, 0); }

int64_t ModeOf(TaskHandle& task, ShmId s) {
  const Outcome stat = task.Do(ShmStat{.id = s});
  return stat.ok() ? stat.values.at(kModeField) : -1;
}

CLAUSE(SysvShm, LimitOfSegments, "proc(5)",
       "When there are SHMMNI segments no other can be made: ENOSPC") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmmni, .value = 2});
  const ShmId s = a.Must(Make(kKey));
  a.Must(Make(kOtherKey));
  EXPECT_THAT(a.Do(Make(IPC_PRIVATE)), FailsWith(ENOSPC));
  EXPECT_THAT(a.Do(Make(kKey)), Gives(s.value));  // finding needs no room
  a.Must(ShmRemove{.id = s});
  EXPECT_THAT(a.Do(Make(kKey)), Succeeds());
}
PROVOKES(SysvShm, LimitOfSegments, "shmget.2", "shmget", "ENOSPC", "SHMMNI or SHMALL reached");

CLAUSE(SysvShm, LimitOfSize, "proc(5)",
       "A new segment has at most SHMMAX bytes, as it is set: else EINVAL, and none is made") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmmax, .value = 5000});
  EXPECT_THAT(a.Do(Make(kKey, 5001)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Shmget{.key = kKey, .size = 0, .flags = 0600}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Make(kKey, 5000)), Succeeds());
}

CLAUSE(SysvShm, LimitOfPages, "proc(5)",
       "All segments together have at most SHMALL pages, each counting whole pages: else ENOSPC") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  const int64_t page = dialect().page_size;
  a.Must(SetLimit{.limit = Limit::kShmall, .value = 5});
  const ShmId s = a.Must(Make(kKey, 2 * page + 1));
  EXPECT_THAT(a.Do(Make(kOtherKey, 3 * page)), FailsWith(ENOSPC));
  EXPECT_THAT(a.Do(Make(kOtherKey, 2 * page)), Succeeds());
  EXPECT_THAT(a.Do(Make(IPC_PRIVATE, 1)), FailsWith(ENOSPC));
  a.Must(ShmRemove{.id = s});
  EXPECT_THAT(a.Do(Make(IPC_PRIVATE, 3 * page)), Succeeds());
}

CLAUSE(SysvShm, RemovedCountsUntilItGoes, "proc(5)",
       "A removed segment counts against the limits as long as somebody has it attached") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmmni, .value = 1});
  const ShmId s = a.Must(Make(kKey));
  const Address at = a.Must(Shmat{.id = s});
  a.Must(ShmRemove{.id = s});
  EXPECT_THAT(a.Do(Make(kKey)), FailsWith(ENOSPC));
  a.Must(Shmdt{.address = at});
  EXPECT_THAT(a.Do(Make(kKey)), Succeeds());
}

CLAUSE(SysvShm, LimitsAreForNewSegments, "proc(5)",
       "A limit that is set later takes nothing from the segments that exist") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  const ShmId s = a.Must(Make(kKey, 9000)), t = a.Must(Make(kOtherKey, 9000));
  a.Must(SetLimit{.limit = Limit::kShmmax, .value = 10});
  a.Must(SetLimit{.limit = Limit::kShmall, .value = 1});
  a.Must(SetLimit{.limit = Limit::kShmmni, .value = 1});
  EXPECT_THAT(a.Do(Shmget{.key = kKey, .size = 9000, .flags = 0600}), Gives(s.value));
  EXPECT_THAT(a.Do(Store{.address = a.Must(Shmat{.id = t}), .offset = 8999, .data = "x"}),
              Gives(0));
}

CLAUSE(SysvShm, LimitsShowAsSet, "shmctl(2)", "IPC_INFO gives the limits as they were set last") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmmax, .value = 123456});
  a.Must(SetLimit{.limit = Limit::kShmmni, .value = 77});
  a.Must(SetLimit{.limit = Limit::kShmall, .value = 5678});
  EXPECT_THAT(a.Do(ShmLimits{}), GivesValues({123456, 1, 77, 5678}));
}

CLAUSE(SysvShm, LimitsShow, "shmctl(2)",
       "IPC_INFO gives the limits that are in force, the least size being one byte") {
  const Outcome limits = a.Do(ShmLimits{});
  EXPECT_THAT(limits, Succeeds());
  ASSERT_EQ(limits.values.size(), 4);
  EXPECT_EQ(limits.values[1], 1);
  EXPECT_EQ(limits.values[2], dialect().Get(Limit::kShmmni));
}

CLAUSE(SysvShm, LockShows, "shmctl(2)",
       "SHM_LOCK sets SHM_LOCKED in the mode, SHM_UNLOCK takes it away; neither does more") {
  Requires(dialect().max_locked >= 16 * dialect().page_size, "little memory can be locked");
  const ShmId s = a.Must(Make(kKey, 1, 0640));
  const Address at = a.Must(Shmat{.id = s});
  a.Must(Store{.address = at, .data = "x"});
  EXPECT_THAT(a.Do(ShmLock{.id = s}), Gives(0));
  EXPECT_EQ(ModeOf(a, s), SHM_LOCKED | 0640);
  EXPECT_THAT(a.Do(Load{.address = at}), Gives(0, "x"));
  EXPECT_THAT(a.Do(ShmUnlock{.id = s}), Gives(0));
  EXPECT_EQ(ModeOf(a, s), 0640);
  EXPECT_THAT(a.Do(Load{.address = at}), Gives(0, "x"));
}

CLAUSE(SysvShm, LocksDoNotAddUp, "shmctl(2)",
       "A segment locked twice is unlocked by one SHM_UNLOCK; to unlock it again is no error") {
  Requires(dialect().max_locked >= 16 * dialect().page_size, "little memory can be locked");
  const ShmId s = a.Must(Make(kKey));
  EXPECT_THAT(a.Do(ShmLock{.id = s}), Gives(0));
  EXPECT_THAT(a.Do(ShmLock{.id = s}), Gives(0));
  EXPECT_THAT(a.Do(ShmUnlock{.id = s}), Gives(0));
  EXPECT_EQ(ModeOf(a, s) & SHM_LOCKED, 0);
  EXPECT_THAT(a.Do(ShmUnlock{.id = s}), Gives(0));
}

CLAUSE(SysvShm, OwnerLocks, "shmctl(2)",
       "Owner and creator lock within their limit without privilege; another gets EPERM") {
  RequiresOtherUsers();
  Requires(dialect().max_locked >= 16 * dialect().page_size, "little memory can be locked");
  TaskHandle creator = a.Fork(), owner = a.Fork(), other = a.Fork();
  creator.Must(SetCredentials{.uid = 1000, .gid = 1000});
  owner.Must(SetCredentials{.uid = 1001, .gid = 1001});
  other.Must(SetCredentials{.uid = 1002, .gid = 1000});
  const ShmId s = creator.Must(Make(kKey, 1, 0666));
  a.Must(ShmSet{.id = s, .uid = 1001, .gid = 1001, .mode = 0666});
  EXPECT_THAT(other.Do(ShmLock{.id = s}), FailsWith(EPERM));
  EXPECT_THAT(creator.Do(ShmLock{.id = s}), Gives(0));
  EXPECT_THAT(other.Do(ShmUnlock{.id = s}), FailsWith(EPERM));
  EXPECT_EQ(ModeOf(a, s) & SHM_LOCKED, SHM_LOCKED);
  EXPECT_THAT(owner.Do(ShmUnlock{.id = s}), Gives(0));
}
PROVOKES(SysvShm, OwnerLocks, "shmctl.2", "shmctl", "EPERM", "SHM_LOCK/UNLOCK without right");

CLAUSE(SysvShm, LockBeyondTheLimit, "shmctl(2)",
       "Without privilege what is locked in all is bounded by RLIMIT_MEMLOCK: else ENOMEM") {
  RequiresOtherUsers();
  const int64_t page = dialect().page_size, limit = dialect().max_locked / page * page;
  Requires(16 * page <= limit && limit <= int64_t{1} << 30, "the limit is too low, or none");
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  const ShmId large = b.Must(Make(kKey, limit - page)), small = b.Must(Make(kOtherKey, 2 * page));
  EXPECT_THAT(b.Do(ShmLock{.id = large}), Gives(0));
  EXPECT_THAT(b.Do(ShmLock{.id = small}), FailsWith(ENOMEM));
  EXPECT_EQ(ModeOf(b, small) & SHM_LOCKED, 0);
  b.Must(ShmUnlock{.id = large});
  EXPECT_THAT(b.Do(ShmLock{.id = small}), Gives(0));
}
PROVOKES(SysvShm, LockBeyondTheLimit, "shmctl.2", "shmctl", "ENOMEM",
         "SHM_LOCK beyond RLIMIT_MEMLOCK");

CLAUSE(SysvShm, RemovalUnlocks, "shmctl(2)",
       "A locked segment that is destroyed no longer counts against the limit") {
  RequiresOtherUsers();
  const int64_t page = dialect().page_size, limit = dialect().max_locked / page * page;
  Requires(16 * page <= limit && limit <= int64_t{1} << 30, "the limit is too low, or none");
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  for (int i = 0; i < 3; ++i) {
    const ShmId s = b.Must(Make(kKey, limit - page));
    EXPECT_THAT(b.Do(ShmLock{.id = s}), Gives(0));
    b.Must(ShmRemove{.id = s});
  }
}

CLAUSE(SysvShm, ForcedRemovalAtLastDetach, "proc(5)",
       "With kernel/shm_rmid_forced a segment is destroyed as soon as nobody has it attached") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmRmidForced, .value = 1});
  const ShmId s = a.Must(Make(kKey));
  TaskHandle b = a.Fork();
  const Address mine = a.Must(Shmat{.id = s});
  b.Must(Shmat{.id = s});
  a.Must(Shmdt{.address = mine});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), Succeeds());
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
  EXPECT_THAT(a.Do(Shmget{.key = kKey, .size = 0, .flags = 0600}), FailsWith(ENOENT));
}

CLAUSE(SysvShm, ForcedRemovalAtCreatorsEnd, "proc(5)",
       "With kernel/shm_rmid_forced what was never attached goes when its creator ends") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmRmidForced, .value = 1});
  TaskHandle b = a.Fork();
  const ShmId s = b.Must(Make(kKey));
  b.Begin(Exit{.status = 0});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, ForcedRemovalOfOrphans, "proc(5)",
       "Setting kernel/shm_rmid_forced destroys what nobody has attached and whose creator is gone;"
       " what is attached stays") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  TaskHandle b = a.Fork();
  const ShmId s = b.Must(Make(kKey)), t = b.Must(Make(kOtherKey));
  const Address at = a.Must(Shmat{.id = t});
  b.Begin(Exit{.status = 0});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), Succeeds());
  a.Must(SetLimit{.limit = Limit::kShmRmidForced, .value = 1});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
  EXPECT_THAT(a.Do(Store{.address = at, .data = "x"}), Gives(0));
  a.Must(Shmdt{.address = at});
  EXPECT_THAT(a.Do(ShmStat{.id = t}), SaysGone());
}

CLAUSE(
    SysvShm, ForcedRemovalEnds, "proc(5)",
    "Once kernel/shm_rmid_forced is 0 again segments stay without anybody who has them attached") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmRmidForced, .value = 1});
  a.Must(SetLimit{.limit = Limit::kShmRmidForced, .value = 0});
  const ShmId s = a.Must(Make(kKey));
  a.Must(Shmdt{.address = a.Must(Shmat{.id = s})});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), Succeeds());
}

CLAUSE(SysvShm, ForcedRemovalAndLivingCreators, "proc(5)",
       "Setting kernel/shm_rmid_forced may destroy what nobody has attached while its creator "
       "lives; what Linux spares works on until its last detach") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  const ShmId s = a.Must(Make(kKey));
  a.Must(Make(kOtherKey));
  a.Must(SetLimit{.limit = Limit::kShmRmidForced, .value = 1});
  const bool spared = a.Do(ShmStat{.id = s}).ok();
  EXPECT_THAT(a.Do(ShmUsage{}), Succeeds());
  EXPECT_THAT(a.Do(ShmStatIndex{.index = s.value & 0x7fff, .any = true}),
              spared ? Gives(s.value) : FailsWith(EINVAL));
  EXPECT_THAT(a.Do(ListIpc{.kind = IpcKind::kShm}), Gives(spared ? 2 : 0));
  a.Must(SetLimit{.limit = Limit::kShmmni, .value = 2});
  EXPECT_THAT(a.Do(Make(IPC_PRIVATE)), spared ? FailsWith(ENOSPC) : Succeeds());
  if (!spared) return;
  EXPECT_THAT(a.Do(Shmget{.key = kKey, .size = 0, .flags = 0600}), Gives(s.value));
  a.Must(Shmdt{.address = a.Must(Shmat{.id = s})});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, ForcedRemovalSparesTheAttached, "proc(5)",
       "With kernel/shm_rmid_forced a segment outlives its creator as long as it is attached") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmRmidForced, .value = 1});
  TaskHandle b = a.Fork();
  const ShmId s = b.Must(Make(kKey));
  const Address at = a.Must(Shmat{.id = s});
  b.Begin(Exit{.status = 0});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), Succeeds());
  a.Must(Shmdt{.address = at});
  EXPECT_THAT(a.Do(ShmStat{.id = s}), SaysGone());
}

CLAUSE(SysvShm, ForcedRemovalWhenCreatorLeaves, "proc(5)",
       "With kernel/shm_rmid_forced what its creator left for another IPC namespace, attached by "
       "nobody, may go at once, as on Linux") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmRmidForced, .value = 1});
  TaskHandle b = a.Fork();
  const ShmId s = b.Must(Make(kKey));
  b.Must(Make(kOtherKey));
  Requires(b.Do(UnshareIpc{}).ok(), "this run cannot make an IPC namespace");
  const bool spared = a.Do(ShmStat{.id = s}).ok();
  EXPECT_THAT(a.Do(ListIpc{.kind = IpcKind::kShm}), Gives(spared ? 2 : 0));
  EXPECT_THAT(a.Do(ShmStatIndex{.index = s.value & 0x7fff, .any = true}),
              spared ? Gives(s.value) : FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Shmget{.key = kKey, .size = 0, .flags = 0600}),
              spared ? Gives(s.value) : FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Make(kOtherKey)), Succeeds());
}

CLAUSE(SysvShm, SizeBeyondAnyMemory, "shmget(2)",
       "A size that only an unsigned number holds is refused, and no segment is made") {
  Requires(MachineUnderTest().may_set_limits, kMayNotSet);
  a.Must(SetLimit{.limit = Limit::kShmall, .value = 5});
  for (const int64_t size : {int64_t{-1}, int64_t{-1} << 25, INT64_MIN}) {
    EXPECT_THAT(a.Do(Make(kKey, size)),
                testing::AnyOf(FailsWith(EINVAL), FailsWith(ENOSPC), FailsWith(ENOMEM)));
  }
  EXPECT_THAT(a.Do(Shmget{.key = kKey, .size = 0, .flags = 0600}), FailsWith(ENOENT));
}

CLAUSE(SysvShm, LocksCountForTheirUser, "shmctl(2)",
       "What another user has locked takes nothing from one's own limit; to lock what is locked "
       "takes no more") {
  RequiresOtherUsers();
  const int64_t page = dialect().page_size, limit = dialect().max_locked / page * page;
  Requires(16 * page <= limit && limit <= int64_t{1} << 30, "the limit is too low, or none");
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  c.Must(SetCredentials{.uid = 1001, .gid = 1001});
  const ShmId mine = b.Must(Make(kKey, limit - page)), other = c.Must(Make(kOtherKey, 2 * page));
  EXPECT_THAT(b.Do(ShmLock{.id = mine}), Gives(0));
  EXPECT_THAT(b.Do(ShmLock{.id = mine}), Gives(0));
  EXPECT_THAT(c.Do(ShmLock{.id = other}), Gives(0));
  a.Must(ShmSet{.id = other, .uid = 1002, .gid = 1001, .mode = 0600});
  EXPECT_THAT(c.Do(ShmUnlock{.id = other}), Gives(0));  // still its creator
}

}  // namespace
}  // namespace ipcspec
