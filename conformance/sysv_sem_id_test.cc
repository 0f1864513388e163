// Clauses of System V semaphores: how sets are made and found, identifiers, keys, limits:
// semget(2), sysvipc(7), ftok(3), proc(5).
#include <sys/ipc.h>
#include <sys/sem.h>

#include <set>
#include <string>
#include <vector>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kKey = 4713;
constexpr int64_t kOtherKey = 4714;

// What IPC_STAT gives first and sixth (kSemidFields).
constexpr int kKeyField = 0, kModeField = 5;

Semget Make(int64_t key, int64_t nsems, int64_t flags = 0600) {
  return {.key = key, .nsems = nsems, .flags = IPC_CREAT | flags};
}

testing::Matcher<const Outcome&> SaysGone() {
  return testing::AnyOf(FailsWith(EINVAL), FailsWith(EIDRM));
}

CLAUSE(SysvSem, PrivateKeyAlwaysMakes, "semget(2)",
       "IPC_PRIVATE makes a new set each time, even without IPC_CREAT") {
  const SemId s = a.Must(Semget{.nsems = 1, .flags = 0600});
  const SemId t = a.Must(Semget{.nsems = 1, .flags = IPC_CREAT | IPC_EXCL | 0600});
  EXPECT_NE(s.value, t.value);
  a.Must(SemSetVal{.id = s, .num = 0, .value = 3});
  EXPECT_THAT(a.Do(SemGetVal{.id = t, .num = 0}), Gives(0));
}

CLAUSE(SysvSem, PrivateSetIsShared, "semget(2)",
       "A set made under IPC_PRIVATE is private in name only: whoever has its identifier uses it") {
  const SemId s = a.Must(Semget{.nsems = 1, .flags = 0600});
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Semop{.id = s, .ops = {{0, 2}}}), Gives(0));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
  const Outcome stat = a.Do(SemStat{.id = s});
  ASSERT_EQ(stat.values.size(), kSemidFields.size());
  EXPECT_EQ(stat.values[kKeyField], IPC_PRIVATE);
}

CLAUSE(SysvSem, KeyFindsTheSet, "semget(2)",
       "Every semget with the key finds the set, with IPC_CREAT or without, in any process") {
  TaskHandle b = a.Fork();
  const SemId s = a.Must(Make(kKey, 2));
  EXPECT_GE(s.value, 0);
  EXPECT_THAT(a.Do(Make(kKey, 2)), Gives(s.value));
  EXPECT_THAT(b.Do(Semget{.key = kKey, .nsems = 2, .flags = 0600}), Gives(s.value));
  EXPECT_THAT(b.Do(Semget{.key = kKey, .nsems = 2, .flags = IPC_EXCL | 0600}), Gives(s.value));
}

CLAUSE(SysvSem, KeysAreApart, "semget(2)", "Different keys stand for different sets") {
  const SemId s = a.Must(Make(kKey, 1)), t = a.Must(Make(kOtherKey, 1));
  EXPECT_NE(s.value, t.value);
  a.Must(SemSetVal{.id = t, .num = 0, .value = 7});
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(0));
}

CLAUSE(SysvSem, ExclusiveCreation, "semget(2)",
       "IPC_CREAT with IPC_EXCL fails with EEXIST when the key is taken") {
  const SemId s = a.Must(Make(kKey, 1, IPC_EXCL | 0600));
  EXPECT_THAT(a.Do(Make(kKey, 1, IPC_EXCL | 0600)), FailsWith(EEXIST));
  EXPECT_THAT(a.Do(Make(kKey, 1)), Gives(s.value));
}
PROVOKES(SysvSem, ExclusiveCreation, "semget.2", "semget", "EEXIST",
         "IPC_CREAT|IPC_EXCL and key taken");

CLAUSE(SysvSem, KeyOfNoSet, "semget(2)", "Without IPC_CREAT a key of no set is ENOENT") {
  a.Must(Make(kOtherKey, 1));
  EXPECT_THAT(a.Do(Semget{.key = kKey, .nsems = 1, .flags = 0600}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Semget{.key = kKey, .nsems = 1, .flags = IPC_EXCL | 0600}), FailsWith(ENOENT));
}
PROVOKES(SysvSem, KeyOfNoSet, "semget.2", "semget", "ENOENT", "no set and no IPC_CREAT");

CLAUSE(SysvSem, SizeToFind, "semget(2)",
       "A set is found by any size up to its own, 0 meaning any; the size stays what it was") {
  const SemId s = a.Must(Make(kKey, 3));
  for (const int64_t nsems : {0, 1, 3}) {
    EXPECT_THAT(a.Do(Semget{.key = kKey, .nsems = nsems, .flags = 0600}), Gives(s.value));
  }
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 0, 0}));
}

CLAUSE(SysvSem, FoundSetIsTooSmall, "semget(2)",
       "Asking for more semaphores than the set of the key has is EINVAL") {
  a.Must(Make(kKey, 3));
  EXPECT_THAT(a.Do(Semget{.key = kKey, .nsems = 4, .flags = 0600}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Make(kKey, 4)), FailsWith(EINVAL));
}
PROVOKES(SysvSem, FoundSetIsTooSmall, "semget.2", "semget", "EINVAL",
         "existing set is smaller than nsems");

CLAUSE(SysvSem, SizeOfNewSet, "semget(2)",
       "A new set has at least one semaphore and at most SEMMSL: else EINVAL, and none is made") {
  EXPECT_THAT(a.Do(Make(kKey, -1)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Make(kKey, 0)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Make(kKey, dialect().semmsl + 1)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Semget{.key = kKey, .nsems = 0, .flags = 0600}), FailsWith(ENOENT));
}
PROVOKES(SysvSem, SizeOfNewSet, "semget.2", "semget", "EINVAL", "nsems negative or above SEMMSL");

CLAUSE(SysvSem, NewValuesAreZero, "semget(2)", "On Linux all values of a new set are zero") {
  const SemId s = a.Must(Make(kKey, 5));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 0, 0, 0, 0}));
}

CLAUSE(SysvSem, ModeOfNewSet, "semget(2)",
       "The low nine bits of the flags are the mode of a new set; the umask takes none away") {
  a.Must(Umask{.mask = 0077});
  const SemId s = a.Must(Make(kKey, 1, 0646));
  const Outcome stat = a.Do(SemStat{.id = s});
  ASSERT_EQ(stat.values.size(), kSemidFields.size());
  EXPECT_EQ(stat.values[kModeField] & 0777, 0646);
}

CLAUSE(SysvSem, FindingChangesNothing, "semget(2)",
       "Finding a set with another mode in the flags leaves its mode and values as they were") {
  const SemId s = a.Must(Make(kKey, 1, 0666));
  a.Must(SemSetVal{.id = s, .num = 0, .value = 4});
  EXPECT_THAT(a.Do(Make(kKey, 1, 0600)), Gives(s.value));
  const Outcome stat = a.Do(SemStat{.id = s});
  ASSERT_EQ(stat.values.size(), kSemidFields.size());
  EXPECT_EQ(stat.values[kModeField] & 0777, 0666);
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(4));
}

CLAUSE(SysvSem, FindingAsksForPermission, "semget(2)",
       "semget of a set whose mode denies the caller what the flags ask for is EACCES") {
  RequiresOtherUsers();
  const SemId s = a.Must(Make(kKey, 1, 0));
  TaskHandle owner = a.Fork(), member = a.Fork(), other = a.Fork();
  owner.Must(SetCredentials{.uid = 1000, .gid = 1000});
  member.Must(SetCredentials{.uid = 1001, .gid = 1000});
  other.Must(SetCredentials{.uid = 1002, .gid = 1002});
  const Semget find{.key = kKey, .nsems = 1, .flags = 0666};
  for (const int64_t mode : {0000, 0600, 0660, 0666}) {
    a.Must(SemSet{.id = s, .uid = 1000, .gid = 1000, .mode = mode});
    EXPECT_THAT(owner.Do(find), mode >= 0600 ? Gives(s.value) : FailsWith(EACCES));
    EXPECT_THAT(member.Do(find), mode >= 0660 ? Gives(s.value) : FailsWith(EACCES));
    EXPECT_THAT(other.Do(find), mode >= 0666 ? Gives(s.value) : FailsWith(EACCES));
  }
}
PROVOKES(SysvSem, FindingAsksForPermission, "semget.2", "semget", "EACCES",
         "set for key exists, mode denies");

CLAUSE(SysvSem, SetOutlivesItsMaker, "sysvipc(7)",
       "A set with its values stays until it is removed, though every process that used it ends") {
  TaskHandle b = a.Fork();
  const SemId s = b.Must(Make(kKey, 2));
  b.Must(Semop{.id = s, .ops = {{1, 6}}});
  b.Begin(Exit{.status = 0});
  EXPECT_THAT(a.Do(Semget{.key = kKey, .nsems = 2, .flags = 0600}), Gives(s.value));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 6}));
}

CLAUSE(SysvSem, SetOutlivesExec, "execve(2)", "A set and its identifier stay good over exec") {
  const SemId s = a.MakeSemSet({3});
  a.Must(Exec{});
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(3));
}

CLAUSE(SysvSem, LivingIdentifiersDiffer, "semget(2)",
       "No two sets have one identifier, and each leads to its own set") {
  std::vector<SemId> ids;
  std::set<int64_t> seen;
  for (int64_t i = 0; i < 20; ++i) {
    ids.push_back(a.MakeSemSet({i}));
    EXPECT_GE(ids.back().value, 0);
    EXPECT_TRUE(seen.insert(ids.back().value).second) << ids.back().value;
  }
  for (int64_t i = 0; i < 20; ++i) EXPECT_THAT(a.Do(SemGetVal{.id = ids[i], .num = 0}), Gives(i));
}

CLAUSE(SysvSem, IdentifiersAreNotReusedAtOnce, "sysvipc(7)",
       "The identifier of a removed set is not soon given to another") {
  std::set<int64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const SemId s = a.Must(Semget{.nsems = 1, .flags = 0600});
    EXPECT_TRUE(seen.insert(s.value).second) << s.value;
    a.Must(SemRemove{.id = s});
  }
}

CLAUSE(SysvSem, RemovedIdentifierIsGone, "semctl(2)",
       "A removed set is gone for every call, even when another is made under its key") {
  const SemId s = a.Must(Make(kKey, 1));
  TaskHandle b = a.Fork();
  EXPECT_THAT(a.Do(SemRemove{.id = s}), Gives(0));
  const SemId t = a.Must(Make(kKey, 1));
  EXPECT_THAT(b.Do(Semop{.id = s, .ops = {{0, 1}}}), SaysGone());
  EXPECT_THAT(b.Do(SemGetVal{.id = s, .num = 0}), SaysGone());
  EXPECT_THAT(b.Do(SemSetVal{.id = s, .num = 0, .value = 5}), SaysGone());
  EXPECT_THAT(b.Do(SemSet{.id = s, .mode = 0}), SaysGone());
  EXPECT_THAT(b.Do(SemStat{.id = s}), SaysGone());
  EXPECT_THAT(b.Do(SemRemove{.id = s}), SaysGone());
  EXPECT_THAT(a.Do(SemGetVal{.id = t, .num = 0}), Gives(0));
}

CLAUSE(SysvSem, KeyIsFreeAfterRemoval, "semctl(2)",
       "IPC_RMID frees the key at once: it finds nothing, and a new set can take it") {
  const SemId s = a.Must(Make(kKey, 2));
  a.Must(SemSetAll{.id = s, .all = {4, 4}});
  a.Must(SemRemove{.id = s});
  EXPECT_THAT(a.Do(Semget{.key = kKey, .nsems = 0, .flags = 0600}), FailsWith(ENOENT));
  const SemId t = a.Must(Make(kKey, 3, IPC_EXCL | 0600));
  EXPECT_NE(t.value, s.value);
  EXPECT_THAT(a.Do(SemGetAll{.id = t}), GivesValues({0, 0, 0}));
}

CLAUSE(SysvSem, LimitOfSets, "proc(5)", "When there are SEMMNI sets no other can be made: ENOSPC") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  a.Must(SetSemLimits{.semmsl = 10, .semmns = 100, .semopm = 10, .semmni = 2});
  const SemId s = a.Must(Make(kKey, 1));
  a.Must(Make(kOtherKey, 1));
  EXPECT_THAT(a.Do(Semget{.nsems = 1, .flags = 0600}), FailsWith(ENOSPC));
  EXPECT_THAT(a.Do(Make(kKey, 1)), Gives(s.value));  // finding needs no room
  a.Must(SemRemove{.id = s});
  EXPECT_THAT(a.Do(Make(kKey, 1)), testing::Field("error", &Outcome::error, 0));
}
PROVOKES(SysvSem, LimitOfSets, "semget.2", "semget", "ENOSPC", "SEMMNI or SEMMNS reached");

CLAUSE(SysvSem, LimitOfSemaphores, "proc(5)",
       "The semaphores of all sets together are at most SEMMNS: else ENOSPC") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  a.Must(SetSemLimits{.semmsl = 10, .semmns = 12, .semopm = 10, .semmni = 9});
  const SemId s = a.MakeSemSet({0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_THAT(a.Do(Make(kKey, 5)), FailsWith(ENOSPC));
  a.Must(Make(kKey, 4));
  EXPECT_THAT(a.Do(Make(kOtherKey, 1)), FailsWith(ENOSPC));
  a.Must(SemRemove{.id = s});
  a.Must(Make(kOtherKey, 8));
}

CLAUSE(SysvSem, LimitOfOneSet, "proc(5)", "A set has at most SEMMSL semaphores, as it is set") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  a.Must(SetSemLimits{.semmsl = 3, .semmns = 100, .semopm = 10, .semmni = 9});
  EXPECT_THAT(a.Do(Make(kKey, 4)), FailsWith(EINVAL));
  const SemId s = a.Must(Make(kKey, 3));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 0, 0}));
}

CLAUSE(SysvSem, LimitOfOperations, "proc(5)",
       "One semop has at most SEMOPM operations, as it is set: else E2BIG") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  a.Must(SetSemLimits{.semmsl = 10, .semmns = 100, .semopm = 2, .semmni = 9});
  const SemId s = a.MakeSemSet({0});
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 1}, {0, 1}}}), Gives(0));
  EXPECT_THAT(a.Do(Semop{.id = s, .ops = {{0, 1}, {0, 1}, {0, 1}}}), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
}

CLAUSE(SysvSem, LimitsShowAsSet, "proc(5)", "IPC_INFO gives the limits as they were set last") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  a.Must(SetSemLimits{.semmsl = 11, .semmns = 120, .semopm = 13, .semmni = 14});
  const Outcome limits = a.Do(SemLimits{});
  EXPECT_THAT(limits, GivesValues({11, 120, 13, 14, 32767}));
}

CLAUSE(SysvSem, FtokIsOfFileAndNumber, "ftok(3)",
       "ftok gives one key for one file and number, and another for another number") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const int64_t key = a.Must(Ftok{.path = "f", .id = 'A'});
  EXPECT_EQ(b.Must(Ftok{.path = "f", .id = 'A'}), key);
  EXPECT_NE(b.Must(Ftok{.path = "f", .id = 'B'}), key);
  const SemId s = a.Must(Make(key, 1));
  EXPECT_THAT(b.Do(Semget{.key = key, .nsems = 1, .flags = 0600}), Gives(s.value));
}

CLAUSE(SysvSem, FtokUsesEightBits, "ftok(3)", "Of the number ftok uses the low eight bits") {
  a.Must(Mkfifo{.path = "f"});
  const int64_t key = a.Must(Ftok{.path = "f", .id = 'A'});
  EXPECT_THAT(a.Do(Ftok{.path = "f", .id = 0x4200 + 'A'}), Gives(key));
}

CLAUSE(SysvSem, FtokIsOfTheFileNotItsName, "ftok(3)",
       "All names of a file give one key: through a link, by another way, or after a rename") {
  a.Must(Mkdir{.path = "d"});
  a.Must(Mkfifo{.path = "f"});
  a.Must(Symlink{.target = "f", .path = "l"});
  const int64_t key = a.Must(Ftok{.path = "f", .id = 7});
  EXPECT_THAT(a.Do(Ftok{.path = "l", .id = 7}), Gives(key));
  EXPECT_THAT(a.Do(Ftok{.path = "d/../f", .id = 7}), Gives(key));
  a.Must(Rename{.from = "f", .to = "d/g"});
  EXPECT_THAT(a.Do(Ftok{.path = "d/g", .id = 7}), Gives(key));
}

CLAUSE(SysvSem, FtokOfMissingFile, "ftok(3)", "ftok needs a file that exists: else ENOENT") {
  a.Must(Symlink{.target = "nowhere", .path = "l"});
  EXPECT_THAT(a.Do(Ftok{.path = "f", .id = 1}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Ftok{.path = "l", .id = 1}), FailsWith(ENOENT));
}
PROVOKES(SysvSem, FtokOfMissingFile, "ftok.3", "ftok", "ENOENT",
         "errors are those of stat: path missing");

CLAUSE(SysvSem, FtokCannotSearch, "ftok(3)",
       "ftok fails with EACCES where a directory of the path cannot be searched") {
  RequiresOtherUsers();
  a.Must(Mkdir{.path = "d", .mode = 0700});
  a.Must(Mkfifo{.path = "d/f", .mode = 0666});
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(Ftok{.path = "d/f", .id = 1}), FailsWith(EACCES));
}
PROVOKES(SysvSem, FtokCannotSearch, "ftok.3", "ftok", "EACCES",
         "errors are those of stat: search denied");

EXCUSED("semget.2", "semget", "ENOMEM", "memory short",
        "taking the kernel's memory would harm whoever else runs on the machine");

}  // namespace
}  // namespace ipcspec
