// Clauses of System V shared memory: how segments are made and found, identifiers, keys, limits:
// shmget(2), sysvipc(7), proc(5).
#include <sys/ipc.h>
#include <sys/shm.h>

#include <set>
#include <string>
#include <vector>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kKey = 4713;
constexpr int64_t kOtherKey = 4714;
constexpr int64_t kPage = 4096;

// Where kShmidFields has what IPC_STAT gives.
constexpr int kKeyField = 0, kModeField = 5, kSize = 6;

Shmget Make(int64_t key, int64_t size = kPage, int64_t flags = 0600) {
  return {.key = key, .size = size, .flags = IPC_CREAT | flags};
}

Shmget Find(int64_t key, int64_t size = 0, int64_t flags = 0600) {
  return {.key = key, .size = size, .flags = flags};
}

int64_t FieldOf(TaskHandle& task, ShmId s, int field) {
  const Outcome stat = task.Do(ShmStat{.id = s});
  return stat.ok() ? stat.values.at(field) : -1;
}

testing::Matcher<const Outcome&> SaysGone() {
  return testing::AnyOf(FailsWith(EINVAL), FailsWith(EIDRM));
}

testing::Matcher<const Outcome&> Succeeds() { return testing::Field("error", &Outcome::error, 0); }

CLAUSE(SysvShm, PrivateKeyAlwaysMakes, "shmget(2)",
       "IPC_PRIVATE makes a new segment each time, even without IPC_CREAT") {
  const ShmId s = a.Must(Shmget{.flags = 0600});
  const ShmId t = a.Must(Shmget{.flags = IPC_CREAT | IPC_EXCL | 0600});
  EXPECT_NE(s.value, t.value);
  const Address first = a.Must(Shmat{.id = s}), second = a.Must(Shmat{.id = t});
  a.Must(Store{.address = first, .data = "x"});
  EXPECT_THAT(a.Do(Load{.address = second}), Gives(0, std::string(1, '\0')));
}

CLAUSE(SysvShm, PrivateSegmentIsShared, "shmget(2)",
       "A segment made under IPC_PRIVATE is used by whoever has its identifier") {
  const ShmId s = a.Must(Shmget{.flags = 0600});
  TaskHandle b = a.Fork();
  b.Must(Store{.address = b.Must(Shmat{.id = s}), .data = "x"});
  EXPECT_THAT(a.Do(Load{.address = a.Must(Shmat{.id = s})}), Gives(0, "x"));
  EXPECT_EQ(FieldOf(a, s, kKeyField), IPC_PRIVATE);
}

CLAUSE(SysvShm, KeyFindsTheSegment, "shmget(2)",
       "Every shmget with the key finds the segment, with IPC_CREAT or without, in any process") {
  TaskHandle b = a.Fork();
  const ShmId s = a.Must(Make(kKey));
  EXPECT_GE(s.value, 0);
  EXPECT_THAT(a.Do(Make(kKey)), Gives(s.value));
  EXPECT_THAT(b.Do(Find(kKey)), Gives(s.value));
  EXPECT_THAT(b.Do(Find(kKey, kPage, IPC_EXCL | 0600)), Gives(s.value));
  EXPECT_EQ(FieldOf(a, s, kKeyField), kKey);
}

CLAUSE(SysvShm, KeysAreApart, "shmget(2)", "Different keys stand for different segments") {
  const ShmId s = a.Must(Make(kKey)), t = a.Must(Make(kOtherKey));
  EXPECT_NE(s.value, t.value);
  a.Must(Store{.address = a.Must(Shmat{.id = s}), .data = "x"});
  EXPECT_THAT(a.Do(Load{.address = a.Must(Shmat{.id = t})}), Gives(0, std::string(1, '\0')));
}

CLAUSE(SysvShm, KeysAreOfOneKind, "sysvipc(7)",
       "A key that a semaphore set has is free for a segment, and finds each its own") {
  Requires(MachineUnderTest().no_sysv_sem.empty(), "no System V semaphores");
  a.Must(Semget{.key = kKey, .nsems = 1, .flags = IPC_CREAT | 0600});
  EXPECT_THAT(a.Do(Find(kKey)), FailsWith(ENOENT));
  const ShmId s = a.Must(Make(kKey, kPage, IPC_EXCL | 0600));
  a.Must(ShmRemove{.id = s});
  EXPECT_THAT(a.Do(Semget{.key = kKey, .nsems = 1, .flags = 0600}), Succeeds());
}

CLAUSE(SysvShm, ExclusiveCreation, "shmget(2)",
       "IPC_CREAT with IPC_EXCL fails with EEXIST when the key is taken") {
  const ShmId s = a.Must(Make(kKey, kPage, IPC_EXCL | 0600));
  EXPECT_THAT(a.Do(Make(kKey, kPage, IPC_EXCL | 0600)), FailsWith(EEXIST));
  EXPECT_THAT(a.Do(Make(kKey)), Gives(s.value));
}
PROVOKES(SysvShm, ExclusiveCreation, "shmget.2", "shmget", "EEXIST",
         "IPC_CREAT|IPC_EXCL and key taken");

CLAUSE(SysvShm, KeyOfNoSegment, "shmget(2)", "Without IPC_CREAT a key of no segment is ENOENT") {
  a.Must(Make(kOtherKey));
  EXPECT_THAT(a.Do(Find(kKey)), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Find(kKey, kPage, IPC_EXCL | 0600)), FailsWith(ENOENT));
}
PROVOKES(SysvShm, KeyOfNoSegment, "shmget.2", "shmget", "ENOENT", "no segment and no IPC_CREAT");

CLAUSE(SysvShm, SizeToFind, "shmget(2)",
       "A segment is found by any size up to its own, 0 meaning any; its size stays what it was") {
  const ShmId s = a.Must(Make(kKey, 3 * kPage));
  for (const int64_t size : {int64_t{0}, int64_t{1}, kPage, 3 * kPage}) {
    EXPECT_THAT(a.Do(Find(kKey, size)), Gives(s.value));
    EXPECT_THAT(a.Do(Make(kKey, size)), Gives(s.value));
  }
  EXPECT_EQ(FieldOf(a, s, kSize), 3 * kPage);
}

CLAUSE(SysvShm, FoundSegmentIsTooSmall, "shmget(2)",
       "Asking for a larger size than the segment of the key was made with is EINVAL") {
  a.Must(Make(kKey, kPage));
  EXPECT_THAT(a.Do(Find(kKey, kPage + 1)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Make(kKey, 2 * kPage)), FailsWith(EINVAL));
}
PROVOKES(SysvShm, FoundSegmentIsTooSmall, "shmget.2", "shmget", "EINVAL",
         "existing segment smaller than size");

CLAUSE(SysvShm, PagesDoNotMakeItLarger, "shmget(2)",
       "The size that counts when a segment is found is the one asked for, not the whole pages") {
  const ShmId s = a.Must(Make(kKey, 100));
  EXPECT_THAT(a.Do(Find(kKey, 100)), Gives(s.value));
  EXPECT_THAT(a.Do(Find(kKey, 101)), FailsWith(EINVAL));
}

CLAUSE(SysvShm, SizeOfNewSegment, "shmget(2)",
       "A new segment has at least one byte: a size of 0 is EINVAL, and none is made") {
  EXPECT_THAT(a.Do(Make(kKey, 0)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Shmget{.size = 0, .flags = 0600}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Find(kKey)), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Make(kKey, 1)), Succeeds());
}
PROVOKES(SysvShm, SizeOfNewSegment, "shmget.2", "shmget", "EINVAL",
         "new segment size outside SHMMIN..SHMMAX");

CLAUSE(SysvShm, SizeIsKeptAsAsked, "shmctl(2)", "IPC_STAT shows the size that was asked for") {
  for (const int64_t size : {int64_t{1}, kPage - 1, kPage, kPage + 1}) {
    EXPECT_EQ(FieldOf(a, a.Must(Make(IPC_PRIVATE, size)), kSize), size);
  }
}

CLAUSE(SysvShm, ModeIsNineBits, "shmget(2)",
       "The low nine bits of the flags are the mode; flags beyond them are no part of it") {
  const ShmId s = a.Must(Make(kKey, kPage, IPC_EXCL | 0764));
  EXPECT_EQ(FieldOf(a, s, kModeField), 0764);
}

CLAUSE(SysvShm, UmaskDoesNotCount, "shmget(2)", "The mode of a segment is not cut by the umask") {
  a.Must(Umask{.mask = 0777});
  EXPECT_EQ(FieldOf(a, a.Must(Make(kKey, kPage, 0666)), kModeField), 0666);
}

CLAUSE(SysvShm, FindingAsksForPermission, "shmget(2)",
       "shmget of an existing segment fails with EACCES when its mode denies what is asked for") {
  RequiresOtherUsers();
  const ShmId s = a.Must(Make(kKey, kPage, 0604));
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(Find(kKey, 0, 0666)), FailsWith(EACCES));
  EXPECT_THAT(b.Do(Find(kKey, 0, 0444)), Gives(s.value));
  EXPECT_THAT(b.Do(Find(kKey, 0, 0)), Gives(s.value));
}
PROVOKES(SysvShm, FindingAsksForPermission, "shmget.2", "shmget", "EACCES",
         "segment exists, mode denies");

CLAUSE(SysvShm, SegmentOutlivesItsMaker, "sysvipc(7)",
       "A segment and its contents stay until they are removed, though all who used it end") {
  TaskHandle b = a.Fork();
  const ShmId s = b.Must(Make(kKey));
  b.Must(Store{.address = b.Must(Shmat{.id = s}), .data = "left"});
  b.Begin(Exit{.status = 0});
  EXPECT_THAT(a.Do(Find(kKey)), Gives(s.value));
  EXPECT_THAT(a.Do(Load{.address = a.Must(Shmat{.id = s}), .size = 4}), Gives(0, "left"));
}

CLAUSE(SysvShm, SegmentOutlivesExec, "execve(2)",
       "A segment, its identifier and its contents stay good over exec") {
  const ShmId s = a.Must(Make(kKey));
  a.Must(Store{.address = a.Must(Shmat{.id = s}), .data = "left"});
  a.Must(Exec{});
  EXPECT_THAT(a.Do(Load{.address = a.Must(Shmat{.id = s}), .size = 4}), Gives(0, "left"));
}

CLAUSE(SysvShm, LivingIdentifiersDiffer, "shmget(2)",
       "No two segments have one identifier, and each leads to its own segment") {
  std::vector<ShmId> ids;
  std::set<int64_t> seen;
  for (int64_t i = 1; i <= 20; ++i) {
    ids.push_back(a.Must(Shmget{.size = i, .flags = 0600}));
    EXPECT_GE(ids.back().value, 0);
    EXPECT_TRUE(seen.insert(ids.back().value).second) << ids.back().value;
  }
  for (int64_t i = 1; i <= 20; ++i) EXPECT_EQ(FieldOf(a, ids[i - 1], kSize), i);
}

CLAUSE(SysvShm, IdentifiersAreNotReusedAtOnce, "sysvipc(7)",
       "The identifier of a removed segment is not soon given to another") {
  std::set<int64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const ShmId s = a.Must(Shmget{.flags = 0600});
    EXPECT_TRUE(seen.insert(s.value).second) << s.value;
    a.Must(ShmRemove{.id = s});
  }
}

CLAUSE(SysvShm, RemovedIdentifierIsGone, "shmctl(2)",
       "A removed segment is gone for every call, even when another is made under its key") {
  const ShmId s = a.Must(Make(kKey));
  TaskHandle b = a.Fork();
  EXPECT_THAT(a.Do(ShmRemove{.id = s}), Gives(0));
  const ShmId t = a.Must(Make(kKey));
  EXPECT_THAT(b.Do(Shmat{.id = s}), SaysGone());
  EXPECT_THAT(b.Do(ShmStat{.id = s}), SaysGone());
  EXPECT_THAT(b.Do(ShmSet{.id = s, .mode = 0}), SaysGone());
  EXPECT_THAT(b.Do(ShmLock{.id = s}), SaysGone());
  EXPECT_THAT(b.Do(ShmUnlock{.id = s}), SaysGone());
  EXPECT_THAT(b.Do(ShmRemove{.id = s}), SaysGone());
  EXPECT_THAT(a.Do(Shmat{.id = t}), Succeeds());
}
PROVOKES(SysvShm, RemovedIdentifierIsGone, "shmctl.2", "shmctl", "EINVAL",
         "bad id/command, or SHM_STAT(_ANY) on empty slot");

CLAUSE(SysvShm, KeyIsFreeAfterRemoval, "shmctl(2)",
       "IPC_RMID frees the key at once: it finds nothing, and a new segment can take it") {
  const ShmId s = a.Must(Make(kKey, 100));
  a.Must(ShmRemove{.id = s});
  EXPECT_THAT(a.Do(Find(kKey)), FailsWith(ENOENT));
  const ShmId t = a.Must(Make(kKey, 200, IPC_EXCL | 0600));
  EXPECT_NE(t.value, s.value);
  EXPECT_EQ(FieldOf(a, t, kSize), 200);
}

CLAUSE(SysvShm, KeyIsFreeWhileAttached, "shmctl(2)",
       "The key of a removed segment is free though that is attached still; the two are apart") {
  const ShmId s = a.Must(Make(kKey));
  const Address old = a.Must(Shmat{.id = s});
  a.Must(Store{.address = old, .data = "old"});
  a.Must(ShmRemove{.id = s});
  EXPECT_THAT(a.Do(Find(kKey)), FailsWith(ENOENT));
  const ShmId t = a.Must(Make(kKey, kPage, IPC_EXCL | 0600));
  EXPECT_NE(t.value, s.value);
  const Address fresh = a.Must(Shmat{.id = t});
  EXPECT_THAT(a.Do(Load{.address = fresh, .size = 3}), Gives(0, std::string(3, '\0')));
  a.Must(Store{.address = fresh, .data = "new"});
  EXPECT_THAT(a.Do(Load{.address = old, .size = 3}), Gives(0, "old"));
  EXPECT_EQ(FieldOf(a, s, kKeyField), IPC_PRIVATE);
}

CLAUSE(SysvShm, HugePagesNeedPrivilege, "shmget(2)",
       "SHM_HUGETLB is EPERM for who has no privilege and is in no group that may use huge pages") {
  RequiresOtherUsers();
  Requires(dialect().Since(5, 14), "earlier kernels let RLIMIT_MEMLOCK stand for the privilege");
  const Outcome mine = a.Do(Shmget{.size = 1 << 21, .flags = IPC_CREAT | SHM_HUGETLB | 0600});
  Requires(mine.ok() || mine.error == ENOMEM, "this kernel has no huge pages");
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(Shmget{.size = 1 << 21, .flags = IPC_CREAT | SHM_HUGETLB | 0600}),
              FailsWith(EPERM));
  if (mine.ok()) a.Must(ShmRemove{.id = mine.ret});
}
PROVOKES(SysvShm, HugePagesNeedPrivilege, "shmget.2", "shmget", "EPERM",
         "SHM_HUGETLB unprivileged");

EXCUSED("shmget.2", "shmget", "ENFILE", "system file limit",
        "opening files until the machine has no more would harm whoever else runs on it");
EXCUSED("shmget.2", "shmget", "ENOMEM", "memory short",
        "taking the kernel's memory would harm whoever else runs on the machine");

}  // namespace
}  // namespace ipcspec
