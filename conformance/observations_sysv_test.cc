// Observations of System V semaphores, message queues and shared memory.
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <string>
#include <vector>

#include "conformance/observe.h"
#include "conformance/sysv_ipc_kinds.h"
#include "impl/call/cat.h"

namespace ipcspec {
namespace {

// ---- Identifiers, in a namespace where there never was one.

std::string FirstIds(TaskHandle& a, const Kind& kind) {
  TaskHandle b = ForkIntoNamespace(a);
  std::vector<int64_t> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(b.Must(kind.Make(kPrivate)));
  return ToldAll(ids);
}
OBSERVATION(SysvSem, FirstIdentifiers, "semget(2)", "the first three of a namespace") {
  return FirstIds(a, Kinds()[0]);
}
OBSERVATION(SysvMsg, FirstIdentifiers, "msgget(2)", "the first three of a namespace") {
  return FirstIds(a, Kinds()[1]);
}
OBSERVATION(SysvShm, FirstIdentifiers, "shmget(2)", "the first three of a namespace") {
  return FirstIds(a, Kinds()[2]);
}

OBSERVATION(SysvSem, IdentifierAfterRemoval, "semget(2)", "the next after one was removed") {
  TaskHandle b = ForkIntoNamespace(a);
  const SemId first = b.MakeSemSet({0});
  b.MakeSemSet({0});
  b.Must(SemRemove{.id = first});
  return ToldAll({b.MakeSemSet({0}).value, b.MakeSemSet({0}).value});
}

OBSERVATION(SysvSem, IdentifiersInTurn, "semget(2)", "the 66th, each removed before the next") {
  TaskHandle b = ForkIntoNamespace(a);
  int64_t id = -1;
  for (int i = 0; i < 66; ++i) {
    id = b.Must(Semget{.nsems = 1, .flags = 0600});
    b.Must(SemRemove{.id = id});
  }
  return ToldAll({id});
}

// Which of EINVAL and EIDRM each call gives of an identifier that was removed.
std::string RemovedErrors(TaskHandle& a, const Kind& kind) {
  const int64_t id = a.Must(kind.Make(kPrivate));
  a.Must(kind.Remove(id));
  std::string text;
  for (const Call& call : kind.All(id)) Append(&text, text.empty() ? "" : " ", Told(a.Do(call)));
  return text;
}
OBSERVATION(SysvSem, ErrorOfRemoved, "semctl(2)", "EINVAL or EIDRM of a removed set, by call") {
  return RemovedErrors(a, Kinds()[0]);
}
OBSERVATION(SysvMsg, ErrorOfRemoved, "msgctl(2)", "EINVAL or EIDRM of a removed queue, by call") {
  return RemovedErrors(a, Kinds()[1]);
}
OBSERVATION(SysvShm, ErrorOfRemoved, "shmctl(2)", "EINVAL or EIDRM of a removed segment, by call") {
  return RemovedErrors(a, Kinds()[2]);
}

// ---- Semaphores

Semop Change(SemId id, int64_t by) { return {.id = id, .ops = {{0, by}}}; }

OBSERVATION(SysvSem, OrderOfTakers, "semop(2)", "which of three sleepers each unit goes to") {
  const SemId s = a.MakeSemSet({0});
  return WakeOrder(a, Change(s, -1), 3, [&] { a.Must(Change(s, 1)); });
}

OBSERVATION(SysvSem, SmallOvertakesLarge, "semop(2)",
            "who gets two units at once: who came first for two (1), or later for one (2)") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending two = b.Begin(Change(s, -2));
  c.Begin(Change(s, -1));
  a.Must(Change(s, 2));
  return two.asleep() ? "2" : "1";
}

OBSERVATION(SysvSem, OrderOfWaitersForZero, "semop(2)",
            "which of two goes on at zero, when each ends it for the other") {
  const SemId s = a.MakeSemSet({1});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending zero = b.Begin(Semop{.id = s, .ops = {{0, 0}, {0, 1}}});
  const Pending take = c.Begin(Semop{.id = s, .ops = {{0, 0}, {0, 2}}});
  a.Must(Change(s, -1));
  return zero.asleep() ? "2" : take.asleep() ? "1" : "both";
}

OBSERVATION(SysvSem, TimeOfLastSemopAtFirst, "semctl(2)", "sem_otime of a set that nobody used") {
  return ToldValue(a.Do(SemStat{.id = a.MakeSemSet({0})}), 7);
}

OBSERVATION(SysvSem, ModeShown, "semctl(2)",
            "the mode that IPC_STAT shows of a set made with 0777") {
  return ToldMode(a.Do(SemStat{.id = a.MakeSemSet({0}, 0777)}), 5);
}

OBSERVATION(SysvSem, PidOfWaitForZero, "semctl(2)", "whether an operation of 0 sets sempid") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  b.Must(Change(s, 0));
  return a.Do(SemGetPid{.id = s, .num = 0}).ret == b.task() ? "yes" : "no";
}

OBSERVATION(SysvSem, TooManyOnNoSet, "semop(2)", "E2BIG or EINVAL, where both apply") {
  return Told(a.Do(Semop{.id = -1, .ops = std::vector<Sembuf>(dialect().semopm + 1)}));
}

OBSERVATION(SysvSem, BadArrayOfNoSet, "semop(2)", "EFAULT or EINVAL, where both apply") {
  return Told(a.Do(Semop{.id = -1, .ops = {{0, 1}}, .memory = Memory::kBad}));
}

OBSERVATION(SysvSem, NoSuchSemaphoreNorPermission, "semop(2)",
            "EFBIG or EACCES, where both apply") {
  RequiresOtherUsers();
  const SemId s = a.MakeSemSet({0}, 0600);
  TaskHandle b = ForkAs(a, 1000, 1000);
  return Told(b.Do(Semop{.id = s, .ops = {{7, 1}}}));
}

OBSERVATION(SysvSem, BadValueWithoutPermission, "semctl(2)", "ERANGE or EACCES, where both apply") {
  RequiresOtherUsers();
  const SemId s = a.MakeSemSet({0}, 0600);
  TaskHandle b = ForkAs(a, 1000, 1000);
  return Told(b.Do(SemSetVal{.id = s, .num = 0, .value = -1}));
}

OBSERVATION(SysvSem, TakenKeyOfSmallSet, "semget(2)", "EEXIST or EINVAL, where both apply") {
  a.Must(Semget{.key = 77, .nsems = 1, .flags = IPC_CREAT | 0600});
  return Told(a.Do(Semget{.key = 77, .nsems = 2, .flags = IPC_CREAT | IPC_EXCL | 0600}));
}

OBSERVATION(SysvSem, LargestAdjustment, "semop(2)",
            "30000 more with SEM_UNDO, when 30000 are to be undone already") {
  const SemId s = a.MakeSemSet({0});
  const Semop up{.id = s, .ops = {{0, 30000, SEM_UNDO}}};
  const Semop down{.id = s, .ops = {{0, -30000}}};
  a.Must(up);
  a.Must(down);
  return Told(a.Do(up));
}

// ---- Message queues

MsgId MakeQueue(TaskHandle& a, int64_t qbytes) {
  const MsgId q = a.Must(Msgget{.flags = 0600});
  a.Must(MsgSet{.id = q, .mode = 0600, .qbytes = qbytes});
  return q;
}

OBSERVATION(SysvMsg, DefaultBytes, "msgctl(2)", "msg_qbytes of a new queue") {
  return ToldValue(a.Do(MsgStat{.id = a.Must(Msgget{.flags = 0600})}), 8);
}

OBSERVATION(SysvMsg, OrderOfReceivers, "msgop(2)", "which of three sleepers each message goes to") {
  const MsgId q = a.Must(Msgget{.flags = 0600});
  return WakeOrder(a, Msgrcv{.id = q}, 3, [&] { a.Must(Msgsnd{.id = q, .data = "x"}); });
}

OBSERVATION(SysvMsg, OrderOfSenders, "msgop(2)", "which of three sleeping senders goes on first") {
  const MsgId q = MakeQueue(a, 4);
  a.Must(Msgsnd{.id = q, .data = "1234"});
  return WakeOrder(a, Msgsnd{.id = q, .data = "5678"}, 3, [&] { a.Must(Msgrcv{.id = q}); });
}

OBSERVATION(SysvMsg, SmallOvertakesLarge, "msgop(2)",
            "whether a message that fits goes past a sleeping sender whose message does not") {
  const MsgId q = MakeQueue(a, 4);
  a.Must(Msgsnd{.id = q, .data = "12"});
  TaskHandle b = a.Fork();
  b.Begin(Msgsnd{.id = q, .data = "345"});
  return a.Do(Msgsnd{.id = q, .data = "6", .flags = IPC_NOWAIT}).ok() ? "yes" : "no";
}

OBSERVATION(SysvMsg, EmptyMessages, "msgop(2)", "how many messages without text 10 bytes hold") {
  return UntilItFails(a, Msgsnd{.id = MakeQueue(a, 10), .data = "", .flags = IPC_NOWAIT});
}

OBSERVATION(SysvMsg, TooLongOrNone, "msgop(2)",
            "of a queue whose only message is of another type, with no room for it") {
  const MsgId q = a.Must(Msgget{.flags = 0600});
  a.Must(Msgsnd{.id = q, .type = 1, .data = "abc"});
  return Told(a.Do(Msgrcv{.id = q, .size = 1, .type = 2, .flags = IPC_NOWAIT}));
}

OBSERVATION(SysvMsg, PidAfterCopy, "msgop(2)", "whether MSG_COPY sets msg_lrpid") {
  const MsgId q = a.Must(Msgget{.flags = 0600});
  a.Must(Msgsnd{.id = q, .data = "abc"});
  const Outcome copy = a.Do(Msgrcv{.id = q, .type = 0, .flags = MSG_COPY | IPC_NOWAIT});
  if (!copy.ok()) return Told(copy);
  return a.Do(MsgStat{.id = q}).values.at(10) == a.task() ? "yes" : "no";
}

OBSERVATION(SysvMsg, BadBufferOfNoQueue, "msgop(2)", "EFAULT or EINVAL, where both apply") {
  return Told(a.Do(Msgsnd{.id = -1, .data = "x", .memory = Memory::kBad}));
}

OBSERVATION(SysvMsg, FullWithoutPermission, "msgop(2)", "EAGAIN or EACCES, where both apply") {
  RequiresOtherUsers();
  const MsgId q = MakeQueue(a, 1);
  a.Must(Msgsnd{.id = q, .data = "x"});
  TaskHandle b = ForkAs(a, 1000, 1000);
  return Told(b.Do(Msgsnd{.id = q, .data = "y", .flags = IPC_NOWAIT}));
}

OBSERVATION(SysvMsg, SleeperWhosePermissionWent, "msgop(2)",
            "a sleeping receiver when the mode is changed so that it may not receive") {
  RequiresOtherUsers();
  const MsgId q = a.Must(Msgget{.flags = 0666});
  TaskHandle b = ForkAs(a, 1000, 1000);
  const Pending receive = b.Begin(Msgrcv{.id = q});
  a.Must(MsgSet{.id = q, .mode = 0600, .qbytes = 1000});
  return receive.asleep() ? "sleeps on" : Told(receive.Finish());
}

// ---- Shared memory

OBSERVATION(SysvShm, PlaceOfSecondAttach, "shmop(2)",
            "how far above the first the kernel puts it") {
  const ShmId s = a.Must(Shmget{.size = 8192, .flags = 0600});
  const int64_t first = a.Must(Shmat{.id = s}), second = a.Must(Shmat{.id = s});
  return ToldAll({second - first});
}

OBSERVATION(SysvShm, SizeShown, "shmctl(2)", "shm_segsz of a segment made with 1 byte") {
  return ToldValue(a.Do(ShmStat{.id = a.Must(Shmget{.size = 1, .flags = 0600})}), 6);
}

OBSERVATION(SysvShm, ModeAfterRemoval, "shmctl(2)",
            "mode and key of an attached segment, removed") {
  const ShmId s = a.Must(Shmget{.key = 77, .size = 1, .flags = IPC_CREAT | 0600});
  a.Must(Shmat{.id = s});
  a.Must(ShmRemove{.id = s});
  const Outcome stat = a.Do(ShmStat{.id = s});
  return Cat(ToldMode(stat, 5), " ", ToldValue(stat, 0));
}

OBSERVATION(SysvShm, LastTaskAfterFork, "shmctl(2)", "whose number shm_lpid is after a fork") {
  const ShmId s = a.Must(Shmget{.size = 1, .flags = 0600});
  a.Must(Shmat{.id = s});
  TaskHandle b = a.Fork();
  const int64_t last = a.Do(ShmStat{.id = s}).values.at(9);
  return last == a.task() ? "the parent's" : last == b.task() ? "the child's" : "another";
}

OBSERVATION(SysvShm, LastTaskAfterExit, "shmctl(2)",
            "whose number shm_lpid is when a child ended") {
  const ShmId s = a.Must(Shmget{.size = 1, .flags = 0600});
  a.Must(Shmat{.id = s});
  TaskHandle b = a.Fork();
  b.Begin(Exit{});
  const int64_t last = a.Do(ShmStat{.id = s}).values.at(9);
  return last == a.task() ? "the parent's" : last == b.task() ? "the child's" : "another";
}

OBSERVATION(SysvShm, AttachesAfterHole, "shmctl(2)",
            "shm_nattch when the middle of three pages was unmapped") {
  const ShmId s = a.Must(Shmget{.size = 3 * 4096, .flags = 0600});
  const Address at = a.Must(Shmat{.id = s});
  a.Must(Munmap{.address = at, .length = 4096, .offset = 4096});
  return ToldValue(a.Do(ShmStat{.id = s}), 7);
}

OBSERVATION(SysvShm, TakenKeyOfSmallSegment, "shmget(2)", "EEXIST or EINVAL, where both apply") {
  a.Must(Shmget{.key = 77, .size = 1, .flags = IPC_CREAT | 0600});
  return Told(a.Do(Shmget{.key = 77, .size = 9999, .flags = IPC_CREAT | IPC_EXCL | 0600}));
}

OBSERVATION(SysvShm, UnalignedWithoutPermission, "shmop(2)", "EINVAL or EACCES, where both apply") {
  RequiresOtherUsers();
  const ShmId s = a.Must(Shmget{.size = 1, .flags = 0600});
  TaskHandle b = ForkAs(a, 1000, 1000);
  return Told(b.Do(Shmat{.id = s, .address = kFirstAddress + 1}));
}

// ---- All of them

OBSERVATION(SysvIpc, NextIdentifier, "proc(5)",
            "whether the identifier asked for is the one given") {
  if (!a.Do(SetLimit{.limit = Limit::kSemNextId, .value = 9 * 32768 + 40}).ok()) return "none";
  return a.MakeSemSet({0}).value == 9 * 32768 + 40 ? "yes" : "no";
}

OBSERVATION(SysvIpc, NextIdentifierThatIsTaken, "proc(5)", "how far from it the one given is") {
  const SemId s = a.MakeSemSet({0});
  if (!a.Do(SetLimit{.limit = Limit::kSemNextId, .value = s.value}).ok()) return "none";
  return ToldAll({a.MakeSemSet({0}).value - s.value});
}

OBSERVATION(SysvIpc, NextIdentifierAfterFailure, "proc(5)",
            "what is left of the identifier asked for when semget has failed") {
  if (!a.Do(SetLimit{.limit = Limit::kSemNextId, .value = 41}).ok()) return "none";
  a.Do(Semget{.nsems = -1, .flags = 0600});
  return Told(a.Do(GetLimit{.limit = Limit::kSemNextId}));
}

OBSERVATION(SysvIpc, DefaultLimits, "proc_sys_kernel(5)",
            "msgmax, msgmnb, msgmni, shmmni, shm_rmid_forced of a new namespace") {
  TaskHandle b = ForkIntoNamespace(a);
  std::string text;
  for (const Limit limit :
       {Limit::kMsgmax, Limit::kMsgmnb, Limit::kMsgmni, Limit::kShmmni, Limit::kShmRmidForced}) {
    Append(&text, text.empty() ? "" : " ", Told(b.Do(GetLimit{.limit = limit})));
  }
  return text;
}

OBSERVATION(SysvIpc, CloneOfBothByOrdinaryUser, "clone(2)", "EPERM or EINVAL, where both apply") {
  RequiresOtherUsers();
  TaskHandle b = ForkAs(a, 1000, 1000);
  return Told(b.Do(Clone{.flags = CLONE_NEWIPC | CLONE_SYSVSEM}));
}

OBSERVATION(SysvIpc, FtokOfTwoNumbers, "ftok(3)", "how far apart the keys of numbers 1 and 2 are") {
  a.Must(Mkfifo{.path = "f"});
  return ToldAll({a.Must(Ftok{.path = "f", .id = 2}) - a.Must(Ftok{.path = "f", .id = 1})});
}

}  // namespace
}  // namespace ipcspec
