// Clauses of IPC namespaces: ipc_namespaces(7), unshare(2), clone(2).
#include <fcntl.h>
#include <sched.h>
#include <sys/sem.h>

#include "conformance/sysv_ipc_kinds.h"

namespace ipcspec {
namespace {

KIND_CLAUSE(NamespaceHidesObjects, "ipc_namespaces(7)",
            "A new namespace is empty: neither keys nor identifiers lead to objects of another") {
  const int64_t id = a.Must(kind.Make(kKey, 0666));
  TaskHandle b = ForkIntoNamespace(a);
  EXPECT_THAT(b.Do(kind.Find(kKey)), FailsWith(ENOENT));
  for (const Call& call : kind.All(id)) EXPECT_THAT(b.Do(call), FailsWith(EINVAL)) << ToText(call);
  EXPECT_THAT(b.Do(ListIpc{.kind = kind.kind}), testing::AnyOf(Gives(0), FailsWith(ENOENT)));
  EXPECT_THAT(a.Do(kind.Find(kKey)), Gives(id));
}

KIND_CLAUSE(ObjectsOfNewNamespaceAreItsOwn, "ipc_namespaces(7)",
            "What is made in a namespace is not to be found outside") {
  TaskHandle b = ForkIntoNamespace(a);
  b.Must(kind.Make(kKey));
  EXPECT_THAT(b.Do(kind.Find(kKey)), Succeeds());
  EXPECT_THAT(a.Do(kind.Find(kKey)), FailsWith(ENOENT));
}

KIND_CLAUSE(OneKeyInTwoNamespaces, "ipc_namespaces(7)",
            "One key in two namespaces stands for two objects that know nothing of each other") {
  const int64_t outer = a.Must(kind.Make(kKey, 0600));
  TaskHandle b = ForkIntoNamespace(a);
  const int64_t inner = b.Must(kind.Get(kKey, IPC_CREAT | IPC_EXCL | 0640));
  EXPECT_EQ(PermOf(a, kind, outer, kPermMode) & 0777, 0600);
  EXPECT_EQ(PermOf(b, kind, inner, kPermMode) & 0777, 0640);
  EXPECT_THAT(b.Do(kind.Remove(inner)), Gives(0));
  EXPECT_THAT(a.Do(kind.Find(kKey)), Gives(outer));
  EXPECT_THAT(a.Do(kind.Alter(outer)), Succeeds());
}

KIND_CLAUSE(ChildInheritsNamespace, "ipc_namespaces(7)",
            "A child is in the namespace of its parent, and stays there when the parent leaves") {
  TaskHandle b = ForkIntoNamespace(a);
  const int64_t id = b.Must(kind.Make(kKey));
  TaskHandle c = b.Fork();
  EXPECT_THAT(c.Do(kind.Find(kKey)), Gives(id));
  b.Must(UnshareIpc{});
  EXPECT_THAT(b.Do(kind.Find(kKey)), FailsWith(ENOENT));
  EXPECT_THAT(c.Do(kind.Find(kKey)), Gives(id));
}

KIND_CLAUSE(ExecKeepsNamespace, "ipc_namespaces(7)", "execve leaves a task in its namespace") {
  a.Must(kind.Make(kKey));
  TaskHandle b = ForkIntoNamespace(a);
  const int64_t id = b.Must(kind.Make(kKey, 0640));
  b.Must(Exec{});
  EXPECT_THAT(b.Do(kind.Find(kKey)), Gives(id));
  EXPECT_EQ(PermOf(b, kind, id, kPermMode) & 0777, 0640);
}

KIND_CLAUSE(NamespaceOutlivesItsMaker, "ipc_namespaces(7)",
            "A namespace with its objects stays as long as a task is in it") {
  TaskHandle b = ForkIntoNamespace(a);
  const int64_t id = b.Must(kind.Make(kKey));
  TaskHandle c = b.Fork();
  b.Begin(Exit{});
  EXPECT_THAT(c.Do(kind.Find(kKey)), Gives(id));
}

KIND_CLAUSE(CloneIntoNamespace, "clone(2)",
            "With CLONE_NEWIPC the child is in a new namespace, the parent stays where it is") {
  const int64_t id = a.Must(kind.Make(kKey));
  const Outcome child = a.Do(Clone{.flags = CLONE_NEWIPC});
  Requires(child.ok(), "this run cannot make an IPC namespace");
  TaskHandle b(session_.get(), static_cast<int>(child.ret));
  EXPECT_THAT(b.Do(kind.Find(kKey)), FailsWith(ENOENT));
  b.Must(kind.Make(kKey));
  EXPECT_THAT(a.Do(kind.Find(kKey)), Gives(id));
}

KIND_CLAUSE(PrivilegeInNewNamespace, "ipc_namespaces(7)",
            "Owners and modes mean the same in every namespace") {
  RequiresOtherUsers();
  TaskHandle b = ForkIntoNamespace(a);
  const int64_t id = b.Must(kind.Make(kKey, 0640));
  TaskHandle c = ForkAs(b, 1000, 1000);
  EXPECT_THAT(c.Do(kind.Stat(id)), FailsWith(EACCES));
  EXPECT_THAT(c.Do(kind.Remove(id)), FailsWith(EPERM));
}

CLAUSE(SysvIpc, NamespaceNeedsPrivilege, "unshare(2)",
       "To make an IPC namespace takes CAP_SYS_ADMIN: else unshare and clone give EPERM") {
  RequiresOtherUsers();
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(UnshareIpc{}), FailsWith(EPERM));
  EXPECT_THAT(b.Do(Clone{.flags = CLONE_NEWIPC}), FailsWith(EPERM));
  TaskHandle c = a.Fork();
  Requires(c.Do(DropCapability{.capability = Capability::kSysAdmin}).ok(),
           "this run cannot give up a capability");
  EXPECT_THAT(c.Do(UnshareIpc{}), FailsWith(EPERM));
}

CLAUSE(SysvIpc, NewNamespaceSharesNoAdjustments, "clone(2)",
       "CLONE_NEWIPC together with CLONE_SYSVSEM is EINVAL") {
  Requires(dialect().cap_sys_admin, "user 0 lacks CAP_SYS_ADMIN here");
  EXPECT_THAT(a.Do(Clone{.flags = CLONE_NEWIPC | CLONE_SYSVSEM}), FailsWith(EINVAL));
}

CLAUSE(SysvIpc, LeavingAppliesAdjustments, "unshare(2)",
       "Who leaves for a new namespace has its semaphore adjustments applied at once") {
  const SemId s = a.MakeSemSet({5, 0});
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(Semop{.id = s, .ops = {{0, -3, SEM_UNDO}, {1, 2, SEM_UNDO}}});
  const Pending waits = c.Begin(Semop{.id = s, .ops = {{0, -5}}});
  EXPECT_THAT(waits, IsAsleep());
  Requires(b.Do(UnshareIpc{}).ok(), "this run cannot make an IPC namespace");
  EXPECT_THAT(waits.Finish(), Gives(0));
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 0}));
  b.Begin(Exit{});
  EXPECT_THAT(a.Do(SemGetAll{.id = s}), GivesValues({0, 0}));
}

CLAUSE(SysvIpc, LeavingASharedListAppliesNothing, "unshare(2)",
       "A list of adjustments that another task still shares is not applied when one leaves") {
  const SemId s = a.MakeSemSet({5});
  TaskHandle b = a.Fork();
  TaskHandle c = b.Clone(CLONE_SYSVSEM);
  b.Must(Semop{.id = s, .ops = {{0, -3, SEM_UNDO}}});
  Requires(b.Do(UnshareIpc{}).ok(), "this run cannot make an IPC namespace");
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
  b.Begin(Exit{});
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(2));
  c.Begin(Exit{});
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(5));
}

CLAUSE(SysvIpc, AdjustmentsOfNewNamespace, "unshare(2)",
       "What is done with SEM_UNDO in the new namespace is undone there at the end") {
  TaskHandle b = ForkIntoNamespace(a);
  const SemId s = b.MakeSemSet({4});
  TaskHandle c = b.Fork();
  b.Must(Semop{.id = s, .ops = {{0, -1, SEM_UNDO}}});
  EXPECT_THAT(c.Do(SemGetVal{.id = s, .num = 0}), Gives(3));
  b.Begin(Exit{});
  EXPECT_THAT(c.Do(SemGetVal{.id = s, .num = 0}), Gives(4));
}

CLAUSE(SysvIpc, SleepersAreOfTheirNamespace, "ipc_namespaces(7)",
       "Nothing that happens in one namespace wakes who sleeps in another") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  const Pending take = b.Begin(Semop{.id = s, .ops = {{0, -1}}});
  TaskHandle c = ForkIntoNamespace(a);
  const SemId t = c.MakeSemSet({0});
  c.Must(Semop{.id = t, .ops = {{0, 1}}});
  c.Must(SemRemove{.id = t});
  EXPECT_THAT(take, IsAsleep());
  a.Must(Semop{.id = s, .ops = {{0, 1}}});
  EXPECT_THAT(take.Finish(), Gives(0));
}

CLAUSE(SysvIpc, SleepersAreCountedInTheirNamespace, "ipc_namespaces(7)",
       "GETNCNT counts no sleeper of another namespace, whatever the identifier") {
  TaskHandle b = ForkIntoNamespace(a), c = ForkIntoNamespace(a);
  const SemId s = b.MakeSemSet({0}), t = c.MakeSemSet({0});  // likely the same number
  TaskHandle d = b.Fork();
  EXPECT_THAT(d.Begin(Semop{.id = s, .ops = {{0, -1}}}), IsAsleep());
  EXPECT_THAT(b.Do(SemGetNcnt{.id = s, .num = 0}), Gives(1));
  EXPECT_THAT(c.Do(SemGetNcnt{.id = t, .num = 0}), Gives(0));
}

CLAUSE(SysvIpc, PipesPassNamespaces, "ipc_namespaces(7)",
       "Pipes and FIFOs are not of an IPC namespace: they lead from one to another") {
  const PipeEnds p = a.Pipe();
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = ForkIntoNamespace(a);
  EXPECT_THAT(b.Do(Write{.fd = p.write, .data = "over"}), Gives(4));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), Gives(4, "over"));
  const Fd fd = a.Must(Open{.path = "f", .flags = O_RDWR});
  const Fd other = b.Must(Open{.path = "f", .flags = O_RDWR});
  EXPECT_THAT(b.Do(Write{.fd = other, .data = "fifo"}), Gives(4));
  EXPECT_THAT(a.Do(Read{.fd = fd, .count = 9}), Gives(4, "fifo"));
}

CLAUSE(SysvIpc, SharedMemoryObjectsPassNamespaces, "ipc_namespaces(7)",
       "Objects of POSIX shared memory are files: they are the same in every IPC namespace") {
  const std::string& missing = MachineUnderTest().no_posix_shm;
  Requires(missing.empty(), missing);
  const Fd fd = a.Must(ShmOpen{.name = "/m", .flags = O_RDWR | O_CREAT});
  a.Must(Ftruncate{.fd = fd, .length = 100});
  TaskHandle b = ForkIntoNamespace(a);
  const Fd other = b.Must(ShmOpen{.name = "/m", .flags = O_RDWR});
  EXPECT_THAT(b.Do(FileSize{.fd = other}), Gives(100));
  EXPECT_THAT(b.Do(ShmUnlink{.name = "/m"}), Gives(0));
  EXPECT_THAT(a.Do(ShmOpen{.name = "/m", .flags = O_RDWR}), FailsWith(ENOENT));
}

CLAUSE(SysvIpc, QueueNamesAreOfTheirNamespace, "ipc_namespaces(7)",
       "A name of a POSIX message queue leads to one queue in each IPC namespace") {
  const std::string& missing = MachineUnderTest().no_posix_mq;
  Requires(missing.empty(), missing);
  const MqOpen make{.name = "/q", .flags = O_RDWR | O_CREAT | O_EXCL, .maxmsg = 2, .msgsize = 8};
  const Fd outer = a.Must(make);
  TaskHandle b = ForkIntoNamespace(a);
  EXPECT_THAT(b.Do(MqOpen{.name = "/q", .flags = O_RDWR}), FailsWith(ENOENT));
  const Fd inner = b.Must(make);
  a.Must(MqSend{.fd = outer, .data = "outer"});
  b.Must(MqSend{.fd = inner, .data = "inner"});
  EXPECT_THAT(a.Do(MqReceive{.fd = outer, .size = 8}), Gives(5, "outer"));
  EXPECT_THAT(b.Do(MqReceive{.fd = inner, .size = 8}), Gives(5, "inner"));
  EXPECT_THAT(b.Do(MqUnlink{.name = "/q"}), Gives(0));
  EXPECT_THAT(a.Do(MqOpen{.name = "/q", .flags = O_RDWR}), Succeeds());
}

CLAUSE(SysvIpc, QueueDescriptorsPassNamespaces, "ipc_namespaces(7)",
       "A queue that is open stays so, for a task that goes to another IPC namespace too") {
  const std::string& missing = MachineUnderTest().no_posix_mq;
  Requires(missing.empty(), missing);
  TaskHandle b = ForkIntoNamespace(a);
  const Fd q = b.Must(MqOpen{.name = "/q", .flags = O_RDWR | O_CREAT, .maxmsg = 2, .msgsize = 8});
  b.Must(UnshareIpc{});  // nobody is left where the queue has its name
  EXPECT_THAT(b.Do(MqSend{.fd = q, .data = "still"}), Gives(0));
  TaskHandle c = b.Fork();
  EXPECT_THAT(c.Do(MqReceive{.fd = q, .size = 8}), Gives(5, "still"));
  EXPECT_THAT(c.Do(MqOpen{.name = "/q", .flags = O_RDWR}), FailsWith(ENOENT));
}

KIND_CLAUSE(WholeNamespaceGoes, "ipc_namespaces(7)",
            "When the last task of a namespace ends, its objects are gone: a new one is empty") {
  TaskHandle b = ForkIntoNamespace(a);
  b.Must(kind.Make(kKey));
  b.Begin(Exit{});
  TaskHandle c = ForkIntoNamespace(a);
  EXPECT_THAT(c.Do(kind.Find(kKey)), FailsWith(ENOENT));
}

CLAUSE(
    SysvIpc, AttachedSegmentPassesNamespaces, "unshare(2)",
    "A segment stays attached when a task leaves for a new namespace, though it cannot be found") {
  const ShmId s = a.Must(Shmget{.key = kKey, .size = 4096, .flags = IPC_CREAT | 0600});
  TaskHandle b = a.Fork();
  const Address there = b.Must(Shmat{.id = s}), here = a.Must(Shmat{.id = s});
  Requires(b.Do(UnshareIpc{}).ok(), "this run cannot make an IPC namespace");
  EXPECT_THAT(b.Do(Shmget{.key = kKey, .size = 0}), FailsWith(ENOENT));
  b.Must(Store{.address = there, .data = "seen"});
  EXPECT_THAT(a.Do(Load{.address = here, .size = 4}), Gives(0, "seen"));
  EXPECT_THAT(b.Do(Shmdt{.address = there}), Gives(0));
  EXPECT_EQ(a.Do(ShmStat{.id = s}).values.at(7), 1);
}

}  // namespace
}  // namespace ipcspec
