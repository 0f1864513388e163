// Clauses of the limits of an IPC namespace (proc_sys_kernel(5), mq_overview(7)) and of the lists
// of its objects (proc_sysvipc(5)).
#include <climits>
#include <utility>

#include "conformance/sysv_ipc_kinds.h"

namespace ipcspec {
namespace {

struct Place {
  Limit limit;
  int64_t value;      // one that it can be set to
  int64_t too_large;  // one that it cannot; -1: there is none
};
constexpr Place kPlaces[] = {
    {Limit::kMsgmax, 1234, int64_t{1} << 31},
    {Limit::kMsgmnb, 4321, int64_t{1} << 31},
    {Limit::kMsgmni, 17, int64_t{1} << 25},
    {Limit::kShmmax, 1 << 20, -1},
    {Limit::kShmall, 1 << 12, -1},
    {Limit::kShmmni, 19, int64_t{1} << 25},
    {Limit::kShmRmidForced, 1, 2},
    {Limit::kMqQueuesMax, 23, -1},
    {Limit::kMqMsgMax, 29, 65537},
    {Limit::kMqMsgsizeMax, 1000, (16 << 20) + 1},
    {Limit::kMqMsgDefault, 7, 65537},
    {Limit::kMqMsgsizeDefault, 900, (16 << 20) + 1},
};

// Sets it; false where the file is not there or not to be written.
bool Sets(TaskHandle& task, Limit limit, int64_t value) {
  return task.Do(SetLimit{.limit = limit, .value = value}).ok();
}

// Ends the clause as unsupported unless one of the limits could be set.
void RequireSome(bool some) {
  if (!some) throw ClauseEnds{ClauseEnds::kUnsupported, "this run cannot set limits of its own"};
}

CLAUSE(SysvIpc, LimitsReadBack, "proc_sys_kernel(5)",
       "A limit reads as it was set last, and setting one changes no other") {
  bool some = false;
  for (const Place& place : kPlaces) {
    if (!Sets(a, place.limit, place.value)) continue;
    some = true;
    for (const Place& other : kPlaces) {
      const Outcome read = a.Do(GetLimit{.limit = other.limit});
      if (other.limit == place.limit) {
        EXPECT_THAT(read, Gives(place.value));
      }
    }
  }
  RequireSome(some);
}

CLAUSE(SysvIpc, LimitsOutOfRange, "proc_sys_kernel(5)",
       "A number that cannot be a limit is EINVAL, and the limit stays") {
  bool some = false;
  for (const Place& place : kPlaces) {
    if (place.too_large < 0 || !Sets(a, place.limit, place.value)) continue;
    some = true;
    EXPECT_THAT(a.Do(SetLimit{.limit = place.limit, .value = place.too_large}), FailsWith(EINVAL));
    EXPECT_THAT(a.Do(SetLimit{.limit = place.limit, .value = -1}), FailsWith(EINVAL));
    EXPECT_THAT(a.Do(GetLimit{.limit = place.limit}), Gives(place.value));
  }
  RequireSome(some);
}

CLAUSE(SysvIpc, OrdinaryUserSetsNoLimit, "proc_sys_kernel(5)",
       "Only a privileged process sets limits; everybody may read them") {
  RequiresOtherUsers();
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  for (const Place& place : kPlaces) {
    const Outcome before = a.Do(GetLimit{.limit = place.limit});
    EXPECT_FALSE(Sets(b, place.limit, place.value));
    const Outcome after = b.Do(GetLimit{.limit = place.limit});
    EXPECT_EQ(after.ret, before.ret);
  }
  EXPECT_FALSE(b.Do(SetSemLimits{.semmsl = 1, .semmns = 1, .semopm = 1, .semmni = 1}).ok());
}

CLAUSE(SysvIpc, NegativeNumbersOfBytes, "proc_sys_kernel(5)",
       "A negative number is no limit of bytes or pages: it is refused, or passed over") {
  RequireSome(Sets(a, Limit::kShmmax, 1 << 20) && Sets(a, Limit::kShmall, 1 << 12));
  for (const Limit limit : {Limit::kShmmax, Limit::kShmall}) {
    const Outcome before = a.Do(GetLimit{.limit = limit});
    (void)Sets(a, limit, -1);
    EXPECT_THAT(a.Do(GetLimit{.limit = limit}), Gives(before.ret));
  }
  EXPECT_THAT(a.Do(Shmget{.size = 1 << 20, .flags = 0600}), Succeeds());
}

CLAUSE(SysvIpc, NumberOfSetsOutOfRange, "proc_sys_kernel(5)",
       "SEMMNI cannot be negative, and a number that is refused leaves it as it was") {
  const SetSemLimits good{.semmsl = 10, .semmns = 100, .semopm = 10, .semmni = 3};
  RequireSome(a.Do(good).ok());
  for (const int64_t semmni : {int64_t{-1}, int64_t{1} << 25}) {
    SetSemLimits bad = good;
    bad.semmni = semmni;
    EXPECT_THAT(a.Do(bad), testing::AnyOf(FailsWith(ERANGE), FailsWith(EINVAL)));
    EXPECT_EQ(a.Do(SemLimits{}).values[3], 3);
  }
}

CLAUSE(SysvIpc, LimitsAreOfTheNamespace, "ipc_namespaces(7)",
       "A new namespace has limits of its own, as Linux has them at first") {
  RequireSome(Sets(a, Limit::kMsgmni, 17) | Sets(a, Limit::kShmmni, 19));
  TaskHandle b = ForkIntoNamespace(a);
  for (const Place& place : kPlaces) {
    const Outcome read = b.Do(GetLimit{.limit = place.limit});
    if (read.ok()) {
      EXPECT_EQ(read.ret, dialect().Get(place.limit));
    }
  }
  Sets(b, Limit::kShmmni, 5);
  EXPECT_THAT(a.Do(GetLimit{.limit = Limit::kShmmni}),
              testing::AnyOf(Gives(19), FailsWith(ENOENT)));
}

// Sets how many objects of the kind there can be.
bool SetsCount(TaskHandle& task, const Kind& kind, int64_t count) {
  if (kind.kind == IpcKind::kSem) {
    return task.Do(SetSemLimits{.semmsl = 10, .semmns = 100, .semopm = 10, .semmni = count}).ok();
  }
  return Sets(task, kind.kind == IpcKind::kMsg ? Limit::kMsgmni : Limit::kShmmni, count);
}

KIND_CLAUSE(LimitOfObjects, "proc_sys_kernel(5)",
            "When there are as many objects as the limit says no other can be made: ENOSPC") {
  RequireSome(SetsCount(a, kind, 2));
  const int64_t id = a.Must(kind.Make(kPrivate));
  a.Must(kind.Make(kKey));
  EXPECT_THAT(a.Do(kind.Make(kPrivate)), FailsWith(ENOSPC));
  EXPECT_THAT(a.Do(kind.Make(kKey)), Succeeds());  // finding needs no room
  a.Must(kind.Remove(id));
  EXPECT_THAT(a.Do(kind.Make(kPrivate)), Succeeds());
}

KIND_CLAUSE(LoweredLimitRemovesNothing, "proc_sys_kernel(5)",
            "A limit below what there is removes nothing, and lets nothing new come") {
  const int64_t id = a.Must(kind.Make(kPrivate));
  a.Must(kind.Make(kKey));
  RequireSome(SetsCount(a, kind, 1));
  EXPECT_THAT(a.Do(kind.Stat(id)), Succeeds());
  EXPECT_THAT(a.Do(kind.Find(kKey)), Succeeds());
  EXPECT_THAT(a.Do(kind.Make(kPrivate)), FailsWith(ENOSPC));
}

KIND_CLAUSE(LimitCountsOneNamespace, "ipc_namespaces(7)",
            "The objects of another namespace take no room in this one") {
  RequireSome(SetsCount(a, kind, 1));
  a.Must(kind.Make(kKey));
  TaskHandle b = ForkIntoNamespace(a);
  EXPECT_THAT(b.Do(kind.Make(kPrivate)), Succeeds());
  EXPECT_THAT(b.Do(kind.Make(kPrivate)), Succeeds());
  EXPECT_THAT(a.Do(kind.Make(kPrivate)), FailsWith(ENOSPC));
}

// The list, of a task that can read it.
Outcome List(TaskHandle& task, const Kind& kind) {
  Outcome list = task.Do(ListIpc{.kind = kind.kind});
  if (!list.ok()) throw ClauseEnds{ClauseEnds::kUnsupported, "there is no /proc/sysvipc here"};
  return list;
}

KIND_CLAUSE(
    ListShowsObjects, "proc_sysvipc(5)",
    "The list in /proc/sysvipc shows each object from when it is made until it is removed") {
  EXPECT_EQ(List(a, kind).ret, 0);
  const int64_t one = a.Must(kind.Make(kKey)), other = a.Must(kind.Make(kPrivate));
  const Outcome both = List(a, kind);
  ASSERT_EQ(both.values.size(), 2 * kind.columns());
  EXPECT_EQ(both.values[1], std::min(one, other));
  EXPECT_EQ(both.values[kind.columns() + 1], std::max(one, other));
  a.Must(kind.Remove(one));
  const Outcome rest = List(a, kind);
  ASSERT_EQ(rest.values.size(), kind.columns());
  EXPECT_EQ(rest.values[1], other);
}

KIND_CLAUSE(ListTellsWhatStatTells, "proc_sysvipc(5)",
            "Key, mode, owner and creator are the same in /proc/sysvipc and to IPC_STAT") {
  RequiresOtherUsers();
  TaskHandle b = ForkAs(a, 1000, 1001);
  const int64_t id = b.Must(kind.Make(-5, 0644));
  b.Must(kind.Set(id, 1001, 1002, 0624));
  const Outcome stat = b.Do(kind.Stat(id)), list = List(a, kind);
  ASSERT_EQ(list.values.size(), kind.columns());
  EXPECT_EQ(list.values[0], -5);
  EXPECT_EQ(list.values[1], id);
  EXPECT_EQ(list.values[2] & 0777, 0624);
  for (const PermField field : {kPermUid, kPermGid, kPermCuid, kPermCgid}) {
    EXPECT_EQ(list.values[kind.owners() + field - kPermUid], stat.values[field]) << field;
  }
}

KIND_CLAUSE(ListIsForEverybody, "proc_sysvipc(5)",
            "The list shows all objects, also to whom their modes give nothing") {
  RequiresOtherUsers();
  const int64_t id = a.Must(kind.Make(kPrivate, 0));
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(kind.Stat(id)), FailsWith(EACCES));
  const Outcome list = List(b, kind);
  ASSERT_EQ(list.values.size(), kind.columns());
  EXPECT_EQ(list.values[1], id);
}

KIND_CLAUSE(ListIsOfTheNamespace, "proc_sysvipc(5)",
            "The list is that of the IPC namespace of whoever opens it") {
  a.Must(kind.Make(kKey, 0600));
  a.Must(kind.Make(kPrivate, 0600));
  TaskHandle b = ForkIntoNamespace(a);
  const int64_t id = b.Must(kind.Make(kKey, 0640));
  const Outcome inner = List(b, kind);
  ASSERT_EQ(inner.values.size(), kind.columns());
  EXPECT_EQ(inner.values[1], id);
  EXPECT_EQ(inner.values[2] & 0777, 0640);
  EXPECT_EQ(List(a, kind).ret, 2);
}

}  // namespace
}  // namespace ipcspec
