// Clauses of System V message queues: how queues are made and found, identifiers, keys, limits:
// msgget(2), sysvipc(7), proc(5).
#include <set>
#include <string>
#include <vector>

#include "conformance/sysv_msg_clauses.h"

namespace ipcspec {
namespace {

constexpr int64_t kKey = 4743;
constexpr int64_t kOtherKey = 4744;

Msgget Make(int64_t key, int64_t flags = 0600) { return {.key = key, .flags = IPC_CREAT | flags}; }
Msgget Find(int64_t key, int64_t flags = 0600) { return {.key = key, .flags = flags}; }

CLAUSE(SysvMsg, PrivateKeyAlwaysMakes, "msgget(2)",
       "IPC_PRIVATE makes a new queue each time, even without IPC_CREAT") {
  const MsgId q = a.Must(Msgget{.flags = 0600});
  const MsgId r = a.Must(Msgget{.flags = IPC_CREAT | IPC_EXCL | 0600});
  EXPECT_NE(q.value, r.value);
  a.Must(Send(q, 1, "x"));
  EXPECT_THAT(a.Do(TryReceive(r)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, KeyFindsTheQueue, "msgget(2)",
       "Every msgget with the key finds the queue, with IPC_CREAT or without, in any process") {
  TaskHandle b = a.Fork();
  const MsgId q = a.Must(Make(kKey));
  EXPECT_GE(q.value, 0);
  EXPECT_THAT(a.Do(Make(kKey)), Gives(q.value));
  EXPECT_THAT(b.Do(Find(kKey)), Gives(q.value));
  EXPECT_THAT(b.Do(Find(kKey, IPC_EXCL | 0600)), Gives(q.value));
  EXPECT_THAT(b.Do(Find(kKey, 0)), Gives(q.value));
}

CLAUSE(SysvMsg, KeysAreApart, "msgget(2)", "Different keys stand for different queues") {
  const MsgId q = a.Must(Make(kKey)), r = a.Must(Make(kOtherKey));
  EXPECT_NE(q.value, r.value);
  a.Must(Send(r, 1, "r"));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, KeysOfOtherMechanisms, "sysvipc(7)",
       "A key of a queue says nothing of semaphore sets: each mechanism has its own keys") {
  a.Must(Semget{.key = kKey, .nsems = 1, .flags = IPC_CREAT | 0600});
  EXPECT_THAT(a.Do(Find(kKey)), FailsWith(ENOENT));
  a.Must(Make(kKey, IPC_EXCL | 0600));
}

CLAUSE(SysvMsg, ExclusiveCreation, "msgget(2)",
       "IPC_CREAT with IPC_EXCL fails with EEXIST when the key is taken") {
  const MsgId q = a.Must(Make(kKey, IPC_EXCL | 0600));
  EXPECT_THAT(a.Do(Make(kKey, IPC_EXCL | 0600)), FailsWith(EEXIST));
  EXPECT_THAT(a.Do(Make(kKey)), Gives(q.value));
}
PROVOKES(SysvMsg, ExclusiveCreation, "msgget.2", "msgget", "EEXIST",
         "IPC_CREAT|IPC_EXCL and key taken");

CLAUSE(SysvMsg, KeyOfNoQueue, "msgget(2)", "Without IPC_CREAT a key of no queue is ENOENT") {
  a.Must(Make(kOtherKey));
  EXPECT_THAT(a.Do(Find(kKey)), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Find(kKey, IPC_EXCL | 0600)), FailsWith(ENOENT));
}
PROVOKES(SysvMsg, KeyOfNoQueue, "msgget.2", "msgget", "ENOENT",
         "no queue for key and no IPC_CREAT");

CLAUSE(SysvMsg, ModeOfNewQueue, "msgget(2)",
       "The low nine bits of the flags are the mode of a new queue; the umask takes none away") {
  a.Must(Umask{.mask = 0077});
  const MsgId q = a.Must(Make(kKey, 0646));
  EXPECT_EQ(FieldOf(a, q, kMsgMode) & 0777, 0646);
}

CLAUSE(SysvMsg, FindingChangesNothing, "msgget(2)",
       "Finding a queue with another mode in the flags leaves its mode and messages as they were") {
  const MsgId q = a.Must(Make(kKey, 0666));
  a.Must(Send(q, 1, "x"));
  EXPECT_THAT(a.Do(Make(kKey, 0600)), Gives(q.value));
  EXPECT_EQ(FieldOf(a, q, kMsgMode) & 0777, 0666);
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "x"));
}

CLAUSE(SysvMsg, FindingAsksForPermission, "msgget(2)",
       "msgget of a queue whose mode denies the caller what the flags ask for is EACCES") {
  RequiresOtherUsers();
  const MsgId q = a.Must(Make(kKey, 0));
  TaskHandle owner = ForkAs(a, 1000, 1000), member = ForkAs(a, 1001, 1000),
             other = ForkAs(a, 1002, 1002);
  const Msgget find = Find(kKey, 0666);
  for (const int64_t mode : {0000, 0600, 0660, 0666}) {
    a.Must(Give(q, 1000, 1000, mode));
    EXPECT_THAT(owner.Do(find), mode >= 0600 ? Gives(q.value) : FailsWith(EACCES));
    EXPECT_THAT(member.Do(find), mode >= 0660 ? Gives(q.value) : FailsWith(EACCES));
    EXPECT_THAT(other.Do(find), mode >= 0666 ? Gives(q.value) : FailsWith(EACCES));
  }
}
PROVOKES(SysvMsg, FindingAsksForPermission, "msgget.2", "msgget", "EACCES",
         "queue for key exists, mode denies");

CLAUSE(SysvMsg, FindingForNothing, "msgget(2)",
       "With no permission bits in the flags msgget finds any queue, readable or not") {
  RequiresOtherUsers();
  const MsgId q = a.Must(Make(kKey, 0));
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(Find(kKey, 0)), Gives(q.value));
  EXPECT_THAT(b.Do(Send(q, 1, "x")), FailsWith(EACCES));
}

CLAUSE(SysvMsg, QueueOutlivesItsUsers, "sysvipc(7)",
       "A queue with its messages stays until it is removed, though all who used it end") {
  TaskHandle b = a.Fork();
  const MsgId q = b.Must(Make(kKey));
  b.Must(Send(q, 3, "will"));
  b.Begin(Exit{.status = 0});
  EXPECT_THAT(a.Do(Find(kKey)), Gives(q.value));
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(3, "will"));
}

CLAUSE(SysvMsg, QueueOutlivesExec, "execve(2)", "A queue and its identifier stay good over exec") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "x"));
  a.Must(Exec{});
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "x"));
}

CLAUSE(SysvMsg, LivingIdentifiersDiffer, "msgget(2)",
       "No two queues have one identifier, and each leads to its own queue") {
  std::vector<MsgId> ids;
  std::set<int64_t> seen;
  for (int64_t i = 0; i < 20; ++i) {
    ids.push_back(MakeQueue(a));
    EXPECT_GE(ids.back().value, 0);
    EXPECT_TRUE(seen.insert(ids.back().value).second) << ids.back().value;
    a.Must(Send(ids.back(), i + 1, ""));
  }
  for (int64_t i = 0; i < 20; ++i) {
    EXPECT_THAT(a.Do(TryReceive(ids[i])), GivesMessage(i + 1, ""));
  }
}

CLAUSE(SysvMsg, IdentifiersAreNotReusedAtOnce, "sysvipc(7)",
       "The identifier of a removed queue is not soon given to another") {
  std::set<int64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const MsgId q = MakeQueue(a);
    EXPECT_TRUE(seen.insert(q.value).second) << q.value;
    a.Must(MsgRemove{.id = q});
  }
}

CLAUSE(SysvMsg, RemovedIdentifierIsGone, "msgctl(2)",
       "A removed queue is gone for every call, even when another is made under its key") {
  const MsgId q = a.Must(Make(kKey));
  TaskHandle b = a.Fork();
  EXPECT_THAT(a.Do(MsgRemove{.id = q}), Gives(0));
  const MsgId r = a.Must(Make(kKey));
  EXPECT_THAT(b.Do(Send(q, 1, "x")), SaysQueueIsGone());
  EXPECT_THAT(b.Do(TryReceive(q)), SaysQueueIsGone());
  EXPECT_THAT(b.Do(MsgStat{.id = q}), SaysQueueIsGone());
  EXPECT_THAT(b.Do(MsgSet{.id = q, .mode = 0}), SaysQueueIsGone());
  EXPECT_THAT(b.Do(MsgRemove{.id = q}), SaysQueueIsGone());
  EXPECT_THAT(a.Do(TryReceive(r)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, KeyIsFreeAfterRemoval, "msgctl(2)",
       "IPC_RMID frees the key at once: it finds nothing, and a new, empty queue can take it") {
  const MsgId q = a.Must(Make(kKey));
  a.Must(Send(q, 1, "old"));
  a.Must(MsgRemove{.id = q});
  EXPECT_THAT(a.Do(Find(kKey)), FailsWith(ENOENT));
  const MsgId r = a.Must(Make(kKey, IPC_EXCL | 0600));
  EXPECT_NE(r.value, q.value);
  EXPECT_THAT(a.Do(TryReceive(r)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, LimitOfQueues, "proc(5)",
       "When there are MSGMNI queues no other can be made: ENOSPC") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  a.Must(SetLimit{.limit = Limit::kMsgmni, .value = 2});
  const MsgId q = a.Must(Make(kKey));
  a.Must(Make(kOtherKey));
  EXPECT_THAT(a.Do(Msgget{.flags = 0600}), FailsWith(ENOSPC));
  EXPECT_THAT(a.Do(Make(kKey)), Gives(q.value));  // finding needs no room
  a.Must(MsgRemove{.id = q});
  EXPECT_THAT(a.Do(Make(kKey)), testing::Field("error", &Outcome::error, 0));
}
PROVOKES(SysvMsg, LimitOfQueues, "msgget.2", "msgget", "ENOSPC", "MSGMNI reached");

CLAUSE(SysvMsg, LimitOfAMessage, "proc(5)", "A message has at most MSGMAX bytes, as it is set") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  const MsgId q = MakeQueue(a);
  a.Must(SetLimit{.limit = Limit::kMsgmax, .value = 3});
  EXPECT_THAT(a.Do(Send(q, 1, "1234")), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Send(q, 1, "123")), Gives(0));
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "123"));
}

CLAUSE(SysvMsg, LimitOfAMessageIsForSenders, "proc(5)",
       "A message that was sent before MSGMAX was lowered can still be received") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "1234"));
  a.Must(SetLimit{.limit = Limit::kMsgmax, .value = 3});
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "1234"));
}

CLAUSE(SysvMsg, LimitOfNewQueues, "proc(5)",
       "MSGMNB is msg_qbytes of queues made from then on; those that are there keep theirs") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  const MsgId q = MakeQueue(a);
  a.Must(SetLimit{.limit = Limit::kMsgmnb, .value = 5});
  const MsgId r = MakeQueue(a);
  EXPECT_EQ(FieldOf(a, q, kMsgQbytes), dialect().Get(Limit::kMsgmnb));
  EXPECT_EQ(FieldOf(a, r, kMsgQbytes), 5);
  EXPECT_THAT(a.Do(TrySend(q, 1, "123456")), Gives(0));
  EXPECT_THAT(a.Do(TrySend(r, 1, "123456")), FailsWith(EAGAIN));
}

CLAUSE(SysvMsg, LimitsShowAsSet, "proc(5)", "IPC_INFO gives the limits as they were set last") {
  Requires(MachineUnderTest().may_set_limits, "this run cannot set limits of its own");
  a.Must(SetLimit{.limit = Limit::kMsgmax, .value = 111});
  a.Must(SetLimit{.limit = Limit::kMsgmnb, .value = 222});
  a.Must(SetLimit{.limit = Limit::kMsgmni, .value = 33});
  EXPECT_THAT(a.Do(MsgLimits{}), GivesValues({111, 222, 33}));
}

EXCUSED("msgget.2", "msgget", "ENOMEM", "memory short",
        "taking the kernel's memory would harm whoever else runs on the machine");

}  // namespace
}  // namespace ipcspec
