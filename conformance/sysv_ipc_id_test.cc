// Clauses of what System V objects have in common: keys and identifiers (sysvipc(7), ftok(3)), and
// the identifier of the next object (the kernel's admin-guide/sysctl/kernel).
#include <set>

#include "conformance/sysv_ipc_kinds.h"

namespace ipcspec {
namespace {

KIND_CLAUSE(PrivateKeyAlwaysMakes, "sysvipc(7)",
            "IPC_PRIVATE makes another object each time, whatever the flags, and no key finds it") {
  const int64_t one = a.Must(kind.Get(kPrivate, 0600));
  const int64_t other = a.Must(kind.Get(kPrivate, IPC_CREAT | IPC_EXCL | 0600));
  EXPECT_NE(one, other);
  EXPECT_EQ(PermOf(a, kind, one, kPermKey), IPC_PRIVATE);
  EXPECT_EQ(PermOf(a, kind, other, kPermKey), IPC_PRIVATE);
}

KIND_CLAUSE(KeyLeadsToOneObject, "sysvipc(7)",
            "A key leads every process to one object until that is removed") {
  TaskHandle b = a.Fork();
  const int64_t id = a.Must(kind.Make(kKey));
  EXPECT_THAT(b.Do(kind.Find(kKey)), Gives(id));
  EXPECT_THAT(b.Do(kind.Make(kKey)), Gives(id));
  EXPECT_THAT(b.Do(kind.Get(kKey, IPC_CREAT | IPC_EXCL | 0600)), FailsWith(EEXIST));
  EXPECT_EQ(PermOf(b, kind, id, kPermKey), kKey);
}

KIND_CLAUSE(KeyOfNothing, "sysvipc(7)", "A key under which nothing was made is ENOENT") {
  a.Must(kind.Make(kPrivate));
  EXPECT_THAT(a.Do(kind.Find(kKey)), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(kind.Get(kKey, IPC_EXCL | 0600)), FailsWith(ENOENT));
}

KIND_CLAUSE(KeysOfAllValues, "sysvipc(7)", "Any number but IPC_PRIVATE is a key, negative or not") {
  for (const int64_t key : {int64_t{1}, int64_t{-1}, int64_t{INT32_MIN}, int64_t{INT32_MAX}}) {
    const int64_t id = a.Must(kind.Get(key, IPC_CREAT | IPC_EXCL | 0600));
    EXPECT_THAT(a.Do(kind.Find(key)), Gives(id));
    EXPECT_EQ(static_cast<int32_t>(PermOf(a, kind, id, kPermKey)), key);
  }
}

KIND_CLAUSE(KeyIsFreeAfterRemoval, "sysvipc(7)",
            "Removal frees the key: it finds nothing, and then another object can be made") {
  const int64_t id = a.Must(kind.Make(kKey));
  a.Must(kind.Remove(id));
  EXPECT_THAT(a.Do(kind.Find(kKey)), FailsWith(ENOENT));
  const int64_t other = a.Must(kind.Get(kKey, IPC_CREAT | IPC_EXCL | 0600));
  EXPECT_NE(other, id);
}

KIND_CLAUSE(RemovedIdentifierIsGone, "sysvipc(7)",
            "The identifier of a removed object is EINVAL or EIDRM to each call and process") {
  const int64_t id = a.Must(kind.Make(kKey));
  TaskHandle b = a.Fork();
  a.Must(kind.Remove(id));
  const int64_t other = a.Must(kind.Make(kKey));
  for (const Call& call : kind.All(id)) EXPECT_THAT(b.Do(call), SaysGone()) << ToText(call);
  EXPECT_THAT(b.Do(kind.Find(kKey)), Gives(other));
}

KIND_CLAUSE(IdentifierOfNothing, "sysvipc(7)",
            "A number that never was an identifier is EINVAL to each call") {
  const int64_t id = a.Must(kind.Make(kKey));
  for (const int64_t none : {int64_t{-1}, id + 1, id + (1 << 15)}) {
    for (const Call& call : kind.All(none)) {
      EXPECT_THAT(a.Do(call), FailsWith(EINVAL)) << ToText(call);
    }
  }
}

KIND_CLAUSE(IdentifiersAreNotReusedAtOnce, "sysvipc(7)",
            "The identifier of a removed object is not soon given to another") {
  std::set<int64_t> seen;
  for (int i = 0; i < 70; ++i) {
    const int64_t id = a.Must(kind.Make(kPrivate));
    EXPECT_TRUE(seen.insert(id).second) << id;
    a.Must(kind.Remove(id));
  }
}

KIND_CLAUSE(LivingIdentifiersDiffer, "sysvipc(7)", "No two objects of a kind have one identifier") {
  std::set<int64_t> seen;
  for (int i = 0; i < 12; ++i) {
    const int64_t id = a.Must(kind.Make(kPrivate));
    EXPECT_GE(id, 0);
    EXPECT_TRUE(seen.insert(id).second) << id;
    if (i % 3 == 0) a.Must(kind.Remove(id));
  }
}

KIND_CLAUSE(ObjectOutlivesProcesses, "sysvipc(7)",
            "An object stays when every process that knew it has ended, and over execve") {
  TaskHandle b = a.Fork();
  const int64_t id = b.Must(kind.Make(kKey));
  b.Must(Exec{});
  EXPECT_THAT(b.Do(kind.Find(kKey)), Gives(id));
  b.Begin(Exit{});
  EXPECT_THAT(a.Do(kind.Find(kKey)), Gives(id));
  EXPECT_THAT(a.Do(kind.Alter(id)), Succeeds());
}

KIND_CLAUSE(KeysOfOtherKinds, "sysvipc(7)",
            "One key stands for an object of each kind, with identifiers of their own") {
  for (const Kind& other : Kinds()) {
    if (other.kind == kind.kind) continue;
    const int64_t theirs = a.Must(other.Make(kKey));
    EXPECT_THAT(a.Do(kind.Find(kKey)), FailsWith(ENOENT));
    const int64_t id = a.Must(kind.Get(kKey, IPC_CREAT | IPC_EXCL | 0600));
    a.Must(kind.Remove(id));
    EXPECT_THAT(a.Do(other.Find(kKey)), Gives(theirs));
    a.Must(other.Remove(theirs));
  }
}

KIND_CLAUSE(FtokMakesAKey, "ftok(3)", "What ftok gives serves as a key between processes") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const int64_t id = a.Must(kind.Make(a.Must(Ftok{.path = "f", .id = 'q'})));
  EXPECT_THAT(b.Do(kind.Find(b.Must(Ftok{.path = "f", .id = 'q'}))), Gives(id));
}

// Some kernels have no such file, some let nobody write it.
void AskForId(TaskHandle& task, const Kind& kind, int64_t id) {
  if (!task.Do(SetLimit{.limit = kind.next_id, .value = id}).ok()) {
    throw ClauseEnds{ClauseEnds::kUnsupported, "no identifier can be asked for here"};
  }
}

KIND_CLAUSE(NextIdentifierIsUsedUp, "proc(5)",
            "An identifier can be asked for the next object; when that is made it is forgotten") {
  EXPECT_THAT(a.Do(GetLimit{.limit = kind.next_id}),
              testing::AnyOf(Gives(-1), testing::Not(Succeeds())));
  AskForId(a, kind, 5 * 32768 + 9);
  EXPECT_THAT(a.Do(GetLimit{.limit = kind.next_id}), Gives(5 * 32768 + 9));
  a.Must(kind.Make(kPrivate));
  EXPECT_THAT(a.Do(GetLimit{.limit = kind.next_id}), Gives(-1));
  a.Must(kind.Make(kPrivate));
}

KIND_CLAUSE(FindingUsesNoNextIdentifier, "proc(5)",
            "Finding an object leaves the identifier that was asked for as it is") {
  const int64_t id = a.Must(kind.Make(kKey));
  AskForId(a, kind, 77);
  EXPECT_THAT(a.Do(kind.Make(kKey)), Gives(id));
  EXPECT_THAT(a.Do(GetLimit{.limit = kind.next_id}), Gives(77));
}

KIND_CLAUSE(NextIdentifierOfALivingObject, "proc(5)",
            "Where the identifier that is asked for is taken the new object has another") {
  const int64_t id = a.Must(kind.Make(kKey));
  AskForId(a, kind, id);
  EXPECT_NE(a.Must(kind.Make(kPrivate)), id);
  EXPECT_THAT(a.Do(kind.Find(kKey)), Gives(id));
}

KIND_CLAUSE(NextIdentifierIsNoNegativeNumber, "proc(5)",
            "Only numbers from 0 on can be asked for as an identifier: else EINVAL") {
  AskForId(a, kind, 3);
  EXPECT_THAT(a.Do(SetLimit{.limit = kind.next_id, .value = -2}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(SetLimit{.limit = kind.next_id, .value = int64_t{1} << 31}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(GetLimit{.limit = kind.next_id}), Gives(3));
}

}  // namespace
}  // namespace ipcspec
